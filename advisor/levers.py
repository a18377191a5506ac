"""What would make it faster: the largest terms of an estimate, and what each change would do. Nothing is asserted:
every lever is the same scenario estimated again with one thing changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from advisor.answer import Estimate
from advisor.breakdown import Pass, breakdown_of
from advisor.estimate import estimate
from advisor.estimating.resolve import Resolved, resolve
from advisor.machines import engine_for, rentable
from advisor.readable import formats_for
from advisor.scenario import Scenario
from advisor.served_models import uncached
from catalog.errors import BadInput
from catalog.loader import all_machines, checked, load_format
from catalog.machine import Machine

SHOWN_TERMS = 3
WORTH = 0.02
"""Share by which a lever must change something to be named."""
FASTER = 1.15
"""How much more bandwidth a machine must have to count as a faster one."""
WORDS = {
    ("gemm", "memory"): "reading the weights of dense products",
    ("gemm", "compute"): "arithmetic of dense products",
    ("experts", "memory"): "reading the weights of experts",
    ("experts", "compute"): "arithmetic of experts",
    ("attention", "memory"): "reading keys, values and queries",
    ("attention", "compute"): "arithmetic of attention",
    ("scan", "memory"): "reading and writing recurrent states",
    ("collective", "link"): "exchange between devices",
    ("convolution", "compute"): "arithmetic of convolutions",
    ("elementwise", "memory"): "passing activations through memory",
    ("norm", "memory"): "passing activations through norms",
}


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a pass: what kind of kernel spends it, and on what."""

    name: str
    kind: str
    resource: str
    seconds: float
    share: float


@dataclass(frozen=True, slots=True)
class Lever:
    """One change and what it would do; each factor is new over old, ``None`` where there is no such number."""

    name: str
    change: dict[str, Any]
    """Fields of the scenario that differ."""
    ttft: float | None
    tpot: float | None
    throughput: float
    cost: float | None
    """Per request."""
    memory_bytes_per_gpu: float
    fits: bool | None
    side_effect: str


@dataclass(frozen=True, slots=True)
class Levers:
    """The answer to ``levers``."""

    terms: dict[str, tuple[Term, ...]]
    """The largest terms by pass: ``prefill``, ``decode`` or ``pass``."""
    levers: tuple[Lever, ...]
    """Largest gain first: in time per token, or in the answer where nothing is written."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def levers(scenario: Scenario | None = None, /, **fields: Any) -> Levers:
    """The three largest terms of each pass, and the changes that help any of time, throughput and cost.

    Raises:
        BadInput: As ``estimate``.
    """
    case = resolve(scenario if scenario is not None else checked(Scenario, fields, "scenario"))
    now = estimate(case.scenario)
    found = [lever for name, change, side in _changes(case) if (lever := _try(case, now, name, change, side))]
    return Levers(
        terms={} if case.scenario.host else {p.name: largest_terms(p) for p in breakdown_of(case).passes},
        levers=tuple(sorted(found, key=lambda x: (x.tpot or x.ttft or 1.0, -x.throughput))),
    )


def largest_terms(pass_: Pass, count: int = SHOWN_TERMS) -> tuple[Term, ...]:
    """What most of a pass is spent on; starting kernels counts as one term, whatever they do."""
    sums: dict[tuple[str, str], float] = {("all", "engine"): pass_.due_to["engine"]}
    for part in pass_.parts:
        for resource, seconds in part.due_to.items():
            key = ("all" if resource == "latency" else part.kind, resource)
            sums[key] = sums.get(key, 0.0) + seconds
    terms = [
        Term(_word(kind, resource), kind, resource, seconds, seconds / pass_.seconds)
        for (kind, resource), seconds in sums.items()
        if seconds > 0
    ]
    return tuple(sorted(terms, key=lambda t: -t.seconds)[:count])


def _word(kind: str, resource: str) -> str:
    fixed = {"latency": "starting kernels and other fixed costs", "engine": "the engine's own time per pass"}
    return fixed.get(resource) or WORDS.get((kind, resource)) or f"{resource} of {kind}"


def _try(case: Resolved, now: Estimate, name: str, change: dict[str, Any], side: str) -> Lever | None:
    """The lever, if it can be pulled and moves anything."""
    try:
        then = estimate(checked(Scenario, {**case.scenario.model_dump(), **change}, "scenario"))
    except BadInput:
        return None
    if then.memory.fits is False:
        return None
    first, each = (
        _ratio(_p50(then.time.ttft_s), _p50(now.time.ttft_s)),
        _ratio(_p50(then.time.tpot_s), _p50(now.time.tpot_s)),
    )
    rate = then.throughput.total / now.throughput.total
    cost = _ratio(then.cost.usd_per_thousand_requests, now.cost.usd_per_thousand_requests)
    better = [1 - x for x in (first, each, cost) if x is not None] + [rate - 1]
    if max(better) < WORTH:
        return None
    if then.speculation is not None:
        a = then.speculation.acceptance
        side = f"{side}; {a.p50:.3g} tokens per round ({a.badge})"
    return Lever(name, change, first, each, rate, cost, then.memory.total_bytes_per_gpu, then.memory.fits, side)


def _p50(band: Any) -> float | None:
    return None if band is None else float(band.p50)


def _ratio(new: float | None, old: float | None) -> float | None:
    return None if new is None or not old else new / old


def _changes(case: Resolved) -> Iterator[tuple[str, dict[str, Any], str]]:
    """(name, changed fields, side effect) of everything worth trying."""
    s = case.scenario
    yield from _formats(case)
    if case.generates and case.cache_bits > 8:
        cache = "int8" if case.engine.id == "llama.cpp" else "fp8"
        if not uncached(case.spec, case.machine, case.engine.id, cache):
            yield f"{cache} cache", {"cache": cache}, "keys and values lose precision"
    devices = case.scenario.layout.devices
    for tp in (s.tp * 2, s.tp * 4):
        yield f"tensor parallel over {tp}", {"tp": tp}, f"{devices * tp // s.tp} devices instead of {devices}"
    if s.tp > 1:
        yield f"tensor parallel over {s.tp // 2}", {"tp": s.tp // 2}, f"{devices // 2} devices instead of {devices}"
    if s.ep > 1:
        yield "experts divided by their width", {"ep": 1}, "each device reads a slice of every expert visited"
        if s.routed.name == "power_law":
            side = "memory for the copies, which is not counted here"
            yield "popular experts copied (EPLB)", {"routing": "uniform"}, side
    yield f"batch {s.batch * 2:,}", {"batch": s.batch * 2}, "more requests at a time: each waits longer"
    if s.batch > 1:
        yield f"batch {s.batch // 2:,}", {"batch": s.batch // 2}, "fewer requests at a time"
    if case.generates and not case.encoder_decoder:
        if not s.speculate:
            for how in ("mtp", "eagle3"):
                side = f"needs a trained {'prediction layer' if how == 'mtp' else 'head'} and its memory"
                yield f"speculative decoding ({how})", {"speculate": how, "acceptance": None}, side
        if not s.cached_prefix and s.input_tokens > 1:
            half = s.input_tokens // 2
            yield (
                f"prefix cache, {half:,} tokens",
                {"cached_prefix": half},
                "only if so much of every prompt is the same",
            )
    for machine in _faster(case.machine):
        change = {"machine": machine.id}
        if s.engine and engine_for(machine) != engine_for(case.machine):
            change["engine"] = engine_for(machine)
        yield f"{machine.id}", change, _bandwidths(machine, case.machine)


def _bandwidths(machine: Machine, now: Machine) -> str:
    return f"{machine.bandwidth_gb_per_s:,.0f} GB/s instead of {now.bandwidth_gb_per_s:,.0f}"


def _formats(case: Resolved) -> Iterator[tuple[str, dict[str, Any], str]]:
    names = [*formats_for(case.machine, case.spec), *(("nvfp4",) if "fp4" in case.machine.peak_tflops else ())]
    for name in dict.fromkeys(names):
        format = load_format(name)
        if name.startswith("gguf") and case.engine.id != "llama.cpp":
            continue
        if format.nominal_bits < case.weights.nominal_bits and (not format.engines or case.engine.id in format.engines):
            lost = next(
                (f"{q.value:+g} {q.metric} for {q.model}" for q in format.loss), "quality loss not measured here"
            )
            yield f"{name} weights", {"weights": name}, lost


def _faster(now: Machine) -> list[Machine]:
    """The next two machines of the kind with more bandwidth, rented out if this one is."""
    rented = rentable(now)
    found = [
        m
        for m in all_machines()
        if m.kind == now.kind and m.bandwidth_gb_per_s > FASTER * now.bandwidth_gb_per_s and rentable(m) >= rented
    ]
    found.sort(key=lambda m: (m.vendor != now.vendor, m.bandwidth_gb_per_s))
    return found[:2]
