"""Everything about one model: an overview, its operators, its growth, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import TabbedContent, TabPane

from advisor.report import (
    bytes_text,
    count_text,
    flops_text,
    percent_text,
    rate_text,
    seconds_text,
    tokens_text,
    usd_text,
)  # fmt: skip
from catalog.quality import scores_of
from tui.cells import NONE, UNDISCLOSED, licence, operators, total
from tui.widgets.bars import bar
from tui.widgets.growth import Growth, GrowthPane
from tui.widgets.reader import Reader, facts, listed
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from advisor.answer import Band, Estimate
    from tui.library import Model

BAR = 20


@dataclass(frozen=True)
class Findings:
    """What was computed about a model under a load; what could not be computed has a sentence instead."""

    parts: dict[str, int]
    estimate: Estimate | None
    refusal: str
    growth: Growth | None
    growth_refusal: str


class Detail(Vertical):
    """Four tabs about the highlighted model."""

    TABS = (("overview", "#about"), ("operators", "#operators-table"), ("growth", "#points"), ("evidence", "#proof"))
    """Tab and what takes the focus in it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown = ""

    def compose(self) -> ComposeResult:
        """The tabs."""
        with TabbedContent():
            with TabPane("1 Overview", id="overview"):
                yield Reader(id="about")
            with TabPane("2 Operators", id="operators"):
                yield RowTable(operators(None), lambda o: o.name, id="operators-table", empty=UNDISCLOSED)
            with TabPane("3 Growth", id="growth"):
                yield GrowthPane(id="growth-pane")
            with TabPane("4 Evidence", id="evidence"):
                yield Reader(id="proof")

    @property
    def active(self) -> str:
        """Id of the tab in view."""
        return self.query_one(TabbedContent).active

    @active.setter
    def active(self, name: str) -> None:
        self.query_one(TabbedContent).active = name

    def show(self, model: Model, findings: Findings) -> None:
        """Show what the catalog says and what was computed."""
        spec, estimate = model.spec, findings.estimate
        notes = [*([spec.notes] if spec.notes else []), *(estimate.notes if estimate else ())]
        same = self._shown == spec.id
        self._shown = spec.id
        self.query_one("#about", Reader).read(
            Content.assemble((spec.name, "bold $text-primary"), f"  {spec.family}\n", (_headline(model), "dim")),
            [
                ("Under this load", facts(_load(estimate)) if estimate else findings.refusal),
                ("Memory of one device", memory(estimate) if estimate else None),
                ("Parameters by part", parts(findings.parts) if findings.parts else None),
                ("About", facts(_about(model))),
                ("Notes", listed(notes)),
            ],
            stay=same,
        )
        table = self.query_one("#operators-table", RowTable)
        table.empty = findings.refusal or UNDISCLOSED
        table.columns = operators(estimate)
        table.show_rows(estimate.breakdown if estimate else ())
        self.query_one(GrowthPane).show(findings.growth, findings.growth_refusal)
        if not same:
            self._prove(model)

    def _prove(self, model: Model) -> None:
        spec, reference = model.spec, model.spec.reference
        printed = scores_of(spec)
        scores = facts((s.benchmark, f"{s.value:g} {s.unit}  {s.setting or ''}".rstrip()) for s in printed)
        sources = dict.fromkeys(str(source) for source in (*spec.sources, *(s.source for s in printed)))
        departure = f"\nDeparts: {reference.departure.reason}" if reference and reference.departure else ""
        self.query_one("#proof", Reader).read(
            Content.assemble((spec.name, "bold $text-primary"), f"  {spec.family}"),
            [
                ("Prices per million tokens", facts(_prices(model)) if spec.prices else None),
                ("Published scores", scores if printed else "No score is catalogued for this model."),
                ("Reference class", f"{reference.library}.{reference.class_name}{departure}" if reference else None),
                ("Sources", listed(sources)),
            ],
        )

    def focus_tab(self) -> None:
        """Focus what the active tab holds."""
        self.query_one(dict(self.TABS)[self.active]).focus()


def _headline(model: Model) -> str:
    spec = model.spec
    size = "architecture undisclosed" if model.params is None else f"{total(model)} parameters"
    if model.params is not None and model.params.active != model.params.total:
        size += f", {count_text(model.params.active)} active per token"
    context = f"context {tokens_text(spec.context_tokens)}" if spec.context_tokens else ""
    return " · ".join(text for text in (size, context, licence(model)) if text and text != NONE)


def _about(model: Model) -> list[tuple[str, str]]:
    spec = model.spec
    pairs = [
        ("id", spec.id),
        ("by", spec.organisation or NONE),
        ("released", spec.released or NONE),
        ("parameters", UNDISCLOSED if model.params is None else f"{model.params.total:,}"),
        ("active per token", UNDISCLOSED if model.params is None else f"{model.params.active:,}"),
        ("looked up", UNDISCLOSED if model.params is None else f"{model.params.embedding:,}"),
        ("context", f"{spec.context_tokens:,} tokens" if spec.context_tokens else NONE),
        ("reads, writes", f"{', '.join(spec.inputs)} → {', '.join(spec.outputs)}"),
        ("trained for", ", ".join(spec.tuned_for) or "next tokens (a base model)"),
        ("languages", ", ".join(spec.languages)),
        ("commercial use", spec.licence.commercial if spec.licence else NONE),
        ("published as", spec.published_weights if spec.is_disclosed else UNDISCLOSED),
        ("also called", ", ".join(spec.aliases)),
    ]
    return [(name, value) for name, value in pairs if value]


def _prices(model: Model) -> list[tuple[str, str]]:
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


def _band(band: Band) -> str:
    if band.p10 is None or band.p90 is None:
        return f"{seconds_text(band.p50)} ({band.badge})"
    span = f"80 % between {seconds_text(band.p10)} and {seconds_text(band.p90)}"
    return f"{seconds_text(band.p50)}, {span} ({band.badge})"


def _load(e: Estimate) -> list[tuple[str, str]]:
    f, t, c, generates = e.flops, e.time, e.cost, e.time.tpot_s is not None
    pairs = [("on", f"{e.n_gpus} × {e.machine}, weights {e.weights}, cache {e.kv}, {e.engine}")]
    eager = f"{flops_text(f.prefill)} as eager PyTorch executes them"
    pairs.append(("FLOPs, prefill" if generates else "FLOPs", f"{flops_text(f.prefill_needed)} ({eager})"))
    if generates:
        pairs.append(("FLOPs, decode", f"{flops_text(f.decode_needed)} per step"))
    if t.ttft_s:
        pairs.append(("first token" if generates else "answer", _band(t.ttft_s)))
    if t.tpot_s:
        pairs.append(("per token", _band(t.tpot_s)))
    user = f", {rate_text(e.throughput.per_user)} per user" if generates else ""
    pairs.append(("throughput", rate_text(e.throughput.total, e.throughput.unit) + user))
    if c.usd_per_hour is None:
        pairs.append(("cost", c.basis))
    else:
        sums = [
            (c.usd_per_million_input_tokens, "per million tokens in"),
            (c.usd_per_million_output_tokens, "per million out"),
            (c.usd_per_thousand_requests, "per thousand requests"),
        ]
        pairs.append(("cost", ", ".join(f"{usd_text(usd)} {what}" for usd, what in sums if usd is not None)))
        pairs.append(("", f"at {usd_text(c.usd_per_hour)} per hour ({c.basis})"))
    return pairs


def memory(e: Estimate) -> Content:
    """A bar per part of a device's memory, against what a process may take."""
    m = e.memory
    whole = m.usable_bytes or m.total_bytes_per_gpu
    rows = [
        ("weights", m.weights_bytes), ("KV cache", m.kv_cache_bytes), ("state", m.state_bytes),
        ("activations", m.activation_bytes), ("engine", m.overhead_bytes),
    ]  # fmt: skip
    lines = [
        Content.assemble(f"{name:<12}", (bar(size / whole, BAR), "$text-primary"), f" {bytes_text(size):>9}")
        for name, size in rows
        if size
    ]
    verdict = {True: "fits", False: "DOES NOT FIT", None: "memory of the machine not known"}[m.fits]
    of = "" if m.usable_bytes is None else f" of {bytes_text(m.usable_bytes)} usable"
    most = f"; at most {m.max_batch:,} such requests" if m.max_batch is not None else ""
    colour = "$text-error" if m.fits is False else "$text-success"
    sum_ = f"total {bytes_text(m.total_bytes_per_gpu)}{of}: "
    lines.append(Content.assemble(sum_, (verdict, f"bold {colour}"), most))
    return Content("\n").join(lines)


def parts(counts: dict[str, int]) -> Content:
    """A bar per part of the model."""
    whole = sum(counts.values())
    width = min(34, max(len(name) for name in counts))
    lines = [
        Content.assemble(
            f"{name[:width]:<{width}} ", (bar(count / whole, BAR), "$text-primary"),
            f" {count_text(count):>7} {percent_text(count / whole):>6}",
        )
        for name, count in counts.items()
    ]  # fmt: skip
    return Content("\n").join(lines)
