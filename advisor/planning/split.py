"""Prompts on some replicas, answers on others: whether that is cheaper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

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
PAIRS = 4
"""How many pairs of two different kinds, those with the lowest bounds first."""
ALIKE = ("spec", "weights", "cache", "engine", "speculate")
"""What both kinds of a pair share: one reads the caches of the other."""
MOST_TRIALS = 16
"""Of each."""


@dataclass(frozen=True, eq=False)
class Split:
    """So many replicas for prompts and so many for answers."""

    reader: Candidate
    candidate: Candidate
    """What answers are written on; mostly the same."""
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
    def devices(self) -> int:
        """All that are bought."""
        return sum(n * kind.devices for n, kind in self.parts)

    @property
    def usd_per_hour(self) -> float:
        """All that are bought."""
        if self.reader is self.candidate:
            return self.replicas * self.candidate.usd_per_hour
        return sum(n * kind.usd_per_hour for n, kind in self.parts)

    @property
    def parts(self) -> tuple[tuple[int, Candidate], tuple[int, Candidate]]:
        """How many of what, for prompts and for answers."""
        return (self.prompts + self.spare, self.reader), (self.answers + self.spare, self.candidate)


def split_of(found: Search, trials: Trials, spare: int, max_devices: int, limit: float) -> tuple[Split | None, str]:
    """The cheapest split for less than ``limit`` dollars per hour, and what was found out."""
    if trials.rate is None or any(c.turns.mean > 1 for c in trials.classes):
        return None, "users that wait and conversations are not split over replicas for prompts and for answers"
    best: Split | None = None
    services = {}
    for candidate in _candidates(found):
        service = trials.service(candidate)
        if not isinstance(service, str) and _movable(service):
            services[candidate] = service
    ways = [*((c, c) for c in services), *_pairs(services, trials)]
    for reader, writer in ways:
        kinds = _Kinds(reader, writer, services[reader], services[writer])
        split = _cheapest(kinds, trials, spare, limit, max_devices)
        if split is not None:
            best, limit = split, split.usd_per_hour
    if best is not None:
        return best, ""
    pairs = len(ways) - len(services)
    tried = f"{len(services)} kind(s)" + (f" and {pairs} pair(s)" if pairs else "")
    return None, f"separate replicas for prompts and for answers are not cheaper ({tried} tried)"


@dataclass(frozen=True, eq=False)
class _Kinds:
    """What reads, and what writes."""

    reader: Candidate
    writer: Candidate
    reads: Service
    writes: Service

    def least(self, trials: Trials) -> tuple[int, int]:
        """The fewest replicas of each that can do the work."""
        rate = trials.rate
        assert rate is not None
        asked = [trials.demand(0, s.rules.prefix_cache, s.rules.context_tokens) for s in (self.reads, self.writes)]
        reads_s = bound_of(self.reads, replace(asked[0], output=np.ones_like(asked[0].output))).work_s
        writes_s = bound_of(self.writes, replace(asked[1], fresh=np.zeros_like(asked[1].fresh))).work_s
        if not self.writes.rules.prefix_cache:  # there prompts count in full; less than this it cannot be
            ones = replace(asked[1], output=np.ones_like(asked[1].output))
            writes_s = max(0.0, writes_s - bound_of(self.writes, ones).work_s)
        prompts, answers = (max(1, int(np.ceil(rate * w * EXACT))) for w in (reads_s, writes_s))
        return prompts, answers

    def usd_per_hour(self, prompts: int, answers: int) -> float:
        """Of so many replicas."""
        if self.reader is self.writer:
            return (prompts + answers) * self.writer.usd_per_hour
        return prompts * self.reader.usd_per_hour + answers * self.writer.usd_per_hour

    def fit(self, prompts: int, answers: int, max_devices: int) -> bool:
        """Whether there may be so many replicas."""
        devices = {self.reader.terms.machine.id: 0, self.writer.terms.machine.id: 0}
        for n, kind in ((prompts, self.reader), (answers, self.writer)):
            devices[kind.terms.machine.id] += n * kind.devices
        known = {kind.terms.machine.id: kind.terms.available for kind in (self.reader, self.writer)}
        return sum(devices.values()) <= max_devices and all(
            count <= (known[machine] or max_devices) for machine, count in devices.items()
        )


def _pairs(services: Mapping[Candidate, Service], trials: Trials) -> list[tuple[Candidate, Candidate]]:
    """Two kinds that run the same model in the same formats and are joined; those that cost least at best first."""
    found: list[tuple[float, int, tuple[Candidate, Candidate]]] = []
    for reader, writer in permutations(services, 2):
        if any(getattr(reader, name) != getattr(writer, name) for name in ALIKE) or joined(reader, writer) is None:
            continue
        kinds = _Kinds(reader, writer, services[reader], services[writer])
        found.append((kinds.usd_per_hour(*kinds.least(trials)), len(found), (reader, writer)))
    return [pair for _, _, pair in sorted(found)[:PAIRS]]


def joined(reader: Candidate, writer: Candidate) -> tuple[float, str] | None:
    """Bytes per second that each device of the reader sends, and over what; ``None`` where no link is known."""
    speed, link = link_of(reader)
    if reader.terms.machine is writer.terms.machine:
        return min(speed, speed * writer.devices / reader.devices), link
    speeds = [network_bytes_per_s(kind.terms.machine) for kind in (reader, writer)]
    if speeds[0] is None or speeds[1] is None:
        return None
    speed = min(speeds[0], speeds[1] * writer.devices / reader.devices)
    return speed, f"network, {speed / 1e9:.3g} GB/s per device"


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


def _cheapest(kinds: _Kinds, trials: Trials, spare: int, limit: float, max_devices: int) -> Split | None:
    """From the fewest replicas that can do the work, one more at a time where it hurts."""
    prompts, answers = kinds.least(trials)
    way = joined(kinds.reader, kinds.writer)
    assert way is not None
    speed, link = way
    for _ in range(MOST_TRIALS):
        usd = kinds.usd_per_hour(prompts + spare, answers + spare)
        if usd >= limit * (1 - 1e-9) or not kinds.fit(prompts + spare, answers + spare, max_devices):
            return None
        trial, full = run_split((kinds.reads, kinds.writes), trials, prompts, answers, speed)
        if trial.kept:
            return Split(kinds.reader, kinds.writer, prompts, answers, spare, trial, link)
        if full or _late(trial.outcomes[-1], trials.promises, ("tpot", "itl")):
            answers += 1
        elif _late(trial.outcomes[-1], trials.promises, ("ttft", "queue")) or trial.outcomes[-1].verdict.saturated:
            prompts += 1
        else:
            answers += 1
    return None


def _late(o: Outcome, promises: Sequence[Promise], quantities: Sequence[str]) -> bool:
    return any(p.limit.quantity in quantities and measured(o, p) > p.limit.seconds for p in promises)


def run_split(
    kinds: tuple[Service, Service], trials: Trials, prompts: int, answers: int, bytes_per_s: float
) -> tuple[Trial, bool]:
    """(the runs, whether the replicas that write fall behind); stops at the first seed that breaks a promise."""
    service, writer = kinds
    outcomes: list[Outcome] = []
    full = False
    each = service.memory.per_block / service.rules.block_tokens
    for seed in range(trials.seeds):
        trials.count += 1
        jobs = again(trials.demand(seed, service.rules.prefix_cache, service.rules.context_tokens))
        used = {id(s): s for s in kinds}
        if jobs.prefix is None or any(jobs.prefix_tokens % s.rules.block_tokens for s in kinds):
            used = {id(s): replace(s, rules=s.rules.with_(prefix_cache=False)) for s in kinds}
        pools = disaggregated(
            jobs, [used[id(service)]] * prompts, [used[id(writer)]] * answers,
            sent_bytes=lambda tokens: each * tokens, bytes_per_s=bytes_per_s, router=trials.router,
        )  # fmt: skip
        outcomes.append(outcome(jobs, pools, trials.classes, request_s=service.request_s))
        full = bool(len(pools[1].jobs)) and outcome(pools[1].jobs, [pools[1]]).verdict.saturated
        if full or not keeps(outcomes[-1], trials.promises):
            break
    seeds = trials.seeds + 1 if full else trials.seeds  # a run too few: nothing is kept
    return Trial(prompts + answers, tuple(outcomes), trials.promises, seeds), full
