"""The time tab: figures with their error bars, and where the time of a pass goes, operator by operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive

from advisor.report import percent_text, seconds_text
from tui.cells import UNDISCLOSED
from tui.model_cells import FIGURES, operators, short_names
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from advisor.breakdown import Breakdown, Pass
    from tui.findings import Findings


class TimePane(Vertical):
    """Figures above, operators below."""

    which: reactive[int] = reactive(1, init=False)
    """The pass that is shown: prefill, decode; the only one of models that answer in one."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.breakdown: Breakdown | None = None

    def compose(self) -> ComposeResult:
        """Two tables."""
        yield RowTable(FIGURES, lambda f: f.name, id="figures", empty=UNDISCLOSED)
        yield RowTable(operators(lambda p: p.name), lambda p: p.name, id="operators-table", empty=UNDISCLOSED)

    def show(self, findings: Findings) -> None:
        """Show an estimate and its passes."""
        figures, estimate = self.query_one("#figures", RowTable), findings.estimate
        figures.empty = findings.refusal or UNDISCLOSED
        figures.border_title = figures.border_subtitle = ""
        if estimate is not None:
            badge = estimate.time.prefill_s.badge
            figures.border_title = Content(
                f"{estimate.n_gpus} × {estimate.machine}, weights {estimate.weights}, {estimate.engine}"
            )
            figures.border_subtitle = Content(f"{badge}  [e] formula")
        figures.show_rows(findings.figures)
        self.breakdown = findings.breakdown
        self.query_one("#operators-table", RowTable).empty = findings.breakdown_refusal or UNDISCLOSED
        self._show_pass()

    @property
    def shown(self) -> Pass | None:
        """The pass in view."""
        passes = self.breakdown.passes if self.breakdown else ()
        return passes[min(self.which, len(passes) - 1)] if passes else None

    def watch_which(self) -> None:
        """Another pass."""
        self._show_pass()

    def action_next_pass(self) -> None:
        """Show the other pass."""
        passes = self.breakdown.passes if self.breakdown else ()
        if passes:
            self.which = (min(self.which, len(passes) - 1) + 1) % len(passes)

    def _show_pass(self) -> None:
        table, shown = self.query_one("#operators-table", RowTable), self.shown
        if shown is None:
            table.border_title = table.border_subtitle = ""
            table.show_rows(())
            return
        table.border_title = Content(f"{shown.name}: {shown.what}, {seconds_text(shown.seconds)}")
        felt = {name: share for name, s in shown.due_to.items() if (share := s / shown.seconds) > 0.0005}
        due = [f"{name} {percent_text(share)}" for name, share in felt.items()]
        others = [p.name for p in self.breakdown.passes if p is not shown] if self.breakdown else []
        swap = "".join(f"  [@click=screen.other_pass]\\[t] {name}[/]" for name in others)
        table.border_subtitle = ", ".join(due) + swap
        table.columns = operators(short_names(shown.parts))
        table.show_rows(shown.parts)
