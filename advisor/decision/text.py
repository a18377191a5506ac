"""An answer in words: the short answer, the shortlist, the reasons, what it would take to change it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from textwrap import wrap

from advisor.decision.alternatives import Alternative
from advisor.decision.details import Decision, Details
from advisor.decision.month import dollars_text, month_of
from advisor.decision.sensitivity import Sensitivity
from advisor.ranking.rows import Recommendation
from advisor.report import bytes_text, percent_text, rate_text, seconds_text, tokens_text, usd_text
from advisor.tables import aligned_lines, fitted

WIDTH = 80
COLUMNS = ("model", "weights", "on", "copies", "quality", "$/month", "first tok", "per tok", "score", "kept", "family",
           "throughput", "memory", "cache", "$/M in", "$/M out")  # fmt: skip
"""The most important first: as many as the width holds, and at least ``LEAST``."""
LEAST = 8
LEFT = ("model", "weights", "on", "family", "cache")
REJECTED = 4


def answer_lines(
    decision: Decision, *, rows: int = 8, of: int | str = 0, width: int = WIDTH, emphasis: Callable[[str], str] = str
) -> list[str]:
    """The whole answer.

    Args:
        decision: What was decided.
        rows: Of the shortlist.
        of: Which recommendation is explained.
        width: Characters of a line.
        emphasis: What is done to headings.
    """
    out = _Lines(width, emphasis)
    _asked(out, decision)
    if not decision.ranked:
        out.heading("Nothing keeps every promise.")
        out.blank()
        _rejected(out, decision)
        _left_out(out, decision)
        return out.lines
    details = decision.details(of)
    out.blank()
    out.heading("Answer")
    out.text(details.short, 2)
    out.blank()
    out.lines += table_lines(decision, rows, width, emphasis)
    n = decision.needs
    if n.context_tokens > n.input_tokens + n.output_tokens and details.recommendation.tpot_s is not None:
        full = f"with every cache filled to {tokens_text(n.context_tokens)}"
        out.text(f"First token: for a prompt of {tokens_text(n.input_tokens)}; per token: {full}.", 0, 2)
    out.blank()
    _reasons(out, details)
    out.blank()
    _rejected(out, decision)
    _left_out(out, decision)
    return out.lines


class _Lines:
    """Collects wrapped lines."""

    def __init__(self, width: int, emphasis: Callable[[str], str]) -> None:
        self.lines: list[str] = []
        self.width = width
        self.emphasis = emphasis

    def heading(self, text: str) -> None:
        self.lines.append(self.emphasis(text))

    def blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def text(self, text: str, indent: int = 0, hanging: int = 0) -> None:
        pad = " " * indent
        self.lines += wrap(
            text, self.width, initial_indent=pad, subsequent_indent=pad + " " * hanging, break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip

    def point(self, name: str, text: str, wide: int = 0) -> None:
        """A name, and text that hangs beside it."""
        head = f"{name:{wide}}  " if wide else f"{name}: "
        lines = wrap(text, self.width - 2 - len(head), break_long_words=False, break_on_hyphens=False) or [""]
        self.lines += [
            ("  " + (head if number == 0 else " " * len(head)) + line).rstrip() for number, line in enumerate(lines)
        ]


def _asked(out: _Lines, decision: Decision) -> None:
    needs = decision.needs
    steps = [s for s in _wishes(decision) if s]
    out.text(f"{needs.task}: {', '.join(steps)}", 0, 2)
    if needs.defaults:
        out.text(f"assumed: {'; '.join(needs.defaults)}", 0, 2)
    usual = [
        f"{name} {seconds_text(value)}"
        for name, value in (("first token", needs.usual_ttft_s), ("per token", needs.usual_tpot_s))
        if value is not None
    ]
    if usual:
        out.text(f"usual for the task, and no limit: {', '.join(usual)}", 0, 2)
    n = len(decision.advice.points)
    out.text(f"{decision.advice.considered:,} ways considered; {n} model{'s' * (n != 1)} can keep every promise", 0, 2)


def _wishes(decision: Decision) -> Iterable[str]:
    from advisor.decision.path import needs_of

    needs = decision.needs
    yield f"{needs.users:,} user{'s' * (needs.users > 1)}"
    yield f"context {tokens_text(needs.context_tokens)}"
    for step in needs_of(needs):
        if step.rule in ("hard limit", "wish", "trait", "volume"):
            yield step.label
    if needs.requirements.machines:
        yield f"on {' or '.join(needs.requirements.machines)}"


NARROW = 12
"""Characters that names keep in a table too wide for its place."""


def table_lines(decision: Decision, rows: int, width: int = WIDTH, emphasis: Callable[[str], str] = str) -> list[str]:
    """The shortlist with as many columns as the width holds."""
    table = [_cells(decision, r) for r in decision.ranked[:rows]]
    widths = {name: max(len(name), *(len(row[name]) for row in table)) for name in COLUMNS}
    shown = [name for name in COLUMNS[:LEAST] if any(row[name] != "–" for row in table)]
    for name in COLUMNS[LEAST:]:
        if sum(widths[n] + 2 for n in (*shown, name)) - 2 <= width:
            shown.append(name)
    words = [name for name in shown if name in LEFT]
    shown = [*words, *(name for name in shown if name not in LEFT)]
    names = ["answer" if name == "first tok" and "per tok" not in shown else name for name in shown]
    cells = fitted(names, [[row[name] for name in shown] for row in table], range(len(words)), width, NARROW)
    lines = aligned_lines(names, cells, left=len(words))
    return [emphasis(lines[0]), *lines[1:]]


def _cells(decision: Decision, r: Recommendation) -> dict[str, str]:
    month = month_of(r, decision.needs, decision.volume)
    return {
        "model": r.model,
        "family": r.family,
        "weights": r.weights,
        "cache": r.kv,
        "on": f"API ({r.engine})" if r.machine is None else f"{r.n_gpus} × {r.machine}" if r.n_gpus > 1 else r.machine,
        "copies": "–" if r.copies == 1 else f"{r.copies}",
        "quality": "?" if r.quality is None else percent_text(r.quality),
        "$/month": "–" if month is None else dollars_text(month.usd),
        "first tok": seconds_text(r.ttft_s) if r.ttft_s else "–",
        "per tok": seconds_text(r.tpot_s) if r.tpot_s else "–",
        "throughput": rate_text(r.tokens_per_s, "tok/s" if r.tpot_s else "/s") if r.tokens_per_s else "–",
        "memory": bytes_text(r.memory_bytes_per_gpu) if r.memory_bytes_per_gpu else "–",
        "$/M in": usd_text(r.usd_per_million_input_tokens),
        "$/M out": usd_text(r.usd_per_million_output_tokens),
        "kept": "?" if r.p_meets is None else percent_text(r.p_meets),
        "score": f"{r.score:.2f}",
    }


def _reasons(out: _Lines, details: Details) -> None:
    r = details.recommendation
    out.heading(f"Why {r.family}")
    for said in details.why_family:
        out.text(said, 2)
    out.heading(f"Why {r.model}")
    for said in details.why_model:
        out.text(said, 2)
    left = ", ".join(f"{name} {percent_text(share)}" for name, share in details.margins.items())
    out.text(f"Binds: {details.binds}." + (f" Left: {left}." if left else ""), 2)
    if details.month is not None:
        out.text(f"Costs {dollars_text(details.month.usd)} a month: {details.month.basis}.", 2)
    if details.risks:
        out.heading("Risks")
        for risk in details.risks:
            out.text(f"- {risk}.", 2, 2)
    out.heading("Instead")
    for other in details.alternatives:
        out.point(other.kind, _alternative(other), 12)
    if details.trade_offs:
        out.heading("Own machines against an API")
        for criterion in details.trade_offs:
            out.point(criterion.name, f"{criterion.own}; API: {criterion.api}.", 16)
    _commands(out, details)


def _alternative(other: Alternative) -> str:
    if other.recommendation is None:
        return f"none: {other.said}."
    return f"{other.model}: {', '.join(other.differences) or 'no difference in numbers'} ({other.said})."


def _commands(out: _Lines, details: Details) -> None:
    """Commands are not wrapped: they are to be copied."""
    if not details.launches and details.recommendation.machine is not None:
        out.heading("Start it")
        out.text("In PyTorch, by the publisher's own lines: no engine of the catalog serves it by a command.", 2)
    if details.launches:
        first = details.launches[0]
        out.heading(f"{_how_many(details)} ({first.engine})")
        out.lines.append(f"  {first.command}")
        if first.note:
            out.text(f"{first.note}.", 2)
    out.heading("Again, and in detail")
    out.lines += [f"  {command}" for command in details.commands.values()]


def _how_many(details: Details) -> str:
    """How many copies are started, and what each is given."""
    r = details.recommendation
    if r.copies == 1:
        return "Start it"
    shared = details.needs.requirements.requests_per_s is None
    users = f", at most {r.users_per_copy:,} users each" if shared else ""
    return f"Start {r.copies} of these behind a load balancer{users}"


def _rejected(out: _Lines, decision: Decision) -> None:
    rejected = decision.advice.rejected[:REJECTED]
    if not rejected:
        return
    out.heading("Nearest rejected, and what would admit them")
    for r in rejected:
        out.text(f"{r.model} ({r.way}): {'; '.join(r.violations)}", 2, 4)
        out.text(f"→ {r.smallest_change}", 6, 2)


def _left_out(out: _Lines, decision: Decision) -> None:
    """How many models the wishes rule out, by wish, and families that do not suit."""
    excluded, unsuited = decision.advice.excluded, decision.advice.unsuited
    if excluded:
        kinds = Counter(excluded.values())
        common = [f"{reason} ({n})" for reason, n in kinds.most_common(3)]
        more = len(excluded) - sum(n for _, n in kinds.most_common(3))
        common += [f"other wishes ({more})"] if more else []
        out.text(f"Left out: {'; '.join(common)}.", 0, 2)
    if unsuited:
        out.text(f"Families that do not suit: {', '.join(unsuited)} (whicharch learn {decision.needs.task}).", 0, 2)


def sensitivity_lines(found: Sensitivity, width: int = WIDTH, emphasis: Callable[[str], str] = str) -> list[str]:
    """What changes the answer, what only changes how it is run, what changes nothing, what was not tried."""
    out = _Lines(width, emphasis)
    out.heading(f"What a change by 20 % does ({len(found.trials)} tried, one at a time; whole numbers rounded)")
    if not found.changing:
        out.text("Nothing that was tried changes the answer.", 2)
    for trial in found.changing:
        then = f"{trial.model} ({trial.way})" if trial.model else "nothing keeps every promise"
        out.text(f"--{trial.flag} {trial.before} → {trial.after}: {then}", 2, 4)
    ways = [t for t in found.trials if t.effect == "other way"]
    if ways:
        out.text("The same model is run otherwise:", 2)
        for trial in ways:
            out.text(f"--{trial.flag} {trial.before} → {trial.after}: {trial.way}", 4, 2)
    same = [t for t in found.trials if t.effect == "same"]
    if same:
        out.text(f"No change: {_both(same)}.", 2, 2)
    for said in found.untried:
        out.text(f"Not tried: {said}.", 2, 2)
    return out.lines


def _both(trials: Sequence[object]) -> str:
    """Flags with the directions that change nothing."""
    from advisor.decision.sensitivity import Trial

    signs: dict[str, list[str]] = {}
    for trial in trials:
        assert isinstance(trial, Trial)
        signs.setdefault(trial.flag, []).append("−" if trial.factor < 1 else "+")
    return ", ".join(f"--{flag} {'±' if len(s) > 1 else s[0]}20 %" for flag, s in signs.items())
