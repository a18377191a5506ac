"""The figures of one model under a load, each with its band and with what explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from advisor.answer import Band, Estimate
from advisor.report import (
    bytes_text,
    flops_text,
    joules_text,
    percent_text,
    rate_text,
    seconds_text,
    usd_text,
)  # fmt: skip
from calculators.explain import Explanation

NOT_FORMULAS = ("machine", "input_tokens", "output_tokens", "tp")
"""Fields of a load that formulas of sizes do not take."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What explains a figure: arguments of ``explained``."""

    model: str
    quantity: str
    context: int | None = None
    """By default the prompt of the load."""
    step: bool = False
    """One new token on ``context`` cached ones."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number."""

    section: str
    name: str
    text: str
    band: Band | None = None
    range_text: str = ""
    """The 80 % band in words."""
    asks: Asked | None = None
    """``None`` where no formula of one line gives it."""
    note: str = ""


def figures(found: Estimate) -> tuple[Figure, ...]:
    """Everything that an estimate says of time, money and energy, and the work behind it."""
    t, c, f, generates = found.time, found.cost, found.flops, found.time.tpot_s is not None
    model, rows = found.model, []

    def ask(quantity: str, **more: Any) -> Asked:
        return Asked(model, quantity, **more)

    def band(section: str, name: str, value: Band | None, text: Any, asks: Asked | None) -> None:
        if value is not None:
            rows.append(Figure(section, name, text(value.p50), value, range_of(value, text), asks))

    band("time", "first token" if generates else "answer", t.ttft_s, seconds_text, ask("ttft"))
    band("time", "per token", t.tpot_s, seconds_text, ask("tpot"))
    if generates:
        band("time", "whole answer", t.e2e_s, seconds_text, ask("e2e"))
    band("time", "prefill" if generates else "one pass", t.prefill_s, seconds_text, ask("prefill"))
    band("time", "decode step", t.decode_s, seconds_text, ask("decode"))
    unit = found.throughput.unit

    def rate(value: float) -> str:
        return rate_text(value, unit)

    band("time", "throughput", found.throughput.band, rate, ask("throughput") if generates else None)
    if generates:
        rows.append(Figure("time", "per user", rate_text(found.throughput.per_user, unit)))
    flops = flops_text(f.prefill_needed)
    rows.append(Figure("work", "FLOPs, prompts" if generates else "FLOPs", flops, asks=ask("flops")))
    if generates:
        middle = found.scenario["input_tokens"] + found.scenario["output_tokens"] // 2
        asks = ask("flops", context=middle, step=True)
        rows.append(Figure("work", "FLOPs, one step", flops_text(f.decode_needed), asks=asks))
    if c.usd_per_hour is None:
        rows.append(Figure("cost", "price", "–", note=c.basis))
    else:
        for name, usd, why in (
            ("$/M tokens in", c.usd_per_million_input_tokens, None),
            ("$/M tokens out", c.usd_per_million_output_tokens, None),
            ("$/1,000 requests", c.usd_per_thousand_requests, ask("cost")),
        ):
            if usd is not None:
                rows.append(Figure("cost", name, usd_text(usd), asks=why))
        rows.append(Figure("cost", "$/hour", usd_text(c.usd_per_hour), note=c.basis))
    if found.energy is not None:
        value = found.energy.joules_per_request
        note = "at most: TDP times time" if found.energy.is_bound else ""
        text = "" if found.energy.is_bound else range_of(value, joules_text)
        rows.append(Figure("cost", "energy/request", joules_text(value.p50), value, text, ask("energy"), note))
    return tuple(rows)


def range_of(band: Band, text: Any) -> str:
    """``180–250 ms``; why there is none where there is none."""
    if band.p10 is None or band.p90 is None:
        return band.badge
    low, high = text(band.p10), text(band.p90)
    number, _, unit = low.rpartition(" ")
    return f"{number}–{high}" if number and high.endswith(f" {unit}") else f"{low}–{high}"


def sizes(found: Estimate) -> tuple[Figure, ...]:
    """What a model holds, and what a device holds of it under the load."""
    p, m, model = found.params, found.memory, found.model
    length = found.scenario["input_tokens"] + found.scenario["output_tokens"]
    each = "on each device" if found.n_gpus > 1 else "on the device"
    lengths = f"{found.scenario['batch']:,} × {length:,} tokens, {each}"
    rows = [Figure("size", "parameters", f"{p.total:,}", asks=Asked(model, "parameters"), note="a tied table once")]
    if p.active != p.total:
        share = f"{percent_text(p.active / p.total)} of them work for a token"
        rows.append(Figure("size", "active", f"{p.active:,}", asks=Asked(model, "active-parameters"), note=share))
    looked = Asked(model, "embedding-parameters")
    rows.append(Figure("size", "looked up", f"{p.embedding:,}", asks=looked, note="tables, not multiplied"))
    weights = f"in {found.weights}, {each}"
    rows.append(Figure("size", "weights", bytes_text(m.weights_bytes), asks=Asked(model, "weights"), note=weights))
    for name, size, asks, note in (
        ("KV cache", m.kv_cache_bytes, Asked(model, "kv-cache", length), lengths),
        ("state", m.state_bytes, Asked(model, "state", length), lengths),
        ("activations", m.activation_bytes, Asked(model, "activations"), "at the peak of the largest pass"),
        ("engine", m.overhead_bytes, None, f"what {found.engine} takes for itself"),
    ):
        if size:
            rows.append(Figure("size", name, bytes_text(size), asks=asks, note=note))
    return tuple(rows)


def explained(asked: Asked, load: Mapping[str, Any]) -> Explanation:
    """The formula of a figure under a load (fields of a scenario without the model).

    Raises:
        BadInput: If the model has no such quantity, or a name is unknown.
    """
    from advisor.explain_time import TIMES, explain_time
    from advisor.scenario import Scenario
    from catalog.loader import checked

    if asked.quantity in TIMES:
        fields = {**load, "model": asked.model}
        if asked.context is not None:
            fields["input_tokens"] = asked.context
        return explain_time(checked(Scenario, fields, "scenario"), asked.quantity)
    from advisor.explain import explain

    fields = {name: value for name, value in load.items() if name not in NOT_FORMULAS}
    context = asked.context or load.get("input_tokens", 2048)
    return explain(asked.model, asked.quantity, context=context, step=asked.step, **fields)


def explained_part(model: str, which: str, name: str, load: Mapping[str, Any]) -> Explanation:
    """The time of one operator in a pass (``prefill``, ``decode``, ``pass``), from the explanation of the pass.

    Raises:
        BadInput: As ``explained``.
    """
    from advisor.explain_time import short_name

    whole = explained(Asked(model, "prefill" if which == "pass" else which), load)
    parts = tuple(part for part in whole.parts if part.name == short_name(name))
    return replace(whole, title=f"{name} in {whole.title[0].lower()}{whole.title[1:]}", parts=parts,
                   value=sum(part.value for part in parts), notes=())  # fmt: skip
