"""Bands that hold what they were not taken from: quantiles of grouped residuals, widened until left-out groups fit.

Residuals of one pair of model and machine resemble each other more than those of two pairs, so plain quantiles of a
few pairs are too narrow for the next one. A band is the 10th and 90th percentile of the pooled residuals, every group
weighing the same, stretched about the median by the least factor with which bands from all other groups hold 80 % of
the group that is left out, on average over the groups: cross-conformal prediction by groups.

Source:
    Vovk, Cross-conformal predictors (arXiv:1208.0806); groups as units: Dunn, Wasserman, Ramdas (arXiv:1809.07441).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.accuracy.errors import weighted_quantile

Array = NDArray[np.float64]

LEVEL = 0.8
STRETCHES = np.concatenate([np.arange(0.6, 3.0, 0.02), np.arange(3.0, 10.1, 0.25)])


@dataclass(frozen=True, slots=True)
class Interval:
    """Of a logarithm: residuals between ``low`` and ``high`` are held."""

    low: float
    middle: float
    high: float

    def stretched(self, factor: float) -> Interval:
        """Both ends moved from the middle by a factor."""
        return Interval(
            self.middle - factor * (self.middle - self.low),
            self.middle,
            self.middle + factor * (self.high - self.middle),
        )

    def holds(self, residuals: Array) -> float:
        """Share of residuals inside."""
        return float(np.mean((self.low <= residuals) & (residuals <= self.high)))


def quantiles(groups: Sequence[Array], level: float = LEVEL) -> Interval:
    """The middle ``level`` of pooled residuals, every group weighing the same."""
    values = np.concatenate(groups)
    weights = np.concatenate([np.full(len(group), 1 / len(group)) for group in groups])
    tail = (1 - level) / 2
    return Interval(*(weighted_quantile(values, weights, q) for q in (tail, 0.5, 1 - tail)))


Key = tuple[str, ...]
"""What a group is, by part: model, machine …; groups that share a part are also left out together."""


def interval(groups: Mapping[Key, Array], level: float = LEVEL) -> Interval:
    """The band of residuals by group, stretched so that what is left out is held.

    Each group is left out, and for each part of their keys all groups that share it: a model, a machine. With nothing
    to leave out, the pooled quantiles must do.
    """
    pooled = quantiles(list(groups.values()), level)
    ways = [_left_out(groups, {key: key for key in groups}, level)]
    parts = min(map(len, groups))
    ways += [_left_out(groups, {key: (key[part],) for key in groups}, level) for part in range(parts)]
    ways = [way for way in ways if way]
    for factor in STRETCHES:
        if all(_mean_held(way, factor) >= level for way in ways):
            return pooled.stretched(float(factor))
    return pooled.stretched(float(STRETCHES[-1])) if ways else pooled


Way = list[tuple[Interval, list[Array]]]


def _left_out(groups: Mapping[Key, Array], folds: Mapping[Key, Key], level: float) -> Way:
    """For each fold the unstretched band of the rest, and the fold's groups."""
    way = []
    for fold in dict.fromkeys(folds.values()):
        rest = [values for key, values in groups.items() if folds[key] != fold]
        if rest:
            own = [values for key, values in groups.items() if folds[key] == fold]
            way.append((quantiles(rest, level), own))
    return way


def _mean_held(way: Way, factor: float) -> float:
    shares = []
    for band, own in way:
        stretched = band.stretched(factor)
        shares.append(np.mean([stretched.holds(values) for values in own]))
    return float(np.mean(shares))


def coverage(groups: Mapping[Key, Array], folds: Mapping[Key, Hashable], level: float = LEVEL) -> dict[Hashable, float]:
    """What share of each fold's residuals the band from the other folds holds, every group weighing the same.

    Args:
        groups: Residuals by group.
        folds: By group, what it is left out with: its machine, or its model.
        level: Share that bands are made for.
    """
    shares = {}
    for fold in dict.fromkeys(folds.values()):
        rest = {name: values for name, values in groups.items() if folds[name] != fold}
        if rest:
            band = interval(rest, level)
            shares[fold] = float(np.mean([band.holds(groups[name]) for name in groups if folds[name] == fold]))
    return shares
