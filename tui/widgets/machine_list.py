"""The list of machines with its search, as the Machines page shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.widgets import Input

from tui.machine_cells import columns, matcher
from tui.widgets.row_table import RowTable
from tui.widgets.searched_list import SearchedList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.machine_cells import Listed
    from tui.machine_picks import Picks


class MachineList(SearchedList["Listed"]):
    """Search line and machines."""

    THING = "machine"

    def __init__(self, picks: Picks, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picks = picks
        self._here = ""

    def compose(self) -> ComposeResult:
        """Search, table."""
        yield Input(placeholder="search: nvidia, >80gb, <$3, >2tb/s, fp8", id="search", compact=True)
        yield RowTable(columns(self._picks), lambda m: m.id, id="machines", empty="reading the catalog …")

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
        self.name_it()

    def show_picks(self) -> None:
        """Say what is picked."""
        self.name_it()
        self.table.refresh()

    def search(self, query: str) -> None:
        """Show the machines that have all of it."""
        self.table.keep(matcher(query) if query.strip() else None)
        self.name_it()

    def name_it(self) -> None:
        """With what is picked."""
        picked = f"Machines · picked: {self._picks}" if self._picks else "Machines"
        self.entitle(picked, f"{self.shown}{self._here}" if self.table.rows else "")
