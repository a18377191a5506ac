"""What a run means: latencies, rates, limits kept, room, money, and whether the system keeps up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.simulator.dispatch import Pool
from advisor.simulator.jobs import Jobs
from advisor.simulator.percentiles import Gaps
from advisor.simulator.traffic import Traffic

Floats = NDArray[np.float64]
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Floats) -> Latency | None:
        """Of all requests; ``None`` where there are none."""
        if not values.size:
            return None
        return cls(float(values.mean()), *_quantiles(np.sort(values)))


def _quantiles(values: Floats) -> list[float]:
    """``QUANTILES`` of sorted values, as ``numpy.quantile`` gives them but several times sooner."""
    found = []
    for q in QUANTILES.values():
        place = q * (len(values) - 1)
        k = int(place)
        low, high, part = float(values[k]), float(values[min(k + 1, len(values) - 1)]), place - k
        found.append(high - (high - low) * (1 - part) if part >= 0.5 else low + (high - low) * part)
    return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the system keeps up with what is asked."""

    saturated: bool
    """With the times that are expected."""
    why: str
    certain: bool = True
    """False where it hangs on the error of these times: a saturated system that keeps up at their fast end."""

    @property
    def word(self) -> str:
        """``keeps up``, ``saturated`` or, neither calm nor certain, ``at the edge``."""
        return "keeps up" if not self.saturated else "saturated" if self.certain else "at the edge"


@dataclass(frozen=True, slots=True)
class Class:
    """One class of traffic."""

    name: str
    requests: int
    finished: int
    refused: int
    ttft_s: Latency | None
    tpot_s: Latency | None
    e2e_s: Latency | None
    queue_s: Latency | None
    slo: Mapping[str, float]
    kept: float | None
    """Share of its requests that kept every limit, the refused ones counted as missed; ``None`` without limits."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run."""

    requests: int
    finished: int
    refused: Mapping[str, int]
    duration_s: float
    ttft_s: Latency | None
    """From sending to the first token; of models that answer in one pass, to the answer."""
    tpot_s: Latency | None
    """Per further token, by request."""
    itl_s: Latency | None
    """Between one token and the next, all tokens of all requests alike."""
    e2e_s: Latency | None
    queue_s: Latency | None
    """From arrival to the first pass; where answers are written elsewhere than prompts are read, and to theirs."""
    requests_per_s: float
    input_tokens_per_s: float
    output_tokens_per_s: float
    goodput_per_s: float | None
    """Requests per second that kept their limits."""
    kept: float | None
    """Share of requests that kept them."""
    utilisation: float
    """Share of the replicas' time spent in passes."""
    mean_batch: float
    """Sequences per pass of steps."""
    cache_mean: float
    cache_peak: float
    """Share of the room for cache in use."""
    preemptions: int
    cached_share: float
    """Share of prompt tokens found in the cache."""
    replicas: float
    """Mean number paid for."""
    verdict: Verdict
    usd_per_hour: float | None
    usd_per_million_input_tokens: float | None
    usd_per_million_output_tokens: float | None
    usd_per_million_tokens: float | None
    """All money over all tokens; the two above share it out by the time that reading and writing take."""
    joules_per_token: float | None
    """Upper bound: nominal power for the time spent in passes, over all tokens written."""
    classes: tuple[Class, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def value(self, name: str) -> float:
        """A metric such as ``ttft.p95``, in seconds; ``nan`` where it does not apply."""
        quantity, _, statistic = name.partition(".")
        found = getattr(self, f"{quantity}_s", None)
        return float("nan") if found is None else float(getattr(found, statistic or "mean"))


@dataclass(frozen=True, eq=False)
class Columns:
    """Per request, as arrays."""

    ttft_s: Floats
    tpot_s: Floats
    e2e_s: Floats
    queue_s: Floats
    answered: NDArray[np.bool_]
    writes: NDArray[np.bool_]
    """Answered with more than one token."""
    arrival_s: Floats
    finish_s: Floats
    input: NDArray[np.int64]
    output: NDArray[np.int64]


def _floats(values: list[float]) -> Floats:
    return np.fromiter(values, np.float64, len(values))


def _wholes(values: list[int]) -> NDArray[np.int64]:
    return np.fromiter(values, np.int64, len(values))


def columns(jobs: Jobs, request_s: float = 0.0) -> Columns:
    """Times of every request, the engine's own time per request included."""
    arrival = _floats(jobs.arrival)
    for i, began in jobs.began.items():
        arrival[i] = began
    first, finish, output = _floats(jobs.first), _floats(jobs.finish), _wholes(jobs.output)
    with np.errstate(invalid="ignore", divide="ignore"):
        tpot = (finish - first) / (output - 1)
    answered = ~np.isnan(finish)
    queue = _floats(jobs.admitted) - arrival
    return Columns(
        ttft_s=first - arrival + request_s,
        tpot_s=tpot,
        e2e_s=finish - arrival + request_s,
        queue_s=queue if jobs.waited is None else queue + _floats(jobs.waited),
        answered=answered,
        writes=answered & (output > 1),
        arrival_s=arrival,
        finish_s=finish,
        input=_wholes(jobs.input),
        output=output,
    )


def outcome(jobs: Jobs, pools: Sequence[Pool], classes: Sequence[Traffic] = (), *, request_s: float = 0.0) -> Outcome:
    """Sum up one run of ``jobs`` on the replicas of ``pools``."""
    c = columns(jobs, request_s)
    replicas = [r for pool in pools for r in pool.replicas]
    services = [s for pool in pools for s in pool.services]
    tables = [r.log.table() for r in replicas]
    end = float(np.nanmax(c.finish_s)) if c.answered.any() else 0.0
    start = float(c.arrival_s.min()) if len(jobs) else 0.0
    duration = max(end - start, 1e-12)
    gaps = Gaps(tables, [g for r in replicas for g in r.gaps])
    itl = None
    if gaps.count:
        itl = Latency(gaps.mean, *(gaps.quantile(q) for q in QUANTILES.values()))
    busy, reading, stepping, weighted, peak, area = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    worked: list[float] = []
    for replica, t in zip(replicas, tables, strict=True):
        seconds = t[:, 3] * (t[:, 1] + t[:, 2] * (t[:, 3] - 1) / 2)
        worked.append(float(seconds.sum()))
        busy += worked[-1]
        reading += float(seconds[t[:, 5] > 0].sum())
        passes = np.where(t[:, 4] > 0, t[:, 3], 0)
        stepping += float(passes.sum())
        weighted += float((passes * t[:, 4]).sum())
        if replica.memory.units and len(t):
            share = t[:, 6] / replica.memory.units
            peak = max(peak, float(share.max()))
            area += float((share * seconds).sum())
    spans = [b - a for pool in pools for a, b in zip(pool.paid_s(start), pool.paid_s(end), strict=True)]
    paid = sum(spans)
    finished = int(c.answered.sum())
    read, written = float(c.input[c.answered].sum()), float(c.output[c.answered].sum())
    everybody = [
        Latency.of(values[c.writes if values is c.tpot_s else c.answered])
        for values in (c.ttft_s, c.tpot_s, c.e2e_s, c.queue_s)
    ]
    ttft, tpot, e2e, queue = everybody
    kept, per_class = _classes(jobs, c, classes, everybody)
    money = None
    if all(s.usd_per_hour is not None for s in services):
        money = sum((s.usd_per_hour or 0.0) * p / 3600 for s, p in zip(services, spans, strict=True))
    share_in = reading / busy if busy else 0.0
    watts = [s.watts for s in services]
    energy = None
    if all(w is not None for w in watts) and written:
        energy = sum((w or 0.0) * seconds for w, seconds in zip(watts, worked, strict=True)) / written
    reasons: dict[str, int] = {}
    for why in jobs.refused.values():
        reasons[why] = reasons.get(why, 0) + 1
    return Outcome(
        requests=len(jobs),
        finished=finished,
        refused=reasons,
        duration_s=duration,
        ttft_s=ttft,
        tpot_s=tpot,
        itl_s=itl,
        e2e_s=e2e,
        queue_s=queue,
        requests_per_s=finished / duration,
        input_tokens_per_s=read / duration,
        output_tokens_per_s=written / duration,
        goodput_per_s=None if kept is None else float(kept.sum()) / duration,
        kept=None if kept is None else float(kept.mean()),
        utilisation=busy / paid if paid else 0.0,
        mean_batch=weighted / stepping if stepping else 0.0,
        cache_mean=area / busy if busy else 0.0,
        cache_peak=peak,
        preemptions=sum(jobs.preempted),
        cached_share=float(sum(jobs.hits)) / read if read else 0.0,
        replicas=paid / duration,
        verdict=verdict(jobs, c, pools, busy / paid if paid else 0.0),
        usd_per_hour=None if money is None else money / duration * 3600,
        usd_per_million_input_tokens=_per_million(money, share_in, read),
        usd_per_million_output_tokens=_per_million(money, 1 - share_in, written),
        usd_per_million_tokens=_per_million(money, 1.0, read + written),
        joules_per_token=energy,
        classes=per_class,
    )


def _per_million(money: float | None, share: float, tokens: float) -> float | None:
    return None if money is None or not tokens else 1e6 * money * share / tokens


def _classes(
    jobs: Jobs, c: Columns, classes: Sequence[Traffic], everybody: list[Latency | None]
) -> tuple[NDArray[np.bool_] | None, tuple[Class, ...]]:
    """Who was served as promised, and each class; of a single one the times are those of ``everybody``."""
    if not classes:
        return None, ()
    kinds = _wholes(jobs.kind) if jobs.kind is not None else np.zeros(len(jobs), dtype=int)
    refused = np.zeros(len(jobs), dtype=bool)
    refused[list(jobs.refused)] = True
    good = c.answered.copy()
    found = []
    limited = False
    for number, traffic in enumerate(classes):
        mine = kinds == number
        ok = c.answered.copy()
        for name, limit in traffic.slo.items():
            values = {"ttft": c.ttft_s, "tpot": c.tpot_s, "e2e": c.e2e_s}[name]
            with np.errstate(invalid="ignore"):
                ok &= (values <= limit) | ((name == "tpot") & ~c.writes & c.answered)
        limited |= bool(traffic.slo)
        good[mine] = ok[mine]
        own, wrote = mine & c.answered, mine & c.writes
        times = everybody
        if len(classes) > 1:
            times = [Latency.of(v[wrote if v is c.tpot_s else own]) for v in (c.ttft_s, c.tpot_s, c.e2e_s, c.queue_s)]
        ttft, tpot, e2e, queue = times
        found.append(
            Class(
                traffic.name,
                int(mine.sum()),
                int(own.sum()),
                int((mine & refused).sum()),
                ttft,
                tpot,
                e2e,
                queue,
                dict(traffic.slo),
                float(ok[mine].mean()) if traffic.slo and mine.any() else None,
            )
        )
    return (good if limited else None), tuple(found)


MOST_GROWTH = 0.25
"""Share of the time that requests kept coming by which waiting may grow over it, in units of the mean answer."""


def verdict(jobs: Jobs, c: Columns, pools: Sequence[Pool], busy: float) -> Verdict:
    """Whether requests come faster than they are answered.

    In a system that keeps up, waiting does not depend on when a request came. So: the slope of waiting over the time
    of arrival, by least squares over tenths of the requests, must be neither large (in a stretch as long as the
    arrivals, more than a quarter of a mean answer and more than half a second) nor certain (three standard errors).
    Closed loops never saturate: their clients wait.
    """
    if jobs.queue is not None or (jobs.follows is not None and len(jobs.starts) < len(jobs) / 20):
        return Verdict(False, "clients wait for their answers, so the queue cannot grow")
    own = c.answered & ~np.isnan(c.queue_s)
    n = int(own.sum())
    if n < 50:
        return Verdict(False, f"only {n} requests: too few to see a queue grow")
    arrival, waited = c.arrival_s[own], c.queue_s[own]
    order = np.argsort(arrival, kind="stable")
    groups = np.array_split(order, min(20, n // 10))
    x = np.array([arrival[g].mean() for g in groups])
    y = np.array([waited[g].mean() for g in groups])
    span = float(arrival.max() - arrival.min())
    if span <= 0:
        return Verdict(True, "all requests come at once") if y.max() > 1 else Verdict(False, "all come at once")
    slope, error = _slope(x, y)
    grown = slope * span
    answer = float(np.mean(c.e2e_s[own] - c.queue_s[own]))
    late = grown > max(0.5, MOST_GROWTH * answer) and slope > 3 * error
    if late:
        return Verdict(
            True,
            f"waiting grows by {grown:,.{1 if grown < 100 else 0}f} s over the {span:,.0f} s in which requests come",
        )
    return Verdict(False, f"waiting does not grow with time ({max(grown, 0):.2f} s over {span:,.0f} s)")


def _slope(x: Floats, y: Floats) -> tuple[float, float]:
    dx = x - x.mean()
    square = float((dx * dx).sum())
    if not square:
        return 0.0, 0.0
    slope = float((dx * y).sum()) / square
    rest = y - y.mean() - slope * dx
    return slope, sqrt(float((rest * rest).sum()) / max(1, len(x) - 2) / square)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over seeds with its 95 % confidence interval."""

    mean: float
    low: float
    high: float


T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Student's t, two-sided 95 %, 1 to 10 degrees of freedom."""


def interval(values: Sequence[float]) -> Interval:
    """Student's t over independent runs."""
    known = np.array([v for v in values if isfinite(v)])
    if not known.size:
        return Interval(float("nan"), float("nan"), float("nan"))
    mean = float(known.mean())
    if known.size == 1:
        return Interval(mean, float("nan"), float("nan"))
    t = T_95[known.size - 2] if known.size - 2 < len(T_95) else 1.96
    half = t * float(known.std(ddof=1)) / sqrt(known.size)
    return Interval(mean, mean - half, mean + half)
