"""A plan in words and tables."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from advisor.planning.result import Choice, Day, MixedChoice, Plan, SplitChoice
from advisor.report import percent_text, seconds_text, usd_text
from advisor.tables import aligned_lines, fitted, markdown_lines

WIDE = 100
"""Characters of a line where the width of the terminal is not known."""


def plan_lines(
    plan: Plan, *, markdown: bool = False, emphasis: Callable[[str], str] = str, width: int = WIDE
) -> list[str]:
    """Everything a decision needs.

    Args:
        plan: The answer.
        markdown: Whether to write headings, tables and code as Markdown.
        emphasis: What is done to the headers of plain tables.
        width: Characters of a line at most, commands to copy aside.
    """
    out = _Writer(markdown, emphasis, max(width, 60))
    _write(out, plan)
    return out.lines


def _write(out: _Writer, plan: Plan) -> None:
    if plan.name:
        out.heading(plan.name, 1)
    out.line(f"Promised: {'; '.join(plan.promises)}")
    if plan.best is None:
        _nothing(out, plan)
        return
    if plan.budget_breaks_in is not None:
        out.line(f"NO PLAN stays within the budget in every month: the cheapest {plan.miss}.")
        for change in plan.smallest_changes:
            out.line(f"Smallest change: {change}")
    _best(out, plan, plan.best)
    if plan.split is not None:
        out.heading("Cheaper still: separate replicas for prompts and for answers", 2)
        _apart(out, plan.split)
    if plan.mixed is not None:
        out.heading("Cheaper still: two kinds of replicas behind one router", 2)
        _two_kinds(out, plan.mixed)
    _front(out, plan)
    _losers(out, plan)
    _months(out, plan)
    if plan.beyond is not None:
        out.heading(f"Enough in month {plan.beyond.month}: two kinds of replicas behind one router", 2)
        _two_kinds(out, plan.beyond)
    if plan.day is not None:
        _day(out, plan.day)
    _money(out, plan)
    if plan.launches:
        out.heading("Start one replica", 2)
        for launch in plan.launches:
            out.line(f"{launch.engine}:" + (f" ({launch.note})" if launch.note else ""))
            out.code(launch.command)
    for note in plan.notes:
        out.line(f"Note: {note}.")
    _how(out, plan)


def _nothing(out: _Writer, plan: Plan) -> None:
    what = "NO PLAN" if not plan.kept else "No one kind of replicas"
    out.line(f"{what} keeps the promises{' within the budget' if plan.over_budget else ''}.")
    if plan.nearest is None:
        out.line(f"Nearest miss: {plan.miss}.")
    else:
        near = plan.nearest
        out.line(f"Nearest miss: {near.way}, {usd_text(near.usd_per_hour)} per hour: {plan.miss}.")
        _percentiles(out, near)
    if plan.split is not None:
        out.heading("But separate replicas for prompts and for answers do", 2)
        _apart(out, plan.split)
    if plan.mixed is not None:
        out.heading("But two kinds of replicas behind one router do", 2)
        _two_kinds(out, plan.mixed)
    for change in plan.smallest_changes:
        out.line(f"Smallest change: {change}")
    _losers(out, plan)
    for note in plan.notes:
        out.line(f"Note: {note}.")
    _how(out, plan)


def _best(out: _Writer, plan: Plan, best: Choice) -> None:
    now = "" if plan.budget_breaks_in is None else " in the first month"
    out.heading(f"Cheapest plan that keeps them{now}", 2)
    out.line(best.way)
    spare = f", {best.spare} of them spare" if best.spare else ""
    out.line(f"{many(best.devices, 'device')} in {many(best.replicas, 'replica')}{spare}, engine {best.engine}")
    out.line(f"{usd_text(best.usd_per_hour)} per hour, {usd_text(best.usd_per_month)} per month ({best.price_basis})")
    if best.usd_per_million_tokens:
        out.line(f"{usd_text(best.usd_per_million_tokens)} per million tokens, in and out, in the busiest hour")
    room = "" if plan.headroom is None else f"; keeps up to {percent_text(plan.headroom)} more traffic"
    out.line(f"{percent_text(best.promise_used)} of the tightest limit is used{room}")
    busy = f"busy {percent_text(best.utilisation)} of the time"
    if best.mean_batch:
        busy += (
            f", {best.mean_batch:.1f} sequences a step, cache filled to {percent_text(best.cache_peak)} at most, "
            f"{best.preemptions:,.0f} preemptions"
        )
    out.line(busy)
    if best.joules_per_token:
        each = "token written" if best.mean_batch else "answer"
        out.line(f"at most {best.joules_per_token:.2g} J per {each} (nominal power while in passes)")
    _percentiles(out, best)


def many(count: int, noun: str) -> str:
    """``1 device``, ``2 devices``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _apart(out: _Writer, split: SplitChoice) -> None:
    out.line(split.way)
    out.line(f"{usd_text(split.choice.usd_per_hour)} per hour; caches travel over the {split.link}")
    _percentiles(out, split.choice)


def _two_kinds(out: _Writer, mixed: MixedChoice) -> None:
    for part in mixed.parts:
        spare = f", {part.spare} of them spare" if part.spare else ""
        out.line(f"{part.replicas} × ({part.way}){spare}: {usd_text(part.usd_per_hour)} per hour")
    out.line(f"{usd_text(mixed.usd_per_hour)} per hour together, busy {percent_text(mixed.utilisation)} of the time")
    _percentiles(out, mixed)


def _percentiles(out: _Writer, choice: Choice | MixedChoice) -> None:
    rows = []
    for p in choice.percentiles:
        spread = "–" if p.low is None or p.high is None else f"{seconds_text(p.low)} to {seconds_text(p.high)}"
        verdict = "" if p.limit is None or p.worst is None else "kept" if p.worst <= p.limit else "MISSED"
        rows.append(
            [p.name, seconds_text(p.mean), spread, seconds_text(p.limit) if p.limit is not None else "", verdict]
        )
    out.table(["", "mean", "95 % interval over seeds", "limit", ""], rows)


def _front(out: _Writer, plan: Plan) -> None:
    if len(plan.front) < 2:
        return
    out.heading("Cost against latency (simulated; no plan beats another in both)", 2)
    rows = []
    for choice in plan.front:
        values = {p.name: p.mean for p in choice.percentiles}
        times = [seconds_text(values[n]) if n in values else "–" for n in ("ttft.p95", "tpot.p95", "e2e.p50")]
        rows.append([choice.way, usd_text(choice.usd_per_hour), *times])
    out.table(["plan", "$/h", "ttft.p95", "tpot.p95", "e2e.p50"], rows, words=(0,))


def _losers(out: _Writer, plan: Plan) -> None:
    if not plan.runners_up:
        return
    out.heading("Why others lost", 2)
    rows = [[r.way, "–" if r.usd_per_hour is None else f"≥ {usd_text(r.usd_per_hour)}", r.why] for r in plan.runners_up]
    out.table(["candidate", "$/h", "why"], rows, left=3, words=(0, 2))


def _months(out: _Writer, plan: Plan) -> None:
    if len(plan.months) < 2:
        return
    out.heading("Growth", 2)
    rows: list[list[str]] = []
    for m in plan.months:
        load = f"{m.requests_per_s:.3g}/s" if m.requests_per_s is not None else f"{m.users:,} users"
        row = ["–", "–", "not enough"]
        if m.devices is not None and m.usd is not None:
            row = [str(m.replicas), str(m.devices), usd_text(m.usd)]
        same_load = rows and rows[-1][1] == load
        if rows and rows[-1][2:] == row and (same_load or m.devices is None):
            rows[-1][0] = f"{rows[-1][0].partition(' ')[0]} to {m.month}"
            rows[-1][1] = load if same_load else f"{rows[-1][1].partition(' ')[0]} to {load}"
        else:
            rows.append([str(m.month), load, *row])
    out.table(["month", "busiest", "replicas", "devices", "$ per month"], rows)
    if plan.breaks_in is None:
        out.line(f"What the first month needs is enough for all {many(len(plan.months), 'month')}.")
    else:
        out.line(f"What the first month needs breaks in month {plan.breaks_in}.")
    if plan.ends_in is not None:
        out.line(
            f"From month {plan.ends_in} on there may not be as many devices of this kind as would be needed "
            "(machines: available, or max_devices): the sums below leave those months out."
        )
    total = sum(m.usd or 0.0 for m in plan.months)
    out.line(f"All months together: {usd_text(total)}.")


def _day(out: _Writer, day: Day) -> None:
    out.heading("Over the day, replicas as each hour needs them", 2)
    rows: list[list[str]] = []
    for hour, count in enumerate(day.replicas):
        if rows and rows[-1][1] == str(count):
            rows[-1][0] = f"{rows[-1][0].partition(' ')[0]} to {hour + 1}:00"
        else:
            rows.append([f"{hour}:00 to {hour + 1}:00", str(count)])
    out.table(["hours", "replicas"], rows)
    out.line(
        f"{usd_text(day.usd_per_month)} per month instead of {usd_text(day.fixed_usd_per_month)} "
        f"({percent_text(day.saved)} saved), where machines are paid for by the hour and serve "
        f"{seconds_text(day.provisioning_s)} after they are asked for."
    )
    if len(day.months) > 1:
        _days(out, day)


def _days(out: _Writer, day: Day) -> None:
    rows: list[list[str]] = []
    for m in day.months:
        row = ["not enough", "–", "–"]
        if m.replicas is not None and m.usd is not None and m.fixed_usd is not None:
            row = [f"{min(m.replicas)} to {max(m.replicas)}", usd_text(m.usd), usd_text(m.fixed_usd)]
        if rows and rows[-1][1:] == row:
            rows[-1][0] = f"{rows[-1][0].partition(' ')[0]} to {m.month}"
        else:
            rows.append([str(m.month), *row])
    out.table(["month", "replicas", "$ by the hour", "$ all day"], rows)
    out.line(f"All months together: {usd_text(day.usd)} by the hour instead of {usd_text(day.fixed_usd)}.")


def _money(out: _Writer, plan: Plan) -> None:
    if not plan.terms and not plan.apis:
        return
    out.heading(f"Buy, rent, or an API: {many(len(plan.months), 'month')}", 2)
    rows, even = [], []
    for t in plan.terms:
        rows.append([t.pricing, usd_text(t.usd), f"{usd_text(t.usd_per_device_hour)}/h", t.basis])
        if t.break_even_months is not None:
            even.append(f"{t.pricing.capitalize()} is cheaper than on demand {even_text(plan, t.break_even_months)}.")
    for a in plan.apis:
        cached = f", {percent_text(a.cached_share)} of prompts cached" if a.cached_share else ""
        rows.append(
            [
                f"{a.model} ({a.provider})", usd_text(sum(a.usd)), f"{usd_text(a.usd_per_million_tokens)}/Mtok",
                f"list price{cached}",
            ]
        )  # fmt: skip
        if a.break_even_requests_per_s is not None:
            even.append(f"Machines are cheaper than {a.model} above {a.break_even_requests_per_s:.3g} requests/s.")
    out.table(["", "in all", "each", "how known"], rows, left=1, right=2, words=(0, 3))
    for sentence in even:
        out.line(sentence)


def even_text(plan: Plan, months: float) -> str:
    """After how many months money is saved, and on what that rests."""
    last = sum(m.devices is not None for m in plan.months)
    grows = len({m.devices for m in plan.months if m.devices is not None}) > 1
    paid = ", machines paid when they are added" if grows else ""
    beyond = f", if nothing is added after month {last}" if months > last else ""
    return f"after {months:.1f} months{paid}{beyond}"


def _how(out: _Writer, plan: Plan) -> None:
    out.line(
        f"{many(plan.considered, 'candidate')}, {plan.built} with full tables, {plan.simulated} simulated in the "
        f"search; {many(plan.runs, 'run')} of {plan.requests:,} requests in all."
    )


class _Writer:
    def __init__(self, markdown: bool, emphasis: Callable[[str], str], width: int) -> None:
        self.markdown, self.emphasis, self.width = markdown, emphasis, width
        self.lines: list[str] = []

    def heading(self, text: str, level: int) -> None:
        self.lines += ["", f"{'#' * level} {text}", ""] if self.markdown else ["", text]

    def line(self, text: str) -> None:
        if self.markdown:
            self.lines += [text, ""]
        else:
            self.lines += textwrap.wrap(text, self.width, subsequent_indent="  ", break_on_hyphens=False)

    def code(self, text: str) -> None:
        self.lines += ["```", text, "```", ""] if self.markdown else [f"  {text}"]

    def table(
        self,
        headers: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        left: int = 1,
        right: int | None = None,
        words: Sequence[int] = (),
    ) -> None:
        if self.markdown:
            self.lines += [*markdown_lines(headers, rows), ""]
        else:
            rows = fitted(headers, rows, words, self.width)
            head, *body = aligned_lines(headers, rows, left=left, right=right)
            self.lines += [self.emphasis(head) if right is None else head, *body]
