"""The best way to run one model: format, cache, machine and devices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from advisor.candidates import Outcomes
from advisor.ranking.chance import Floats
from advisor.ranking.promises import errors_of, excesses
from advisor.requirements import Needs

CHANCE_STEP = 0.05
"""Chances are told apart by so much where ways are compared: error bands are worth no more."""
TIMELESS = ("under 8 bits", "slow", "price", "devices", "width", "narrow cache")
"""What orders ways before the time they take; where a promise of time is kept by chance, the price counts over it, and
a way may turn out to be slow."""
PRICE, DEVICES = 2, 3
"""Of these, those that count every copy."""


def choose(outcomes: Sequence[Outcomes], needs: Needs) -> tuple[Outcomes, int] | None:
    """The best way that keeps every promise; ``None`` if there is none.

    8 bits and more before fewer; then those that are as fast as is usual for the task, where the user set no limit;
    then the cheapest per hour of kept promises (price, or devices where no price is known, over the probability of
    keeping them); then the fewest devices, the widest format up to 16 bits, a cache of 16 bits, the fastest.
    """
    best: tuple[tuple[float, ...], Outcomes, int] | None = None
    for outcome in outcomes:
        good = np.flatnonzero(keeps(outcome, needs))
        if not good.size:
            continue
        keys = keys_of(outcome, needs)[:, good]
        first = int(np.lexsort(keys[::-1])[0])
        key = tuple(float(value) for value in keys[:, first])
        if best is None or key < best[0]:
            best = (key, outcome, int(good[first]))
    return None if best is None else best[1:]


def keeps(outcome: Outcomes, needs: Needs) -> NDArray[np.bool_]:
    """Which ways keep every promise."""
    return np.asarray(np.all(np.stack(list(excesses(outcome, needs).values())) <= 1, axis=0))


def keys_of(outcome: Outcomes, needs: Needs) -> Floats:
    """By what ways are ordered, the first before the second; shape (7, C)."""
    where = outcome.space
    devices = np.full(len(outcome.ttft_s), float(outcome.devices))
    keys = timeless_keys(where.nominal_bits, where.cache_bits, outcome.usd_per_hour, devices)
    kept = np.round(chance_to_keep(outcome, needs) / CHANCE_STEP) * CHANCE_STEP
    keys[1] = is_slow(outcome, needs)
    keys[2] /= np.maximum(kept, CHANCE_STEP)
    return np.concatenate([keys, (outcome.ttft_s + needs.output_tokens * outcome.tpot_s)[None]])


def timeless_keys(bits: Floats, cache_bits: Floats, hourly: Floats, devices: Floats) -> Floats:
    """The first six of them, as if promises were kept for sure, and nothing were slow; shape (6, C)."""
    price = np.where(np.isfinite(hourly), hourly, devices)
    return np.stack(
        [(bits < 8).astype(np.float64), np.zeros(len(bits)), price, devices, -np.minimum(bits, 16), cache_bits < 16]
    )


def is_slow(outcome: Outcomes, needs: Needs) -> NDArray[np.bool_]:
    """Which ways are slower than is usual for the task, where the user set no limit."""
    slow = np.zeros(len(outcome.ttft_s), dtype=bool)
    if needs.usual_ttft_s is not None:
        slow |= outcome.ttft_s > needs.usual_ttft_s
    if needs.usual_tpot_s is not None and outcome.writes:
        slow |= outcome.tpot_s > needs.usual_tpot_s
    return slow


def chance_to_keep(outcome: Outcomes, needs: Needs) -> Floats:
    """Probability that first and further tokens keep their limits, by choice."""
    first, each = errors_of(outcome.space, writes=outcome.writes)
    chance = np.ones(len(outcome.ttft_s))
    if needs.ttft_s is not None:
        chance = chance * first.chance(outcome.ttft_s / needs.ttft_s)
    if needs.tpot_s is not None and each is not None:
        chance = chance * each.chance(outcome.tpot_s / needs.tpot_s)
    return chance
