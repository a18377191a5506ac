"""Why the highlighted row is there, or was rejected, and the trade as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from tui.off_loop import off_loop
from tui.widgets.front import FrontPane
from tui.widgets.why import WhyPane

if TYPE_CHECKING:
    from textual.timer import Timer

    from advisor.decision.details import Decision
    from advisor.ranking.rows import Advice, Recommendation
    from advisor.rejection import Rejection
    from tui.reasons import Reasons

LATE_S = 0.1
"""How long reasons may take before a row is explained without them; most take a hundredth of a second."""


class ReasonsPane(Vertical):
    """Words above, picture below; a small window shows one of them."""

    @dataclass
    class Reasoned(Message):
        """A row of an answer is explained."""

        advice: Advice
        reasons: Reasons

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._advice: Advice | None = None
        self._decision: Decision | None = None
        self._row: Recommendation | None = None
        """What is explained of the shortlist."""
        self._written: tuple[Recommendation, Reasons | None] | None = None
        """What the words explain."""
        self._late: Timer | None = None
        self.known: dict[str, Reasons] = {}
        """What is known of the rows of this answer, by model."""

    def compose(self) -> ComposeResult:
        """Words and picture."""
        yield WhyPane(id="why")
        yield FrontPane(id="front")

    def on_mount(self) -> None:
        """Name the words; the picture names itself."""
        self._why.border_title = "Why \\[w]"
        self._why.say("The catalog is being read.")

    @property
    def _why(self) -> WhyPane:
        return self.query_one(WhyPane)

    def say(self, text: str) -> None:
        """Show one sentence."""
        self._forget_row()
        self._why.say(text)

    def take(self, advice: Advice) -> None:
        """Another answer is explained from now on."""
        self._forget_row()
        self._advice, self.known = advice, {}

    def _forget_row(self) -> None:
        self._row = self._written = None

    def explain(self, row: Recommendation) -> None:
        """Explain a row of the shortlist as soon as its reasons are known; without them if they tarry."""
        if self._advice is None:
            return
        self._row = row
        if row.model in self.known:
            self._write()
        else:
            if self._late is not None:
                self._late.stop()
            self._late = self.set_timer(LATE_S, self._write)
            self.reason(self._advice, row.model)
        self.query_one(FrontPane).show_points(self._advice.points, row.model)

    def _write(self) -> None:
        """Explain the row as far as it is known, unless that is written already: laying words out takes 20 ms."""
        if self._row is None or self._advice is None:
            return
        written = (self._row, self.known.get(self._row.model))
        if self._written is None or any(a is not b for a, b in zip(written, self._written, strict=True)):
            self._written = written
            self._why.explain(self._row, self._advice, written[1])

    def reject(self, row: Rejection) -> None:
        """Explain a rejected row."""
        self._forget_row()
        self._why.reject(row)

    @off_loop("reason", alone=True, about=lambda advice, model: model)
    def reason(self, advice: Advice, model: str) -> Reasoned | None:
        """Explain a row off the event loop."""
        from tui import reasons

        if advice is not self._advice:
            return None
        if self._decision is None or self._decision.advice is not advice:
            self._decision = reasons.decision_of(advice)
        return self.Reasoned(advice, reasons.reasons_of(self._decision, model))

    @on(Reasoned)
    def _reasoned(self, event: Reasoned) -> None:
        event.stop()
        if event.advice is self._advice:
            self.known[event.reasons.model] = event.reasons
            if self._row is not None and self._row.model == event.reasons.model:
                self._write()

    def action_front(self) -> None:
        """Show the picture instead of the words, or its other axis."""
        front = self.query_one(FrontPane)
        if not front.display:
            self.screen.add_class("-front")
        else:
            front.action_next()
