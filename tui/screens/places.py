"""A dialog with places to return to: bookmarks, or what was asked before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.screens.dialog import Dialog
from tui.settings import Place
from tui.widgets.columns import Column
from tui.widgets.key_bar import KeyBar
from tui.widgets.row_table import RowTable

COLUMNS: tuple[Column[Place], ...] = (
    Column("what", lambda p: p.title, 0, left=True, most=120),
    Column("page", lambda p: p.mode, 1, left=True),
)


class PlacesScreen(Dialog[Place | None]):
    """Choose a place; dismissed with it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close", id="places.close"),
        Binding("d,delete", "delete", "Delete", tooltip="Forget the highlighted one", id="places.delete"),
    ]

    HELP = """
    # Bookmarks and history

    Places to return to: Enter, or a click on the highlighted one, opens its page with everything that was asked there.
    `d` forgets the highlighted one. `f` on a page keeps what it asks; history keeps the last 200 questions by itself.
    """

    def __init__(self, title: str, places: Sequence[Place], empty: str) -> None:
        super().__init__()
        self._title, self.places, self._empty = title, tuple(places), empty

    def compose(self) -> ComposeResult:
        """One list."""
        table = RowTable(COLUMNS, lambda p: f"{p.mode} {p.title}", id="places", empty=self._empty)
        table.border_title = self._title
        yield table
        yield KeyBar()

    def on_mount(self) -> None:
        """Fill the list."""
        self.query_one(RowTable).show_rows(self.places)
        self.query_one(RowTable).focus()

    @on(RowTable.Selected)
    def _chosen(self, event: RowTable.Selected) -> None:
        self.dismiss(event.row)

    def action_delete(self) -> None:
        """Forget the highlighted place."""
        table = self.query_one(RowTable)
        if table.row is not None:
            self.places = tuple(place for place in self.places if place is not table.row)
            table.show_rows(self.places)
