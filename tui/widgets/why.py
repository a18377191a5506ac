"""Why a row of the shortlist is there, or why a model was rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from advisor.report import bytes_text, count_text, percent_text, seconds_text, usd_text
from tui.cells import place, quality, rate
from tui.widgets.bars import bar
from tui.widgets.reader import Reader, facts, listed

if TYPE_CHECKING:
    from advisor.recommend import Advice, Recommendation
    from advisor.rejection import Rejection

BAR = 8


class WhyPane(Reader):
    """An explanation of the highlighted row."""

    def say(self, text: str) -> None:
        """Show one sentence."""
        self.read(Content.styled(text, "dim italic"), ())

    def explain(self, r: Recommendation, advice: Advice) -> None:
        """Explain a recommendation."""
        way = " ".join([r.weights, "weights,", r.kv, "cache,"]) if r.machine else ""
        title = Content.assemble(
            (r.model, "bold $text-primary"), f"  {r.family}\n", (f"{way} {place(r)}".strip(), "dim")
        )
        self.read(
            title,
            [
                ("Why this family", r.reason),
                ("What binds", Content.styled(r.binding, "bold $text-warning")),
                ("Left of each promise", margins(r, advice)),
                ("What it costs", facts(_costs(r))),
                ("Evidence", _evidence(r)),
                ("Notes", listed(r.notes)),
                ("Assumed, because nobody said", listed(advice.requirements.get("defaults", ()))),
                ("Left out", listed(f"{family}: {reason}" for family, reason in advice.unsuited.items())),
            ],
        )

    def reject(self, r: Rejection) -> None:
        """Explain a rejection."""
        title = Content.assemble(
            (r.model, "bold $text-error"), f"  {r.family}, rejected\n", (f"closest: {r.way}", "dim")
        )
        self.read(title, [("What it breaks", listed(r.violations)), ("What would admit it", f"→ {r.smallest_change}")])


def margins(r: Recommendation, advice: Advice) -> Content | None:
    """A line per promise: a bar of what is left, the share, and value against limit where both are known."""
    asked = advice.requirements
    values = {
        "memory": (r.memory_bytes_per_gpu, r.usable_bytes, bytes_text),
        "first token": (r.ttft_s, asked.get("ttft_s"), seconds_text),
        "per token": (r.tpot_s, asked.get("tpot_s"), seconds_text),
    }
    lines = []
    for name, left in r.margins.items():
        value, limit, text = values.get(name, (None, None, str))
        against = f"  {text(value)} of {text(limit)}" if value is not None and limit is not None else ""
        colour = "$text-warning" if name == r.binding.partition(":")[0] else "$text-success"
        lines.append(Content.assemble(f"{name:<12}", (bar(left, BAR), colour), f" {percent_text(left):>5}{against}"))
    return Content("\n").join(lines) if lines else None


def _costs(r: Recommendation) -> list[tuple[str, str]]:
    found = []
    if r.total_params is not None and r.active_params is not None:
        active = f", {count_text(r.active_params)} active" if r.active_params != r.total_params else ""
        found.append(("parameters", count_text(r.total_params) + active))
    if r.usd_per_million_input_tokens is not None:
        found.append(("tokens in", f"{usd_text(r.usd_per_million_input_tokens)} per million"))
    if r.usd_per_million_output_tokens is not None:
        found.append(("tokens out", f"{usd_text(r.usd_per_million_output_tokens)} per million"))
    if r.usd_per_hour is not None:
        found.append(("machine", f"{usd_text(r.usd_per_hour)} per hour"))
    if r.tokens_per_s is not None:
        found.append(("throughput", rate(r) + (" tok/s" if r.tpot_s is not None else "")))
    if r.full_context_ttft_s is not None:
        found.append(("full context", f"{seconds_text(r.full_context_ttft_s)} to the first token"))
    if r.badge is not None:
        found.append(("times are", f"{r.badge}, engine {r.engine}"))
    return found


def _evidence(r: Recommendation) -> str:
    if r.quality is None:
        return "No published score of this model speaks for the task, so it ranks after those that have one."
    return f"quality {quality(r)}: {', '.join(r.evidence)}"
