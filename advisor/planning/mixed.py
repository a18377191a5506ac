"""Replicas of two kinds behind one router: whether that is cheaper, or enough where one kind is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, inf

from advisor.planning.bounds import EXACT
from advisor.planning.search import Search, most_replicas
from advisor.planning.space import Candidate
from advisor.planning.trials import Trial, Trials

KINDS = 5
"""How many kinds of replicas are paired, the plan's own first and then those with the lowest bounds."""
MOST_TRIALS = 12
"""Pairs of numbers that are simulated, cheapest first."""


@dataclass(frozen=True, eq=False)
class Mixed:
    """So many replicas of one kind and so many of another, of the same model."""

    kinds: tuple[Candidate, Candidate]
    replicas: tuple[int, int]
    """All that are bought."""
    spare: tuple[int, int]
    trial: Trial

    @property
    def usd_per_hour(self) -> float:
        """All that are bought."""
        return sum(n * c.usd_per_hour for c, n in zip(self.kinds, self.replicas, strict=True))


def mixed_of(
    found: Search, trials: Trials, spare: int, max_devices: int, limit: float = inf, built: Trials | None = None
) -> tuple[Mixed | None, str]:
    """The cheapest pair of kinds that is simulated to keep the promises for less than ``limit`` dollars per hour.

    Args:
        found: What a search found.
        trials: Runs them.
        spare: Replicas to buy beyond, of the kind that does more.
        max_devices: In all.
        limit: Dollars per hour.
        built: Trials of another month, whose replicas serve again.
    """
    if trials.rate is None:
        return None, "users that wait for answers are not shared out over two kinds of replicas"
    work = {}
    for candidate in _kinds(found):
        if built is not None:
            trials.move(candidate, built)
        service = trials.service(candidate)
        if not isinstance(service, str):
            bound = trials.bound(candidate, service)
            if not bound.refused and trials.hopeless(bound) is None:
                work[candidate] = bound.work_s
    ways = sorted(_ways(work, trials.rate, spare, max_devices, limit), key=lambda way: way[0])
    for _, kinds, counts in ways[:MOST_TRIALS]:
        services = [s for c, n in zip(kinds, counts, strict=True) for s in [trials.service(c)] * n]
        trial = trials.serve([s for s in services if not isinstance(s, str)])
        if trial.kept:
            extra = _spare(kinds, work, spare)
            return Mixed(kinds, (counts[0] + extra[0], counts[1] + extra[1]), extra, trial), ""
    return None, f"replicas of two kinds together are not cheaper ({min(len(ways), MOST_TRIALS)} ways simulated)"


def _kinds(found: Search) -> list[Candidate]:
    """Of one model, which is the plan's where there is one."""
    lost = sorted((x for x in found.lost.values() if x.usd_per_hour < inf or x.devices), key=lambda x: x.usd_per_hour)
    short = [candidate for candidate, _ in found.missed]
    first = [found.best.candidate] if found.best else short[:1] or [x.candidate for x in lost[:1]]
    same = [x for x in [*first, *short, *(x.candidate for x in lost)] if x.spec.id == first[0].spec.id]
    return list(dict.fromkeys(same))[:KINDS]


def _spare(kinds: Sequence[Candidate], work: dict[Candidate, float], spare: int) -> tuple[int, int]:
    return (spare, 0) if work[kinds[0]] <= work[kinds[1]] else (0, spare)


def _ways(
    work: dict[Candidate, float], rate: float, spare: int, max_devices: int, limit: float
) -> Iterator[tuple[float, tuple[Candidate, Candidate], tuple[int, int]]]:
    """(dollars per hour, kinds, replicas that serve): as many as bounds ask for, and one more of the second kind."""
    for pair in combinations(work, 2):
        extra = _spare(pair, work, spare)
        most = [most_replicas(c, max_devices, s) for c, s in zip(pair, extra, strict=True)]
        for first in range(1, most[0] + 1):
            rest = rate - first / work[pair[0]]
            least = max(1, ceil(rest * work[pair[1]] * EXACT))
            for second in range(least, min(least + 1, most[1]) + 1):
                counts = (first, second)
                bought = [n + s for n, s in zip(counts, extra, strict=True)]
                usd = sum(n * c.usd_per_hour for c, n in zip(pair, bought, strict=True))
                if usd < limit * (1 - 1e-9) and _there_are(pair, bought, max_devices):
                    yield usd, pair, counts
            if rest <= 0:
                break


def _there_are(pair: Sequence[Candidate], bought: Sequence[int], max_devices: int) -> bool:
    """Whether there may be as many devices, in all and on the terms of each kind."""
    devices = [n * c.devices for c, n in zip(pair, bought, strict=True)]
    for candidate in pair:
        own = sum(d for c, d in zip(pair, devices, strict=True) if c.terms is candidate.terms)
        if candidate.terms.available is not None and own > candidate.terms.available:
            return False
    return sum(devices) <= max_devices
