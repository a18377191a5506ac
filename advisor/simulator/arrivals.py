"""When requests come: steady, bursty, by the clock, or each after the last answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.errors import BadInput, unknown

Floats = NDArray[np.float64]
KINDS = ("poisson", "constant", "gamma")
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Profile:
    """How the rate changes around its mean."""

    kind: str = "flat"
    """``flat``, ``diurnal`` or ``spike``."""
    factor: float = 1.0
    """Diurnal: peak over trough. Spike: its rate over the usual."""
    period_s: float = DAY_S
    at_s: float = 0.0
    for_s: float = 0.0

    def rate(self, t: Floats) -> Floats:
        """The rate at times, in units of the usual one (spike) or the mean (diurnal)."""
        if self.kind == "diurnal":
            swing = (self.factor - 1) / (self.factor + 1)
            return 1 - swing * np.cos(2 * np.pi * t / self.period_s)
        if self.kind == "spike":
            return np.where((t >= self.at_s) & (t < self.at_s + self.for_s), self.factor, 1.0)
        return np.ones_like(t)

    def integral(self, t: Floats) -> Floats:
        """Requests up to times at a usual rate of one per second."""
        if self.kind == "diurnal":
            swing = (self.factor - 1) / (self.factor + 1)
            turn = 2 * np.pi / self.period_s
            return t - swing * np.sin(turn * t) / turn
        if self.kind == "spike":
            return t + (self.factor - 1) * np.clip(t - self.at_s, 0, self.for_s)
        return t


FLAT = Profile()


def profile(text: str) -> Profile:
    """Read ``flat``, ``diurnal:FACTOR[,PERIOD_S]`` or ``spike:FACTOR,AT_S,FOR_S``.

    Raises:
        BadInput: If it is none of them.
    """
    kind, _, rest = text.partition(":")
    try:
        numbers = [float(part) for part in rest.split(",") if part.strip()]
    except ValueError:
        numbers = [float("nan")]
    if kind == "flat" and not numbers:
        return FLAT
    if kind == "diurnal" and len(numbers) in (1, 2) and numbers[0] >= 1 and (len(numbers) == 1 or numbers[1] > 0):
        return Profile(kind, *numbers)
    if kind == "spike" and len(numbers) == 3 and numbers[0] > 0 and min(numbers[1:]) >= 0:
        return Profile(kind, numbers[0], DAY_S, numbers[1], numbers[2])
    if kind not in ("flat", "diurnal", "spike"):
        raise unknown("profile", kind, ("flat", "diurnal", "spike"))
    raise BadInput(
        f"profile {text!r}: right would be flat, diurnal:4 (peak over trough), or spike:5,60,30 (×, at, for)"
    )


def open_loop(
    rate: float, n: int, rng: np.random.Generator, kind: str = "poisson", cv: float = 1.0, shape: Profile = FLAT
) -> Floats:
    """Times of ``n`` requests that do not wait for answers.

    Args:
        rate: Requests per second (of a diurnal profile: the mean over a period).
        n: How many.
        rng: Chance.
        kind: ``poisson``, ``constant``, or ``gamma`` with ``cv``.
        cv: Standard deviation of the gaps over their mean; 1 is Poisson, more is bursty.
        shape: How the rate changes; gaps are those of the kind in the profile's own time.
    """
    if not rate > 0 or rate == float("inf"):
        raise BadInput(f"rate must be positive, got {rate:g}")
    match kind:
        case "poisson":
            gaps = rng.exponential(1.0, n)
        case "constant":
            gaps = np.ones(n)
        case "gamma":
            if not cv > 0:
                raise BadInput(f"burstiness must be positive, got {cv:g}")
            gaps = rng.gamma(1 / cv**2, cv**2, n)
        case _:
            raise unknown("kind of arrivals", kind, KINDS)
    times = np.cumsum(gaps) / rate
    if kind == "constant":
        times -= 1 / rate
    if shape.kind == "flat":
        return times
    return _inverse(shape, times)


def _inverse(shape: Profile, totals: Floats) -> Floats:
    """Times by which so many requests have come, by bisection."""
    low = np.zeros_like(totals)
    high = totals * max(1.0, (shape.factor + 1) / 2 if shape.kind == "diurnal" else 1 / min(1.0, shape.factor)) + DAY_S
    for _ in range(80):
        middle = (low + high) / 2
        early = shape.integral(middle) < totals
        low, high = np.where(early, middle, low), np.where(early, high, middle)
    return high
