"""Prompts on some replicas, answers on others: whether that is cheaper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.planning.bounds import EXACT, bound_of
from advisor.planning.demand import again
from advisor.planning.search import Search
from advisor.planning.space import Candidate
from advisor.planning.trials import Trial, Trials
from advisor.simulator.disaggregate import disaggregated
from advisor.simulator.metrics import Outcome, outcome
from advisor.simulator.promises import Promise, keeps, measured
from advisor.simulator.service import Service
from calculators.collectives import link_bytes_per_s, network_bytes_per_s

CANDIDATES = 4
"""How many kinds of replicas are tried, the plan's own first and then those with the lowest bounds."""
MOST_TRIALS = 16
"""Of each."""


@dataclass(frozen=True, eq=False)
class Split:
    """Replicas of one kind, so many for prompts and so many for answers."""

    candidate: Candidate
    prompts: int
    answers: int
    spare: int
    """Of each of the two."""
    trial: Trial
    link: str

    @property
    def replicas(self) -> int:
        """All that are bought."""
        return self.prompts + self.answers + 2 * self.spare

    @property
    def usd_per_hour(self) -> float:
        """All that are bought."""
        return self.replicas * self.candidate.usd_per_hour


def split_of(found: Search, trials: Trials, spare: int, max_devices: int, limit: float) -> tuple[Split | None, str]:
    """The cheapest split for less than ``limit`` dollars per hour, and what was found out."""
    if trials.rate is None or any(c.turns.mean > 1 for c in trials.classes):
        return None, "users that wait and conversations are not split over replicas for prompts and for answers"
    best: Split | None = None
    tried = 0
    for candidate in _candidates(found):
        service = trials.service(candidate)
        if isinstance(service, str) or not _movable(service):
            continue
        tried += 1
        split = _cheapest(candidate, service, trials, spare, limit, max_devices)
        if split is not None:
            best, limit = split, split.usd_per_hour
    if best is not None:
        return best, ""
    return None, f"separate replicas for prompts and for answers are not cheaper ({tried} kind(s) tried)"


def _candidates(found: Search) -> list[Candidate]:
    cheap = sorted((x for x in found.lost.values() if x.usd_per_hour < float("inf")), key=lambda x: x.usd_per_hour)
    first = [found.best.candidate] if found.best else [c for c, _ in sorted(found.missed, key=lambda m: m[1].worst)]
    return list(dict.fromkeys([*first, *(x.candidate for x in cheap)]))[:CANDIDATES]


def _movable(service: Service) -> bool:
    """Whether what is cached for a request grows with its tokens and nothing else, which is what is sent."""
    memory = service.memory
    return (
        service.output_tokens is None and bool(memory.per_block) and not memory.per_request and not memory.window_tokens
    )


def link_of(candidate: Candidate) -> tuple[float, str]:
    """Bytes per second that each device sends to its counterpart, and over what."""
    machine = candidate.terms.machine
    network = network_bytes_per_s(machine)
    if network is not None:
        return network, f"network, {network / 1e9:.3g} GB/s per device"
    inside = link_bytes_per_s(machine)
    return inside, f"link inside a node, {inside / 1e9:.3g} GB/s per device"


def _cheapest(
    candidate: Candidate, service: Service, trials: Trials, spare: int, limit: float, max_devices: int
) -> Split | None:
    """From the fewest replicas that can do the work, one more at a time where it hurts."""
    rate = trials.rate
    assert rate is not None
    demand = trials.demand(0, service.rules.prefix_cache, service.rules.context_tokens)
    reads = bound_of(service, replace(demand, output=np.ones_like(demand.output))).work_s
    writes = bound_of(service, replace(demand, fresh=np.zeros_like(demand.fresh), input=demand.input)).work_s
    if not service.rules.prefix_cache:
        writes = max(0.0, writes - reads)  # there prompts count in full; less than this it cannot be
    prompts, answers = (max(1, int(np.ceil(rate * w * EXACT))) for w in (reads, writes))
    speed, link = link_of(candidate)
    for _ in range(MOST_TRIALS):
        split = prompts + answers + 2 * spare
        if split * candidate.usd_per_hour >= limit * (1 - 1e-9) or split * candidate.devices > max_devices:
            return None
        trial, full = run_split(service, trials, prompts, answers, speed)
        if trial.kept:
            return Split(candidate, prompts, answers, spare, trial, link)
        if full or _late(trial.outcomes[-1], trials.promises, ("tpot", "itl")):
            answers += 1
        elif _late(trial.outcomes[-1], trials.promises, ("ttft", "queue")) or trial.outcomes[-1].verdict.saturated:
            prompts += 1
        else:
            answers += 1
    return None


def _late(o: Outcome, promises: Sequence[Promise], quantities: Sequence[str]) -> bool:
    return any(p.limit.quantity in quantities and measured(o, p) > p.limit.seconds for p in promises)


def run_split(service: Service, trials: Trials, prompts: int, answers: int, bytes_per_s: float) -> tuple[Trial, bool]:
    """(the runs, whether the replicas that write fall behind); stops at the first seed that breaks a promise."""
    outcomes: list[Outcome] = []
    full = False
    each = service.memory.per_block / service.rules.block_tokens
    for seed in range(trials.seeds):
        trials.count += 1
        jobs = again(trials.demand(seed, service.rules.prefix_cache, service.rules.context_tokens))
        used = service
        if jobs.prefix is None or jobs.prefix_tokens % service.rules.block_tokens:
            used = replace(service, rules=service.rules.with_(prefix_cache=False))
        pools = disaggregated(
            jobs, [used] * prompts, [used] * answers, sent_bytes=lambda tokens: each * tokens, bytes_per_s=bytes_per_s,
            router=trials.router,
        )  # fmt: skip
        outcomes.append(outcome(jobs, pools, trials.classes, request_s=service.request_s))
        full = bool(len(pools[1].jobs)) and outcome(pools[1].jobs, [pools[1]]).verdict.saturated
        if full or not keeps(outcomes[-1], trials.promises):
            break
    seeds = trials.seeds + 1 if full else trials.seeds  # a run too few: nothing is kept
    return Trial(prompts + answers, tuple(outcomes), trials.promises, seeds), full
