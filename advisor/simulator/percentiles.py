"""Exact quantiles of times between tokens, from stretches instead of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Gaps:
    """All times between tokens of a run: stretches of ``k`` passes ``a + d·j``, each seen by ``w`` sequences.

    Single gaps are stretches of one; a negative weight takes away what the log counts too often.
    """

    def __init__(self, tables: Sequence[Floats], singles: Sequence[tuple[float, int]]) -> None:
        rows = [t[t[:, 4] > 0][:, [1, 2, 3, 4]] for t in tables]
        if singles:
            gaps = np.array(singles, dtype=np.float64)
            rows.append(np.column_stack([gaps[:, 0], np.zeros(len(gaps)), np.ones(len(gaps)), gaps[:, 1]]))
        table = np.concatenate(rows) if rows else np.zeros((0, 4))
        self.first, self.growth, self.passes, self.weight = table.T
        self.count = float((self.passes * self.weight).sum())

    @property
    def mean(self) -> float:
        """Mean; ``nan`` without any."""
        if not self.count:
            return float("nan")
        total = self.passes * self.first + self.growth * self.passes * (self.passes - 1) / 2
        return float((total * self.weight).sum() / self.count)

    def quantile(self, q: float) -> float:
        """The smallest gap that at least a share ``q`` of all do not exceed.

        By bisection, which keeps only those stretches that the interval still cuts.
        """
        if not self.count:
            return float("nan")
        first, growth, passes, weight = self.first, self.growth, self.passes, self.weight
        last = first + growth * (passes - 1)
        least, most = np.minimum(first, last), np.maximum(first, last)
        low, high = float(least.min()) * (1 - 1e-12), float(most.max())
        wanted = q * self.count - 1e-6
        below = 0.0
        for _ in range(80):
            middle = (low + high) / 2
            if below + _up_to(middle, first, growth, passes, weight) >= wanted:
                high = middle
            else:
                low = middle
            if high - low <= 1e-13 * high:
                break
            under = most <= low
            kept = ~(under | (least > high))
            if 2 * int(kept.sum()) < len(first):
                below += float((passes[under] * weight[under]).sum())
                first, growth, passes, weight, least, most = (
                    x[kept] for x in (first, growth, passes, weight, least, most)
                )
        return high


def _up_to(value: float, first: Floats, growth: Floats, passes: Floats, weight: Floats) -> float:
    """How many are at most so long."""
    grows = growth > 0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        steps = np.floor((value - first) / np.where(grows, growth, 1.0)) + 1
    steps = np.where(grows, steps, np.where(first <= value, passes, 0))
    return float((np.clip(steps, 0, passes) * weight).sum())
