"""Replicas under traffic: what is the same at every rate and seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from advisor.simulator import starts
from advisor.simulator.disaggregate import disaggregated
from advisor.simulator.dispatch import Failure, Pool, Scaling
from advisor.simulator.edge import weighed
from advisor.simulator.jobs import Jobs
from advisor.simulator.metrics import Outcome, outcome
from advisor.simulator.promises import Promise
from advisor.simulator.result import Kind, Run, Simulation
from advisor.simulator.service import Service
from advisor.simulator.traffic import Traffic, jobs_of
from calculators.collectives import link_bytes_per_s, network_bytes_per_s
from calculators.efficiency import efficiency
from catalog.errors import BadInput
from catalog.loader import machine_classes

USUAL_REQUESTS = 10_000


@dataclass(frozen=True, slots=True)
class Link:
    """Between replicas that read prompts and those that write answers."""

    bytes_per_s: float
    """Of each device to its counterpart."""
    latency_s: float = 0.0
    over: str = "the given link"


def link_of(service: Service) -> Link:
    """The network of a replica's machine, else the link inside its node.

    Raises:
        BadInput: If the replica is of no known machine.
    """
    if service.case is None:
        raise BadInput("separate replicas for prompts: the link between them is not known, give one")
    machine = service.case.machine
    network = network_bytes_per_s(machine)
    if network is not None:
        return Link(network, over=f"the network of {machine.id}")
    return Link(link_bytes_per_s(machine), over=f"the link inside a node of {machine.id}")


@dataclass(frozen=True, eq=False)
class Setup:
    """What is served by what."""

    services: list[Service]
    """One per replica; with ``readers``, those that write answers."""
    classes: tuple[Traffic, ...]
    recorded: Jobs | None = None
    """Instead of classes: a trace."""
    readers: list[Service] = field(default_factory=list)
    """Replicas that only read prompts; empty: everyone does both."""
    link: Link | None = None
    router: str = "least-loaded"
    failures: tuple[Failure, ...] = ()
    scaling: Scaling | None = None
    requests: int = USUAL_REQUESTS
    cut: list[int] = field(default_factory=lambda: [0])
    """Requests that were drawn longer than the model's context."""

    def __post_init__(self) -> None:
        if not self.services:
            raise BadInput("at least one replica is needed")
        if self.ranked:
            ranking = {id(s): _changed(s, priorities=True) for s in (*self.services, *self.readers)}
            for group in (self.services, self.readers):
                group[:] = [s if s.rules.priorities else ranking[id(s)] for s in group]
        for failure in self.failures:
            if not 0 <= failure.replica < len(self.services):
                raise BadInput(f"failure of replica {failure.replica}: replicas are 0 to {len(self.services) - 1}")
            if not 0 <= failure.at_s < failure.back_s:
                raise BadInput(f"failure of replica {failure.replica}: it should be back later than it fails")
        if self.scaling is not None and not 1 <= self.scaling.least <= self.scaling.most <= len(self.services):
            raise BadInput(
                f"scaling: least ({self.scaling.least}) and most ({self.scaling.most}) should be from 1 to the "
                f"{len(self.services)} replica(s) that there are"
            )
        if self.readers:
            self._check_split()

    def _check_split(self) -> None:
        if self.failures or self.scaling is not None:
            raise BadInput("separate replicas for prompts and for answers that fail or are scaled are not modelled")
        for s in (*self.readers, *self.services):
            if s.output_tokens is not None or not s.memory.whole(1, s.rules.block_tokens):
                raise BadInput("only models that write token by token can read prompts on separate replicas")
            if s.case is not None and s.case.encoder_decoder:
                raise BadInput("separate replicas for prompts: encoder-decoders are not modelled")

    @property
    def ranked(self) -> bool:
        """Whether classes differ in priority."""
        return len({c.priority for c in self.classes}) > 1

    @property
    def rate(self) -> float | None:
        """Requests per second; ``None`` where clients wait or a trace is played."""
        if not self.classes or any(c.clients for c in self.classes):
            return None
        return sum(c.rate for c in self.classes)

    def jobs(self, classes: Sequence[Traffic], seed: int) -> Jobs:
        """The requests of a seed."""
        service = self.services[0]
        if self.recorded is not None:
            jobs = replace_jobs(self.recorded)
        else:
            caches = any(s.rules.prefix_cache for s in (*self.services, *self.readers))
            jobs = jobs_of(classes, self.requests, seed, prefixes=caches)
            self._cut(jobs)
        if service.input_tokens is not None:
            jobs.input = [service.input_tokens] * len(jobs)
        if service.output_tokens is not None:
            jobs.output = [service.output_tokens] * len(jobs)
        if jobs.linked and service.request_s:
            jobs.think_s = [s + service.request_s for s in jobs.think_s or [0.0] * len(jobs)]
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
        services, readers = ([_caching(s, jobs) for s in group] for group in (self.services, self.readers))
        pools: tuple[Pool, ...]
        if readers:
            memory, block, link = services[0].memory, services[0].rules.block_tokens, self.link or link_of(services[0])
            pools = disaggregated(
                jobs, readers, services, sent_bytes=lambda tokens: memory.whole(tokens, block),
                bytes_per_s=link.bytes_per_s, latency_s=link.latency_s, router=self.router,
            )  # fmt: skip
        else:
            pools = (Pool(jobs, services, self.router),)
            pools[0].run(self.failures, self.scaling)
        return Run(jobs, pools, outcome(jobs, pools, classes, request_s=services[0].request_s))

    def weighed(self, classes: Sequence[Traffic], seed: int) -> Run:
        """One run, and where it is saturated whether that hangs on the error of the passes' times (``edge``)."""
        run, n = self.run(classes, seed), len(self.services)

        def again(services: Sequence[Service]) -> Outcome:
            faster = replace(self, services=list(services[:n]), readers=list(services[n:]))
            return faster.run(classes, seed).outcome

        return replace(run, outcome=weighed(run.outcome, [*self.services, *self.readers], again))

    def answer(
        self,
        promises: Sequence[Promise],
        runs: Sequence[Run],
        classes: Sequence[Traffic] | None = None,
        largest_rate: float | None = None,
    ) -> Simulation:
        """Runs as an answer; ``classes`` and ``largest_rate`` where a rate was looked for."""
        setup = self if classes is None else replace(self, classes=tuple(classes))
        return Simulation(
            setup.kinds(), setup.classes, tuple(promises), tuple(runs), setup.rate, largest_rate, setup.notes()
        )

    def kinds(self) -> tuple[Kind, ...]:
        """Equal replicas together, in the order of their first."""
        roles = [(s, "prompts") for s in self.readers]
        roles += [(s, "answers" if self.readers else "both") for s in self.services]
        counts: dict[tuple[int, str], int] = {}
        first: dict[tuple[int, str], Service] = {}
        for service, role in roles:
            key = id(service), role
            first.setdefault(key, service)
            counts[key] = counts.get(key, 0) + 1
        kinds = [Kind(first[key], count, key[1]) for key, count in counts.items()]
        return tuple(sorted(kinds, key=lambda kind: kind.role == "prompts"))

    def notes(self) -> tuple[str, ...]:
        """What the reader should know."""
        found: dict[str, None] = {}
        for service in (*self.services, *self.readers):
            if (case := service.case) is not None:
                badge = efficiency(case.machine, case.weights, machine_classes()).badge
                found[f"times of passes are predicted with constants of {case.machine.id}: {badge}"] = None
        clients, room = sum(c.clients for c in self.classes), sum(s.rules.max_sequences for s in self.services)
        if clients > room:
            found[f"{clients:,} clients share {room:,} places (--max-sequences): the others wait"] = None
        found |= dict.fromkeys(starts.notes(self.classes, [*self.services, *self.readers]))
        if self.readers:
            link = self.link or link_of(self.services[0])
            found[f"what is cached of a prompt travels over {link.over}, {link.bytes_per_s / 1e9:.3g} GB/s"] = None
        if self.ranked:
            found[
                "classes differ in priority: the engine must be started with it (vLLM: --scheduling-policy priority)"
            ] = None
        if self.cut[0]:
            found[f"{self.cut[0]:,} drawn requests were longer than the model's context and cut there"] = None
        for c in self.classes:
            if c.source and self.recorded is None:
                found[f"traffic {c.name}: {c.source}"] = None
        return tuple(found)


def _caching(service: Service, jobs: Jobs) -> Service:
    """The same replica, without a cache of prefixes where requests have none that fit its blocks."""
    if not service.rules.prefix_cache:
        return service
    if jobs.prefix is not None and jobs.prefix_tokens % service.rules.block_tokens == 0:
        return service
    return _changed(service, prefix_cache=False)


def _changed(service: Service, **rules: object) -> Service:
    return replace(service, rules=service.rules.with_(**rules))


def replace_jobs(jobs: Jobs) -> Jobs:
    """The same requests, nothing served yet."""
    return Jobs(
        arrival=list(jobs.arrival), input=list(jobs.input), output=list(jobs.output), priority=jobs.priority,
        prefix=jobs.prefix, prefix_tokens=jobs.prefix_tokens, ready=jobs.ready, kind=jobs.kind, follows=jobs.follows,
        queue=jobs.queue, think_s=jobs.think_s,
    )  # fmt: skip
