"""What ``plan`` answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from advisor.launch import Launch


@dataclass(frozen=True, slots=True)
class Percentile:
    """One metric over seeds, in seconds."""

    name: str
    mean: float
    low: float | None
    """Bounds of the 95 % interval of the mean over seeds; ``None`` with one seed."""
    high: float | None
    limit: float | None
    """What was promised; of a promise, ``worst`` is what is compared with it."""
    worst: float | None
    """The largest over seeds."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One verified way to serve the traffic."""

    model: str
    weights: str
    cache: str
    machine: str
    pricing: str
    price_basis: str
    tp: int
    pp: int
    ep: int
    engine: str
    replicas: int
    """All, the spare ones included."""
    spare: int
    devices: int
    usd_per_hour: float
    usd_per_month: float
    percentiles: tuple[Percentile, ...]
    utilisation: float
    mean_batch: float
    cache_peak: float
    preemptions: float
    usd_per_million_tokens: float | None
    joules_per_token: float | None
    """At nominal power, an upper bound."""
    promise_used: float
    """Share of the limit that is used most."""
    dp: int = 1
    speculate: str = ""

    @property
    def way(self) -> str:
        """In one line."""
        degrees = "".join(
            f" {n}{d}" for n, d in (("tp", self.tp), ("pp", self.pp), ("ep", self.ep), ("dp", self.dp)) if d > 1
        )
        per = self.devices // self.replicas
        cache = f", cache {self.cache}" if self.cache not in ("bf16", "–") else ""
        many = f"{per} × " if per > 1 else ""
        guess = f", speculating by {self.speculate}" if self.speculate else ""
        return f"{self.replicas} × ({self.model} {self.weights}{cache} on {many}{self.machine}{degrees}{guess})"


@dataclass(frozen=True, slots=True)
class SplitChoice:
    """Separate replicas for prompts and for answers, cheaper than the plan whose replicas do both."""

    choice: Choice
    """Money, devices and percentiles are of all; the kind of replica is that which writes answers."""
    prompts: int
    """Replicas, the spare ones included."""
    answers: int
    link: str
    """Over what caches travel."""
    prompts_on: str = ""
    """One replica that reads prompts, where it is of another kind than those that write answers."""
    answers_on: str = ""

    @property
    def way(self) -> str:
        """In one line."""
        if not self.prompts_on:
            return f"{self.prompts} read prompts, {self.answers} write answers: {self.choice.way}"
        return f"{self.prompts} × ({self.prompts_on}) read prompts, {self.answers} × ({self.answers_on}) write answers"


@dataclass(frozen=True, slots=True)
class Part:
    """One of two kinds of replicas."""

    replicas: int
    """The spare ones included."""
    spare: int
    way: str
    usd_per_hour: float


@dataclass(frozen=True, slots=True)
class MixedChoice:
    """Replicas of two kinds behind one router."""

    month: int
    """From 1 on."""
    parts: tuple[Part, ...]
    usd_per_hour: float
    percentiles: tuple[Percentile, ...]
    utilisation: float


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """Something that is not the plan, and why."""

    way: str
    why: str
    usd_per_hour: float | None
    """What it costs, or at least; ``None`` where it cannot serve at all."""
    simulated: bool


@dataclass(frozen=True, slots=True)
class Month:
    """The plan in one month of growth; months after the first are simulated with one seed."""

    month: int
    """From 1 on."""
    requests_per_s: float | None
    """In the busiest hour; ``None`` where users wait for answers."""
    users: int | None
    replicas: int | None
    """All that are needed; ``None`` where there may not be so many."""
    devices: int | None
    usd: float | None
    first_keeps: bool
    """Whether what the first month needs is still enough."""


@dataclass(frozen=True, slots=True)
class DayMonth:
    """One month of a plan where replicas come and go by the hour."""

    month: int
    """From 1 on."""
    replicas: tuple[int, ...] | None
    """Of each hour, the spare ones included; ``None`` where there may not be as many as the busiest one needs."""
    usd: float | None
    fixed_usd: float | None
    """Of keeping what the busiest hour needs."""


@dataclass(frozen=True, slots=True)
class Day:
    """The plan where replicas come and go by the hour: its first month, and all of them."""

    replicas: tuple[int, ...]
    """Of each hour, the spare ones included; simulated with one seed."""
    usd_per_month: float
    """Starting replicas is paid too; never more than keeping all of them."""
    fixed_usd_per_month: float
    """Of keeping what the busiest hour needs."""
    provisioning_s: float
    months: tuple[DayMonth, ...] = ()

    @property
    def usd(self) -> float:
        """Of all months that the machines are enough for."""
        return sum(m.usd or 0.0 for m in self.months)

    @property
    def fixed_usd(self) -> float:
        """The same of keeping what each month's busiest hour needs."""
        return sum(m.fixed_usd or 0.0 for m in self.months)

    @property
    def saved(self) -> float:
        """Share of the first month's money."""
        return 1 - self.usd_per_month / self.fixed_usd_per_month if self.fixed_usd_per_month else 0.0


@dataclass(frozen=True, slots=True)
class Api:
    """What a hosted model would cost for the same tokens."""

    model: str
    provider: str
    usd: tuple[float, ...]
    """By month."""
    usd_per_million_tokens: float
    """Over all tokens, cached ones at their own price."""
    cached_share: float
    """Share of prompt tokens that are billed as cached."""
    break_even_requests_per_s: float | None
    """Mean rate from which on the plan's machines of the first month are cheaper; ``None`` with users that wait."""
    source: str


@dataclass(frozen=True, slots=True)
class Terms:
    """The plan's devices on other terms, over the whole time."""

    pricing: str
    usd: float
    usd_per_device_hour: float
    break_even_months: float | None
    """After how many months buying has cost less than renting and stays so, machines paid when growth adds them; beyond
    the plan's months nothing is added. ``None`` for rents and where it never does."""
    basis: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer to ``plan``."""

    name: str
    promises: tuple[str, ...]
    best: Choice | None
    split: SplitChoice | None
    """Cheaper still, or where no kind of replica is enough alone; growth, money and launch lines are those of
    ``best``."""
    nearest: Choice | None
    """The nearest miss, where nothing keeps the promises."""
    miss: str
    front: tuple[Choice, ...]
    """Plans that no other beats in both price and latency; those that the search did not need are simulated with one
    seed."""
    runners_up: tuple[RunnerUp, ...]
    months: tuple[Month, ...]
    breaks_in: int | None
    """The first month in which what the first month needs is too little."""
    ends_in: int | None
    """The first month in which no number of devices that there may be is enough."""
    headroom: float | None
    """How much more traffic than in the first month the plan keeps, 0.2 for 20 %."""
    apis: tuple[Api, ...]
    terms: tuple[Terms, ...]
    launches: tuple[Launch, ...]
    considered: int
    built: int
    simulated: int
    runs: int
    requests: int
    """Simulated in each run."""
    notes: tuple[str, ...]
    over_budget: bool = False
    """Whether ``nearest``, or ``best`` in a later month, keeps the promises and only costs too much."""
    budget_breaks_in: int | None = None
    """The first month in which ``best`` costs more than the budget; ``miss`` says by how much."""
    day: Day | None = None
    """Where the file says how loads differ over the day."""
    mixed: MixedChoice | None = None
    """Two kinds together, cheaper than ``best``, or where no kind is enough alone."""
    beyond: MixedChoice | None = None
    """Two kinds together in month ``ends_in``."""
    smallest_changes: tuple[str, ...] = ()
    """Where nothing keeps the promises: what would have to change at least, one line for each kind of obstacle."""
    series: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """What the replicas of ``best`` did over the time of a run, in the columns of ``simulate --series``; empty unless
    asked for."""

    @property
    def kept(self) -> bool:
        """Whether some plan keeps the promises: of one kind of replicas, of two, or with prompts and answers apart;
        and ``best`` the budget, in every month."""
        return self.budget_breaks_in is None and any(plan is not None for plan in (self.best, self.split, self.mixed))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        plain = _plain(asdict(self))
        if not self.series:
            del plain["series"]
        return {"kept": self.kept, **plain}


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, Sequence) and not isinstance(v, str) else v for k, v in value.items()}
