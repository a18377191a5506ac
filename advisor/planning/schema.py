"""``plan.yaml``: traffic, promises, what may serve it, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from advisor import quantities
from advisor.requirements import Requirements
from advisor.simulator.classes import Text, TrafficEntry, readable
from advisor.simulator.limits import limits
from catalog.base import Count, Size, Spec
from catalog.parsing import read_entry
from catalog.price import Dollars

Degree = Annotated[int, Field(ge=1, le=1024)]
Pricing = Literal["on-demand", "reserved", "spot", "owned"]


def share(value: Text, what: str) -> float:
    """``8%`` or ``0.08``.

    Raises:
        ValueError: If it is no number.
    """
    text = str(value).strip()
    scale = 0.01 if text.endswith("%") else 1.0
    try:
        return float(text.rstrip("% ")) * scale
    except ValueError:
        raise ValueError(f"{what}: {value!r} is not a share; write it like 8% or 0.08") from None


class TrafficClass(TrafficEntry):
    """Requests of one kind, and how they grow."""

    peak: Annotated[float, Field(ge=1, le=100)] = 1.0
    """Busiest hour over the mean: machines are counted for the former, tokens of a month for the latter."""
    growth: Text = 0.0
    """Per month: ``8%``."""

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if not -0.5 <= share(self.growth, "growth") <= 5:
            raise ValueError(f"growth: {self.growth!r} per month is out of range; right would be -50% to 500%")
        return self


class MachineChoice(Spec):
    """A machine, and on what terms."""

    id: str
    pricing: Pricing = "on-demand"
    usd_per_hour: Dollars | None = None
    """Per device; by default as known for these terms."""
    usd_purchase: Dollars | None = None
    """Per device, where owned; by default the cheapest known."""
    months: Annotated[float, Field(gt=0, le=240)] = 36
    """Over which a purchase is written off."""
    available: Size | None = None
    """Devices that can be had at most."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"id": value} if isinstance(value, str) else value


class Layouts(Spec):
    """How a replica may be spread over devices."""

    tp: tuple[Degree, ...] = (1, 2, 4, 8)
    pp: tuple[Degree, ...] = (1,)
    ep: tuple[Degree, ...] | Literal["auto"] = "auto"
    """Expert parallel; ``auto``: none, and one part for each device of the replica."""
    dp: tuple[Degree, ...] = (1,)
    """Attention data parallel: ranks with sequences of their own that share the experts of a mixture."""


class Power(Spec):
    """What owned machines cost besides their price."""

    usd_per_kwh: Dollars = 0.0
    pue: Annotated[float, Field(ge=1, le=10)] = 1.0
    """Power usage effectiveness of the building."""
    host_w: Annotated[float, Field(ge=0, le=1e5)] = 0.0
    """Power of the host per device."""


class PlanFile(Spec):
    """What ``whicharch plan`` reads."""

    ALSO: ClassVar[Mapping[str, str]] = {
        "weights": "formats", "quantization": "formats", "kv": "caches", "tp": "layouts", "gpus": "machines",
        "max_gpus": "max_devices", "spare": "redundancy", "promises": "slo", "requests_per_s": "traffic",
        "rate": "traffic", "users": "traffic",
    }  # fmt: skip
    """What others call some of the fields."""

    name: str = ""
    """A title of the answer."""
    traffic: Annotated[tuple[TrafficClass, ...], Field(min_length=1)]
    """Classes of requests that arrive together: how many, how long, how they grow."""
    day: tuple[Annotated[float, Field(ge=0)], ...] = ()
    """Load of each hour of a day in any unit, 24 numbers; then ``rate`` is the day's mean, and the plan also says how
    many replicas each hour of each month needs. Empty: the ``peak`` of each class tells the busiest hour."""
    provisioning: Text = "2min"
    """From asking for a replica to serving, where they come and go over the day."""
    months: Annotated[int, Field(ge=1, le=120)] = 12
    """For which traffic grows and money is counted, the first included."""
    slo: str = ""
    """Promises to all requests together."""
    models: tuple[str, ...] = ()
    """Models to choose from, by name."""
    requirements: Requirements | None = None
    """Instead of models: what ``whicharch recommend`` reads; its best are the candidates."""
    most_models: Annotated[int, Field(ge=1, le=50)] = 5
    """How many of them."""
    machines: tuple[MachineChoice, ...] = ()
    """Empty: every machine that is rented out and whose speed is known."""
    formats: tuple[str, ...] = ()
    """Weight formats; empty: as published, and the smaller ones that the machine's usual engine reads."""
    caches: tuple[str, ...] = ("bf16",)
    """Formats of the cache of keys and values that are tried."""
    speculate: Annotated[tuple[str, ...], Field(min_length=1)] = ("",)
    """Ways to guess tokens ahead that are tried: ``mtp``, ``eagle3`` or ``draft:MODEL``; ``""`` is none."""
    speculative_tokens: Annotated[int, Field(ge=1, le=64)] = 3
    """Guessed per round."""
    layouts: Layouts = Layouts()
    """How a replica may be spread over devices."""
    engine: str = ""
    """Inference engine; empty: the usual one for machine and format."""
    scheduler: str = ""
    """How a replica schedules its requests, such as ``vllm``; empty: as the engine does."""
    router: Literal["round-robin", "least-loaded", "prefix-aware"] = "least-loaded"
    """Which replica gets a request."""
    disaggregation: bool = False
    """Whether separate replicas for prompts and for answers are tried too."""
    mixed: bool = False
    """Whether replicas of two kinds behind one router are tried too: where that is cheaper, and for the first month
    that one kind is not enough for."""
    redundancy: Annotated[int, Field(ge=0, le=100)] = 0
    """Replicas beyond those that keep the promise: 1 is N+1."""
    headroom: Text = 0.0
    """How much more traffic than expected must be kept: ``20%``."""
    max_devices: Annotated[int, Field(ge=1, le=100_000)] = 64
    """Devices of the whole plan at most."""
    budget: Text = ""
    """Most that the machines may cost, in every month: ``2000/month``, ``3/hour``."""
    power: Power = Power()
    """What owned machines cost besides their price."""
    apis: tuple[str, ...] = ()
    """Hosted models to compare with, such as ``gpt-5-mini``."""
    requests: Annotated[int, Field(ge=100, le=1_000_000)] | None = None
    """Simulated per seed; by default enough to see twenty answers one after another, 2,000 to 20,000."""
    seeds: Annotated[int, Field(ge=1, le=50)] = 3
    """Runs of other drawn requests that must all keep the promises in the first month."""
    seed: Count = 0
    """Of the first run."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if bool(self.models) == (self.requirements is not None):
            raise ValueError("give one of models and requirements")
        if self.slo:
            readable(self.slo, limits, "slo")
        if not self.slo and not any(c.slo for c in self.traffic):
            raise ValueError("slo: no promise is made, to all or to a class; write it like ttft.p95<1s,tpot.p95<50ms")
        if len({c.users is None for c in self.traffic}) > 1:
            raise ValueError("traffic: classes should all have users, or all have rates")
        for way in self.speculate:
            if way not in ("", "mtp", "eagle3") and not way.startswith("draft:"):
                raise ValueError(f"speculate: {way!r} is none of mtp, eagle3, draft:MODEL and '' (not at all)")
        if self.budget:
            readable(self.budget, quantities.usd_per_hour, "budget")
        readable(self.provisioning, quantities.seconds, "provisioning")
        if self.day and (len(self.day) != 24 or not max(self.day) > 0):
            raise ValueError(f"day: got {len(self.day)} numbers; right would be 24, not all of them 0")
        if self.day and any(c.peak != 1 for c in self.traffic):
            raise ValueError("day: it says how busy the busiest hour is; leave out peak")
        names = [c.name for c in self.traffic]
        if len(set(names)) < len(names):
            raise ValueError("traffic: two classes have the same name")
        if not 0 <= share(self.headroom, "headroom") <= 10:
            raise ValueError(f"headroom: {self.headroom!r} is out of range; right would be 0% to 1000%")
        return self


def read_plan(path: str | Path) -> PlanFile:
    """Read a plan.

    Raises:
        BadInput: With file, line and field.
    """
    return read_entry(PlanFile, Path(path))
