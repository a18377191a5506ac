"""The plan over a day: replicas hour by hour, where machines are given back in quiet hours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

from advisor.planning.money import HOURS
from advisor.planning.result import Day
from advisor.planning.search import Found, fewest
from advisor.planning.trials import Trials

STEP = 0.05
"""Loads of hours are rounded up to so much of the busiest one, so that hours alike are simulated once."""


def day_of(
    day: Sequence[float],
    best: Found,
    at: Callable[[float], Trials],
    first: Trials,
    factor: float,
    delay_s: float,
    tell: Callable[[str], None],
) -> Day:
    """The fewest replicas of each hour, simulated with one seed, and what they cost by the month.

    A replica that an hour needs is asked for ``delay_s`` before it begins, and paid from then on.

    Args:
        day: Load of each hour, in any unit.
        best: The plan for the busiest hour.
        at: Runs under so many times the traffic that is expected in the busiest hour.
        first: Runs of the busiest hour.
        factor: Headroom: so many times the expected traffic must be kept.
        delay_s: From asking for a replica to serving.
        tell: Told what is going on.
    """
    levels = [min(1.0, ceil(load / max(day) / STEP - 1e-9) * STEP) for load in day]
    needed = {1.0: best.trial.replicas}
    most = best.trial.replicas
    for level in sorted(set(levels) - {1.0}, reverse=True):
        if most > 1 and level > 0:
            tell(f"hours with {100 * level:.0f} % of the busiest one's load")
            most = _needed(best, at(factor * level), first, most, level)
        needed[level] = most if level > 0 else 0
    replicas = [needed[level] + best.spare for level in levels]
    more = sum(max(0, now - before) for before, now in zip([replicas[-1], *replicas[:-1]], replicas, strict=True))
    hours = sum(replicas) * 24 / len(replicas) + more * delay_s / 3600
    usd = hours / 24 * HOURS * best.candidate.usd_per_hour
    fixed = best.replicas * HOURS * best.candidate.usd_per_hour
    return Day(tuple(replicas), min(usd, fixed), fixed, delay_s)


def _needed(best: Found, trials: Trials, first: Trials, most: int, level: float) -> int:
    candidate = best.candidate
    trials.move(candidate, first)
    service = trials.service(candidate)
    assert not isinstance(service, str)
    least = min(trials.bound(candidate, service).replicas(trials.rate), most)
    guess = min(max(least, ceil(level * best.trial.replicas)), most)
    good, _ = fewest(lambda n: trials.run(candidate, n), least, guess, most)
    first.count += trials.count
    return most if good is None else good.replicas
