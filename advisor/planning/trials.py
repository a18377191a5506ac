"""Simulated replicas: the same requests for everyone (common random numbers), every answer kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from advisor.candidates import generates
from advisor.planning.bounds import Bound, bound_of
from advisor.planning.coarse import Floor, statistic
from advisor.planning.demand import Demand, again, demand_of
from advisor.planning.space import Candidate
from advisor.report import seconds_text
from advisor.simulator.dispatch import Pool
from advisor.simulator.export import series_table
from advisor.simulator.jobs import Jobs
from advisor.simulator.metrics import Interval, Outcome, interval, outcome
from advisor.simulator.promises import Promise, keeps, measured
from advisor.simulator.rules import Rules
from advisor.simulator.service import Service, service_of
from advisor.simulator.traffic import Traffic
from calculators.flops import reads_source
from calculators.params import architecture_of
from catalog.errors import BadInput
from catalog.spec import ModelSpec

MOST_CUT = 0.01
"""Share of requests that may be longer than a model's context: they end there."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One number of replicas under the traffic of a month."""

    replicas: int
    outcomes: tuple[Outcome, ...]
    """By seed; those after the first that broke a promise are left out."""
    promises: tuple[Promise, ...]
    seeds: int

    def value(self, promise: Promise) -> float:
        """The worst over seeds of what was promised, in seconds; ``nan`` where it does not apply."""
        values = [measured(o, promise) for o in self.outcomes]
        known = [v for v in values if v == v]
        return max(known) if known else float("nan")

    def over(self, promise: Promise) -> float:
        """What is used of a limit: 1 is exactly at it."""
        value = self.value(promise)
        return 0.0 if value != value else value / promise.limit.seconds

    @property
    def worst(self) -> float:
        """The promise that is used most."""
        return max(self.over(p) for p in self.promises)

    @property
    def kept(self) -> bool:
        """Whether every seed keeps every promise."""
        return len(self.outcomes) == self.seeds and all(keeps(o, self.promises) for o in self.outcomes)

    @property
    def why(self) -> str:
        """What was broken, in words; empty where all was kept."""
        for o in self.outcomes:
            if o.refused:
                return f"{sum(o.refused.values()):,} requests can never fit"
            broken = [p for p in self.promises if measured(o, p) > p.limit.seconds]
            if broken:
                worst = max(broken, key=lambda p: measured(o, p) / p.limit.seconds)
                value, limit = seconds_text(measured(o, worst)), seconds_text(worst.limit.seconds)
                late = "falls behind, " if o.verdict.saturated else ""
                return f"{late}{worst.name} is {value}, the limit {limit}"
            if o.verdict.saturated:
                return o.verdict.why
        return ""

    def interval(self, name: str) -> Interval:
        """Over seeds, of a metric such as ``ttft.p95``."""
        return interval([o.value(name) for o in self.outcomes])

    def mean(self, read: Callable[[Outcome], float | None]) -> float | None:
        """Over seeds; ``None`` where it is not known."""
        values = [v for o in self.outcomes if (v := read(o)) is not None]
        return float(np.mean(values)) if values else None


@dataclass(eq=False)
class Trials:
    """Runs of candidates under the traffic of one month."""

    classes: tuple[Traffic, ...]
    promises: tuple[Promise, ...]
    requests: int
    seeds: int
    seed: int
    router: str
    scheduler: str = ""
    count: int = 0
    """Runs so far."""
    check: Callable[[], None] | None = None
    """Called before every run; what it raises ends the planning."""
    _demands: dict[tuple[int, bool, int], Demand] = field(default_factory=dict)
    _services: dict[int, Service | str] = field(default_factory=dict)
    _bounds: dict[int, Bound] = field(default_factory=dict)
    _known: dict[tuple[int, int], Trial] = field(default_factory=dict)

    def demand(self, seed: int = 0, prefixes: bool = True, context: int = 0) -> Demand:
        """Requests of a seed, for a model of so much context (0: any)."""
        if context and not self.demand(seed, prefixes).longest > context:
            context = 0
        key = (seed, prefixes, context)
        if key not in self._demands:
            self._demands[key] = demand_of(
                self.classes, self.requests, self.seed + seed, prefixes=prefixes, context=context
            )
        return self._demands[key]

    def asked(self, spec: ModelSpec) -> Demand:
        """Requests of the first seed as a model takes them."""
        together = generates(spec) and not reads_source(architecture_of(spec))
        return self.demand(0, True, spec.context_tokens or 0 if together else 0)

    def too_long(self, spec: ModelSpec) -> str:
        """Why a model's context is too short for the traffic; empty where at most ``MOST_CUT`` of it is cut."""
        cut = self.asked(spec).cut
        if cut <= MOST_CUT * self.requests:
            return ""
        return f"{100 * cut / self.requests:.1f} % of requests are longer than its context of {spec.context_tokens:,}"

    @property
    def rate(self) -> float | None:
        """Requests per second; ``None`` where clients wait."""
        return self.demand().rate

    def service(self, candidate: Candidate) -> Service | str:
        """One replica, or why there is none."""
        key = id(candidate)
        if key not in self._services:
            demand = self.demand()
            scenario = candidate.scenario.model_copy(
                update={
                    "input_tokens": max(1, round(float(demand.input.mean()))),
                    "output_tokens": max(1, round(float(demand.output.mean()))),
                }
            )
            try:
                self._services[key] = service_of(scenario, self.scheduler or None)
            except BadInput as error:
                self._services[key] = str(error)
        return self._services[key]

    def with_one_seed(self) -> Trials:
        """The same requests, services and bounds, of the first seed only."""
        return replace(self, seeds=1, count=0, _known={})

    def move(self, candidate: Candidate, other: Trials) -> None:
        """Take over the replica that another month built."""
        if id(candidate) in other._services:
            self._services[id(candidate)] = other._services[id(candidate)]

    def bound(self, candidate: Candidate, service: Service) -> Bound:
        """What it needs at least."""
        key = id(candidate)
        if key not in self._bounds:
            self._bounds[key] = bound_of(
                service, self.demand(0, service.rules.prefix_cache, service.rules.context_tokens)
            )
        return self._bounds[key]

    def hopeless(self, bound: Bound) -> Floor | None:
        """The first promise that no number of replicas keeps."""
        demand = bound.demand
        for promise in self.promises:
            mine = slice(None) if promise.kind < 0 else demand.kind == promise.kind
            ttft, tpot = bound.ttft_s[mine], bound.tpot_s[mine]
            match promise.limit.quantity:
                case "ttft":
                    values = ttft
                case "tpot":
                    values = tpot
                case "e2e":
                    values = ttft + np.nan_to_num(tpot) * (demand.output[mine] - 1)
                case _:
                    continue
            least = statistic(values, promise.limit.statistic)
            if least > promise.limit.seconds:
                return Floor(promise, least)
        return None

    def run(self, candidate: Candidate, replicas: int) -> Trial:
        """So many replicas of a candidate; stops at the first seed that breaks a promise."""
        key = (id(candidate), replicas)
        if key not in self._known:
            service = self.service(candidate)
            if isinstance(service, str):
                raise BadInput(service)
            self._known[key] = self.serve([service] * replicas)
        return self._known[key]

    def serve(self, services: Sequence[Service]) -> Trial:
        """Any mixture of replicas."""
        outcomes: list[Outcome] = []
        for k in range(self.seeds):
            outcomes.append(self._once(services, k))
            if not keeps(outcomes[-1], self.promises):
                break
        return Trial(len(services), tuple(outcomes), self.promises, self.seeds)

    def over_time(self, candidate: Candidate, replicas: int, points: int) -> Mapping[str, Sequence[float]]:
        """What a run of the first seed did in equal intervals of time (``export.series_table``)."""
        service = self.service(candidate)
        assert not isinstance(service, str)
        jobs, pool = self._pool([service] * replicas, 0)
        return series_table(jobs, [pool], points)

    def _once(self, services: Sequence[Service], seed: int) -> Outcome:
        jobs, pool = self._pool(services, seed)
        return outcome(jobs, [pool], self.classes, request_s=services[0].request_s)

    def _pool(self, services: Sequence[Service], seed: int) -> tuple[Jobs, Pool]:
        if self.check is not None:
            self.check()
        self.count += 1
        service = services[0]
        context = min((s.rules.context_tokens for s in services if s.rules.context_tokens), default=0)
        jobs = again(self.demand(seed, any(s.rules.prefix_cache for s in services), context))
        if service.input_tokens is not None:
            jobs.input = [service.input_tokens] * len(jobs)
        if service.output_tokens is not None:
            jobs.output = [service.output_tokens] * len(jobs)
        if jobs.linked and service.request_s:
            jobs.think_s = [s + service.request_s for s in jobs.think_s or [0.0] * len(jobs)]
        if jobs.prefix is None or any(jobs.prefix_tokens % s.rules.block_tokens for s in services):
            plain: dict[int, Service] = {id(s): _without_prefixes(s) for s in services}
            services = [plain[id(s)] for s in services]
        pool = Pool(jobs, services, self.router)
        pool.run()
        return jobs, pool


def _without_prefixes(service: Service) -> Service:
    rules: Rules = service.rules.with_(prefix_cache=False)
    return replace(service, rules=rules)
