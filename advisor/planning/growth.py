"""The plan month by month: how many replicas, when it breaks, how much more it would keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from advisor.planning.demand import classes_of
from advisor.planning.money import HOURS
from advisor.planning.result import Month
from advisor.planning.schema import PlanFile
from advisor.planning.search import Found, fewest, most_replicas
from advisor.planning.space import Candidate
from advisor.planning.trials import Trials

PRECISION = 0.05
MOST_HEADROOM = 16.0


@dataclass(frozen=True, slots=True)
class Grown:
    """A plan month by month."""

    months: tuple[Month, ...]
    breaks: int | None
    """The first month in which the first month's replicas are too few."""
    ends: int | None
    """The first month that nothing keeps."""
    whole: bool = True
    """Whether all months were looked at."""

    @property
    def total(self) -> float:
        """Dollars of all months that there are machines for."""
        return sum(m.usd or 0.0 for m in self.months)

    @property
    def cost(self) -> tuple[bool, int, float]:
        """To compare plans by: those that were given up last, fewest months without machines, dollars."""
        return not self.whole, sum(m.usd is None for m in self.months), self.total

    def over(self, usd_per_hour: float) -> Month | None:
        """The first month that costs more than a budget."""
        limit = usd_per_hour * HOURS * (1 + 1e-9)
        return next((m for m in self.months if m.usd is not None and m.usd > limit), None)


def grown_of(
    plan: PlanFile,
    best: Found,
    month: Callable[[int], Trials],
    first: Trials,
    spare: int,
    tell: Callable[[str], None],
    most_usd: float = inf,
) -> Grown:
    """A plan in every month; given up where it comes to cost as much as ``most_usd`` in all."""
    candidate, start = best.candidate, best.trial.replicas
    most = most_replicas(candidate, plan.max_devices, spare)
    rows: list[Month] = []
    breaks = ends = None
    needed: int | None = start
    before = first
    usd = 0.0
    for number in range(plan.months):
        classes = classes_of(plan, number)
        rate = None if any(c.clients for c in classes) else sum(c.rate * c.turns.mean for c in classes)
        users = sum(c.clients for c in classes) or None
        if number and needed is not None and _changes(plan, number):
            tell(f"month {number + 1} of {plan.months}")
            trials = month(number)
            trials.move(candidate, before)
            runs = trials.count
            needed = _needed(trials, candidate, needed, most, _growth(plan, number))
            first.count += trials.count - runs
        total = None if needed is None else needed + spare
        keeps = needed is not None and needed <= start
        if not keeps and breaks is None:
            breaks = number + 1
        if needed is None and ends is None:
            ends = number + 1
        rows.append(
            Month(
                month=number + 1,
                requests_per_s=rate,
                users=users,
                replicas=total,
                devices=None if total is None else total * candidate.devices,
                usd=None if total is None else total * candidate.usd_per_hour * HOURS,
                first_keeps=keeps,
            )
        )
        usd += rows[-1].usd or 0.0
        if usd >= most_usd or (ends and most_usd < inf):
            return Grown(tuple(rows), breaks, ends, number + 1 == plan.months)
    return Grown(tuple(rows), breaks, ends)


def _changes(plan: PlanFile, number: int) -> bool:
    now, last = classes_of(plan, number), classes_of(plan, number - 1)
    return any((a.rate, a.clients) != (b.rate, b.clients) for a, b in zip(now, last, strict=True))


def _growth(plan: PlanFile, number: int) -> float:
    now, last = classes_of(plan, number), classes_of(plan, number - 1)
    return sum(c.rate + c.clients for c in now) / sum(c.rate + c.clients for c in last)


def _needed(trials: Trials, candidate: Candidate, last: int, most: int, growth: float) -> int | None:
    """The fewest replicas of a month: never fewer than its bound, and no search below last month's if traffic grows."""
    service = trials.service(candidate)
    assert not isinstance(service, str)
    least = trials.bound(candidate, service).replicas(trials.rate)
    if growth >= 1:
        least = max(least, last)
    if least > most:
        return None
    good, _ = fewest(lambda n: trials.run(candidate, n), least, min(max(least, int(last * growth)), most), most)
    return None if good is None else good.replicas


def headroom_of(best: Found, at: Callable[[float], Trials], factor: float, first: Trials) -> float | None:
    """How much more traffic than expected the plan keeps, to ``PRECISION``; ``None`` where users wait for answers."""
    if first.rate is None:
        return None

    def good(times: float) -> bool:
        trials = at(times)
        trials.move(best.candidate, first)
        kept = trials.run(best.candidate, best.trial.replicas).kept
        first.count += trials.count
        return kept

    service = first.service(best.candidate)
    assert not isinstance(service, str)
    bound = first.bound(best.candidate, service)
    most = best.trial.replicas / (first.rate / factor * bound.work_s) if bound.work_s else MOST_HEADROOM
    low, high = factor, min(max(most, factor * (1 + PRECISION)), MOST_HEADROOM * factor)
    while high / low > 1 + PRECISION:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if good(middle) else (low, middle)
    return low - 1
