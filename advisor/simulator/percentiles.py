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
            if not writing.all():
                table = table[writing]
            for column, part in enumerate(parts, 1):
                part.append(table[:, column])
        if singles:
            gaps = np.array(singles, dtype=np.float64)
            for part, values in zip(
                parts, (gaps[:, 0], np.zeros(len(gaps)), np.ones(len(gaps)), gaps[:, 1]), strict=True
            ):
                part.append(values)
        self.first, self.growth, self.passes, self.weight = (
            np.zeros(0) if not part else part[0] if len(part) == 1 else np.concatenate(part) for part in parts
        )
        last = self.first + self.growth * (self.passes - 1)
        self.least, self.most = self.first, last
        if np.any(self.growth < 0):
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
        steps = np.where(self.most <= value, self.passes, 0.0)
        some = np.flatnonzero((self.least <= value) & (self.most > value))
        if len(some):
            # The value cuts through them, so the growth of each is more than nothing beside its gaps.
            past = (value - self.least[some]) / np.abs(self.growth[some])
            steps[some] = np.minimum(np.floor(past) + 1, self.passes[some])
        return float((steps * self.weight).sum())

    def quantile(self, q: float) -> float:
        """The smallest gap that at least a share ``q`` of all do not exceed; ``nan`` without any.

        A guess says between what it lies; where that is wrong, or too many lie there, the range is halved until the
        gaps in it are few enough to be written out and sorted.
        """
        if not self.count:
            return float("nan")
        wanted = q * self.count - 1e-6
        low, high = self._near(q)
        found = self._between(low, high, wanted)
        if found is not None:
            return found
        low, high = float(self.least.min()) * (1 - 1e-12), float(self.most.max())
        while (found := self._between(low, high, wanted)) is None:
            middle = (low + high) / 2
            if not low < middle < high:
                return high
            if self.up_to(middle) >= wanted:
                high = middle
            else:
                low = middle
        return found

    def _near(self, q: float) -> tuple[float, float]:
        """Between what the quantile probably lies: more than the first, at most the second."""
        if self._guess is None:
            some = slice(None, None, max(1, len(self.first) // SAMPLE))
            middles = (self.least[some] + self.most[some]) / 2
            order = np.argsort(middles)
            self._guess = middles[order], np.cumsum(self.each[some][order])
        middles, total = self._guess
        places = np.searchsorted(total, np.array([q - MARGIN, q + MARGIN]) * total[-1])
        low, high = (float(middles[min(k, len(middles) - 1)]) for k in places)
        return low * (1 - 1e-12), high

    def _between(self, low: float, high: float, wanted: float) -> float | None:
        """The gap by which so many are reached, if it is in a range that holds few enough to be written out."""
        above = self.most > low
        inside = np.flatnonzero(above & (self.least <= high))
        if float(self.passes[inside].sum()) > MOST_SPREAD:
            return None
        wanted -= self.count - float(self.each[above].sum())
        return self._pick(inside, low, high, wanted)

    def _pick(self, inside: NDArray[np.intp], low: float, high: float, wanted: float) -> float | None:
        """The same, of the gaps of some stretches; all that are not longer and in none of these are counted."""
        passes = self.passes[inside].astype(np.int64)
        ends = np.cumsum(passes)
        row = np.repeat(np.arange(len(inside)), passes)
        number = np.arange(len(row)) - (ends - passes)[row]
        values = self.first[inside][row] + self.growth[inside][row] * number
        weights = self.weight[inside][row]
        below, here = values <= low, (values > low) & (values <= high)
        wanted -= float(weights[below].sum())
        values, weights = values[here], weights[here]
        order = np.argsort(values)
        values = values[order]
        total = np.cumsum(weights[order])
        if wanted <= 0 or not len(total) or total[-1] < wanted:
            return None
        last = np.append(values[1:] != values[:-1], True)  # equal gaps are counted together: some may be taken away
        return float(values[last][int(np.argmax(total[last] >= wanted))])
