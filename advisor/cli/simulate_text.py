"""A simulation in words."""

from __future__ import annotations

import click

from advisor.cli.estimate_text import line, paragraph
from advisor.cli.options import print_table
from advisor.report import rate_text, seconds_text, usd_text
from advisor.simulator.metrics import Latency, Outcome
from advisor.simulator.promises import kept, measured
from advisor.simulator.result import STATISTICS, Kind, Simulation
from advisor.simulator.rules import PRESETS
from advisor.simulator.traffic import Traffic

REFUSED = {
    "context": "longer than the model's context",
    "memory": "prompt and answer are larger than the whole cache",
    "budget": "longer than a pass may be, and the engine does not cut prompts",
}
ROLES = {"both": "", "prompts": " for prompts", "answers": " for answers"}


def print_simulation(result: Simulation) -> None:
    """Print it."""
    o = result.outcome
    _head(result)
    if result.largest_rate is not None:
        what = "conversations" if _has_turns(result) else "requests"
        text = f"{result.largest_rate:.3g} {what} per second" if result.largest_rate else "none"
        line("largest rate", f"{text} that keeps {', '.join(map(str, result.promises))}")
    line("verdict", f"{o.verdict.word.upper() if o.verdict.saturated else o.verdict.word}: {o.verdict.why}")
    for why, count in o.refused.items():
        line("refused", f"{count:,} requests: {REFUSED.get(why, why)}")
    for promise in result.promises:
        line("kept" if kept(o, promise) else "MISSED", f"{promise}: {seconds_text(measured(o, promise))}")
    click.echo()
    _latencies(o)
    if len(o.classes) > 1:
        _classes(o)
    if len(result.runs) > 1:
        _intervals(result)
    click.echo()
    _totals(result)
    for note in result.notes:
        click.echo()
        paragraph(f"Note: {note}.")


def _head(result: Simulation) -> None:
    case = result.service.case
    assert case is not None
    for number, kind in enumerate(result.kinds):
        click.echo((f"{case.spec.id} on " if number == 0 else "  and ") + _kind(kind, len(result.kinds) > 1))
    o = result.outcome
    paragraph(f"{o.requests:,} requests{_rate(result)}{_mean_lengths(o)}, {o.duration_s:,.0f} s simulated")
    if result.rate and _has_turns(result):
        paragraph(
            f"The last conversation begins after {result.last_start_s:,.0f} s; throughput is the mean over all the "
            "time, to the last answer, and so below the rate asked for."
        )
    click.echo()


def _has_turns(result: Simulation) -> bool:
    return any(c.turns.mean > 1 for c in result.traffic)


def _rate(result: Simulation) -> str:
    """What is asked for: of conversations how many, how long, and the requests that they make; then spikes and days."""
    if not result.rate or not result.asked_per_s:
        return ""
    text = f" at {result.rate:.3g} per second"
    if _has_turns(result):
        turns = result.asked_per_s / result.rate
        text = (
            f" at {result.asked_per_s:.3g} per second ({result.rate:.3g} conversations per second, "
            f"{turns:.3g} turns on average)"
        )
    return text + "".join(f", {shape}" for shape in map(_shape, result.traffic) if shape)


def _shape(t: Traffic) -> str:
    p = t.profile
    if p.kind == "spike":
        return f"{t.name} ×{p.factor:g} from {p.at_s:g} s on for {p.for_s:g} s"
    return f"{t.name} ×{p.factor:g} from trough to peak in {p.period_s:,.0f} s" if p.kind == "diurnal" else ""


def _mean_lengths(o: Outcome) -> str:
    """What the answered requests read and wrote: lengths may have been assumed."""
    if not o.finished:
        return ""
    read, written = (rate * o.duration_s / o.finished for rate in (o.input_tokens_per_s, o.output_tokens_per_s))
    return f", {read:,.0f} tokens in" + ("" if o.tpot_s is None else f" and {written:,.0f} out on average")


def _kind(kind: Kind, several: bool) -> str:
    case, service = kind.service.case, kind.service
    assert case is not None
    devices = f"{service.devices} × {case.machine.id}" if service.devices > 1 else case.machine.id
    width = f"{kind.count} × " if kind.count > 1 or several else ""
    width += f"({devices})" if width and service.devices > 1 else devices
    engine = service.rules.label if case.engine.id in PRESETS or case.engine.id == "vllm" else case.engine.id
    if case.engine.id == "llama.cpp":
        engine += f", {service.rules.max_sequences} slots"
    return f"{width}{ROLES[kind.role]}, weights {case.weights.id}, {engine}"


def _latencies(o: Outcome) -> None:
    single = o.tpot_s is None
    rows = [
        ("answer" if single else "first token", None if single else o.ttft_s),
        ("per further token", o.tpot_s),
        ("between tokens", o.itl_s),
        ("whole answer", o.e2e_s),
        ("in the queue", o.queue_s),
    ]
    print_table(["", *STATISTICS], [[name, *_times(latency)] for name, latency in rows if latency is not None])


def _times(latency: Latency) -> list[str]:
    return [seconds_text(getattr(latency, name)) for name in STATISTICS]


def _classes(o: Outcome) -> None:
    click.echo()
    rows = []
    for c in o.classes:
        parts = (c.ttft_s, c.tpot_s, c.e2e_s, c.queue_s)
        times = [seconds_text(latency.p95) if latency else "–" for latency in parts]
        good = "–" if c.kept is None else f"{100 * c.kept:.1f} %"
        rows.append([c.name, f"{c.requests:,}", f"{c.refused:,}", *times, good])
    print_table(
        ["class, p95 of", "requests", "refused", "first token", "per token", "whole answer", "queue", "in limits"], rows
    )


def _intervals(result: Simulation) -> None:
    parts = []
    for name in ("ttft.p95", "tpot.p95", "e2e.p95"):
        i = result.interval(name)
        if i.mean == i.mean:
            parts.append(f"{name} {seconds_text(max(i.low, 0))} to {seconds_text(i.high)}")
    click.echo(f"over {len(result.runs)} seeds, 95 % intervals: {', '.join(parts)}")


def _totals(result: Simulation) -> None:
    o, service = result.outcome, result.service
    writes = o.tpot_s is not None
    written = f", {rate_text(o.output_tokens_per_s)} written" if writes else ""
    line("throughput", f"{o.requests_per_s:.3g} requests/s{written}")
    if o.goodput_per_s is not None:
        line("goodput", f"{o.goodput_per_s:.3g} requests/s keep every limit ({100 * (o.kept or 0):.1f} %)")
    steps = f", {o.mean_batch:.1f} sequences a step" if writes else ""
    line("in passes", f"{100 * o.utilisation:.0f} % of the time{steps}")
    if round(o.replicas, 2) != result.replicas:
        line("replicas", f"{o.replicas:.2f} on average, of {result.replicas}")
    if service.memory.units < 2**60:
        tokens = f"{service.cache_tokens:,} tokens; " if service.cache_tokens and len(result.kinds) == 1 else ""
        line(
            "cache",
            f"{tokens}{100 * o.cache_mean:.0f} % filled, at most {100 * o.cache_peak:.0f} %; "
            f"{o.preemptions:,} preemptions",
        )
    if o.cached_share:
        line("prefixes", f"{100 * o.cached_share:.1f} % of prompt tokens found in the cache")
    if o.usd_per_hour is None:
        line(
            "cost", "no price known for " + ", ".join(k.service.case.machine.id for k in result.kinds if k.service.case)
        )
    else:
        prices = [
            f"{usd_text(price)} per million {what}"
            for price, what in (
                (o.usd_per_million_input_tokens, "tokens read"),
                (o.usd_per_million_output_tokens, "written"),
                (o.usd_per_million_tokens, "of both"),
            )
            if price
        ]
        line("cost", ", ".join([f"{usd_text(o.usd_per_hour)} per hour", *prices]))
    if o.joules_per_token is not None:
        each = "token written" if writes else "answer"
        line("energy", f"at most {o.joules_per_token:.2g} J per {each} (nominal power while in passes)")
