"""The plan over a day: replicas hour by hour, where machines are given back in quiet hours, in every month."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from advisor.planning.money import HOURS
from advisor.planning.result import Day, DayMonth, Month
from advisor.planning.search import Found, fewest
from advisor.planning.trials import Trials

STEP = 0.05
"""Loads of hours are rounded up to so much of the busiest one, so that hours alike are simulated once."""
Levels = Mapping[float, int]
"""Replicas that keep the promises, by load over that of the month's busiest hour."""


def day_of(
    day: Sequence[float],
    best: Found,
    months: Sequence[Month],
    at: Callable[[int, float], Trials],
    first: Trials,
    factor: float,
    delay_s: float,
    grown: Sequence[tuple[float, ...]],
    tell: Callable[[str], None],
) -> Day:
    """The fewest replicas of each hour of each month, simulated with one seed, and what they cost by the month.

    A replica that an hour needs is asked for ``delay_s`` before it begins, and paid from then on.

    Args:
        day: Load of each hour, in any unit.
        best: The plan for the busiest hour of the first month.
        months: What the busiest hour of each month needs.
        at: Runs of a month (from 0 on) under so many times the traffic that is expected in its busiest hour.
        first: Runs of the busiest hour of the first month.
        factor: Headroom: so many times the expected traffic must be kept.
        delay_s: From asking for a replica to serving.
        grown: Of each month and class, how many times the traffic of the first month.
        tell: Told what is going on.
    """
    levels = [min(1.0, ceil(load / max(day) / STEP - 1e-9) * STEP) for load in day]
    hours = _Hours(best, at, first, factor, grown, tell)
    enough = [month for month in months if month.replicas is not None]
    for month in enough:
        hours.take(month.month - 1, 1.0, (month.replicas or 0) - best.spare)
    for month in enough:
        for level in sorted(set(levels) - {1.0}, reverse=True):
            hours.find(month.month - 1, level)
    rows = [_month(month, levels, hours.known.get(month.month - 1), best, delay_s) for month in months]
    start = rows[0]
    assert start.replicas is not None
    assert start.usd is not None
    assert start.fixed_usd is not None
    return Day(start.replicas, start.usd, start.fixed_usd, delay_s, tuple(rows))


def _month(month: Month, levels: Sequence[float], needed: Levels | None, best: Found, delay_s: float) -> DayMonth:
    if needed is None or month.replicas is None:
        return DayMonth(month.month, None, None, None)
    replicas = [needed[level] + best.spare for level in levels]
    more = sum(max(0, now - before) for before, now in zip([replicas[-1], *replicas[:-1]], replicas, strict=True))
    hours = sum(replicas) * 24 / len(replicas) + more * delay_s / 3600
    usd = hours / 24 * HOURS * best.candidate.usd_per_hour
    fixed = month.replicas * HOURS * best.candidate.usd_per_hour
    return DayMonth(month.month, tuple(replicas), min(usd, fixed), fixed)


@dataclass(eq=False)
class _Hours:
    """Replicas by month and level.

    More requests of every class never need fewer replicas: what is known of other hours bounds the rest, and an hour
    between two that need the same is not simulated.
    """

    best: Found
    at: Callable[[int, float], Trials]
    first: Trials
    factor: float
    grown: Sequence[tuple[float, ...]]
    tell: Callable[[str], None]
    known: dict[int, dict[float, int]] = field(default_factory=dict)

    def take(self, month: int, level: float, replicas: int) -> None:
        """Note what an hour needs."""
        self.known.setdefault(month, {})[level] = replicas

    def find(self, month: int, level: float) -> None:
        """Find out what an hour needs; there is a busier one in every month."""
        self.take(month, level, self._needed(month, level, *self._bounds(month, level)) if level > 0 else 0)

    def _bounds(self, month: int, level: float) -> tuple[int, int]:
        load = [level * share for share in self.grown[month]]
        least, most = 1, self.known[month][1.0]
        for other, own in self.known.items():
            for its, replicas in own.items():
                theirs = [its * share for share in self.grown[other]]
                if all(b >= a for a, b in zip(load, theirs, strict=True)):
                    most = min(most, replicas)
                elif all(b <= a for a, b in zip(load, theirs, strict=True)):
                    least = max(least, replicas)
        return min(least, most), most

    def _needed(self, month: int, level: float, least: int, most: int) -> int:
        if least >= most:
            return most
        self.tell(f"month {month + 1}, hours with {100 * level:.0f} % of the busiest one's load")
        candidate, trials = self.best.candidate, self.at(month, self.factor * level)
        trials.move(candidate, self.first)
        service = trials.service(candidate)
        assert not isinstance(service, str)
        least = max(least, min(trials.bound(candidate, service).replicas(trials.rate), most))
        guess = min(max(least, ceil(level * self.known[month][1.0])), most)
        good, _ = fewest(lambda n: trials.run(candidate, n), least, guess, most)
        self.first.count += trials.count
        return most if good is None else good.replicas
