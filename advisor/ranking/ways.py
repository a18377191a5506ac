"""The best way to run one model: format, cache, machine and devices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Outcomes
from advisor.ranking.chance import Floats
from advisor.ranking.promises import errors_of, excesses
from advisor.requirements import Needs

CHANCE_STEP = 0.05
"""Chances are told apart by so much where ways are compared: error bands are worth no more."""


def choose(outcomes: Sequence[Outcomes], needs: Needs) -> tuple[Outcomes, int] | None:
    """The best way that keeps every promise; ``None`` if there is none.

    8 bits and more before fewer; then the cheapest per hour of kept promises (price, or devices where no price is
    known, over the probability of keeping them); then the fewest devices, the widest format up to 16 bits, a cache of
    16 bits, the fastest.
    """
    best: tuple[tuple[float, ...], Outcomes, int] | None = None
    for outcome in outcomes:
        ratios = excesses(outcome, needs)
        keeps = np.flatnonzero(np.all(np.stack(list(ratios.values())) <= 1, axis=0))
        if not keeps.size:
            continue
        where, hourly = outcome.space, outcome.usd_per_hour
        kept = np.round(chance_to_keep(outcome, needs) / CHANCE_STEP) * CHANCE_STEP
        keys = np.stack(
            [
                where.nominal_bits < 8,
                np.where(np.isfinite(hourly), hourly, outcome.devices) / np.maximum(kept, CHANCE_STEP),
                np.full(len(hourly), outcome.devices),
                -np.minimum(where.nominal_bits, 16),
                where.cache_bits < 16,
                outcome.ttft_s + needs.output_tokens * outcome.tpot_s,
            ]
        )[:, keeps]
        first = int(np.lexsort(keys[::-1])[0])
        key = tuple(float(value) for value in keys[:, first])
        if best is None or key < best[0]:
            best = (key, outcome, int(keeps[first]))
    return None if best is None else best[1:]


def chance_to_keep(outcome: Outcomes, needs: Needs) -> Floats:
    """Probability that first and further tokens keep their limits, by choice."""
    first, each = errors_of(outcome.space, writes=outcome.writes)
    chance = np.ones(len(outcome.ttft_s))
    if needs.ttft_s is not None:
        chance = chance * first.chance(outcome.ttft_s / needs.ttft_s)
    if needs.tpot_s is not None and each is not None:
        chance = chance * each.chance(outcome.tpot_s / needs.tpot_s)
    return chance
