"""Errors of predictions by group, every pair of model and machine weighing the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.accuracy.comparison import Comparison

Array = NDArray[np.float64]


def weighted_quantile(values: Array, weights: Array, q: float) -> float:
    """The value below which the share ``q`` of the weight lies, linear between the middles of the weights."""
    order = np.argsort(values)
    middles = np.cumsum(weights[order]) - weights[order] / 2
    return float(np.interp(q * weights.sum(), middles, values[order]))


@dataclass(frozen=True, slots=True)
class Errors:
    """Of predicted over measured minus one, as fractions."""

    n: int
    pairs: int
    """Pairs of model (or kernel) and machine."""
    median_absolute_error: float | None
    p90_absolute_error: float | None
    bias: float | None
    """Median of the signed errors: above zero means predicted too slow, or too large."""
    coverage: float | None
    """Share of the rows with a band whose band holds the measured value."""

    @classmethod
    def of(cls, compared: Sequence[Comparison]) -> Errors:
        """Weighted so that every pair of model and machine counts the same."""
        if not compared:
            return cls(0, 0, None, None, None, None)
        sizes = Counter(c.pair for c in compared)
        weights = np.array([1 / sizes[c.pair] for c in compared])
        errors = np.array([c.error for c in compared])
        banded = [(c.inside, w) for c, w in zip(compared, weights, strict=True) if c.inside is not None]
        return cls(
            len(compared),
            len(sizes),
            weighted_quantile(np.abs(errors), weights, 0.5),
            weighted_quantile(np.abs(errors), weights, 0.9),
            weighted_quantile(errors, weights, 0.5),
            float(np.average([i for i, _ in banded], weights=[w for _, w in banded])) if banded else None,
        )


def key_of(comparison: Comparison, name: str) -> str:
    """What a comparison says under a name of ``--by``."""
    return comparison.quantity if name == "quantity" else comparison.keys.get(name, "")


def grouped(compared: Sequence[Comparison], by: Sequence[str]) -> dict[tuple[str, ...], Errors]:
    """Errors of every group, in order of their names."""
    members: dict[tuple[str, ...], list[Comparison]] = defaultdict(list)
    for comparison in compared:
        members[tuple(key_of(comparison, name) for name in by)].append(comparison)
    return {key: Errors.of(members[key]) for key in sorted(members)}
