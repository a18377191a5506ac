"""A table of any length: only the rows in view are drawn, and columns leave by priority when it gets narrow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from rich.cells import set_cell_size
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from tui.widgets.columns import GAP, Column, clean, fitting, natural_widths, placed
from tui.widgets.line_view import LineView

T = TypeVar("T")


class RowTable(LineView, Generic[T]):
    """Rows of any type, with a cursor, sorting by a click on a header, and a message for what is highlighted."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rowtable--header", "rowtable--even", "rowtable--odd", "rowtable--hover", "rowtable--cursor",
        "rowtable--blurred", "rowtable--empty",
    }  # fmt: skip
    DEFAULT_CSS = """
    RowTable {
        & > .rowtable--header { text-style: bold; color: $text-primary; }
        & > .rowtable--odd { background: $foreground 4%; }
        & > .rowtable--hover { background: $block-hover-background; }
        & > .rowtable--cursor {
            background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold;
        }
        & > .rowtable--blurred { background: $block-cursor-blurred-background; text-style: bold; }
        & > .rowtable--empty { color: $text-muted; text-style: italic; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="table.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="table.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="table.pageup"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="table.pagedown"),
        Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False, id="table.halfup"),
        Binding("ctrl+d", "page(0.5)", "Half a page down", show=False, id="table.halfdown"),
        Binding("home,g", "edge(-1)", "First", show=False, id="table.first"),
        Binding("end,G", "edge(1)", "Last", show=False, id="table.last"),
        Binding("o", "next_sort", "Sort by the next column", show=False, id="table.sort"),
        Binding("O", "reverse", "Reverse the order", show=False, id="table.reverse"),
        Binding("enter", "select", "Open", id="table.open"),
    ]
    cursor: reactive[int] = reactive(0)
    hover: reactive[int] = reactive(-1)
    empty: reactive[str] = reactive("")
    """What to say where there are no rows."""

    @dataclass
    class Highlighted(Message):
        """The cursor came to rest on a row, or the table became empty."""

        table: RowTable[Any]
        row: Any

        @property
        def control(self) -> RowTable[Any]:
            """The table, for selectors."""
            return self.table

    @dataclass
    class Marked(Message):
        """The cell before the highlighted row was clicked."""

        table: RowTable[Any]
        row: Any

        @property
        def control(self) -> RowTable[Any]:
            """The table, for selectors."""
            return self.table

    @dataclass
    class Selected(Message):
        """A row was opened by Enter, or by a click on the highlighted row."""

        table: RowTable[Any]
        row: Any

        @property
        def control(self) -> RowTable[Any]:
            """The table, for selectors."""
            return self.table

    def __init__(
        self,
        columns: Sequence[Column[T]],
        identity: Callable[[T], str],
        *,
        id: str | None = None,
        empty: str = "",
        mark: Callable[[T], str] | None = None,
        spaced: bool = True,
    ) -> None:
        """Set up a table.

        Args:
            columns: The first one is always shown and takes the room that is left.
            identity: What makes a row the same row after a change.
            id: The widget's id.
            empty: What to say where there are no rows.
            mark: One cell before a row, for those that are marked; blank for others.
            spaced: Whether a blank cell stands between the mark and the row.
        """
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.identity = identity
        self.rows: tuple[T, ...] = ()
        self.order: list[int] = []
        self.sorted_by: int | None = None
        self.reversed = False
        self.mark = mark
        self._lead = 3 if mark and spaced else 2
        """Cells before a row: the pointer, the mark, a space."""
        self._filter: Callable[[T], bool] | None = None
        self._places: Sequence[int] | None = None
        self._values: dict[int, list[Any]] = {}
        self._sorted: dict[tuple[int, bool], list[int]] = {}
        self._natural: list[int] = []
        self._fit: list[tuple[Column[T], int]] = []
        self.set_reactive(RowTable.empty, empty)

    # What is shown

    def show_rows(self, rows: Sequence[T], *, follow: bool = True) -> None:
        """Replace the rows; the cursor stays on the same row where ``follow``, else it returns to the top."""
        kept = self.identity(self.row) if follow and self.row is not None else None
        self.rows = tuple(rows)
        self._natural = natural_widths(self.columns, self.rows)
        self._places = None
        self._values, self._sorted = {}, {}
        self._rearrange(self._index_of(kept) if kept is not None else None)

    def keep(self, wanted: Callable[[T], bool] | None) -> None:
        """Show only the rows for which ``wanted`` is true."""
        kept = self._at_cursor()
        self._filter, self._places = wanted, None
        self._rearrange(kept)

    def keep_places(self, places: Sequence[int] | None) -> None:
        """Show only the rows with these indices, ascending; ``None`` shows all."""
        kept = self._at_cursor()
        self._filter, self._places = None, places
        self._rearrange(kept)

    def _at_cursor(self) -> int | None:
        return self.order[self.cursor] if self.cursor < len(self.order) else None

    def _index_of(self, name: str) -> int | None:
        return next((index for index, row in enumerate(self.rows) if self.identity(row) == name), None)

    def go_to(self, name: str) -> bool:
        """Put the cursor on the row of that identity; ``False`` if it is not shown."""
        for place, index in enumerate(self.order):
            if self.identity(self.rows[index]) == name:
                if place == self.cursor:
                    self._announce()
                self.cursor = place
                return True
        return False

    @property
    def row(self) -> T | None:
        """The highlighted row."""
        return self.rows[self.order[self.cursor]] if self.cursor < len(self.order) else None

    def sort_by(self, column: int, *, reverse: bool | None = None) -> None:
        """Sort by a column; again turns the order round."""
        if self.columns[column].key is None:
            return
        turned = not self.reversed if self.sorted_by == column else self.columns[column].descending
        self.reversed = turned if reverse is None else reverse
        self.sorted_by = column
        self._rearrange(self._at_cursor())

    def _ordered(self) -> Sequence[int]:
        """All rows as they are sorted; kept until the rows change."""
        if (column := self.sorted_by) is None or (key := self.columns[column].key) is None:
            return range(len(self.rows))
        order = self._sorted.get((column, self.reversed))
        if order is None:
            values = self._values.get(column)
            if values is None:
                values = self._values[column] = [key(row) for row in self.rows]
            order = [i for i, value in enumerate(values) if value is not None]
            order.sort(key=values.__getitem__, reverse=self.reversed)
            if len(order) < len(values):
                order += [i for i, value in enumerate(values) if value is None]
            self._sorted[column, self.reversed] = order
        return order

    def _rearrange(self, kept: int | None) -> None:
        wanted, ordered = self._filter, self._ordered()
        if self._places is not None:
            if self.sorted_by is None:
                order = list(self._places)
            else:
                inside = bytearray(len(self.rows))
                for index in self._places:
                    inside[index] = 1
                order = [i for i in ordered if inside[i]]
        else:
            order = list(ordered) if wanted is None else [i for i in ordered if wanted(self.rows[i])]
        self.order = order
        self.set_length(len(order) + 1)
        place = 0
        if kept is not None:
            with suppress(ValueError):
                place = order.index(kept)
        if place == self.cursor:
            self._announce()
        self.cursor = place
        self.call_after_refresh(self._reveal)
        self.refresh()

    def _announce(self) -> None:
        self.post_message(self.Highlighted(self, self.row))

    # Widths

    @property
    def columns_shown(self) -> list[Column[T]]:
        """The columns that there is room for."""
        return [column for column, _ in self._fitted()]

    def _fitted(self) -> list[tuple[Column[T], int]]:
        """The columns that fit, with their widths."""
        if not self._natural:
            self._natural = natural_widths(self.columns, self.rows)
        return fitting(self.columns, self._natural, self.scrollable_content_region.width - self._lead - 1)

    # Drawing

    def render_line(self, y: int) -> Strip:
        """One line: the header stays on top, rows scroll below it."""
        width = self.scrollable_content_region.width
        if y == 0:
            self._fit = self._fitted()
            style = self.get_component_rich_style("rowtable--header")
            titles = [self._title(column, size) for column, size in self._fit]
            return self._strip(" ", titles, width, style)
        place = y - 1 + round(self.scroll_offset.y)
        if place >= len(self.order):
            if not self.order and y == 2 and self.empty:
                style = self.get_component_rich_style("rowtable--empty")
                return Strip([Segment(" " + set_cell_size(self.empty, max(0, width - 1)), style)])
            return Strip.blank(width, self.get_component_rich_style("rowtable--even"))
        row = self.rows[self.order[place]]
        here = place == self.cursor
        cells = [self._cell(column, size, row) for column, size in self._fit or self._fitted()]
        mark = self.mark(row) if self.mark is not None else " "
        return self._strip("▸" if here else " ", cells, width, self._style(place), mark)

    def _style(self, place: int) -> Any:
        if place == self.cursor:
            name = "rowtable--cursor" if self.has_focus else "rowtable--blurred"
        elif place == self.hover:
            name = "rowtable--hover"
        elif place % 2:
            name = "rowtable--odd"
        else:
            name = "rowtable--even"
        return self.get_component_rich_style(name)

    def _strip(self, pointer: str, cells: list[str], width: int, style: Any, mark: str = " ") -> Strip:
        text = f"{pointer}{mark}".ljust(self._lead) + (" " * GAP).join(cells)
        return Strip([Segment(set_cell_size(text, width), style)], width)

    def _title(self, column: Column[T], size: int) -> str:
        arrow = ""
        if self.sorted_by is not None and self.columns[self.sorted_by] is column:
            arrow = "▾" if self.reversed else "▴"
        return placed(column.title + arrow, size, left=column.left)

    def _cell(self, column: Column[T], size: int, row: T) -> str:
        return placed(clean(column.cell(row)), size, left=column.left)

    # Reactions

    def watch_empty(self) -> None:
        """Say something else."""
        self.refresh()

    def validate_cursor(self, row: int) -> int:
        """Stay within the rows."""
        return min(max(row, 0), max(len(self.order) - 1, 0))

    def watch_cursor(self, old: int, new: int) -> None:
        """Keep the cursor in view and tell of it."""
        self._redraw(old, new)
        self._reveal()
        self._announce()

    def _redraw(self, *places: int) -> None:
        """Draw only these rows anew: drawing all of them would cost more than everything else."""
        for place in places:
            if place >= 0:
                self.refresh_line(place + 1)

    def _reveal(self) -> None:
        top, height = round(self.scroll_offset.y), max(self.size.height - 1, 1)
        if not top <= self.cursor < top + height:
            target = self.cursor if self.cursor < top else self.cursor - height + 1
            self.scroll_to(y=target, animate=False, force=True)

    def on_resize(self) -> None:
        """A new width fits other columns."""
        self._reveal()

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        self.cursor += rows

    def action_page(self, pages: float) -> None:
        """Move the cursor by what is in view, or a part of it."""
        self.cursor += round(pages * max(2, self.size.height - 2))

    def action_edge(self, end: int) -> None:
        """Go to the first or the last row."""
        self.cursor = len(self.order) if end > 0 else 0

    def action_select(self) -> None:
        """Open the highlighted row."""
        if self.row is not None:
            self.post_message(self.Selected(self, self.row))

    def action_next_sort(self) -> None:
        """Sort by the next column that sorts and is in view."""
        shown = [i for i, c in enumerate(self.columns) if c.key and any(c is column for column, _ in self._fitted())]
        if shown:
            later = [i for i in shown if self.sorted_by is None or i > self.sorted_by]
            self.sort_by((later or shown)[0])

    def action_reverse(self) -> None:
        """Turn the order round."""
        if self.sorted_by is not None:
            self.sort_by(self.sorted_by)

    def _place_at(self, y: int) -> int:
        return y - 1 + round(self.scroll_offset.y) if y > 0 else -1

    def on_click(self, event: events.Click) -> None:
        """A header sorts; a row is highlighted, and opened by a second click."""
        at = event.get_content_offset(self)
        if at is None:
            return
        if at.y == 0:
            left = self._lead
            for column, size in self._fitted():
                if left <= at.x < left + size + GAP:
                    self.sort_by(self.columns.index(column))
                    return
                left += size + GAP
            return
        place = self._place_at(at.y)
        if 0 <= place < len(self.order):
            if self.mark is not None and at.x < self._lead:
                self.cursor = place
                self.post_message(self.Marked(self, self.row))
                return
            if place == self.cursor:
                self.action_select()
            self.cursor = place

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show which row a click would highlight."""
        at = event.get_content_offset(self)
        self.hover = -1 if at is None else self._place_at(at.y)

    def on_leave(self) -> None:
        """Nothing is under the pointer."""
        self.hover = -1

    def watch_hover(self, old: int, new: int) -> None:
        """Redraw."""
        self._redraw(old, new)
