"""One ability per model and two numbers per benchmark, fitted to scores with holes.

A score, as log-odds above chance, is taken to be ``offset + slope * ability + noise``, with abilities of mean 0 and
spread 1 over the models: one factor, as in item-response theory (Rasch 1960; Birnbaum in Lord and Novick 1968) and in
arXiv:2405.10938, section 3, where one to three such factors explain language benchmarks. A benchmark that only strong
models report then has a low offset, where a mean of z-scores would punish those models for reporting it.

Few benchmarks have many scores, so slopes are drawn to the common slope and noise to a common level. Alternating
weighted least squares; nothing is predicted for a model without scores.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

ROUNDS = 30
SLOPE_SPREAD = 0.6
"""How far slopes stray from the common one; 0.15 to 0.6 predict held-out scores alike."""
NOISE_VARIANCE, NOISE_WEIGHT = 0.12, 4.0
"""Variance of log-odds to which a benchmark's noise is drawn, and with the weight of how many scores."""


class Abilities(NamedTuple):
    """What was fitted."""

    ability: Floats
    """By model; 0 for a model without scores."""
    variance: Floats
    """Of the ability, given offsets and slopes; 1 without scores."""
    offset: Floats
    slope: Floats
    noise: Floats
    """Variance of log-odds by benchmark."""

    def predicted(self, model: ArrayLike, benchmark: ArrayLike) -> tuple[Floats, Floats]:
        """Log-odds of scores and their variance, for the error that held-out scores are judged by."""
        i, j = np.asarray(model), np.asarray(benchmark)
        mean = self.offset[j] + self.slope[j] * self.ability[i]
        return mean, self.noise[j] + self.slope[j] ** 2 * self.variance[i]


def log_odds(value: ArrayLike, chance: ArrayLike, high: ArrayLike, lower_is_better: ArrayLike) -> Floats:
    """Scores on a scale without ends: log-odds above chance, or minus the logarithm of an error that may pass 100.

    Shares are kept within 2 % and 98.5 %: beyond, a point means errors in the questions rather than skill.
    """
    score = np.asarray(value, dtype=np.float64)
    share = np.clip((score - np.asarray(chance)) / (np.asarray(high) - np.asarray(chance)), 0.02, 0.985)
    return np.where(lower_is_better, -np.log(np.maximum(score, 0.1)), np.log(share / (1 - share)))


def _sums(index: NDArray[Any], weight: Floats, n: int) -> Floats:
    return np.asarray(np.bincount(index, weight, n), dtype=np.float64)


def fit(
    model: NDArray[Any], benchmark: NDArray[Any], odds: Floats, weight: Floats, n_models: int, n_benchmarks: int
) -> Abilities:
    """Fit abilities, offsets, slopes and noise.

    Args:
        model: Which model each score is of.
        benchmark: Which benchmark.
        odds: Log-odds of the score.
        weight: How much it counts: 1, or less.
        n_models: Number of models.
        n_benchmarks: Number of benchmarks.
    """
    count: Floats = _sums(benchmark, weight, n_benchmarks)
    offset: Floats = _sums(benchmark, weight * odds, n_benchmarks) / np.maximum(count, 1e-9)
    slope: Floats = np.ones(n_benchmarks)
    noise: Floats = np.full(n_benchmarks, 0.3)
    ability: Floats = np.zeros(n_models)
    information: Floats = np.zeros(n_models)
    common = 1.0
    has = _sums(model, weight, n_models) > 0
    for _ in range(ROUNDS):
        precise = weight / noise[benchmark]
        steep = slope[benchmark]
        information = _sums(model, precise * steep**2, n_models)
        ability = _sums(model, precise * steep * (odds - offset[benchmark]), n_models) / (1 + information)
        ability = np.where(has, ability - ability[has].mean(), 0.0)
        x = ability[model]
        sums = [_sums(benchmark, precise * t, n_benchmarks) for t in (1.0, x, x * x, odds, x * odds)]
        ones, xs, squares, values, crosses = sums[0] + 1e-3, sums[1], sums[2], sums[3], sums[4]
        squares, crosses = squares + SLOPE_SPREAD**-2, crosses + SLOPE_SPREAD**-2 * common
        determinant = ones * squares - xs**2
        offset = (squares * values - xs * crosses) / determinant
        slope = (ones * crosses - xs * values) / determinant
        residual = odds - offset[benchmark] - slope[benchmark] * x
        unsure = residual**2 + slope[benchmark] ** 2 / (1 + information[model])
        squared = _sums(benchmark, weight * unsure, n_benchmarks)
        noise = (squared + NOISE_WEIGHT * NOISE_VARIANCE) / (np.maximum(count - 1, 0) + NOISE_WEIGHT)
        known = count >= 3
        common = float(np.average(slope[known], weights=count[known])) if known.any() else common
    return Abilities(ability, 1 / (1 + information), offset, slope, noise)
