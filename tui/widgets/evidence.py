"""The evidence tab: quality, terms, prices, scores and sources, and the proof against PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from advisor.report import percent_text, tokens_text, usd_text
from tui.cells import NONE
from tui.widgets.bars import bar
from tui.widgets.columns import Column
from tui.widgets.proof_line import Check, ProofLine
from tui.widgets.reader import Reader, facts, listed
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from advisor.evidence import Standing
    from tui.findings import Evidence
    from tui.library import Model

BAR = 12
SIGNS = {"equal": "✓ equal", "differs": "✗ differs", "failed": "! failed", "not applicable": "–"}


def _number(check: Check, name: str) -> str:
    return NONE if check[name] is None else f"{check[name]:,}"


CHECKS: tuple[Column[Check], ...] = (
    Column("quantity", lambda c: c["quantity"].replace("_", " "), 0, left=True),
    Column("verdict", lambda c: SIGNS[c["status"]], 1, left=True),
    Column("ours", lambda c: _number(c, "ours"), 2),
    Column("the real model", lambda c: _number(c, "reference"), 3),
    Column("difference", lambda c: _number(c, "difference"), 4),
    Column("model", lambda c: c["model"], 6, left=True, most=28),
    Column("setting", lambda c: c["setting"], 5, left=True, most=30),
    Column("witness", lambda c: c["witness"], 7, left=True, most=50),
    Column("note", lambda c: c["note"], 8, left=True, most=60),
)


class EvidencePane(Vertical):
    """Something to read, and the proof below."""

    def compose(self) -> ComposeResult:
        """Reader, progress, checks."""
        yield Reader(id="proof")
        yield ProofLine(id="proving")
        yield RowTable(CHECKS, lambda c: f"{c['model']} {c['quantity']} {c['setting']}", id="checks")

    def on_mount(self) -> None:
        """Nothing is proven yet."""
        self.query_one("#checks").display = False
        self.query_one("#checks").border_title = "Proof against PyTorch"

    def show(self, model: Model, evidence: Evidence | None) -> None:
        """Show what speaks for a model; quality comes when it is computed."""
        spec, reference = model.spec, model.spec.reference
        departure = f"\nDeparts: {reference.departure.reason}" if reference and reference.departure else ""
        proof = f"{reference.library}.{reference.class_name}{departure}" if reference else None
        if spec.published is not None and reference is None:
            proof = f"only a published figure: {spec.published.parameters:,} parameters"
        scores = evidence.scores if evidence else ()
        printed = facts((s.benchmark, f"{s.value:g} {s.unit}  {s.setting or ''}".rstrip()) for s in scores)
        sources = dict.fromkeys(str(source) for source in (*spec.sources, *(s.source for s in scores)))
        self.query_one("#proof", Reader).read(
            Content.assemble((spec.name, "bold $text-primary"), f"  {spec.family}"),
            [
                ("Quality: models beaten at a task, 4 in 5 within", quality(evidence)),
                ("Licence", facts(_terms(model, evidence))),
                ("Prices per million tokens", facts(prices(model)) if spec.prices else None),
                ("Published scores", printed if scores else None),
                ("Proven against", proof or ("nothing: its architecture is undisclosed" * (not spec.is_disclosed))),
                ("Sources", listed(sources)),
            ],
        )

    @on(ProofLine.Ended)
    def _proven(self, event: ProofLine.Ended) -> None:
        table = self.query_one("#checks", RowTable)
        table.display = True
        table.show_rows(event.checks)

    def forget(self) -> None:
        """Another model: its proof is not this one's."""
        self.query_one("#checks").display = False
        self.query_one(ProofLine).invite()


def quality(evidence: Evidence | None) -> Any:
    """A bar per task."""
    if evidence is None:
        return Content.styled("looking …", "dim italic")
    if not evidence.standings:
        return "No score of this model is catalogued for any task."
    width = max(len(s.task) for s in evidence.standings)
    return lambda room: Content("\n").join(_standing(s, width, room) for s in evidence.standings)


def _standing(s: Standing, width: int, room: int) -> Content:
    q = s.quality
    between = f"{percent_text(q.low).removesuffix(' %')}–{percent_text(q.high)}"
    line = Content.assemble(
        f"{s.task:<{width}} ", (bar(q.index, BAR), "$primary"), f" {percent_text(q.index):>5}  {between:<10} ",
        (", ".join(q.evidence), "dim"),
    )  # fmt: skip
    return line.truncate(room, ellipsis=True)


def _terms(model: Model, evidence: Evidence | None) -> list[tuple[str, str]]:
    spec = model.spec
    pairs = [("name", spec.licence.name if spec.licence else NONE)]
    if evidence is not None:
        terms = evidence.terms
        pairs.append(("commercial use", terms.commercial))
        if terms.conditions:
            pairs.append(("conditions", terms.conditions))
        weights = {True: "can be had", False: "are not given out", None: "our sources do not say"}[terms.open_weights]
        pairs.append(("weights", weights))
        if evidence.supported is not None:
            s = evidence.supported
            claimed = f"; advertised {tokens_text(spec.context_tokens)}" if spec.context_tokens else ""
            pairs.append(("context by RULER", f"{tokens_text(s.tokens)}{claimed} (score {s.score:g} at "
                          f"{tokens_text(s.measured_tokens)}, {s.source})"))  # fmt: skip
    return pairs


def prices(model: Model) -> list[tuple[str, str]]:
    """What providers ask."""
    found = []
    for price in model.spec.prices:
        parts = [f"{usd_text(price.input_usd_per_mtok)} in", f"{usd_text(price.output_usd_per_mtok)} out"]
        if price.cached_input_usd_per_mtok is not None:
            parts.append(f"{usd_text(price.cached_input_usd_per_mtok)} cached in")
        if price.long_above_tokens and price.long_input_usd_per_mtok is not None:
            long = f"{usd_text(price.long_input_usd_per_mtok)} in, {usd_text(price.long_output_usd_per_mtok)} out"
            parts.append(f"above {tokens_text(price.long_above_tokens)}: {long}")
        found.append((price.provider, ", ".join(parts)))
    return found
