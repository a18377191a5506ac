"""An estimate as text: fits 80 columns, uses more where there are more."""

from __future__ import annotations

import shutil
import textwrap

import click

from advisor.answer import Band, Energy, Estimate, Rate, Speculation
from advisor.cli.options import print_table
from advisor.report import (
    bytes_text,
    count_text,
    flops_text,
    joules_text,
    rate_text,
    seconds_text,
    tokens_text,
    usd_text,
)

INDENT = 20


def print_estimate(e: Estimate) -> None:
    """All of it but the operators."""
    _print_head(e)
    _print_counts(e)
    click.echo()
    _print_memory(e)
    click.echo()
    _print_times(e)
    click.echo()
    _print_cost(e)
    if e.energy:
        _print_energy(e, e.energy)
    for note in e.notes:
        click.echo()
        paragraph(f"Note: {note}.")


def line(name: str, text: str) -> None:
    """A name and what there is to say, wrapped under itself."""
    width = max(40, shutil.get_terminal_size((80, 24)).columns)
    parts = textwrap.wrap(text, width - INDENT, break_on_hyphens=False) or [""]
    for number, part in enumerate(parts):
        click.echo(f"{name if number == 0 else '':<{INDENT}}{part}")


def paragraph(text: str) -> None:
    """Prose in the terminal's width."""
    click.echo(textwrap.fill(text, max(40, shutil.get_terminal_size((80, 24)).columns), break_on_hyphens=False))


def _print_head(e: Estimate) -> None:
    s = e.scenario
    width = f"{e.n_gpus} × {e.machine}" if e.n_gpus > 1 else e.machine
    shared = [f"{name} {e.scenario[name]}" for name in ("tp", "pp", "ep", "dp", "cp") if e.scenario[name] > 1]
    width += f" ({', '.join(shared)})" if shared and shared != [f"tp {e.n_gpus}"] else ""
    click.echo(f"{e.model} ({e.family}) on {width}, weights {e.weights}, cache {e.kv}, {e.engine}")
    sees = "" if e.family in ("vision", "diffusion") else f", {tokens_text(s['input_tokens'])} tokens in"
    load = f"{s['batch']:,} request{'s' if s['batch'] > 1 else ''} at a time{sees}"
    click.echo(load + (f", {tokens_text(s['output_tokens'])} out" if e.time.tpot_s else "") + "\n")


def _print_counts(e: Estimate) -> None:
    p, f, generates = e.params, e.flops, e.time.tpot_s is not None
    line("parameters", f"{p.total:,} ({count_text(p.total)})")
    if p.active != p.total:
        line("  active per token", f"{p.active:,} ({count_text(p.active)})")
    line("  looked up", f"{p.embedding:,} (embedding tables)")
    line(
        "FLOPs, prefill" if generates else "FLOPs, one pass",
        f"{flops_text(f.prefill_needed)} needed, {flops_text(f.prefill)} as eager PyTorch does them",
    )
    if generates:
        line("FLOPs, decode step", f"{flops_text(f.decode_needed)} needed, {flops_text(f.decode)} executed")


def _print_memory(e: Estimate) -> None:
    m = e.memory
    line("weights", f"{bytes_text(m.weights_bytes)} per device")
    if m.kv_cache_bytes:
        line("KV cache", bytes_text(m.kv_cache_bytes))
    if m.state_bytes:
        line("recurrent state", bytes_text(m.state_bytes))
    line("activations", f"{bytes_text(m.activation_bytes)} at the peak")
    line("engine", bytes_text(m.overhead_bytes))
    if m.draft_bytes:
        line("draft", bytes_text(m.draft_bytes))
    usable = "" if m.usable_bytes is None else f" of {bytes_text(m.usable_bytes)} usable"
    verdict = {True: "fits", False: "DOES NOT FIT", None: "memory of the machine not known"}[m.fits]
    most = f"; at most {m.max_batch:,} such requests" if m.max_batch else ""
    line("total", f"{bytes_text(m.total_bytes_per_gpu)}{usable}: {verdict}{most}")


def _print_times(e: Estimate) -> None:
    """Times and rates with their bands as a table, and below it how the bands are known."""
    if e.memory.fits is False:
        click.echo("Times and costs are those it would have if it fitted.")
    t, r, generates = e.time, e.throughput, e.time.tpot_s is not None
    rows: list[tuple[str, Band | None, bool]] = [("first token" if generates else "answer", t.ttft_s, True)]
    if generates:
        rows += [("per token", t.tpot_s, True), ("whole answer", t.e2e_s, True)]
    rows.append(("throughput", r.band, False))
    if generates:
        rows += [("  reading a prompt", r.prefill, False), ("  writing alone", r.decode, False)]
    shown = [(name, band, _text(band, r.unit, timed)) for name, band, timed in rows if band]
    print_table(
        ["", "expected", "80 % between", "known from"],
        [[f"{name:<{INDENT - 2}}", *texts, band.badge] for name, band, texts in shown],
        left=1,
    )
    if generates and (e.scenario["batch"] > 1 or e.n_gpus > 1):
        per = [f"{rate_text(r.per_user)} per user" if e.scenario["batch"] > 1 else ""]
        per.append(f"{rate_text(r.per_gpu)} per device" if e.n_gpus > 1 else "")
        line("  each", ", ".join(part for part in per if part))
    for number, rate in enumerate(e.rates):
        _print_rate(rate, e.n_gpus, first=number == 0 and not generates)
    if t.first_step_s and t.last_step_s:
        joined = f"; {seconds_text(t.joined_step_s)} while another prompt is read" if t.joined_step_s else ""
        line(
            "  between tokens",
            f"{seconds_text(t.first_step_s)} at first, {seconds_text(t.last_step_s)} at last{joined}",
        )
    if e.speculation:
        _print_speculation(e.speculation)
    for basis in dict.fromkeys(_short(band.basis.rpartition(": ")[2]) for _, band, _ in shown[:2]):
        paragraph(f"Bands: {basis}." if shown[0][1].p10 is not None else f"No bands: {basis}.")


def _print_rate(rate: Rate, devices: int, *, first: bool) -> None:
    """The first rate of a model that answers in one pass is its throughput, so only what one takes is new."""
    audio = rate.unit == "audio s/s"
    each = f"real-time factor {rate.each_s.p50:.2g}" if audio else f"{seconds_text(rate.each_s.p50)} each"
    per = f", {rate_text(rate.per_gpu, rate.unit)} per device" if devices > 1 else ""
    total = "" if first and not audio else f"{rate_text(rate.total.p50, rate.unit)}, "
    line("  each" if first and not audio else "  also" if not audio else "  audio", f"{total}{each}{per}; {rate.about}")


def _print_speculation(s: Speculation) -> None:
    from calculators.speculative import MOST_BATCH

    a = s.acceptance
    span = f", {a.p10:g} to {a.p90:g}" if a.p10 is not None and a.p10 != a.p90 else ""
    line("  speculating", f"{s.gain:.2f} times as fast as {seconds_text(s.plain_tpot_s)} per token without it")
    line(
        "  a round",
        f"{s.tokens} drafted by {s.draft} in {seconds_text(s.draft_s)}, verified in {seconds_text(s.verify_s)}, "
        f"yields {a.p50:.3g} tokens{span} ({a.badge}: {a.basis})",
    )
    best = f"; {s.best_tokens} drafted tokens would be fastest here" if s.best_tokens not in (None, s.tokens) else ""
    if s.pays_to_batch is None or s.pays_from_batch is None:
        line("  pays", f"at no batch{best}")
    else:
        most = f"{s.pays_to_batch:,} and more" if s.pays_to_batch >= MOST_BATCH else f"{s.pays_to_batch:,}"
        first = f"from {s.pays_from_batch:,} " if s.pays_from_batch > 1 else "up "
        line("  pays", f"{first}to {most} requests at a time{best}")


def _short(basis: str) -> str:
    """The first clause of what was measured; ``--json`` has all of it."""
    first, semicolon, _ = basis.partition("; ")
    return first + ")" * (first.count("(") - first.count(")")) if semicolon else basis


def _text(band: Band, unit: str, timed: bool) -> tuple[str, str]:
    def show(value: float) -> str:
        return seconds_text(value) if timed else rate_text(value, unit)

    if band.p10 is None or band.p90 is None:
        return show(band.p50), "–"
    low = show(band.p10)
    if not timed:
        low = low.removesuffix(unit).rstrip()
    elif low.rpartition(" ")[2] == show(band.p90).rpartition(" ")[2]:
        low = low.rpartition(" ")[0]
    return show(band.p50), f"{low} and {show(band.p90)}"


def _print_energy(e: Estimate, energy: Energy) -> None:
    band = energy.joules_per_request
    unit = {"images/s": "image"}.get(e.throughput.unit, "request")
    span = f", 80 % between {joules_text(band.p10)} and {joules_text(band.p90)}" if band.p10 and band.p90 else ""
    each = energy.joules_per_output_token
    token = f", {joules_text(each)} per token out" if each else ""
    most = "at most " if energy.is_bound else ""
    line("energy", f"{most}{joules_text(band.p50)} per {unit}{token}{span} ({band.badge})")
    more = [f"{energy.watts_per_gpu:.0f} W per device"]
    more += [f"{energy.host_w_per_gpu:g} W more for the host"] if energy.host_w_per_gpu else []
    more += [f"PUE {energy.pue:g}"] if energy.pue != 1 else []
    line("", ", ".join(more) + (f"; {band.basis}" if energy.is_bound else ""))


def _print_cost(e: Estimate) -> None:
    c = e.cost
    if c.usd_per_hour is None:
        line("cost", f"no price known for {e.machine}")
        return
    sums = [
        (c.usd_per_million_input_tokens, "per million tokens in"),
        (c.usd_per_million_output_tokens, "out"),
        (c.usd_per_thousand_requests, "per thousand requests"),
    ]
    line("cost", ", ".join(f"{usd_text(usd)} {what}" for usd, what in sums if usd))
    line("", f"at {usd_text(c.usd_per_hour)} per hour ({c.basis})")
