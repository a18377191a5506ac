"""Why a row of the shortlist is there, or why a model was rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from advisor.report import bytes_text, count_text, percent_text, seconds_text, usd_text
from tui.ask_cells import change, place, quality, rate
from tui.widgets.bars import bar
from tui.widgets.reader import Reader, Section, facts, listed

if TYPE_CHECKING:
    from advisor.ranking.rows import Advice, Recommendation
    from advisor.rejection import Rejection
    from tui.reasons import Reasons

BAR = 8


class WhyPane(Reader):
    """An explanation of the highlighted row."""

    _of = ""
    """The model that is explained."""

    def say(self, text: str) -> None:
        """Show one sentence."""
        self.read(Content.styled(text, "dim italic"), ())

    def explain(self, r: Recommendation, advice: Advice, reasons: Reasons | None = None) -> None:
        """Explain a recommendation; ``reasons`` come a moment later than the row."""
        way = " ".join([r.weights, "weights,", r.kv, "cache,"]) if r.machine else ""
        title = Content.assemble(
            (r.model, "bold $text-primary"), f"  {r.family}\n", (f"{way} {place(r)}".strip(), "dim")
        )
        stay = self._of == r.model
        self._of = r.model
        self.read(title, _sections(r, advice, reasons), stay=stay)

    def reject(self, r: Rejection) -> None:
        """Explain a rejection."""
        title = Content.assemble(
            (r.model, "bold $text-error"), f"  {r.family}, rejected\n", (f"closest: {r.way}", "dim")
        )
        stay = self._of == f"rejected {r.model}"
        self._of = f"rejected {r.model}"
        sections: list[Section] = [("What it breaks", listed(r.violations)), ("What would admit it", f"→ {change(r)}")]
        self.read(title, sections, stay=stay)


def _sections(r: Recommendation, advice: Advice, reasons: Reasons | None) -> list[Section]:
    known = reasons is not None
    others = listed(
        f"{v.model}{'' if v.quality is None else f', quality {percent_text(v.quality)}'}" for v in r.variants
    )
    found: list[Section] = [
        ("In short", reasons.short if reasons else None),
        ("Why this family", "\n".join(reasons.family) if reasons else r.reason),
        ("Why this model", "\n".join(reasons.about) if reasons else None),
        ("What binds", Content.styled(r.binding, "bold $text-warning")),
        ("Left of each promise", margins(r, advice)),
        ("Risks", listed(reasons.risks) if reasons else None),
        ("Instead", facts(reasons.instead) if reasons and reasons.instead else None),
        ("What it costs", facts(_costs(r, reasons))),
        ("Own machines against an API", facts(reasons.trade_offs) if reasons and reasons.trade_offs else None),
    ]
    if reasons and reasons.launch[1]:
        engine, command, note = reasons.launch
        found.append((f"Start it with {engine}", f"{command}\n{note}" if note else command))
    found += [
        ("How the answer came about", reasons.path if reasons else None),
        ("Releases of the same architecture", others),
        ("Evidence", None if known else _evidence(r)),
        ("Notes", listed(r.notes)),
        ("The same from the command line", "\n".join(reasons.commands) if reasons else None),
        ("Assumed, because nobody said", listed(advice.requirements.get("defaults", ()))),
        ("Left out", listed(f"{family}: {reason}" for family, reason in advice.unsuited.items())),
    ]
    return found


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


def _costs(r: Recommendation, reasons: Reasons | None) -> list[tuple[str, str]]:
    found = [("per month", reasons.month)] if reasons and reasons.month else []
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
    if r.p_meets is not None:
        found.append(("promises", f"kept with a probability of {percent_text(r.p_meets)}"))
    if r.badge is not None:
        found.append(("times are", f"{r.badge}, engine {r.engine}"))
    return found


def _evidence(r: Recommendation) -> str:
    if r.quality is None:
        return "No published score of this model speaks for the task, so it ranks after those that have one."
    return f"quality {quality(r)}: {', '.join(r.evidence)}"
