"""How a model's cost grows with context: the curve, its local exponent, and where things cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.estimating.resolve import resolve, server_of
from advisor.scenario import Scenario
from calculators.lowering import lower
from calculators.scaling import crossing, flops_terms, local_exponent, overtakes
from calculators.table import compile_table
from calculators.workload import Workload
from catalog.errors import BadInput
from catalog.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Point:
    """One context length."""

    context: int
    flops: float
    """Needed to read the batch's prompts of this length once."""
    linear_flops: float
    """The part that grows in proportion to the length."""
    attention_flops: float
    """The part that grows with pairs of tokens."""
    exponent: float
    """d log(flops) / d log(context): 1 is linear, 2 quadratic."""
    cache_bytes: float
    """KV cache and state of the batch."""
    memory_bytes: float
    """Weights, cache and state."""
    prefill_s: float
    decode_s: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One model's growth."""

    model: str
    points: tuple[Point, ...]
    overtakes_at: int | None
    """Context at which attention's FLOPs equal all others'; ``None`` if that never happens."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where two models' curves meet."""

    quantity: str
    context: int
    below: str
    """Which is cheaper at shorter contexts."""
    above: str
    """Which is cheaper at longer ones."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """The answer to ``scale``."""

    machine: str
    curves: tuple[Curve, ...]
    crossings: tuple[Crossing, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


QUANTITIES = {
    "FLOPs": "flops",
    "cache": "cache_bytes",
    "memory": "memory_bytes",
    "prefill time": "prefill_s",
    "decode time": "decode_s",
}
"""What is compared between models, and the field of ``Point`` that holds it."""


def scale(
    models: Sequence[str | ModelSpec],
    *,
    context: tuple[int, int] = (1024, 262144),
    machine: str = "h100-sxm",
    weights: str = "",
    cache: str = "bf16",
    tp: int = 1,
    batch: int = 1,
    per_octave: int = 1,
) -> Scaling:
    """How FLOPs, memory and time grow with context for one or more models.

    Args:
        models: Ids, aliases or files, or specifications that no catalog holds.
        context: Shortest and longest length in tokens; lengths between double.
        machine: Where times are taken.
        weights: Weight format; empty: each model's published one.
        cache: Cache format.
        tp: Devices that share each layer.
        batch: Prompts of each length that are read in one pass, or held while each gets a token.
        per_octave: Points per doubling.

    Raises:
        BadInput: If a name is unknown, or a model does not read text of any length.
    """
    low, high = context
    if not 0 < low <= high:
        raise BadInput(f"context: {low}..{high} is no range of positive lengths")
    curves = tuple(_curve(name, low, high, machine, weights, cache, tp, batch, per_octave) for name in models)
    crossings = []
    for first in range(len(curves)):
        for second in range(first + 1, len(curves)):
            crossings += _crossings(curves[first], curves[second])
    return Scaling(machine, curves, tuple(crossings))


def lengths(low: int, high: int, per_octave: int = 1) -> NDArray[np.int64]:
    """Lengths from ``low`` to ``high``, ``per_octave`` to a doubling, both ends included."""
    steps = max(1, round(np.log2(high / low) * per_octave)) if high > low else 0
    return np.unique(np.round(low * (high / low) ** (np.arange(steps + 1) / max(steps, 1))).astype(np.int64))


def value_at(curve: Curve, quantity: str, context: float) -> float:
    """A curve's value between its points, straight on logarithmic axes.

    Args:
        curve: Of positive values.
        quantity: One of ``QUANTITIES``.
        context: Tokens.
    """
    x = np.log([point.context for point in curve.points])
    y = np.log([getattr(point, QUANTITIES[quantity]) for point in curve.points])
    return float(np.exp(np.interp(np.log(context), x, y)))


def _curve(
    model: str | ModelSpec,
    low: int,
    high: int,
    machine: str,
    weights: str,
    cache: str,
    tp: int,
    batch: int,
    per_octave: int,
) -> Curve:
    spec = None if isinstance(model, str) else model
    name = spec.id if spec else str(model)
    case = resolve(Scenario(model=name, machine=machine, weights=weights, cache=cache, tp=tp), spec)
    if case.spec.family in ("vision", "diffusion"):
        raise BadInput(f"scale: {case.spec.id} sees a fixed number of tokens; its cost does not depend on a context")
    n = lengths(low, high, per_octave)
    graph = lower(case.architecture)
    linear, attention = (batch * part for part in flops_terms(graph, n, encoder_decoder=case.encoder_decoder))
    total = linear + attention
    server = server_of(case)
    if case.encoder_decoder:
        prefill_w = Workload.of(batch, 1, 0, source=n)
        decode_w = Workload.of(batch, 1, 1, source=n, encode=0)
    else:
        prefill_w, decode_w = Workload.of(batch, n, 0), Workload.of(batch, 1, n, encode=0)
    prefill = np.asarray(server.pass_s(prefill_w)).reshape(-1)
    decode = np.asarray(server.pass_s(decode_w)).reshape(-1) if case.generates else np.full(n.shape, np.nan)
    table = compile_table(case.architecture, tp)
    held = np.zeros(n.shape)
    if case.generates:
        seq2seq = case.encoder_decoder
        held_w = Workload.of(batch, 0, np.ones_like(n) if seq2seq else n, source=n if seq2seq else 0, encode=0)
        growing, constant = table.held_bytes(held_w, case.cache_bits)
        held = growing + constant
    memory = held + table.weight_bytes(case.weights)
    exponents = local_exponent(graph, n, encoder_decoder=case.encoder_decoder)
    points = tuple(
        Point(int(row[0]), *(float(x) for x in row[1:]))
        for row in zip(n, total, linear, attention, exponents, held, memory, prefill, decode, strict=True)
    )
    return Curve(case.spec.id, points, overtakes(graph, encoder_decoder=case.encoder_decoder))


def _crossings(first: Curve, second: Curve) -> list[Crossing]:
    found = []
    x = np.array([p.context for p in first.points], dtype=np.float64)
    for quantity, attribute in QUANTITIES.items():
        a, b = (np.array([getattr(p, attribute) for p in curve.points]) for curve in (first, second))
        if not (np.all(np.isfinite(a)) and np.all(np.isfinite(b)) and np.all(a > 0) and np.all(b > 0)):
            continue
        for at, first_is_cheaper_before in crossing(x, a, b):
            cheap = (first.model, second.model) if first_is_cheaper_before else (second.model, first.model)
            found.append(Crossing(quantity, at, *cheap))
    return found
