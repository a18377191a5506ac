"""A machine on one screen of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from advisor.machine_sheet import Fact, facts, nominal_badge
from catalog.loader import machine_prices
from catalog.machine import Machine

WIDTH = 80
TITLES = {
    "products": "Matrix products: t = ((flops/(peak·compute))^p + (bytes/(bandwidth·memory))^p)^(1/p) + launch "
    "+ inner + rows + inputs/(bandwidth·quantising)",
    "experts": "Each product of experts: t = flops/(peak·compute) + bytes/(bandwidth·memory) + experts visited "
    "+ launch",
    "attention": "Attention, by shares of what the machine has: t = max(hypot(flops/(peak·prefill), "
    "exponentials/(32 bits·softmax)) + cached/(bandwidth·share), chain of keys) + new/(bandwidth·share) + fixed cost",
    "attention_kernels": "Attention of other kinds, by the same formula",
    "scan": "Scans: t = max(bytes/(bandwidth·memory) + flops/(peak·compute), chain of tokens) + launch",
    "short_convolution": "Short causal convolutions: t = bytes/(bandwidth·memory) + launch",
    "plain_torch": "Eager PyTorch without fused kernels, as measured on this machine",
    "eager": "Each kernel outside a captured graph: added to its launch",
    "ring": "NCCL over n peers: t = launch + passes·((n-1)·hop + (n-1)/n·bytes/bus)",
    "allreduce": "All-reduce over n peers: t = latency + min((n-1)·bytes/bus, second step + 2(n-1)/n·bytes/bus)",
}


def sheet(machine: Machine) -> Iterator[str]:
    """The lines of the screen."""
    known = facts(machine)
    about = ", ".join(part for part in (machine.vendor, machine.kind, machine.released) if part)
    yield from _wrapped(f"{machine.name} ({machine.id}): {about}")
    yield from _head(machine, known)
    blocks = dict.fromkeys(f.block for f in known if f.block not in ("memory", "rates", "links", "price"))
    for block in blocks:
        yield ""
        yield from _wrapped(TITLES.get(block, block.replace("_", " ").capitalize()))
        yield from _table([f for f in known if f.block == block])
    if not blocks:
        yield ""
        yield "No constants: times take of the nominal rates what others reach (spec sheet)."
    yield ""
    if machine.calibration:
        c = machine.calibration
        yield from _wrapped(f"Measured on {c.device}, {c.date}, {c.software}, {c.rows} timings.")
    if machine.notes:
        yield from _wrapped(f"Notes: {machine.notes}")
    yield from _wrapped("Nominal: " + "; ".join(str(source) for source in machine.sources))
    for source in dict.fromkeys(f.source for f in known if f.block in blocks and f.source):
        yield from _wrapped(f"Constants: {source}")


def _head(machine: Machine, known: Sequence[Fact]) -> Iterator[str]:
    badge = nominal_badge(machine)
    one = {f.name: f for f in known if f.block in ("memory", "rates") and not f.of}
    if "memory_gib" in one:
        usable = f", {one['usable_gib'].value:.4g} GiB usable ({machine.usable_memory:.0%})"
        yield _line("memory", f"{one['memory_gib'].value:g} GiB {machine.memory_type or ''}".strip() + usable, badge)
    if machine.compute_capability:
        yield _line("CUDA", f"compute capability {machine.compute_capability}", badge)
    cache = f", {machine.l2_mb:g} MB cache on the chip" if machine.l2_mb else ""
    yield _line("bandwidth", f"{machine.bandwidth_gb_per_s:,.4g} GB/s{cache}", badge)
    peaks = [f"{dtype} {peak:,.4g}" for dtype, peak in machine.peak_tflops.items()]
    for number, line in enumerate(textwrap.wrap(", ".join(peaks) + " TFLOP/s", 54)):
        yield _line("" if number else "dense peaks", line, "" if number else badge)
    for dtype, reached in machine.reached_tflops.items():
        share = reached / machine.peak_tflops[dtype]
        yield _line("reached", f"{dtype} {reached:,.4g} TFLOP/s, {share:.0%} of the peak, best known", "measured")
    link = machine.link
    rates = [f"{f.value:g} GB/s {f.meaning}" for f in known if f.block == "links" and f.name != "max_gpus"]
    text = ", ".join([link.name, *rates, f"up to {link.max_gpus} in a node"])
    for number, line in enumerate(textwrap.wrap(text, 54)):
        yield _line("" if number else "links", line, "" if number else badge)
    if machine.tdp_w:
        yield _line("power", f"{machine.tdp_w:g} W", badge)
    price = next((f for f in known if f.name == "usd_per_hour"), None)
    if price:
        others = len(machine_prices(machine.id)) - 1
        more = f", {others} more" if others > 0 else ""
        lines = textwrap.wrap(f"${price.value:.2f}/h, {price.source}{more}", 54)
        yield from (_line("" if n else "price", line, "" if n else "list price") for n, line in enumerate(lines))


def _line(label: str, text: str, badge: str) -> str:
    return f"  {label:12}{text:54} {badge:>11}".rstrip()


def _table(own: Sequence[Fact]) -> Iterator[str]:
    """Constants by name, a column per data type or number of GPUs; a long meaning takes two lines."""
    columns = list(dict.fromkeys(f.of for f in own))
    names = list(dict.fromkeys(f.name for f in own))
    cells = {(f.name, f.of): f for f in own}
    width = max(8, *(len(c) + 1 for c in columns))
    room = WIDTH - 4 - width * len(columns)
    if any(columns):
        yield " " * (WIDTH - width * len(columns)) + "".join(f"{c:>{width}}" for c in columns)
    for name in names:
        first = next(f for f in own if f.name == name)
        unit = f", {first.unit}" if first.unit else ""
        values = "".join(f"{number_text(cells.get((name, c))):>{width}}" for c in columns)
        *above, label = textwrap.wrap(f"{first.meaning}{unit}", room)
        yield from (f"  {line}" for line in above)
        yield f"  {'  ' if above else ''}{label:{room + (0 if above else 2)}}{values}"
    badges = list(dict.fromkeys(f.badge for f in own))
    if len(badges) == 1:
        yield f"  {'how it is known':30}{badges[0]:>{WIDTH - 32}}"
    else:
        for badge in badges:
            yield f"  {badge}: {', '.join(dict.fromkeys(f.of for f in own if f.badge == badge))}"


def number_text(fact: Fact | None) -> str:
    """A constant's value; a dash where there is none."""
    if fact is None:
        return "–"
    return (
        f"{fact.value:.1f}"
        if fact.unit == "%"
        else f"{fact.value:,.0f}"
        if fact.name == "rows"
        else f"{fact.value:.4g}"
    )


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
