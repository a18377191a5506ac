"""``advisor.simulate``: a model on machines under traffic, request by request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from advisor.scenario import Scenario
from advisor.simulator.arrivals import profile
from advisor.simulator.dispatch import Failure, Pool, Scaling
from advisor.simulator.jobs import Jobs
from advisor.simulator.lengths import lengths
from advisor.simulator.limits import Limit, limits, per_request, rate_per_s
from advisor.simulator.metrics import Interval, Outcome, interval, outcome
from advisor.simulator.rules import Rules
from advisor.simulator.service import Service, service_of
from advisor.simulator.traces import load_trace
from advisor.simulator.traffic import PREFIX_TOKENS, Traffic, jobs_of, traffic_preset
from calculators.efficiency import efficiency
from catalog.errors import BadInput, unknown
from catalog.loader import checked, machine_classes

PRECISION = 0.01
"""How closely the largest rate is found."""
MOST_RATE = 1e6


@dataclass(frozen=True, eq=False)
class Run:
    """One seed."""

    jobs: Jobs
    pool: Pool
    outcome: Outcome


@dataclass(frozen=True, eq=False)
class Simulation:
    """What ``simulate`` answers."""

    service: Service
    traffic: tuple[Traffic, ...]
    promises: tuple[Limit, ...]
    runs: tuple[Run, ...]
    """One per seed."""
    rate: float | None
    """Requests per second asked for; ``None`` for clients and traces."""
    largest_rate: float | None = None
    """The most that keeps the promises, where that was asked."""
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Of the first seed."""
        return self.runs[0].outcome

    @property
    def kept(self) -> bool | None:
        """Whether every promise is kept in every run and no run is saturated; ``None`` if nothing was promised."""
        if not self.promises:
            return None
        return all(keeps(run.outcome, self.promises) for run in self.runs)

    def interval(self, name: str) -> Interval:
        """Mean and 95 % interval over seeds of a metric such as ``ttft.p95`` (seconds) or ``requests_per_s``."""
        plain = hasattr(self.outcome, name)
        return interval([float(getattr(r.outcome, name)) if plain else r.outcome.value(name) for r in self.runs])

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        names = [
            f"{q}.{s}" for q in ("ttft", "tpot", "itl", "e2e", "queue") for s in ("mean", "p50", "p90", "p95", "p99")
        ]
        case = self.service.case
        many = len(self.runs) > 1
        return {
            "model": case.spec.id if case else None,
            "machine": case.machine.id if case else None,
            "n_gpus": self.service.devices,
            "replicas": len(self.runs[0].pool.replicas),
            "scheduler": self.service.rules.label,
            "rate_per_s": self.rate,
            "largest_rate_per_s": self.largest_rate,
            "cache_tokens": self.service.cache_tokens,
            "slo": {limit.name: limit.seconds for limit in self.promises},
            "slo_kept": self.kept,
            "seeds": len(self.runs),
            **self.outcome.to_dict(),
            "intervals": {n: _spread(self.interval(n)) for n in names} if many else None,
            "notes": list(self.notes),
        }


def _spread(i: Interval) -> dict[str, float]:
    return {"mean": i.mean, "low": i.low, "high": i.high}


def keeps(run: Outcome, promises: Sequence[Limit]) -> bool:
    """Whether a run keeps every promise, refuses nobody and is not saturated."""
    return not run.verdict.saturated and not run.refused and all(limit.kept(run) for limit in promises)


def simulate(
    scenario: Scenario | None = None,
    /,
    *,
    rate: float | str | None = None,
    clients: int | None = None,
    input: str | int | None = None,
    output: str | int | None = None,
    traffic: str | Traffic | Sequence[Traffic] | None = None,
    trace: str | Path | Jobs | None = None,
    requests: int | None = None,
    seeds: int = 1,
    seed: int = 0,
    arrivals: str = "poisson",
    burstiness: float = 1.0,
    shape: str = "flat",
    think_s: float = 0.0,
    stagger_s: float = 0.0,
    replicas: int | Sequence[Service] = 1,
    router: str = "least-loaded",
    failures: Sequence[Failure] = (),
    scaling: Scaling | None = None,
    scheduler: str | Rules | None = None,
    limits_of_rules: Mapping[str, Any] | None = None,
    memory_share: float | None = None,
    cache_tokens: int | None = None,
    slo: str | Sequence[Limit] = (),
    find: str | None = None,
    progress: Callable[[str], None] | None = None,
    **fields: Any,
) -> Simulation:
    """Serve requests on replicas of a model, pass by pass.

    Args:
        scenario: Model, machine, layout and formats; or give its fields: ``simulate(model="llama-3.1-8b", ...)``.
        rate: Requests per second, or ``5/s``; conversations where the traffic has turns.
        clients: Instead: so many clients that each wait for their answer.
        input: Prompt lengths: ``800``, ``lognormal:800,1.2``, … (``lengths``).
        output: Answer lengths.
        traffic: A preset's name, a class of traffic, or several.
        trace: Instead: a recorded trace.
        requests: How many; by default 10,000, of a trace all.
        seeds: Independent runs, for confidence intervals.
        seed: The first seed.
        arrivals: ``poisson``, ``constant`` or ``gamma`` (with ``burstiness``, the gaps' deviation over their mean).
        burstiness: See ``arrivals``.
        shape: ``flat``, ``diurnal:4`` or ``spike:5,60,30``.
        think_s: From an answer to the client's next request.
        stagger_s: Over how long clients start; 0: all together.
        replicas: How many, or services of different kinds.
        router: ``round-robin``, ``least-loaded`` or ``prefix-aware``.
        failures: Replicas that stop.
        scaling: Replicas that come and go; ``replicas`` is then what there is at most.
        scheduler: Preset or rules of the engine; by default its own.
        limits_of_rules: Fields of ``Rules`` to set.
        memory_share: Share of the nominal memory that the engine takes.
        cache_tokens: Room for cache where it is known.
        slo: Promises such as ``ttft.p95<1s,tpot.p95<50ms``.
        find: ``max-rate``: the largest rate at which they are kept.
        progress: Told what is being tried.
        fields: Fields of ``Scenario``.

    Raises:
        BadInput: If anything is unknown or impossible, with what would be right.
    """
    if scenario is None:
        scenario = checked(Scenario, fields, "scenario")
    elif fields:
        scenario = checked(Scenario, scenario.model_dump() | fields, "scenario")
    if seeds < 1 or (requests is not None and requests < 1):
        raise BadInput("requests and seeds must be at least 1")
    promises = () if not slo else limits(slo) if isinstance(slo, str) else tuple(slo)
    recorded = trace if isinstance(trace, Jobs) else load_trace(trace, most=requests) if trace else None
    if sum(x is not None for x in (rate, clients, recorded)) > 1:
        raise BadInput("give one of rate, clients and trace")
    classes = (
        ()
        if recorded
        else _classes(traffic, rate, clients, input, output, arrivals, burstiness, shape, think_s, stagger_s)
    )
    mean_in, mean_out = _means(classes, recorded)
    scenario = scenario.model_copy(update={"input_tokens": mean_in, "output_tokens": mean_out})
    service = service_of(
        scenario, scheduler, memory_share=memory_share, cache_tokens=cache_tokens, **dict(limits_of_rules or {})
    )
    services = [service] * replicas if isinstance(replicas, int) else list(replicas)
    if not services:
        raise BadInput("at least one replica is needed")
    service = services[0]
    default_slo = per_request(promises)
    classes = tuple(replace(c, slo=dict(c.slo) or default_slo) for c in classes)
    plan = _Plan(services, router, tuple(failures), scaling, classes, recorded, requests or 10_000)
    if find is not None:
        return _find(find, plan, promises, seeds, seed, rate, progress)
    runs = tuple(plan.run(classes, seed + k) for k in range(seeds if recorded is None else 1))
    return Simulation(service, classes, promises, runs, _rate(classes), notes=plan.notes())


def _rate(classes: Sequence[Traffic]) -> float | None:
    return sum(c.rate for c in classes) if classes and not any(c.clients for c in classes) else None


def _means(classes: Sequence[Traffic], recorded: Jobs | None) -> tuple[int, int]:
    """Typical lengths, for models whose times depend on the scenario's own."""
    if recorded is not None:
        return max(1, sum(recorded.input) // len(recorded)), max(1, sum(recorded.output) // len(recorded))
    given = sum(c.input.mean for c in classes) / len(classes)
    written = sum(c.output.mean for c in classes) / len(classes)
    return max(1, round(given)), max(1, round(written))


def _classes(
    traffic: str | Traffic | Sequence[Traffic] | None,
    rate: float | str | None,
    clients: int | None,
    given: str | int | None,
    written: str | int | None,
    arrivals: str,
    burstiness: float,
    shape: str,
    think_s: float,
    stagger_s: float,
) -> tuple[Traffic, ...]:
    if isinstance(traffic, str):
        found = [traffic_preset(traffic)]
    elif isinstance(traffic, Traffic):
        found = [traffic]
    elif traffic is None:
        found = [Traffic(lengths(given or "normal:512,128", "input"), lengths(written or "normal:256,64", "output"))]
    else:
        found = list(traffic)
        if not found:
            raise BadInput("at least one class of traffic is needed")
    changes: dict[str, Any] = {}
    if given is not None:
        changes["input"] = lengths(given, "input")
    if written is not None:
        changes["output"] = lengths(written, "output")
    if arrivals != "poisson" or burstiness != 1.0:
        changes |= {"arrivals": "gamma" if arrivals == "poisson" else arrivals, "burstiness": burstiness}
    if shape != "flat":
        changes["profile"] = profile(shape)
    if think_s:
        changes["think_s"] = think_s
    if stagger_s:
        changes["stagger_s"] = stagger_s
    if clients is not None:
        if clients < 1:
            raise BadInput(f"clients must be at least 1, got {clients}")
        changes["clients"] = clients
    found = [replace(c, **changes) for c in found]
    if rate is not None:
        value = rate_per_s(rate) if isinstance(rate, str) else float(rate)
        total = sum(c.rate for c in found)
        found = [replace(c, rate=c.rate * value / total) for c in found]
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is the same at every rate and seed."""

    services: list[Service]
    router: str
    failures: tuple[Failure, ...]
    scaling: Scaling | None
    classes: tuple[Traffic, ...]
    recorded: Jobs | None
    requests: int
    cut: list[int] = field(default_factory=lambda: [0])
    """Requests that were drawn longer than the model's context."""

    def jobs(self, classes: Sequence[Traffic], seed: int) -> Jobs:
        """The requests of a seed."""
        service = self.services[0]
        if self.recorded is not None:
            r = self.recorded
            jobs = replace_jobs(r)
        else:
            jobs = jobs_of(classes, self.requests, seed, prefixes=any(s.rules.prefix_cache for s in self.services))
            self._cut(jobs)
        if service.input_tokens is not None:
            jobs.input = [service.input_tokens] * len(jobs)
        if service.output_tokens is not None:
            jobs.output = [service.output_tokens] * len(jobs)
        request_s = service.request_s
        if jobs.linked and request_s:
            jobs.think_s = [s + request_s for s in jobs.think_s or [0.0] * len(jobs)]
        return jobs

    def _cut(self, jobs: Jobs) -> None:
        """Drawn lengths end where the model's context does; recorded ones are refused instead."""
        context = min((s.rules.context_tokens or 2**40 for s in self.services), default=2**40)
        long = [i for i, (a, b) in enumerate(zip(jobs.input, jobs.output, strict=True)) if a + b > context]
        for i in long:
            jobs.output[i] = min(jobs.output[i], max(1, context // 2))
            jobs.input[i] = min(jobs.input[i], context - jobs.output[i])
        self.cut[0] = max(self.cut[0], len(long))

    def run(self, classes: Sequence[Traffic], seed: int) -> Run:
        """One run."""
        jobs = self.jobs(classes, seed)
        services = self.services
        if jobs.prefix is None or any(jobs.prefix_tokens % s.rules.block_tokens for s in services):
            services = [replace(s, rules=s.rules.with_(prefix_cache=False)) for s in services]
        pool = Pool(jobs, services, self.router)
        pool.run(self.failures, self.scaling)
        return Run(jobs, pool, outcome(jobs, [pool], classes, request_s=services[0].request_s))

    def notes(self) -> tuple[str, ...]:
        """What the reader should know."""
        found = []
        case = self.services[0].case
        if case is not None:
            badge = efficiency(case.machine, case.weights, machine_classes()).badge
            found.append(f"times of passes are predicted with constants of {case.machine.id}: {badge}")
        if self.cut[0]:
            found.append(f"{self.cut[0]:,} drawn requests were longer than the model's context and cut there")
        if self.recorded is None:
            found += [f"traffic {c.name}: {c.source}" for c in self.classes if c.source]
        return tuple(found)


def replace_jobs(jobs: Jobs) -> Jobs:
    """The same requests, nothing served yet."""
    return Jobs(
        arrival=list(jobs.arrival), input=list(jobs.input), output=list(jobs.output), priority=jobs.priority,
        prefix=jobs.prefix, prefix_tokens=jobs.prefix_tokens, ready=jobs.ready, kind=jobs.kind, follows=jobs.follows,
        queue=jobs.queue, think_s=jobs.think_s,
    )  # fmt: skip


def _find(
    what: str,
    plan: _Plan,
    promises: tuple[Limit, ...],
    seeds: int,
    seed: int,
    rate: float | str | None,
    progress: Callable[[str], None] | None,
) -> Simulation:
    """The largest rate at which all seeds keep the promises: doubled until it fails, then halved in between.

    All rates see the same requests, only closer together, so that chance does not hide the answer.
    """
    if what != "max-rate":
        raise unknown("thing to find", what, ("max-rate",))
    if plan.recorded is not None or any(c.clients for c in plan.classes):
        raise BadInput("find max-rate needs traffic at a rate, not a trace or clients")
    if not promises:
        raise BadInput("find max-rate needs slo, such as ttft.p95<1s,tpot.p95<50ms")
    base = sum(c.rate for c in plan.classes)

    def attempt(value: float) -> tuple[bool, tuple[Run, ...]]:
        classes = [replace(c, rate=c.rate * value / base) for c in plan.classes]
        runs = []
        for k in range(seeds):
            runs.append(plan.run(classes, seed + k))
            if not keeps(runs[-1].outcome, promises):
                break
        good = len(runs) == seeds and keeps(runs[-1].outcome, promises)
        if progress is not None:
            progress(f"{value:.3g} requests/s: {'kept' if good else 'missed'}")
        return good, tuple(runs)

    value = base
    good, runs = attempt(value)
    best = (value, runs) if good else None
    low, high = (value, value) if good else (0.0, value)
    while good and high < MOST_RATE:
        high *= 2
        good, tried = attempt(high)
        if good:
            low, best = high, (high, tried)
    while best is None and high > 1e-4:
        high_before, high = high, high / 4
        good, tried = attempt(high)
        if good:
            low, best, high = high, (high, tried), high_before
        else:
            runs = tried
    if best is None:
        return Simulation(plan.services[0], plan.classes, promises, runs, high, 0.0, plan.notes())
    while high / low > 1 + PRECISION:
        middle = (low * high) ** 0.5
        good, tried = attempt(middle)
        if good:
            low, best = middle, (middle, tried)
        else:
            high = middle
    value, runs = best
    classes = tuple(replace(c, rate=c.rate * value / base) for c in plan.classes)
    return Simulation(plan.services[0], classes, promises, runs, value, value, plan.notes())


__all__ = ["PREFIX_TOKENS", "Simulation", "simulate"]
