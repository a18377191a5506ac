"""Where nothing keeps the promises: the nearest miss, and the smallest changes that would admit a plan."""

from __future__ import annotations

from advisor.planning.growth import Grown
from advisor.planning.money import HOURS
from advisor.planning.result import Month
from advisor.planning.search import Found, Lost, Search, counted, most_replicas
from advisor.planning.space import Candidate
from advisor.planning.trials import Trial, Trials
from advisor.report import seconds_text, usd_text

TRIED = 3
"""Candidates that are simulated although bounds ruled them out."""
Miss = tuple[Candidate, Trial]


def nearest_miss(found: Search, trials: Trials, max_devices: int, spare: int) -> Miss | None:
    """Of what can serve at all, what breaks its limits by least with all devices there may be."""
    missed = found.missed or _best_effort(found, trials, max_devices, spare)
    return min(missed, key=lambda pair: pair[1].worst, default=None)


def _best_effort(found: Search, trials: Trials, max_devices: int, spare: int) -> list[Miss]:
    """Of candidates that bounds ruled out, some with least work per device, on all devices there may be."""
    able = [
        (coarse.work_s * lost.candidate.devices, lost.candidate)
        for lost in found.lost.values()
        if (coarse := found.coarse[id(lost.candidate)]).fits
    ]
    missed = []
    for _, candidate in sorted(able, key=lambda pair: pair[0])[:TRIED]:
        replicas = most_replicas(candidate, max_devices, spare)
        if replicas >= 1 and not isinstance(trials.service(candidate), str):
            missed.append((candidate, trials.run(candidate, replicas)))
    return missed


def reason(found: Search, candidate: Candidate, trial: Trial) -> str:
    """What the nearest miss breaks, and by how much."""
    lost = found.lost.get(id(candidate))
    why = trial.why or (lost.why if lost else "")
    behind = any(o.verdict.saturated for o in trial.outcomes)
    return why if behind or trial.worst <= 1 else f"{why}: {_times(trial.worst)}"


def over_budget(best: Found, usd_per_hour: float) -> tuple[str, tuple[str, ...]]:
    """(what the cheapest plan that keeps the promises lacks, the smallest change), money by the month."""
    costs, budget = usd_text(best.usd_per_hour * HOURS), usd_text(usd_per_hour * HOURS)
    miss = f"keeps the promises, but costs {costs} per month, the budget is {budget}"
    return miss, (f"a budget of {costs} per month",)


def grows_over_budget(
    grown: Grown, dear: Month, usd_per_hour: float, later: Found | None
) -> tuple[str, tuple[str, ...]]:
    """(the month from which on the plan costs more than the budget, the smallest change), money by the month.

    Args:
        grown: The plan, month by month.
        dear: The first month over the budget.
        usd_per_hour: The budget.
        later: What is cheapest in the dearest month.
    """
    budget = usd_text(usd_per_hour * HOURS)
    first, then = usd_text(grown.months[0].usd), usd_text(dear.usd)
    miss = f"costs {first} in the first month, but {then} from month {dear.month} on, the budget is {budget} per month"
    most = max(m.usd or 0.0 for m in grown.months)
    if later is not None and usd_per_hour < later.usd_per_hour < most / HOURS * (1 - 1e-9):
        needs = usd_text(later.usd_per_hour * HOURS)
        return miss, (f"a budget of {needs} per month: {counted(later.replicas)} of {later.candidate.way}",)
    return miss, (f"a budget of {usd_text(most)} per month",)


def nothing_serves(found: Search) -> str:
    """Why no candidate can serve at all, by the first."""
    first = next(iter(found.lost.values()), None)
    return "no candidate can serve at all" + (f"; {first.candidate.way}: {first.why}" if first else "")


def smallest_changes(found: Search) -> tuple[str, ...]:
    """One line for each kind of obstacle: more devices, or a looser limit; by bounds, so that less will not do."""
    changes = []
    short: list[tuple[int, Lost]] = [(x.devices, x) for x in found.lost.values() if x.devices is not None]
    if short:
        devices, lost = min(short, key=lambda pair: (pair[0], pair[1].usd_per_hour))
        changes.append(f"at least {devices} devices (${lost.usd_per_hour:,.2f} per hour) of {lost.candidate.way}")
    late = [(x.missed.over, x.missed, x.candidate) for x in found.lost.values() if x.missed is not None]
    if late:
        _, floor, candidate = min(late, key=lambda entry: entry[0])
        least, limit = seconds_text(floor.least_s), seconds_text(floor.promise.limit.seconds)
        changes.append(f"{floor.promise.name} of at least {least} instead of {limit}: {candidate.way}")
    return tuple(changes)


def _times(share: float) -> str:
    return f"{100 * (share - 1):,.0f} % over" if share < 3 else f"{share:,.0f} times the limit"
