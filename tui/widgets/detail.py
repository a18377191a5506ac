"""Everything about one model in four tabs: architecture, growth, time, evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult

from tui.widgets.architecture import ArchitecturePane
from tui.widgets.evidence import EvidencePane
from tui.widgets.growth import GrowthPane
from tui.widgets.tabbed import Tabbed
from tui.widgets.timing import TimePane

if TYPE_CHECKING:
    from tui.findings import Evidence, Findings
    from tui.library import Model


class Detail(Tabbed):
    """Four tabs about the highlighted model."""

    TABS = (("architecture", "#about"), ("growth", "#points"), ("time", "#figures"), ("evidence", "#proof"))
    """Tab and what takes the focus in it."""
    TITLES = ("1 Architecture", "2 Growth", "3 Time", "4 Evidence")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drawn = ""
        self._model: Model | None = None
        self._findings: Findings | None = None
        self._stale: set[str] = set()

    def compose(self) -> ComposeResult:
        """The tabs."""
        yield self.bar()
        with self.pane("architecture"):
            yield ArchitecturePane()
        with self.pane("growth"):
            yield GrowthPane()
        with self.pane("time"):
            yield TimePane()
        with self.pane("evidence"):
            yield EvidencePane()

    def show(self, model: Model, findings: Findings) -> None:
        """Show what was computed: in the tab in view now, in others when they are looked at."""
        self._model, self._findings = model, findings
        self._stale = {"architecture", "growth", "time"}
        self.fill()

    @on(Tabbed.Turned)
    def fill(self) -> None:
        """Bring the tab in view up to date."""
        model, findings, name = self._model, self._findings, self.active
        if model is None or findings is None or name not in self._stale:
            return
        self._stale.discard(name)
        match name:
            case "architecture":
                self.query_one(ArchitecturePane).show(model, findings, same=self._drawn == model.id)
                self._drawn = model.id
            case "growth":
                self.query_one(GrowthPane).show(findings)
            case "time":
                self.query_one(TimePane).show(findings)

    def show_evidence(self, model: Model, evidence: Evidence | None) -> None:
        """Show what speaks for it."""
        self.query_one(EvidencePane).show(model, evidence)
