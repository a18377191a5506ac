"""Exact quantiles of times between tokens, from stretches instead of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SAMPLE = 20_000
"""Stretches that are sorted to see where a quantile is; of many more, every so many."""
MARGIN = 0.01
"""How far the guess may be off, in shares of all gaps, before the whole range is searched."""
MOST_SPREAD = 300_000
"""Gaps that are written out one by one."""


class Gaps:
    """All times between tokens of a run: stretches of ``k`` passes ``a + d·j``, each seen by ``w`` sequences.

    Single gaps are stretches of one; a negative weight takes away what the log counts too often.
    """

    def __init__(self, tables: Sequence[Floats], singles: Sequence[tuple[float, int]]) -> None:
        parts: list[list[Floats]] = [[], [], [], []]
        for table in tables:
            writing = table[:, 4] > 0
            for column, part in enumerate(parts, 1):
                part.append(table[writing, column])
        if singles:
            gaps = np.array(singles, dtype=np.float64)
            for part, values in zip(
                parts, (gaps[:, 0], np.zeros(len(gaps)), np.ones(len(gaps)), gaps[:, 1]), strict=True
            ):
                part.append(values)
        self.first, self.growth, self.passes, self.weight = (
            np.concatenate(part) if part else np.zeros(0) for part in parts
        )
        self.grows = self.growth > 0
        self.slope = np.where(self.grows, self.growth, 1.0)
        last = self.first + self.growth * (self.passes - 1)
        self.least, self.most = np.minimum(self.first, last), np.maximum(self.first, last)
        self.each = self.passes * self.weight
        self.count = float(self.each.sum())
        self._guess: tuple[Floats, Floats] | None = None

    @property
    def mean(self) -> float:
        """Mean; ``nan`` without any."""
        if not self.count:
            return float("nan")
        total = self.passes * self.first + self.growth * self.passes * (self.passes - 1) / 2
        return float((total * self.weight).sum() / self.count)

    def up_to(self, value: float) -> float:
        """How many are at most so long."""
        steps = np.floor((value - self.first) / self.slope) + 1
        steps = np.where(self.grows, steps, 0)
        steps = np.where(self.most <= value, self.passes, steps)  # also where growth is lost in rounding
        return float((np.clip(steps, 0, self.passes) * self.weight).sum())

    def quantile(self, q: float) -> float:
        """The smallest gap that at least a share ``q`` of all do not exceed; ``nan`` without any.

        A guess narrows the range, which is halved until the gaps in it are few enough to be written out and sorted.
        """
        if not self.count:
            return float("nan")
        wanted = q * self.count - 1e-6
        low, high = self._range(q, wanted)
        while True:
            inside = (self.most > low) & (self.least <= high)
            if float(self.passes[inside].sum()) <= MOST_SPREAD:
                return self._pick(inside, wanted - float(self.each[self.most <= low].sum()))
            middle = (low + high) / 2
            if not low < middle < high:
                return high
            if self.up_to(middle) >= wanted:
                high = middle
            else:
                low = middle

    def _range(self, q: float, wanted: float) -> tuple[float, float]:
        """Between what the quantile lies: more than the first, at most the second."""
        if self._guess is None:
            some = slice(None, None, max(1, len(self.first) // SAMPLE))
            middles = (self.least[some] + self.most[some]) / 2
            order = np.argsort(middles)
            self._guess = middles[order], np.cumsum(self.each[some][order])
        middles, total = self._guess
        places = np.searchsorted(total, np.array([q - MARGIN, q + MARGIN]) * total[-1])
        low, high = (float(middles[min(k, len(middles) - 1)]) for k in places)
        if self.up_to(low) >= wanted:
            low = float(self.least.min()) * (1 - 1e-12)
        if self.up_to(high) < wanted:
            high = float(self.most.max())
        return low, high

    def _pick(self, inside: NDArray[np.bool_], wanted: float) -> float:
        """The gap by which so many are reached, of those of some stretches."""
        passes = self.passes[inside].astype(np.int64)
        number = np.arange(int(passes.sum())) - np.repeat(np.cumsum(passes) - passes, passes)
        values = np.repeat(self.first[inside], passes) + np.repeat(self.growth[inside], passes) * number
        weights = np.repeat(self.weight[inside], passes)
        order = np.argsort(values)
        values = values[order]
        total = np.cumsum(weights[order])
        ends = np.append(values[1:] != values[:-1], True)  # equal gaps are counted together: some may be taken away
        return float(values[ends][int(np.argmax(total[ends] >= wanted))])
