"""Exact quantiles of times between tokens, from stretches instead of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
ALL = slice(None)

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
        # Passes of nobody's steps have weight 0: they stay, since taking them out would copy everything.
        parts: list[list[Floats]] = [[table[:, column] for table in tables] for column in (1, 2, 3, 4)]
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
        if len(last) and self.growth.min() < 0:
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

    def up_to(self, value: float, rows: Rows | slice = ALL) -> float:
        """How many (of some stretches) are at most so long."""
        least, most, passes = self.least[rows], self.most[rows], self.passes[rows]
        steps = np.where(most <= value, passes, 0.0)
        some = np.flatnonzero((least <= value) & (most > value))
        if len(some):
            # The value cuts through them, so the growth of each is more than nothing beside its gaps.
            first, growth, most_steps = self.first[rows][some], self.growth[rows][some], passes[some]
            count = np.floor((value - least[some]) / np.abs(growth)) + 1

            def longest(of: Floats) -> Floats:
                """The longest of so many, shortest first."""
                return np.asarray(first + growth * np.where(growth > 0, of - 1, most_steps - of))

            # The quotient is rounded: at most one off.
            count = np.where((count < most_steps) & (longest(count + 1) <= value), count + 1, count)
            count = np.where((count > 0) & (longest(count) > value), count - 1, count)
            steps[some] = np.clip(count, 0, most_steps)
        return float((steps * self.weight[rows]).sum())

    def quantile(self, q: float) -> float:
        """The smallest gap that at least a share ``q`` of all do not exceed; ``nan`` without any.

        A guess says between what it lies; where that is wrong, it is looked for everywhere.
        """
        if not self.count:
            return float("nan")
        wanted = q * self.count - 1e-6
        found = self._between(*self._near(q), wanted)
        if found is None:
            found = self._between(float(np.nextafter(self.least.min(), -np.inf)), float(self.most.max()), wanted)
        assert found is not None
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
        """The gap by which so many are reached, if it is more than ``low`` and at most ``high``.

        The range is halved until the gaps in it are few enough to be written out and sorted.
        """
        above = self.most > low
        rows = np.flatnonzero(above & (self.least <= high))
        wanted -= self.count - float(self.each[above].sum())
        checked = False
        while float(self.passes[rows].sum()) > MOST_SPREAD:
            if not checked and not self.up_to(low, rows) < wanted <= self.up_to(high, rows):
                return None
            checked = True
            middle = (low + high) / 2
            if not low < middle < high:
                return high
            if self.up_to(middle, rows) >= wanted:
                high = middle
                rows = rows[self.least[rows] <= high]
            else:
                low = middle
                below = self.most[rows] <= low
                wanted -= float(self.each[rows[below]].sum())
                rows = rows[~below]
        return self._pick(rows, low, high, wanted)

    def _pick(self, inside: Rows, low: float, high: float, wanted: float) -> float | None:
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
