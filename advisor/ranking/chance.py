"""Probabilities that promises are kept, from measured errors of predictions.

The ratio of a measured time to the predicted one has the quantiles p10, p50 and p90 of its error band; between and
beyond them it is taken as log-normal with one spread below the median and another above it.

Errors of the first token and of further tokens count as independent, so chances multiply: over 1,186 served runs
their rank correlation is 0.19, and both were within their 50, 70 and 90 % quantiles in 24 to 33, 49 to 54 and 81 to
83 % of runs (the product says 25, 49, 81).
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from catalog.engine import ErrorBand
from catalog.values import dataclass

Floats = NDArray[np.float64]
NORMAL = NormalDist()
TENTH = -NORMAL.inv_cdf(0.1)
FAR = 6.0
"""Standard deviations beyond which a probability counts as 0 or 1."""


@dataclass(frozen=True, eq=False)
class Errors:
    """Quantiles of measured over predicted, one entry per choice; NaN where nobody measured any."""

    middle: Floats
    """Logarithm of the median."""
    below: Floats
    """Standard deviation of the logarithm under the median."""
    above: Floats

    @classmethod
    def of(cls, bands: list[ErrorBand | None]) -> Errors:
        """Read off error bands."""
        logs = np.log([(np.nan,) * 3 if b is None else (b.p10, b.p50, b.p90) for b in bands]).reshape(-1, 3)
        return cls(logs[:, 1], (logs[:, 1] - logs[:, 0]) / TENTH, (logs[:, 2] - logs[:, 1]) / TENTH)

    def chance(self, used: Floats) -> Floats:
        """Probability that a time keeps its limit, of which the prediction uses the share ``used``.

        1 or 0 by the prediction itself where no error was measured.
        """
        room = -np.log(np.maximum(used, 1e-300)) - self.middle
        z = room / np.where(room < 0, self.below, self.above)
        return np.where(np.isnan(self.middle), np.where(used <= 1, 1.0, 0.0), normal_cdf(z))

    def quantile(self, level: Floats | float) -> Floats:
        """The ratio of measured to predicted that a share ``level`` of the cases does not exceed."""
        z = np.asarray(normal_quantile(level))
        return np.asarray(np.exp(self.middle + z * np.where(z < 0, self.below, self.above)))

    def factor(self, level: Floats | float) -> Floats:
        """The same, at least 1, which also stands for what nobody measured.

        So a promise counts as kept only if the prediction itself keeps it, too.
        """
        return np.fmax(self.quantile(level), 1.0)

    def take(self, indices: NDArray[np.intp]) -> Errors:
        """Those of some choices."""
        return Errors(self.middle[indices], self.below[indices], self.above[indices])

    def known(self, index: int) -> bool:
        """Whether errors of a choice were measured."""
        return bool(np.isfinite(self.middle[index]))


@lru_cache(maxsize=1)
def _grid() -> tuple[Floats, Floats]:
    z = np.linspace(-FAR, FAR, 4801)
    return z, np.array([NORMAL.cdf(value) for value in z.tolist()])


def normal_cdf(z: Floats) -> Floats:
    """Of the standard normal distribution, within 2e-7 (interpolated)."""
    return np.asarray(np.interp(z, *_grid()))


def normal_quantile(p: Floats | float) -> Floats:
    """The inverse, from -6 to 6."""
    z, below = _grid()
    return np.asarray(np.interp(p, below, z))


def levels(first: Floats, second: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Which probability each of two promises must reach so that both are kept with ``confidence``.

    Where the other one is surer than the root of it, what that leaves; else the root. So both levels are reached
    exactly where the product of the chances reaches the confidence, and a promise that falls short is one to loosen.
    """
    root = np.sqrt(confidence)
    return tuple(np.where(other >= root, confidence / np.maximum(other, root), root) for other in (second, first))  # type: ignore[return-value]
