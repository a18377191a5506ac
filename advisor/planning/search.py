"""The cheapest plan that keeps the promise: best first, by lower bounds of its price.

A candidate is looked at in three stages, each dearer and sharper than the one before: coarse bounds of all at once,
bounds from the tables that the simulator reads, simulation. The queue is ordered by the least that a candidate can
cost, so the search ends when nothing that is left can be cheaper than what was found: nothing better is lost as long as
the bounds are right and more replicas are never worse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import inf

from advisor.planning.coarse import Coarse, Floor, coarse_bounds
from advisor.planning.space import Candidate, Space
from advisor.planning.trials import Trial, Trials

USUAL_LOAD = 0.85
"""Share of what a replica can do at most, from which a first guess of replicas is made."""
COARSE, EXACT = 0, 1


@dataclass(frozen=True, eq=False)
class Found:
    """A candidate with the fewest replicas that keep the promises, and those that are bought."""

    candidate: Candidate
    trial: Trial
    spare: int = 0

    @property
    def replicas(self) -> int:
        """All that are bought."""
        return self.trial.replicas + self.spare

    @property
    def devices(self) -> int:
        """All that are bought."""
        return self.replicas * self.candidate.devices

    @property
    def usd_per_hour(self) -> float:
        """All that are bought."""
        return self.replicas * self.candidate.usd_per_hour


@dataclass(frozen=True, eq=False)
class Lost:
    """Why a candidate is not the plan."""

    candidate: Candidate
    why: str
    usd_per_hour: float
    """What it costs, or at least; infinite where it cannot serve."""
    verified: bool = False
    """Whether it was simulated."""
    missed: Floor | None = None
    """The promise that no number of replicas keeps, where that is why."""
    devices: int | None = None
    """The fewest that may keep the promises, where there may not be as many."""


@dataclass(eq=False)
class Search:
    """What was found on the way."""

    best: Found | None = None
    kept: list[Found] = field(default_factory=list)
    """Everything simulated that keeps the promises."""
    missed: list[tuple[Candidate, Trial]] = field(default_factory=list)
    lost: dict[int, Lost] = field(default_factory=dict)
    """By candidate."""
    coarse: dict[int, Coarse] = field(default_factory=dict)
    considered: int = 0
    built: int = 0
    """Candidates whose tables were built."""
    simulated: int = 0
    """Candidates that were simulated."""


def most_replicas(candidate: Candidate, max_devices: int, spare: int) -> int:
    """That keep the promise, besides the spare ones."""
    devices = min(max_devices, candidate.terms.available or max_devices)
    return devices // candidate.devices - spare


Queue = list[tuple[float, int, int, int, Candidate]]
"""(least dollars per hour, devices, order, stage, candidate), a heap."""


def search(
    space: Space,
    trials: Trials,
    *,
    spare: int = 0,
    max_devices: int = 64,
    progress: Callable[[str], None] | None = None,
) -> Search:
    """The cheapest candidate with the fewest replicas; of equally cheap ones the one with fewer devices.

    Args:
        space: Candidates.
        trials: Runs them.
        spare: Replicas to buy beyond those that keep the promises.
        max_devices: In all.
        progress: Told what is going on.
    """
    tell = progress or (lambda _: None)
    found, order = Search(considered=len(space)), count()
    queue = _bounded(found, space, trials, spare, max_devices, order, tell)
    while queue:
        usd, devices, _, stage, candidate = heappop(queue)
        if found.best and (usd, devices) >= (found.best.usd_per_hour, found.best.devices):
            _rest(found, [(usd, candidate), *((item[0], item[4]) for item in queue)])
            break
        service = trials.service(candidate)
        if isinstance(service, str):
            found.lost[id(candidate)] = Lost(candidate, service, inf)
            continue
        bound = trials.bound(candidate, service)
        least = bound.replicas(trials.rate)
        if stage == COARSE:
            found.built += 1
            missed = trials.hopeless(bound)
            why = str(missed or "")
            if bound.refused:
                why = f"{bound.refused:,} of {trials.requests:,} requests can never fit"
            _queue(found, queue, candidate, least, EXACT, next(order), Coarse(True, why, inf, missed=missed), spare,
                   max_devices)  # fmt: skip
            continue
        best = f", cheapest so far ${found.best.usd_per_hour:,.2f}/h" if found.best else ""
        tell(f"simulating {candidate.way}, from {counted(least)} on{best}")
        found.simulated += 1
        _simulate(found, trials, candidate, least, spare, max_devices)
    return found


def _bounded(
    found: Search,
    space: Space,
    trials: Trials,
    spare: int,
    max_devices: int,
    order: Iterator[int],
    tell: Callable[[str], None],
) -> Queue:
    """The queue of all candidates that coarse bounds leave."""
    queue: Queue = []
    for number, ((model, layout), group) in enumerate(space.groups.items(), 1):
        tell(f"bounds of {model} ({layout}): {number} of {len(space.groups)} groups")
        spec = group[0].spec
        if why := trials.too_long(spec):
            bounds = [Coarse(False, why, inf)] * len(group)
        else:
            bounds = coarse_bounds(group, trials.asked(spec), trials.promises)
        for candidate, coarse in zip(group, bounds, strict=True):
            found.coarse[id(candidate)] = coarse
            least = coarse.replicas(trials.rate) if coarse.fits else 1
            _queue(found, queue, candidate, least, COARSE, next(order), coarse, spare, max_devices)
    return queue


def _queue(
    found: Search,
    queue: Queue,
    candidate: Candidate,
    least: int,
    stage: int,
    number: int,
    known: Coarse,
    spare: int,
    max_devices: int,
) -> None:
    """Queue a candidate by the least that it costs, unless bounds rule it out."""
    if known.why or not known.fits:
        found.lost[id(candidate)] = Lost(candidate, known.why, inf, missed=known.missed)
    elif least > most_replicas(candidate, max_devices, spare):
        found.lost[id(candidate)] = _too_many(candidate, least, spare)
    else:
        all_of_them = least + spare
        heappush(
            queue,
            (all_of_them * candidate.usd_per_hour, all_of_them * candidate.devices, number, stage, candidate),
        )


def _too_many(candidate: Candidate, least: int, spare: int) -> Lost:
    more = f" and {spare} spare" if spare else ""
    total = (least + spare) * candidate.devices
    why = f"needs at least {counted(least)}{more}, {total} devices: more than there may be"
    return Lost(candidate, why, (least + spare) * candidate.usd_per_hour, devices=total)


def _rest(found: Search, left: list[tuple[float, Candidate]]) -> None:
    assert found.best is not None
    for usd, candidate in left:
        found.lost[id(candidate)] = Lost(candidate, f"costs at least ${usd:,.2f} per hour by its bounds", usd)


def _simulate(found: Search, trials: Trials, candidate: Candidate, least: int, spare: int, max_devices: int) -> None:
    """The fewest replicas of a candidate, as far as they may still be the cheapest plan."""
    unit = candidate.usd_per_hour
    most = most_replicas(candidate, max_devices, spare)
    limit = most
    if found.best is not None and unit > 0:
        limit = min(most, _below(found.best, candidate, spare))
    rate = trials.rate
    guess = least
    service = trials.service(candidate)
    if rate is not None and not isinstance(service, str):
        guess = max(least, int(rate * trials.bound(candidate, service).work_s / USUAL_LOAD) + 1)
    trial, missed = fewest(lambda n: trials.run(candidate, n), least, min(guess, limit), limit)
    if missed is not None:
        found.missed.append((candidate, missed))
    if trial is None:
        assert missed is not None
        if limit < most:
            usd = (limit + 1 + spare) * unit
            why = f"{_of(missed)} (${(missed.replicas + spare) * unit:,.2f} per hour)"
            found.lost[id(candidate)] = Lost(candidate, why, usd, True)
        else:
            found.lost[id(candidate)] = Lost(candidate, f"{_of(missed)}, the most there may be", inf, True)
        return
    plan = Found(candidate, trial, spare)
    found.kept.append(plan)
    if found.best is not None:
        old = found.best
        why = f"keeps the promises with {counted(old.replicas)}, but costs more"
        found.lost[id(old.candidate)] = Lost(old.candidate, why, old.usd_per_hour, True)
    found.best = plan


def _of(missed: Trial) -> str:
    return f"{counted(missed.replicas)} {'misses' if missed.replicas == 1 else 'miss'}: {missed.why}"


def counted(replicas: int) -> str:
    """``1 replica``, ``2 replicas``."""
    return f"{replicas} replica{'' if replicas == 1 else 's'}"


def _below(best: Found, candidate: Candidate, spare: int) -> int:
    """The most replicas that are cheaper than the best plan, or as cheap with fewer devices."""
    most = int(best.usd_per_hour / candidate.usd_per_hour) - spare + 1
    while most > 0:
        usd, devices = (most + spare) * candidate.usd_per_hour, (most + spare) * candidate.devices
        cheaper = usd < best.usd_per_hour * (1 - 1e-12)
        if cheaper or (usd <= best.usd_per_hour * (1 + 1e-12) and devices < best.devices):
            break
        most -= 1
    return most


def fewest(run: Callable[[int], Trial], least: int, guess: int, most: int) -> tuple[Trial | None, Trial | None]:
    """The fewest replicas from ``least`` to ``most`` that keep the promises, and the largest number that did not.

    More replicas are taken to be never worse.
    """
    low, missed = least - 1, None
    high, good = most + 1, None
    step = max(1, guess // 4)
    at = min(max(guess, least), most)
    while high - low > 1:
        trial = run(at)
        if trial.kept:
            high, good = at, trial
        else:
            low, missed = at, trial
        if good is None:
            at, step = min(low + step, most), step * 2
        elif missed is None:
            at, step = max(least, high - step), step * 2
        else:
            at = (low + high) // 2
        if at <= low or at >= high:
            at = (low + high) // 2
    return good, missed
