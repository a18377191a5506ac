"""Exact quantiles of times between tokens, from stretches instead of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


SAMPLE = 20_000
"""Stretches that are looked at first where there are many more."""
MARGIN = 0.01


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
        self._set(*table.T)

    def _set(self, first: Floats, growth: Floats, passes: Floats, weight: Floats) -> None:
        self.first, self.growth, self.passes, self.weight = first, growth, passes, weight
        self.count = float((passes * weight).sum())

    def _enough(self, value: float, wanted: float) -> bool:
        return _up_to(value, self.first, self.growth, self.passes, self.weight) >= wanted

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
        if len(first) > 4 * SAMPLE:
            # A part of the stretches says about where it is; two counts over all of them make sure.
            part = slice(None, None, len(first) // SAMPLE)
            some = Gaps([], [])
            some._set(first[part], growth[part], passes[part], weight[part])
            for guess, lower in (
                (some.quantile(max(0.0, q - MARGIN)), True),
                (some.quantile(min(1.0, q + MARGIN)), False),
            ):
                enough = self._enough(guess, wanted)
                if lower and not enough:
                    low = max(low, guess)
                elif not lower and enough:
                    high = min(high, guess)
            under = most <= low
            kept = ~(under | (least > high))
            below = float((passes[under] * weight[under]).sum())
            first, growth, passes, weight, least, most = (x[kept] for x in (first, growth, passes, weight, least, most))
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
