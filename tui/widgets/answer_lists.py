"""Both lists of an answer: the shortlist, and what was rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.reactive import reactive

from tui.ask_cells import REJECTED, SHORTLIST, place, shortlist_columns
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from advisor.ranking.rows import Advice

NAMES = ("shortlist", "rejected")


class AnswerLists(Vertical):
    """Two tables; small windows show one of them at a time."""

    listing: reactive[str] = reactive("shortlist", init=False)
    """Which of the two is explained (and, in a small window, shown)."""

    @dataclass
    class Turned(Message):
        """The other list is looked at."""

        listing: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._advice: Advice | None = None

    def compose(self) -> ComposeResult:
        """The tables."""
        yield RowTable(SHORTLIST, lambda r: r.model, id="shortlist", empty="reading the catalog …")
        yield RowTable(REJECTED, lambda r: r.model, id="rejected", empty="nothing was rejected")

    def on_mount(self) -> None:
        """Name them."""
        self.name_them()

    @property
    def shortlist(self) -> RowTable[Any]:
        """What keeps every promise."""
        return self.query_one("#shortlist", RowTable)

    @property
    def rejected(self) -> RowTable[Any]:
        """What does not."""
        return self.query_one("#rejected", RowTable)

    @property
    def row(self) -> Any:
        """What is highlighted in the list that is looked at."""
        return self.query_one(f"#{self.listing}", RowTable).row

    def await_answer(self) -> None:
        """An answer is being computed."""
        self.shortlist.border_subtitle = "ranking …"

    def show(self, advice: Advice) -> None:
        """Show an answer; of an empty list and a full one, the full one is looked at."""
        self._advice = advice
        self.shortlist.empty = "Nothing keeps every promise; see what was rejected."
        self.shortlist.columns = shortlist_columns(several=len({place(r) for r in advice.recommendations}) > 1)
        self.shortlist.show_rows(advice.recommendations, follow=self.shortlist.cursor > 0)
        self.rejected.show_rows(advice.rejected)
        self.name_them()
        if not advice.recommendations and advice.rejected:
            self.listing = "rejected"
        elif self.listing == "rejected" and not advice.rejected:
            self.listing = "shortlist"

    def redraw(self) -> None:
        """Units changed, and widths with them."""
        for table in (self.shortlist, self.rejected):
            table.show_rows(table.rows)

    def name_them(self) -> None:
        """Titles with counts; where one list is in view, its title leads to the other."""
        advice = self._advice
        counts = ("", "") if advice is None else (f" {len(advice.recommendations)}", f" {len(advice.rejected)}")
        names = {"shortlist": f"Shortlist{counts[0]} \\[s]", "rejected": f"Rejected{counts[1]} \\[t]"}
        both = not self.screen.has_class("-wide") or self.screen.has_class("-short")
        for name, other in (NAMES, NAMES[::-1]):
            link = f"  [dim @click=screen.list('{other}')]{names[other]}[/]"
            self.query_one(f"#{name}").border_title = f"{names[name]}{link if both else ''}"
        if advice is not None:
            self.shortlist.border_subtitle = f"{advice.considered:,} ways considered"

    def on_resize(self, event: events.Resize) -> None:
        """Small windows show one list at a time."""
        self.call_after_refresh(self.name_them)

    def watch_listing(self, listing: str) -> None:
        """Show that list where there is room for one."""
        self.screen.set_class(listing == "rejected", "-rejected")
        self.post_message(self.Turned(listing))

    def turn_to(self, name: str) -> None:
        """Go to a list."""
        self.listing = name
        self.call_after_refresh(self.query_one(f"#{name}").focus)

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        if event.widget.id in NAMES:
            self.listing = event.widget.id
