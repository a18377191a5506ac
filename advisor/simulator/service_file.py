"""``service.yaml``: traffic in classes, replicas of several kinds, and what happens to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from advisor import quantities
from advisor.scenario import Scenario
from advisor.simulator.arrivals import profile
from advisor.simulator.classes import Text, TrafficEntry, class_of, readable
from advisor.simulator.dispatch import ROUTERS, Failure, Scaling
from advisor.simulator.limits import limits, per_request
from advisor.simulator.promises import Promise
from advisor.simulator.result import Simulation
from advisor.simulator.service import Service, service_of
from advisor.simulator.setup import USUAL_REQUESTS, Link, Setup
from advisor.simulator.simulate import served, typical
from advisor.simulator.traces import load_trace
from catalog.base import Count, Size, Spec
from catalog.errors import unknown
from catalog.loader import checked
from catalog.parsing import read_entry

Degree = Annotated[int, Field(ge=1, le=1024)]
Share = Annotated[float, Field(gt=0, le=1)]


class ServedTraffic(TrafficEntry):
    """Requests of one kind, and how they come over time."""

    shape: str = "flat"
    """``flat``, ``diurnal:4`` (peak over trough; mean rate as given) or ``spike:5,60,30`` (times, at, for seconds)."""

    @model_validator(mode="after")
    def _has_a_shape(self) -> Self:
        if readable(self.shape, lambda text, _: profile(text), "shape").kind != "flat" and self.users is not None:
            raise ValueError("shape: users wait for their answers; a shape needs a rate")
        return self


class ReplicaEntry(Spec):
    """Equal replicas on machines of one kind."""

    machine: str
    """Machine id, or path to a YAML file."""
    count: Annotated[int, Field(ge=1, le=1024)] = 1
    role: Literal["both", "prompts", "answers"] = "both"
    """``prompts`` and ``answers``: prompts are read and answers written on separate replicas."""
    tp: Degree = 1
    pp: Degree = 1
    ep: Degree = 1
    weights: str = ""
    """Weight format; empty: as published."""
    cache: str = "bf16"
    engine: str = ""
    """Inference engine; empty: the usual one for machine and format."""
    scheduler: str = ""
    """``vllm``, ``vllm-v1``, ``sglang``, ``tensorrt-llm`` …; empty: the engine's."""
    budget_tokens: Size | None = None
    """Tokens of one pass (vLLM's ``max_num_batched_tokens``)."""
    max_sequences: Size | None = None
    """Running requests (vLLM's ``max_num_seqs``)."""
    prefix_caching: bool | None = None
    """Whether equal starts of prompts are computed once; by default as the engine does."""
    memory_share: Share | None = None
    """Share of the memory that the engine takes (vLLM's ``gpu_memory_utilization``)."""
    cache_tokens: Size | None = None
    """Room for cache, where it is known."""
    speculate: str = ""
    """How tokens are guessed ahead: ``mtp``, ``eagle3`` or ``draft:MODEL``; empty: not at all."""
    speculative_tokens: Annotated[int, Field(ge=1, le=64)] = 3
    acceptance: Annotated[float, Field(gt=0)] | None = None
    """As in a scenario."""

    def service(self, common: dict[str, Any]) -> Service:
        """One of them."""
        own = (
            "machine",
            "tp",
            "pp",
            "ep",
            "weights",
            "cache",
            "engine",
            "speculate",
            "speculative_tokens",
            "acceptance",
        )
        scenario = checked(Scenario, common | {name: getattr(self, name) for name in own}, "replicas")
        return service_of(
            scenario,
            self.scheduler or None,
            memory_share=self.memory_share,
            cache_tokens=self.cache_tokens,
            budget_tokens=self.budget_tokens,
            max_sequences=self.max_sequences,
            prefix_cache=self.prefix_caching,
        )


class FailureEntry(Spec):
    """A replica that stops; what it held starts again on the others."""

    replica: Count = 0
    """Its number, from 0 in the order of ``replicas``."""
    at: Text
    """Seconds from the start, or with a unit: ``10min``."""
    back: Text | None = None
    """When it serves again; by default never."""

    @model_validator(mode="after")
    def _is_readable(self) -> Self:
        for name in ("at", "back"):
            if (given := getattr(self, name)) is not None:
                readable(given, quantities.seconds, name)
        return self


class ScalingEntry(Spec):
    """Replicas that come and go with the load; at most those listed under ``replicas``."""

    least: Size = 1
    target: Annotated[float, Field(gt=0, le=1e6)] = 8.0
    """Requests per replica, queued or running, above which one more is asked for."""
    low: Share = 0.5
    """Share of the target below which the newest is given back."""
    delay: Text = "120s"
    """From asking to serving: machine, weights, warm-up."""
    every: Text = "15s"
    """How often somebody looks."""

    @model_validator(mode="after")
    def _is_readable(self) -> Self:
        for name in ("delay", "every"):
            readable(getattr(self, name), quantities.seconds, name)
        return self


class LinkEntry(Spec):
    """What the cache of a prompt travels over, between separate replicas."""

    gb_per_s: Annotated[float, Field(gt=0, le=1e5)]
    """Of each device to its counterpart."""
    latency: Text = 0.0

    @model_validator(mode="after")
    def _is_readable(self) -> Self:
        if str(self.latency) not in ("0", "0.0"):
            readable(self.latency, quantities.seconds, "latency")
        return self

    def link(self) -> Link:
        """As the simulator takes it."""
        late = str(self.latency)
        return Link(self.gb_per_s * 1e9, 0.0 if late in ("0", "0.0") else quantities.seconds(late, "latency"))


class ServiceFile(Spec):
    """What ``whicharch simulate FILE`` reads."""

    name: str = ""
    model: str
    """Catalog id, alias, or path to a YAML spec or a Hugging Face ``config.json``."""
    traffic: tuple[ServedTraffic, ...] = ()
    trace: str = ""
    """Instead: a recorded trace (CSV or JSON lines), its path from where the command runs."""
    faster: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """How many times as fast a trace is played."""
    replicas: Annotated[tuple[ReplicaEntry, ...], Field(min_length=1)]
    router: str = "least-loaded"
    """``round-robin``, ``least-loaded`` or ``prefix-aware``."""
    link: LinkEntry | None = None
    """By default the machine's network, where prompts are read on separate replicas."""
    failures: tuple[FailureEntry, ...] = ()
    scaling: ScalingEntry | None = None
    slo: str = ""
    """Promises to all requests together: ``ttft.p95<1s,tpot.p95<50ms``."""
    find: Literal["", "max-rate"] = ""
    """``max-rate``: the largest rate at which all promises are kept."""
    images: Count = 0
    """Images in each prompt of a vision-language model."""
    image_side: Size | None = None
    audio_seconds: Annotated[float, Field(gt=0)] = 30.0
    steps: Size | None = None
    """Denoising steps of a diffusion model."""
    guidance: bool | None = None
    """Whether each denoising step runs twice, with and without the condition."""
    routing: str = ""
    """How tokens choose a mixture's experts: ``balanced``, ``uniform``, ``skewed``, ``power_law:1.2``."""
    requests: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """By default 10,000, of a trace all."""
    seeds: Annotated[int, Field(ge=1, le=1000)] = 1
    seed: Count = 0

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if bool(self.traffic) == bool(self.trace):
            raise ValueError("give one of traffic and trace")
        if self.router not in ROUTERS:
            raise ValueError(str(unknown("router", self.router, ROUTERS)))
        if len({c.users is None for c in self.traffic}) > 1:
            raise ValueError("traffic: classes should all have users, or all have rates")
        names = [c.name for c in self.traffic]
        if len(set(names)) < len(names):
            raise ValueError("traffic: two classes have the same name")
        if self.slo:
            readable(self.slo, limits, "slo")
        roles = {r.role for r in self.replicas}
        if "both" in roles and len(roles) > 1:
            raise ValueError("replicas: where some have role prompts or answers, all should have one of the two")
        if len(roles) == 1 and "both" not in roles:
            raise ValueError(f"replicas: all have role {min(roles)}; some should have the other one")
        if self.link is not None and "prompts" not in roles:
            raise ValueError("link: only between replicas of roles prompts and answers")
        return self

    @property
    def promises(self) -> tuple[Promise, ...]:
        """Everything promised."""
        found = [Promise(limit) for limit in limits(self.slo)] if self.slo else []
        for number, c in enumerate(self.traffic):
            found += [Promise(limit, number, c.name) for limit in limits(c.slo)] if c.slo else []
        return tuple(found)


def read_service(path: str | Path) -> ServiceFile:
    """Read a service.

    Raises:
        BadInput: With file, line and field.
    """
    return read_entry(ServiceFile, Path(path))


def simulate_file(
    file: ServiceFile | str | Path,
    *,
    requests: int | None = None,
    seeds: int | None = None,
    seed: int | None = None,
    slo: str = "",
    find: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Simulation:
    """Simulate what a file describes; what is given besides replaces what it says.

    Raises:
        BadInput: If anything is unknown or impossible, with what would be right.
    """
    changes = {"requests": requests, "seeds": seeds, "seed": seed, "slo": slo or None, "find": find}
    f = file if isinstance(file, ServiceFile) else read_service(file)
    f = checked(ServiceFile, f.model_dump() | {k: v for k, v in changes.items() if v is not None}, "service")
    setup = setup_of(f)
    return served(setup, f.promises, f.seeds, f.seed, f.find or None, progress)


def setup_of(f: ServiceFile) -> Setup:
    """Replicas and traffic of a file."""
    default = per_request(limits(f.slo)) if f.slo else {}
    classes = tuple(replace(class_of(c, default), profile=profile(c.shape)) for c in f.traffic)
    recorded = load_trace(f.trace, most=f.requests, faster=f.faster) if f.trace else None
    mean_in, mean_out = typical(classes, recorded)
    common = {
        name: getattr(f, name)
        for name in ("model", "images", "image_side", "audio_seconds", "steps", "guidance", "routing")
    } | {"input_tokens": mean_in, "output_tokens": mean_out}
    services: list[Service] = []
    readers: list[Service] = []
    for entry in f.replicas:
        (readers if entry.role == "prompts" else services).extend([entry.service(common)] * entry.count)
    return Setup(
        services,
        classes,
        recorded,
        readers=readers,
        link=f.link.link() if f.link is not None else None,
        router=f.router,
        failures=tuple(_failure(entry) for entry in f.failures),
        scaling=None if f.scaling is None else _scaling(f.scaling, len(services)),
        requests=f.requests or USUAL_REQUESTS,
    )


def _failure(entry: FailureEntry) -> Failure:
    back = float("inf") if entry.back is None else quantities.seconds(str(entry.back), "back")
    return Failure(entry.replica, quantities.seconds(str(entry.at), "at"), back)


def _scaling(entry: ScalingEntry, most: int) -> Scaling:
    delay_s = quantities.seconds(str(entry.delay), "delay")
    every_s = quantities.seconds(str(entry.every), "every")
    return Scaling(entry.least, most, entry.target, entry.low, delay_s, every_s)
