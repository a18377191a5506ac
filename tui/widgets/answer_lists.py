"""Both lists of an answer: the shortlist, and what was rejected."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.markup import escape
from textual.message import Message
from textual.reactive import reactive

from tui.ask_cells import REJECTED, SHORTLIST, place, shortlist_columns
from tui.ask_moves import moves, told
from tui.off_loop import off_loop
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from advisor.ranking.rows import Advice

NAMES = ("shortlist", "rejected")
RANKING = "ranking …"
OUTDATED = "of the form before"
SHARE_S = 0.1
"""How long to look for what would admit rejected models before others who want to compute get their turn."""


class AnswerLists(Vertical):
    """Two tables; small windows show one of them at a time."""

    listing: reactive[str] = reactive("shortlist", init=False)
    """Which of the two is explained (and, in a small window, shown)."""
    note: reactive[str] = reactive("", init=False)
    """``RANKING`` while an answer is computed, ``OUTDATED`` where the form cannot be answered, else nothing."""

    @dataclass
    class Turned(Message):
        """The other list is looked at, or more is known of it."""

        listing: str

    @dataclass
    class ChangesFound(Message):
        """What would admit more of the rejected models is known."""

        advice: Advice

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._advice: Advice | None = None
        self._moves: dict[str, str] = {}
        self._told = ""

    def compose(self) -> ComposeResult:
        """The tables."""
        yield RowTable(
            SHORTLIST, lambda r: r.model, id="shortlist", empty="reading the catalog …", mark=self._move, spaced=False
        )  # fmt: skip
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

    def _move(self, row: Any) -> str:
        return self._moves.get(row.model, " ")

    def show(self, advice: Advice) -> None:
        """Show an answer; of an empty list and a full one, the full one is looked at."""
        before = [] if self._advice is None else [row.model for row in self._advice.recommendations]
        after = [row.model for row in advice.recommendations]
        self._advice, self._moves, self._told = advice, moves(before, after), told(before, after)
        self.shortlist.empty = "Nothing keeps every promise; see what was rejected."
        self.shortlist.columns = shortlist_columns(several=len({place(r) for r in advice.recommendations}) > 1)
        self.shortlist.show_rows(advice.recommendations, follow=self.shortlist.cursor > 0)
        self.rejected.show_rows(advice.rejected)
        self.name_them()
        if not advice.recommendations and advice.rejected:
            self.listing = "rejected"
        elif self.listing == "rejected" and not advice.rejected:
            self.listing = "shortlist"
        self._find_more()

    def redraw(self) -> None:
        """Units changed, and widths with them."""
        for table in (self.shortlist, self.rejected):
            table.show_rows(table.rows)

    # What would admit the rejected: known last, for it takes ten times as long as the ranking

    def _find_more(self) -> None:
        if self._advice is not None and not all(r.change_known for r in self._advice.rejected):
            self.find_changes(self._advice)

    @off_loop("changes", alone=True)
    def find_changes(self, advice: Advice) -> ChangesFound | None:
        """Find what would admit some more rejected models, the nearest first, unless another answer is wanted."""
        until = time.monotonic() + SHARE_S
        for rejected in advice.rejected:
            if advice is not self._advice or self.note == RANKING:
                return None
            if time.monotonic() > until:
                break
            _ = rejected.smallest_change
        return self.ChangesFound(advice)

    @on(ChangesFound)
    def _changes_found(self, event: ChangesFound) -> None:
        event.stop()
        if event.advice is self._advice:
            self.rejected.refresh()
            if self.listing == "rejected":
                self.post_message(self.Turned(self.listing))
            self._find_more()

    # Titles

    def watch_note(self, before: str) -> None:
        """Say it in the title; go on with what was left off for an answer that did not come."""
        self.name_them()
        if before == RANKING:
            self._find_more()

    def name_them(self) -> None:
        """Titles with counts; where one list is in view, its title leads to the other."""
        advice = self._advice
        counts = ("", "") if advice is None else (f" {len(advice.recommendations)}", f" {len(advice.rejected)}")
        names = {"shortlist": f"Shortlist{counts[0]} \\[s]", "rejected": f"Rejected{counts[1]} \\[t]"}
        both = not self.screen.has_class("-wide") or self.screen.has_class("-short")
        notes = {"shortlist": self.note or escape(self._told), "rejected": self.note}
        for name, other in (NAMES, NAMES[::-1]):
            link = f"  [dim @click=screen.list('{other}')]{names[other]}[/]" if both else ""
            note = f"  [italic $foreground-muted]{notes[name]}[/]" if notes[name] else ""
            self.query_one(f"#{name}").border_title = f"{names[name]}{link}{note}"
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
