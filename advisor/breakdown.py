"""Where the time of an estimate goes, and the data of its roofline plot."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from advisor.estimating.resolve import Resolved, demand_of, passes_of, prompt_tokens, resolve, server_of
from advisor.scenario import Scenario
from calculators.breakdown import RESOURCES, Terms
from calculators.breakdown import terms as terms_of
from calculators.serving import Server, decode_workload, prefill_workload
from calculators.workload import Workload
from catalog.errors import BadInput
from catalog.loader import checked


@dataclass(frozen=True, slots=True)
class Part:
    """One operator in one pass, repeats included."""

    name: str
    kind: str
    repeat: int
    seconds: float
    share: float
    """Of the pass, the engine's own time included."""
    bound: str
    """``compute``, ``memory``, ``link`` or ``latency``: what most of its time is due to."""
    due_to: dict[str, float]
    """Seconds due to each of them."""
    flops: float
    bytes: float
    intensity: float | None
    """FLOPs per byte."""
    flops_per_s: float | None
    fraction_of_roofline: float | None
    """Time at nominal rates over the time it takes; ``None`` for links."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One forward pass of one device."""

    name: str
    """``prefill``, ``decode`` or ``pass``."""
    what: str
    seconds: float
    due_to: dict[str, float]
    """Seconds by resource, with ``engine`` for what it spends per pass besides kernels."""
    parts: tuple[Part, ...]
    """Longest first."""


@dataclass(frozen=True, slots=True)
class Roof:
    """A nominal limit of the machine: a slope (bytes) or a ceiling (FLOPs)."""

    name: str
    flops_per_s: float | None
    bytes_per_s: float | None
    ridge_intensity: float | None
    """FLOPs per byte above which this ceiling, not memory, limits."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """All passes of an estimate."""

    passes: tuple[Pass, ...]
    roofs: tuple[Roof, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def roofline(self) -> dict[str, Any]:
        """Points (one per operator and pass) and roofs: what a roofline plot needs (Williams et al., CACM 52(4))."""
        points = [
            {
                "pass": p.name, "operator": o.name, "kind": o.kind, "intensity": o.intensity,
                "flops_per_s": o.flops_per_s, "share": o.share, "bound": o.bound,
                "fraction_of_roofline": o.fraction_of_roofline,
            }
            for p in self.passes
            for o in p.parts
            if o.intensity and o.flops_per_s
        ]  # fmt: skip
        return {"points": points, "roofs": [asdict(roof) for roof in self.roofs]}


def breakdown(scenario: Scenario | None = None, /, **fields: Any) -> Breakdown:
    """Take the passes of a scenario apart: prefill of one prompt and a step of the whole batch, or the only pass.

    Raises:
        BadInput: As ``estimate``.
    """
    return breakdown_of(resolve(scenario if scenario is not None else checked(Scenario, fields, "scenario")))


def breakdown_of(case: Resolved) -> Breakdown:
    """The same for names looked up.

    Raises:
        BadInput: If a host shares the work: its split is told by the estimate.
    """
    if case.scenario.host:
        raise BadInput(
            f"breakdown: what {case.scenario.host} does beside {case.machine.id} is not taken apart; leave the host out"
        )
    server = server_of(case)
    return Breakdown(tuple(_pass(server, *workload) for workload in _passes(case)), _roofs(server))


def _passes(case: Resolved) -> list[tuple[str, str, Workload]]:
    s = case.scenario
    if not case.generates:
        w = Workload.of([s.batch * passes_of(case)[1]], prompt_tokens(case), 0)
        return [("pass", f"a batch of {s.batch:,}", w)]
    demand, seq2seq = demand_of(case), case.encoder_decoder
    done = s.output_tokens / 2
    prompt = case.source_tokens or prompt_tokens(case)
    held = done if seq2seq else prompt + done
    return [
        (
            "prefill",
            f"one prompt of {prompt:,} tokens" + (f", {s.cached_prefix:,} of them cached" if s.cached_prefix else ""),
            prefill_workload(demand, encoder_decoder=seq2seq),
        ),
        (
            "decode",
            (f"a step of {s.batch:,} requests that hold" if s.batch > 1 else "a step of one request that holds")
            + f" {held:,.0f} tokens{' each' * (s.batch > 1)}"
            + (", without speculation" * bool(s.speculate)),
            decode_workload(demand, s.batch, done=done, encoder_decoder=seq2seq),
        ),
    ]


def _pass(server: Server, name: str, what: str, w: Workload) -> Pass:
    terms, total = terms_of(server, w), float(np.ravel(server.pass_s(w))[0])
    engine = max(0.0, total - float(terms.seconds.sum()))
    parts = [_part(server, terms, i, total) for i in np.argsort(-terms.seconds) if terms.seconds[i] > 0]
    due = {resource: float(terms.parts[resource].sum()) for resource in RESOURCES}
    return Pass(name, what, total, {**due, "engine": engine}, tuple(parts))


def _part(server: Server, terms: Terms, i: int, total: float) -> Part:
    operator, seconds, flops = server.table.operators[i], float(terms.seconds[i]), float(terms.flops[i])
    return Part(
        name=operator.name,
        kind=operator.kind.value,
        repeat=operator.repeat,
        seconds=seconds,
        share=seconds / total,
        bound=terms.bound[i],
        due_to={name: float(part[i]) for name, part in terms.parts.items()},
        flops=flops,
        bytes=float(terms.traffic_bytes[i]),
        intensity=_known(terms.intensity[i]),
        flops_per_s=flops / seconds if flops else None,
        fraction_of_roofline=_known(terms.fraction[i]),
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _roofs(server: Server) -> tuple[Roof, ...]:
    eff = server.settings.settings[0].eff
    bandwidth = eff.bandwidth_bytes_per_s
    peaks = {
        f"{eff.dtype} products": eff.peak_flops_per_s,
        "16-bit attention": eff.sixteen_flops_per_s,
        "32-bit arithmetic": eff.vector_flops_per_s,
    }
    ceilings = [Roof(name, peak, None, peak / bandwidth) for name, peak in peaks.items() if peak]
    return (Roof("memory", None, bandwidth, None), *ceilings)
