"""How one model grows with context under a load: curves, complexity classes, and where a device stops holding it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from advisor.answer import Memory
from advisor.estimating.memory import memory_of
from advisor.estimating.resolve import resolve
from advisor.scaling import Curve, scale
from advisor.scenario import Scenario
from calculators.lowering import lower
from calculators.scaling import complexity
from catalog.loader import load
from catalog.spec import ModelSpec

SHORT, USUAL, LONG = (64, 16384), (1024, 262144), (1024, 2**20)
"""Ranges of lengths, by the advertised context."""
FINE = 4
"""Points per doubling where a curve is drawn."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one device holds with every request at one length."""

    context: int
    memory: Memory


@dataclass(frozen=True, slots=True)
class Growth:
    """The answer to ``grow``."""

    fine: Curve
    """For a drawing."""
    coarse: Curve
    """By doublings, for a table."""
    held: tuple[Held, ...]
    """One for each point of ``coarse``; empty for models that write nothing and keep nothing."""
    advertised: int | None
    """The context length that the publisher names."""
    work: str
    """How FLOPs of reading grow in the end: ``O(n)``, ``O(n²)``."""
    kept: str
    """How what is remembered grows: ``O(1)``, ``O(n)``."""
    batch: int
    usable_bytes: float | None
    fits_to: int | None
    """The longest context with which the batch fits a device, 0 if none does; ``None`` where there is no such end in
    the range, or memory is not known."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def lengths_for(spec: ModelSpec) -> tuple[int, int]:
    """Shortest and longest length that is worth showing of a model."""
    context = spec.context_tokens or USUAL[1]
    return SHORT if context < 8192 else USUAL if context <= USUAL[1] else LONG


def grow(
    model: str,
    *,
    machine: str = "h100-sxm",
    weights: str = "",
    cache: str = "bf16",
    batch: int = 1,
    tp: int = 1,
    context: tuple[int, int] | None = None,
) -> Growth:
    """Follow one model's cost over context lengths.

    Args:
        model: Id, alias or file.
        machine: Where times and memory are taken.
        weights: Weight format; empty: the published one.
        cache: Cache format.
        batch: Requests at once, each of the length shown.
        tp: Devices that share each layer.
        context: Shortest and longest length; by default what suits the advertised context.

    Raises:
        BadInput: As ``scale``.
    """
    spec = load(model)
    low, high = context or lengths_for(spec)
    fields: dict[str, Any] = {"machine": machine, "weights": weights, "cache": cache, "tp": tp}
    fine, coarse = (
        scale([model], context=(low, high), batch=batch, per_octave=n, **fields).curves[0] for n in (FINE, 1)
    )
    case = resolve(Scenario(model=model, batch=batch, **fields))
    work, kept = complexity(lower(case.architecture), encoder_decoder=case.encoder_decoder)
    held: list[Held] = []
    fits_to = usable = None
    if case.generates:

        def memory(length: int) -> Memory:
            lengths = {"input_tokens": max(1, length - 1), "output_tokens": 1}
            return memory_of(resolve(Scenario(model=model, batch=batch, **fields, **lengths)))

        held = [Held(point.context, memory(point.context)) for point in coarse.points]
        usable = held[0].memory.usable_bytes
        fits_to = _end(low, high, lambda length: memory(length).fits is not False)
    return Growth(fine, coarse, tuple(held), spec.context_tokens, work, kept, batch, usable, fits_to)


def _end(low: int, high: int, fits: Callable[[int], bool]) -> int | None:
    """The longest length that fits, found by halving; ``None`` if the longest does."""
    if fits(high):
        return None
    if not fits(1):
        return 0
    good, bad = (low, high) if fits(low) else (1, low)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good
