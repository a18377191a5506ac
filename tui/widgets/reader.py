"""Something to read: headings with bodies, drawn line by line, so that new text never lays the screen out twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from inspect import isfunction
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import Visual, visualize

from tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text
    from textual.visual import VisualType

Body: TypeAlias = "VisualType | Callable[[int], Content] | None"
Section = tuple[str, Body]
"""A heading and a body; ``None`` leaves the section out. Plain text is never read as markup. A function gets the width
in cells and returns what fits it."""


class Reader(LineView):
    """Sections below each other."""

    ALLOW_SELECT = True
    DEFAULT_CSS = """
    Reader {
        scrollbar-gutter: stable;
        padding: 0 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="reader.up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="reader.down"),
        Binding("pageup", "page_up", "Page up", show=False, id="reader.pageup"),
        Binding("pagedown,space", "page_down", "Page down", show=False, id="reader.pagedown"),
        Binding("ctrl+u", "half(-1)", "Half a page up", show=False, id="reader.halfup"),
        Binding("ctrl+d", "half(1)", "Half a page down", show=False, id="reader.halfdown"),
        Binding("home,g", "scroll_home", "Top", show=False, id="reader.top"),
        Binding("end,G", "scroll_end", "End", show=False, id="reader.end"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.title: Content = Content("")
        self.sections: tuple[Section, ...] = ()
        self._lines: list[Strip] = []
        self._blank = Strip([])
        self._laid_out = (-1, True)
        self._made: dict[int, tuple[Body, list[Strip]]] = {}
        """Lines of the bodies in view, by identity: one that is shown again as it was is not drawn anew."""

    def read(self, title: Content, sections: Sequence[Section], *, stay: bool = False) -> None:
        """Show a title and sections, from the top unless told to ``stay``."""
        self.title = title
        self.sections = tuple((heading, body) for heading, body in sections if body is not None)
        self._lay_out()
        if not stay:
            self.scroll_to(y=0, animate=False)

    @property
    def text(self) -> str:
        """Everything there is to read."""
        return "\n".join(line.text.rstrip() for line in self._lines)

    def _room(self) -> tuple[int, bool]:
        """Columns to write in, and whether blank lines may stand before headings."""
        return self.scrollable_content_region.width, not self.screen.has_class("-short")

    def _lay_out(self) -> None:
        if not self.is_attached:  # a change of theme may find a dialog that was just closed
            return
        room = self._room()
        before = self._made if room == self._laid_out else {}
        width, spaced = self._laid_out = room
        if width <= 0:
            return
        self._made = {}
        self._blank = Strip.blank(width, self.rich_style)
        blank = [self._blank] if spaced else []
        lines = self._strips(self.title, width) if self.title.plain else []
        for heading, body in self.sections:
            if heading:
                lines += (blank if lines else []) + self._strips(Content.styled(heading, "bold $text-accent"), width)
            made = before.get(id(body)) or (body, self._fitted(body, width))
            self._made[id(body)] = made
            lines += made[1]
        self._lines = lines
        self.set_length(len(lines))
        self.refresh()

    def _fitted(self, body: Body, width: int) -> list[Strip]:
        fitted: Any = body(width) if isfunction(body) else body
        return self._strips(Content(fitted) if isinstance(fitted, str) else fitted, width)

    def _strips(self, body: VisualType | None, width: int) -> list[Strip]:
        style: Style = self.visual_style
        return Visual.to_strips(self, visualize(self, body), width, None, style, apply_selection=False, pad=True)

    def action_half(self, way: int) -> None:
        """Scroll by half of what is in view."""
        self.scroll_relative(y=way * max(1, self.size.height // 2), animate=False)

    def on_resize(self, event: events.Resize) -> None:
        """Wrap anew where the width changed."""
        if self._room() != self._laid_out:
            self._lay_out()

    def notify_style_update(self) -> None:
        """Colours changed, for instance with the theme."""
        super().notify_style_update()
        self._made = {}
        if self._laid_out[0] > 0:
            self.call_after_refresh(self._lay_out)

    def render_line(self, y: int) -> Strip:
        """One line of what is in view."""
        place = y + round(self.scroll_offset.y)
        if place >= len(self._lines):
            return self._blank
        line = self._lines[place]
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(place)) is not None:
            start, end = span
            end = line.cell_length if end == -1 else end
            marked = line.crop(start, end).apply_style(self.screen.get_component_rich_style("screen--selection"))
            line = Strip.join([line.crop(0, start), marked, line.crop(end)])
        return line.apply_offsets(0, place)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that a mouse selected."""
        return selection.extract(self.text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self.refresh()


def facts(pairs: Iterable[tuple[str, str]]) -> Table:
    """Names and values in two columns; long values wrap within theirs."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for name, value in pairs:
        table.add_row(Text(name, style="dim"), Text(value))
    return table


def listed(lines: Iterable[str | Text]) -> Table | None:
    """Lines with bullets and hanging indents, or ``None`` for none."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1, 0, 0))
    for line in lines:
        table.add_row(Text("•"), Text(line) if isinstance(line, str) else line)
    return table if table.row_count else None
