"""The list of machines with its search, as the Machines page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from tui.machine_cells import columns, matcher
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.machine_cells import Listed
    from tui.machine_picks import Picks


class MachineList(Vertical):
    """Search line and machines."""

    @dataclass
    class Highlighted(Message):
        """The cursor came to rest on a machine, or on none."""

        row: Listed | None

    def __init__(self, picks: Picks, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picks = picks
        self._here = ""

    def compose(self) -> ComposeResult:
        """Search, table."""
        yield Input(placeholder="search: nvidia, >80gb, <$3, >2tb/s, fp8", id="search", compact=True)
        yield RowTable(columns(self._picks), lambda m: m.id, id="machines", empty="reading the catalog …")

    def on_mount(self) -> None:
        """Name the table."""
        self.show_picks()

    @property
    def table(self) -> RowTable[Listed]:
        """The machines."""
        return self.query_one("#machines", RowTable)

    @property
    def _line(self) -> Input:
        return self.query_one("#search", Input)

    def fill(self, rows: Sequence[Listed], here: str, *, follow: bool) -> None:
        """Show machines.

        Args:
            rows: All of them.
            here: What is said of this computer.
            follow: Whether the cursor stays on its machine, else it returns to the top.
        """
        self._here = here
        self.table.empty = "no machine has all of these"
        self.table.show_rows(rows, follow=follow)
        self._count()

    def redraw(self) -> None:
        """Units changed, and widths with them."""
        self.table.show_rows(self.table.rows)

    def show_picks(self) -> None:
        """Say what is picked."""
        self.table.border_title = Content(f"Machines · picked: {self._picks}" if self._picks else "Machines")
        self.table.refresh()

    def go_to(self, name: str) -> None:
        """Highlight a machine; a search that hides it ends."""
        if name and not self.table.go_to(name):
            with self.prevent(Input.Changed):
                self._line.value = ""
            self._search("")
            if not self.table.go_to(name):
                self.notify(f"There is no machine {name} any more.", severity="warning", markup=False)

    def clear(self) -> bool:
        """End the search; ``False`` where none is being typed."""
        typed = self._line.has_focus and bool(self._line.value)
        if typed:
            self._line.value = ""
        return typed

    @on(Input.Changed, "#search")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._search(event.value)

    def _search(self, query: str) -> None:
        self.table.keep(matcher(query) if query.strip() else None)
        self._count()

    def _count(self) -> None:
        self.table.border_subtitle = f"{len(self.table.order):,} of {len(self.table.rows):,}{self._here}"

    @on(RowTable.Highlighted, "#machines")
    def _highlighted(self, event: RowTable.Highlighted) -> None:
        """Tell it anew: what a handler of this widget causes below it, Textual lets rise no higher than here."""
        event.stop()
        self.post_message(self.Highlighted(event.row))
