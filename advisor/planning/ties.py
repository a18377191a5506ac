"""Plans that cost the same in the first month, told apart by what they cost while traffic grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, inf

from advisor.planning.demand import growth
from advisor.planning.growth import Grown, grown_of
from advisor.planning.money import HOURS
from advisor.planning.schema import PlanFile
from advisor.planning.search import Found, Lost, Search, counted, most_replicas
from advisor.planning.space import Candidate
from advisor.planning.trials import Trials
from advisor.report import usd_text

MOST_BUILT = 6
"""Equally dear candidates whose tables are built, the ablest by coarse bounds."""
MOST_TRIED = 3
"""Of these, how many are simulated month by month."""
ALIKE = 1e-9


@dataclass(frozen=True, eq=False)
class Settled:
    """What is left of the plans that cost the same in the first month."""

    best: Found
    grown: Grown
    note: str = ""
    """What was not compared."""


def settle(
    plan: PlanFile,
    found: Search,
    grown: Grown,
    month: Callable[[int], Trials],
    trials: Trials,
    tell: Callable[[str], None],
) -> Settled:
    """The cheapest over all months of the plans that are as cheap as the best in the first.

    Candidates come by the least that they can cost over all months, then by work per dollar; one that bounds say
    cannot cost less is not simulated.

    Args:
        plan: What was asked.
        found: The search of the first month; its best and what lost are changed.
        grown: The best, month by month.
        month: Runs under the traffic of a month.
        trials: Runs of the first month.
        tell: Told what is going on.
    """
    assert found.best is not None
    best, usd_per_hour = found.best, found.best.usd_per_hour
    spare = plan.redundancy
    if grown.breaks is None and all(growth(1, c) >= 1 for c in plan.traffic):
        return Settled(best, grown)
    times = _times(plan)

    def least(candidate: Candidate, work_s: float) -> float:
        rate = trials.rate
        needs = [max(1, ceil(rate * t * work_s * (1 - ALIKE))) if rate is not None else 1 for t in times]
        first = round(usd_per_hour / candidate.usd_per_hour) if candidate.usd_per_hour else 0
        more = [max(n + spare, first if t >= 1 else 0) for n, t in zip(needs, times, strict=True)]
        return sum(more) * candidate.usd_per_hour * HOURS

    limit = grown.total if grown.ends is None else inf
    coarse = [(least(c, found.coarse[id(c)].work_s), found.coarse[id(c)].work_s * c.usd_per_hour, c)
              for c in _alike(found, best, plan)]  # fmt: skip
    able = sorted((x for x in coarse if x[0] < limit * (1 - ALIKE)), key=lambda x: x[:2])
    sharper = []
    for _, _, candidate in able[:MOST_BUILT]:
        service = trials.service(candidate)
        if isinstance(service, str):
            continue
        bound = trials.bound(candidate, service)
        if bound.refused or trials.hopeless(bound):
            continue
        total = least(candidate, bound.work_s)
        if total < limit * (1 - ALIKE):
            sharper.append((total, bound.work_s * candidate.usd_per_hour, candidate))
    sharper.sort(key=lambda x: x[:2])
    for total, _, candidate in sharper[:MOST_TRIED]:
        limit = grown.total if grown.ends is None else inf
        if total >= limit * (1 - ALIKE):
            continue
        tell(f"{candidate.way} costs the same now: over {plan.months} months")
        found.simulated += 1
        other = _tried(found, candidate, best, trials, spare)
        if other is None:
            continue
        theirs = grown_of(plan, other, month, trials, spare, tell, limit)
        if theirs.cost < grown.cost:
            found.lost.pop(id(candidate), None)
            _lose(found, best, grown, theirs)
            best, grown = other, theirs
        else:
            _lose(found, other, theirs, grown)
    found.best = best
    left = max(0, len(able) - MOST_BUILT) + max(0, len(sharper) - MOST_TRIED)
    note = f"{left} more may cost the same in the first month and were not compared over the growth" if left else ""
    return Settled(best, grown, note)


def _times(plan: PlanFile) -> list[float]:
    """Traffic of each month over that of the first; 1 where classes grow apart, so that bounds stay bounds."""
    grown = [[growth(m, c) for c in plan.traffic] for m in range(plan.months)]
    return [g[0] if max(g) == min(g) else min(g) if min(g) < 1 else 1.0 for g in grown]


def _alike(found: Search, best: Found, plan: PlanFile) -> Sequence[Candidate]:
    """Whatever bounds allow to cost as much as the best."""
    same = []
    for lost in found.lost.values():
        c = lost.candidate
        if c is best.candidate or not c.usd_per_hour or abs(lost.usd_per_hour / best.usd_per_hour - 1) > ALIKE:
            continue
        replicas = round(best.usd_per_hour / c.usd_per_hour) - plan.redundancy
        if 1 <= replicas <= most_replicas(c, plan.max_devices, plan.redundancy):
            same.append(c)
    return same


def _tried(found: Search, candidate: Candidate, best: Found, trials: Trials, spare: int) -> Found | None:
    """The candidate for the money of the best, where that keeps the promises."""
    replicas = round(best.usd_per_hour / candidate.usd_per_hour) - spare
    trial = trials.run(candidate, replicas)
    if trial.kept:
        other = Found(candidate, trial, spare)
        if all(k.candidate is not candidate for k in found.kept):
            found.kept.append(other)
        return other
    found.missed.append((candidate, trial))
    verb = "misses" if replicas == 1 else "miss"
    why = f"{counted(replicas)} {verb}: {trial.why} (${best.usd_per_hour:,.2f} per hour)"
    usd = (replicas + 1 + spare) * candidate.usd_per_hour
    found.lost[id(candidate)] = Lost(candidate, why, usd, True)
    return None


def _lose(found: Search, loser: Found, theirs: Grown, winner: Grown) -> None:
    span = f"{len(winner.months)} months"
    if theirs.ends is not None and winner.ends is None:
        why = f"costs the same in the first month, but is not enough from month {theirs.ends} on"
    elif theirs.whole:
        costs, instead = usd_text(theirs.total), usd_text(winner.total)
        why = f"costs the same in the first month, but {costs} over {span} instead of {instead}"
    else:
        why = f"costs the same in the first month, but not less over {span}"
    found.lost[id(loser.candidate)] = Lost(loser.candidate, why, loser.usd_per_hour, True)
