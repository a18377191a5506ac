"""Cost against latency: verified plans that no other beats in both."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.planning.coarse import MARGIN
from advisor.planning.search import USUAL_LOAD, Found, Search, most_replicas
from advisor.planning.space import Candidate, Space
from advisor.planning.trials import Trials

MOST = 5
"""Plans that are simulated for the front, besides those of the search."""
MOST_TIMES = 6.0
"""How much dearer than the cheapest plan one may be."""


def latency_s(found: Found) -> float:
    """The median whole answer, mean over seeds."""
    values = [o.e2e_s.p50 for o in found.trial.outcomes if o.e2e_s is not None]
    return sum(values) / len(values) if values else float("inf")


def front_of(found: Search, space: Space, trials: Trials, spare: int, max_devices: int) -> list[Found]:
    """The front of all that was simulated, after those that estimates put on it were simulated too, with one seed."""
    assert found.best is not None
    known = list(found.kept)
    one = trials.with_one_seed()
    for candidate, replicas in _promising(found, space, trials, spare, max_devices):
        if isinstance(trials.service(candidate), str):
            continue
        trial = one.run(candidate, replicas)
        if trial.kept:
            known.append(Found(candidate, trial, spare))
    trials.count += one.count
    return undominated(known)


def undominated(plans: Sequence[Found]) -> list[Found]:
    """Cheapest first; each is faster than all before it."""
    front: list[Found] = []
    for plan in sorted(plans, key=lambda p: (p.usd_per_hour, latency_s(p))):
        if not front or latency_s(plan) < latency_s(front[-1]) * (1 - 1e-9):
            front.append(plan)
    return front


def _promising(
    found: Search, space: Space, trials: Trials, spare: int, max_devices: int
) -> list[tuple[Candidate, int]]:
    """Candidates on the front of estimates, with the replicas that they would need."""
    assert found.best is not None
    output = max(float(trials.demand().output.mean()) - 1, 0.0)
    rate = trials.rate
    points = []
    for candidate in space:
        coarse = found.coarse[id(candidate)]
        if not coarse.fits or coarse.why or not coarse.work_s:
            continue
        usual = found.best.trial.replicas
        replicas = usual if rate is None else int(rate * coarse.work_s / MARGIN / USUAL_LOAD) + 1
        usd = (replicas + spare) * candidate.usd_per_hour
        if replicas <= most_replicas(candidate, max_devices, spare) and usd < MOST_TIMES * found.best.usd_per_hour:
            points.append((usd, coarse.ttft_s + output * coarse.tpot_s, candidate, replicas))
    points.sort(key=lambda p: p[:2])
    picked: list[tuple[Candidate, int]] = []
    fastest = float("inf")
    for usd, latency, candidate, replicas in points:
        if latency < 0.95 * fastest:
            fastest = latency
            if usd >= found.best.usd_per_hour and candidate is not found.best.candidate:
                picked.append((candidate, replicas))
    step = max(1, -(-len(picked) // MOST))
    return picked[::-1][::step][::-1]
