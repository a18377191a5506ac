"""Constants that make a formula fit measured times, and how well they do on shapes that they did not see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from advisor.accuracy.errors import weighted_quantile
from advisor.fit.robust import fitted
from advisor.fit.tables import Array, Mask

Columns = Mapping[str, Array]
LARGEST_SHARE = 1.0
"""No share of a peak or bandwidth is fitted above this."""
ROUNDED = 3
"""Significant digits: what is written is what is judged."""


@dataclass(frozen=True)
class Formula:
    """Seconds of kernels from their columns and some constants, all of them positive."""

    constants: tuple[str, ...]
    """Names as the catalog has them."""
    start: tuple[float, ...]
    seconds: Callable[[Columns, Mapping[str, float]], Array]
    shares: frozenset[str] = frozenset()
    """Constants kept below ``LARGEST_SHARE``."""


@dataclass(frozen=True)
class Kernels:
    """Measured kernels of one machine and kind."""

    machine: str
    kind: str
    """``gemm fp8``, ``attention`` ..."""
    columns: Columns
    seconds: Array
    raw: Array
    """Seconds of the plain roofline: the longer of FLOPs over the peak and bytes over the bandwidth."""
    held: Mask
    family: Sequence[str]
    """The layer of a model that a row belongs to: such groups weigh the same in the errors."""
    formula: Formula
    version: str
    phase: Sequence[str] = ()
    """``prefill`` or ``decode``, which weigh the same in the fit; empty where there is no such thing."""
    bars: Mapping[str, float] = field(default_factory=dict)
    """Largest median error asked for, by phase (``""`` for all), as a fraction."""

    def only(self, keep: Mask) -> Kernels:
        """Some of the rows."""
        where = np.flatnonzero(keep).tolist()
        return replace(
            self,
            columns={name: column[keep] for name, column in self.columns.items()},
            seconds=self.seconds[keep],
            raw=self.raw[keep],
            held=self.held[keep],
            family=[self.family[i] for i in where],
            phase=[self.phase[i] for i in where] if self.phase else (),
        )

    def predict(self, constants: Array) -> Array:
        """Seconds under some constants."""
        return self.formula.seconds(self.columns, dict(zip(self.formula.constants, constants, strict=True)))


@dataclass(frozen=True)
class Errors:
    """Of predicted over measured minus one, as fractions; families of shapes weigh the same."""

    n: int
    median: float
    p90: float
    bias: float

    @classmethod
    def of(cls, predicted: Array, measured: Array, groups: Sequence[str]) -> Errors:
        """Median and 90th percentile of the absolute error, and the median of the signed one."""
        if not len(measured):
            return cls(0, float("nan"), float("nan"), float("nan"))
        sizes = Counter(groups)
        weights = np.array([1 / sizes[group] for group in groups])
        errors = predicted / measured - 1.0
        size = np.abs(errors)
        return cls(
            len(errors),
            weighted_quantile(size, weights, 0.5),
            weighted_quantile(size, weights, 0.9),
            weighted_quantile(errors, weights, 0.5),
        )


@dataclass(frozen=True)
class Fit:
    """Constants with what they are worth."""

    kernels: Kernels
    constants: Array
    rows: int
    """Behind the fit."""
    held: Mapping[str, Errors]
    """On the shapes left out, by phase; ``""`` for all."""
    raw: Mapping[str, Errors]
    """Of the plain roofline on the same rows."""

    @property
    def values(self) -> dict[str, float]:
        """Constants by name."""
        return dict(zip(self.kernels.formula.constants, map(float, self.constants), strict=True))


def minimise(kernels: Kernels) -> Array:
    """Constants with the least robust loss of ``log(predicted / measured)`` over all rows given."""
    formula = kernels.formula
    logs = np.log(kernels.seconds)
    counts = Counter(kernels.phase)
    weights = np.sqrt([len(logs) / (len(counts) * counts[p]) for p in kernels.phase]) if kernels.phase else 1.0
    upper = np.array([np.log(LARGEST_SHARE) if name in formula.shares else np.inf for name in formula.constants])

    def residuals(x: Array) -> Array:
        return np.asarray(weights * (np.log(np.maximum(kernels.predict(np.exp(x)), 1e-12)) - logs))

    starts = (np.log(formula.start) + shift for shift in (0.0, 0.5))
    return rounded(np.exp(fitted(residuals, starts, -np.inf, upper)))


def rounded(constants: Array) -> Array:
    """A few significant digits; next to nothing is nothing."""
    return np.array([0.0 if value < 1e-3 else float(f"{value:.{ROUNDED}g}") for value in constants])


def solve(kernels: Kernels) -> Fit:
    """Fit on one half of the shapes and judge on the other."""
    train, held = kernels.only(~kernels.held), kernels.only(kernels.held)
    constants = minimise(train)
    return Fit(kernels, constants, len(train.seconds), *judge(held, constants))


def judge(kernels: Kernels, constants: Array) -> tuple[dict[str, Errors], dict[str, Errors]]:
    """Errors of some constants and of the plain roofline, by phase and for all."""
    judged: list[dict[str, Errors]] = []
    for predicted in (kernels.predict(constants), kernels.raw):
        errors = {"": Errors.of(predicted, kernels.seconds, kernels.family)}
        for phase in sorted(set(kernels.phase)):
            keep = np.array([p == phase for p in kernels.phase])
            part = kernels.only(keep)
            errors[phase] = Errors.of(predicted[keep], part.seconds, part.family)
        judged.append(errors)
    return judged[0], judged[1]
