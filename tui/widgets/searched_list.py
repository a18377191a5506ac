"""A search line and the table that it narrows: what the lists of models and of machines have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual import events, on
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from tui.widgets.row_table import RowTable

T = TypeVar("T")


class SearchedList(Vertical, Generic[T]):
    """Composes an ``Input`` with the id ``search`` and one ``RowTable``."""

    THING: ClassVar[str]
    """What a row is, in a word."""

    @dataclass
    class Highlighted(Message):
        """The cursor came to rest on a row, or on none."""

        row: Any

    @abstractmethod
    def search(self, query: str) -> None:
        """Show the rows that are all of a query; all rows, if it is blank."""

    @property
    def table(self) -> RowTable[T]:
        """The rows."""
        return self.query_one(RowTable)

    @property
    def _line(self) -> Input:
        return self.query_one("#search", Input)

    @property
    def query_text(self) -> str:
        """What is searched for."""
        return self._line.value

    def redraw(self) -> None:
        """Units changed, and widths with them."""
        self.table.show_rows(self.table.rows)

    def go_to(self, name: str, query: str | None = None) -> None:
        """Search, where there is a query, and highlight a row, where one is named; a search that hides it ends."""
        if query is not None or (name and not self.table.go_to(name)):
            with self.prevent(Input.Changed):
                self._line.value = query or ""
            self.search(query or "")
            if name and not self.table.go_to(name):
                self.notify(f"There is no {self.THING} {name} now.", severity="warning", markup=False)

    def clear(self) -> bool:
        """End the search; ``False`` where none is being typed."""
        typed = self._line.has_focus and bool(self._line.value)
        if typed:
            self._line.value = ""
        return typed

    @on(Input.Changed, "#search")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.search(event.value)

    @on(RowTable.Highlighted)
    def _highlighted(self, event: RowTable.Highlighted) -> None:
        """Tell it anew: what a handler of this widget causes below it, Textual lets rise no higher than here."""
        event.stop()
        self.post_message(self.Highlighted(event.row))

    # Title and count

    def entitle(self, title: str, count: str) -> None:
        """Name the table, with what is said of it: below, or behind the name where a small window has no lower border.

        Args:
            title: Plain text.
            count: Markup.
        """
        behind = Content.from_markup(f"  [dim]{count}[/]") if self.screen.has_class("-short") else Content("")
        self.table.border_title = Content(title) + behind
        self.table.border_subtitle = count

    @abstractmethod
    def name_it(self) -> None:
        """Call ``entitle``."""

    @property
    def shown(self) -> str:
        """How many rows of all."""
        return f"{len(self.table.order):,} of {len(self.table.rows):,}"

    def on_resize(self, event: events.Resize) -> None:
        """The count moves."""
        self.call_after_refresh(self.name_it)
