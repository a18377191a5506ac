"""Traffic of a month as the simulator takes it, and what its requests ask of any machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.planning.schema import PlanFile, TrafficClass, share
from advisor.simulator.classes import class_of
from advisor.simulator.jobs import Jobs
from advisor.simulator.limits import limits, per_request
from advisor.simulator.promises import Promise
from advisor.simulator.setup import replace_jobs
from advisor.simulator.traffic import Traffic, jobs_of

Floats = NDArray[np.float64]
ANSWERS = 20
"""Answers that a run should see one after another."""
FEWEST, MOST = 2000, 20_000
USUAL_TPOT_S = 0.03


def growth(month: int, entry: TrafficClass) -> float:
    """How many times the traffic of the first month (0)."""
    return float((1 + share(entry.growth, "growth")) ** month)


def classes_of(plan: PlanFile, month: int = 0, *, factor: float = 1.0, busiest: bool = True) -> tuple[Traffic, ...]:
    """The classes of a month, in its busiest hour or on average."""
    default = per_request(limits(plan.slo)) if plan.slo else {}
    daily = busiest_over_mean(plan.day) if plan.day else 1.0
    return tuple(
        class_of(c, default, factor * growth(month, c) * (c.peak * daily if busiest else 1.0)) for c in plan.traffic
    )


def busiest_over_mean(day: Sequence[float]) -> float:
    """How much more the busiest hour of a day brings than the mean one."""
    return max(day) * len(day) / sum(day)


def promises_of(plan: PlanFile) -> tuple[Promise, ...]:
    """Everything promised."""
    found = [Promise(limit) for limit in limits(plan.slo)] if plan.slo else []
    for number, c in enumerate(plan.traffic):
        found += [Promise(limit, number, c.name) for limit in limits(c.slo)] if c.slo else []
    return tuple(found)


def requests_of(plan: PlanFile, classes: Sequence[Traffic], promises: Sequence[Promise]) -> int:
    """How many requests a run takes: enough for ``ANSWERS`` answers one after another."""
    if plan.requests is not None:
        return plan.requests
    clients = sum(c.clients for c in classes)
    if clients:
        return int(np.clip(ANSWERS * clients, FEWEST, max(MOST, 2 * clients)))
    tpot = min([p.limit.seconds for p in promises if p.limit.quantity in ("tpot", "itl")], default=USUAL_TPOT_S)
    wanted = sum(ANSWERS * c.rate * c.turns.mean * c.output.mean * tpot for c in classes)
    return int(np.clip(wanted, FEWEST, MOST))


@dataclass(frozen=True, eq=False)
class Demand:
    """Requests of one seed, and what they ask of any machine."""

    jobs: Jobs
    fresh: Floats
    """Prompt tokens that no cache can hold yet."""
    own: Floats
    """Prompt tokens that no other request shares."""
    input: Floats
    output: Floats
    kind: NDArray[np.int64]
    rate: float | None
    """Requests per second; ``None`` where clients wait."""
    cut: int = 0
    """Requests that were longer than the model's context and end there."""

    @property
    def longest(self) -> float:
        """Tokens of the longest request, prompt and answer."""
        return float((self.input + self.output).max())


def demand_of(classes: Sequence[Traffic], requests: int, seed: int, *, prefixes: bool, context: int = 0) -> Demand:
    """Draw requests; the same seed gives the same requests, whatever serves them, up to its context."""
    jobs = jobs_of(classes, requests, seed, prefixes=prefixes)
    cut = _cut(jobs, context) if context else 0
    given, output = np.array(jobs.input, dtype=float), np.array(jobs.output, dtype=float)
    kind = np.array(jobs.kind, dtype=np.int64)
    known = np.zeros(len(jobs))
    if prefixes and jobs.prefix is not None:
        known = np.array([float(c.shared_tokens) for c in classes])[kind]
    own = given - known
    if prefixes and jobs.prefix is not None and jobs.follows is not None:
        follows = np.array(jobs.follows)
        before = np.flatnonzero(follows >= 0)
        turns = np.array([c.turns.mean > 1 for c in classes])[kind[before]]
        before = before[turns]
        after = follows[before]
        known[after] = np.maximum(known[after], given[before] + output[before])
    clients = any(c.clients for c in classes)
    rate = None if clients else sum(c.rate * c.turns.mean for c in classes)
    return Demand(jobs, np.maximum(given - known, 1), np.maximum(own, 1), given, output, kind, rate, cut)


def _cut(jobs: Jobs, context: int) -> int:
    """Let requests end where the model's context does, as ``simulate`` does with drawn lengths; returns how many."""
    long = [i for i, (a, b) in enumerate(zip(jobs.input, jobs.output, strict=True)) if a + b > context]
    for i in long:
        jobs.output[i] = min(jobs.output[i], max(1, context // 2))
        jobs.input[i] = min(jobs.input[i], context - jobs.output[i])
    return len(long)


def again(demand: Demand) -> Jobs:
    """The same requests, nothing served yet."""
    return replace_jobs(demand.jobs)
