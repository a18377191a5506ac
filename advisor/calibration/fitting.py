"""Constants of ``catalog/machine.py`` from kernels timed on this machine.

What a machine can do nominally is taken from the catalog where it is a catalogued one; elsewhere the fastest product
and the fastest copy seen stand for it, so that shares are of what was reached.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from advisor.fit.robust import fitted

Array = NDArray[np.float64]
LEAST_ROWS = 6
"""Fewer timings than this are no evidence."""


class Timed(Protocol):
    """What is asked of a timing (``calculators.reference.kernels.Timing``)."""

    @property
    def kernel(self) -> str:
        """Which kernel."""
        ...

    @property
    def sizes(self) -> Mapping[str, int]:
        """Its sizes."""
        ...

    @property
    def flops(self) -> float:
        """Needed FLOPs."""
        ...

    @property
    def bytes(self) -> float:
        """Each input read once, each output written once."""
        ...

    @property
    def seconds(self) -> float:
        """Measured."""
        ...


@dataclass(frozen=True)
class Fit:
    """Constants with what they are worth."""

    constants: Mapping[str, float]
    rows: int
    median_error: float
    """Median absolute relative error, each half of the timings predicted from the other."""


def fit(
    names: Sequence[str],
    start: Sequence[float],
    bounds: Sequence[tuple[float, float]],
    predict: Callable[[Mapping[str, float], NDArray[np.intp]], Array],
    seconds: Array,
) -> Fit:
    """Constants with the least robust loss of ``log(predicted / measured)``, judged by two-fold crossing.

    Args:
        names: Of the constants.
        start: Where to begin.
        bounds: Least and most of each; all positive.
        predict: Seconds of some rows from the constants.
        seconds: Measured.
    """
    rows = np.arange(len(seconds))
    found = _solve(names, start, bounds, predict, seconds, rows)
    errors = []
    for own, other in ((rows[::2], rows[1::2]), (rows[1::2], rows[::2])):
        half = _solve(names, start, bounds, predict, seconds, own)
        errors.append(np.abs(predict(half, other) / seconds[other] - 1))
    rounded = {name: float(f"{value:.3g}") for name, value in found.items()}
    return Fit(rounded, len(rows), float(np.median(np.concatenate(errors))))


def _solve(
    names: Sequence[str],
    start: Sequence[float],
    bounds: Sequence[tuple[float, float]],
    predict: Callable[[Mapping[str, float], NDArray[np.intp]], Array],
    seconds: Array,
    rows: NDArray[np.intp],
) -> dict[str, float]:
    lower, upper = np.log(bounds).T
    logs = np.log(seconds[rows])

    def residuals(x: Array) -> Array:
        predicted = predict(dict(zip(names, np.exp(x), strict=True)), rows)
        return np.asarray(np.log(np.maximum(predicted, 1e-12)) - logs)

    found = fitted(residuals, (np.log(start) + shift for shift in (0.0, 0.7, -0.7)), lower, upper)
    return dict(zip(names, map(float, np.exp(found)), strict=True))


SHARE = (0.001, 1.0)


def fit_products(
    timings: Sequence[Timed],
    peak_flops_per_s: float,
    bandwidth_bytes_per_s: float,
    launch_us: float,
    *,
    repacks: bool = False,
) -> Fit | None:
    """Compute and memory shares, sharpness and launch cost of a smooth roofline; ``None`` for too few timings.

    Args:
        timings: Of matrix products in one data type.
        peak_flops_per_s: What the compute share is of.
        bandwidth_bytes_per_s: What the memory share is of.
        launch_us: The least that any kernel costs, measured: no product costs less.
        repacks: Also fit how often weights cross memory besides where there are several rows (``weight_copies``), as
            libraries on processors repack them.
    """
    if len(timings) < LEAST_ROWS:
        return None
    compute, memory = (np.array([getattr(t, n) for t in timings]) for n in ("flops", "bytes"))
    m, n, k = (np.array([t.sizes[name] for t in timings], dtype=np.float64) for name in "mnk")
    weights = np.where(m > 1, memory * n * k / (m * k + n * k + m * n), 0.0) / bandwidth_bytes_per_s
    compute, memory = compute / peak_flops_per_s, memory / bandwidth_bytes_per_s

    def predict(c: Mapping[str, float], rows: NDArray[np.intp]) -> Array:
        a, b = compute[rows] / c["compute"], memory[rows] / c["memory"]
        large = np.maximum(a, b)
        root = large * (1 + (np.minimum(a, b) / large) ** c["p"]) ** (1 / c["p"])
        copied = c.get("weight_copies", 0.0) * weights[rows] / c["memory"]
        return np.asarray(root + copied + c["launch_us"] * 1e-6)

    seconds = np.array([t.seconds for t in timings])
    names, start = ["compute", "memory", "launch_us", "p"], [0.7, 0.7, 2 * launch_us, 2.0]
    bounds = [SHARE, SHARE, (launch_us, 100 * launch_us), (1.0, 8.0)]
    if repacks:
        names, start, bounds = [*names, "weight_copies"], [*start, 1.0], [*bounds, (0.01, 10.0)]
    return fit(names, start, bounds, predict, seconds)


def fit_recurrence(timings: Sequence[Timed]) -> Fit | None:
    """Nanoseconds per token and number of state, and microseconds per token, of scans that go token by token."""
    timings = [t for t in timings if t.sizes["tokens"] > 1]  # what a step costs once is no part of this
    numbers = np.array([_product(t, "batch", "tokens", "channels", "state") for t in timings])
    tokens = np.array([t.sizes["tokens"] for t in timings], dtype=np.float64)
    return _fit_scan("recurrence_ns", "recurrence_token_us", numbers, tokens, timings)


def fit_chunked(timings: Sequence[Timed]) -> Fit | None:
    """Nanoseconds per token and number of state, and microseconds per layer, of scans in chunks."""
    numbers = np.array([_product(t, "batch", "tokens", "heads", "head_dim", "state") for t in timings])
    return _fit_scan("chunked_ns", "chunked_us", numbers, np.ones(len(timings)), timings)


def _product(timing: Timed, *names: str) -> float:
    return float(math.prod(timing.sizes[name] for name in names))


def _fit_scan(each: str, fixed: str, numbers: Array, count: Array, timings: Sequence[Timed]) -> Fit | None:
    if len(timings) < LEAST_ROWS:
        return None

    def predict(c: Mapping[str, float], rows: NDArray[np.intp]) -> Array:
        return np.asarray(numbers[rows] * c[each] * 1e-9 + count[rows] * c[fixed] * 1e-6)

    seconds = np.array([t.seconds for t in timings])
    return fit((each, fixed), (1.0, 10.0), ((1e-6, 1e4), (0.01, 1e5)), predict, seconds)


def fit_attention(
    timings: Sequence[Timed], peak_flops_per_s: float, bandwidth_bytes_per_s: float, launch_us: float
) -> Fit | None:
    """Shares that attention reaches, prefill and steps together; arguments and answer as ``fit_products``."""
    if len(timings) < LEAST_ROWS:
        return None
    flops, moved = (np.array([getattr(t, n) for t in timings]) for n in ("flops", "bytes"))
    each = np.array([t.sizes["kv_heads"] * t.sizes["length"] for t in timings])
    queries = np.array([t.sizes["heads"] * t.sizes["new"] for t in timings])
    compute = flops / peak_flops_per_s
    cache = moved * each / (each + queries) / bandwidth_bytes_per_s
    new = moved * queries / (each + queries) / bandwidth_bytes_per_s

    def predict(c: Mapping[str, float], rows: NDArray[np.intp]) -> Array:
        traffic = cache[rows] / c["decode_memory"] + new[rows] / c["query_memory"]
        return np.asarray(compute[rows] / c["prefill_compute"] + traffic + c["launch_us"] * 1e-6)

    seconds = np.array([t.seconds for t in timings])
    names = ("prefill_compute", "decode_memory", "query_memory", "launch_us")
    bounds = (SHARE, SHARE, SHARE, (launch_us, 100 * launch_us))
    return fit(names, (0.5, 0.7, 0.4, 2 * launch_us), bounds, predict, seconds)
