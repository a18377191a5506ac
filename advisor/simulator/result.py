"""What ``simulate`` answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advisor.simulator.dispatch import Pool
from advisor.simulator.export import series_table
from advisor.simulator.jobs import Jobs
from advisor.simulator.metrics import Interval, Outcome, interval
from advisor.simulator.promises import Promise, keeps, measured
from advisor.simulator.service import Service
from advisor.simulator.traffic import Traffic

STATISTICS = ("mean", "p50", "p90", "p95", "p99")
SPREAD = (
    *(f"{q}.{s}" for q in ("ttft", "tpot", "itl", "e2e", "queue") for s in STATISTICS),
    "requests_per_s", "output_tokens_per_s", "goodput_per_s", "utilisation", "usd_per_million_tokens",
)  # fmt: skip
"""Metrics whose confidence intervals over seeds are reported."""
POINTS = 60
"""Intervals of time in ``Simulation.to_dict``; exports have more."""


@dataclass(frozen=True, eq=False)
class Run:
    """One seed."""

    jobs: Jobs
    pools: tuple[Pool, ...]
    """Of the replicas: one, or where they are apart those that read prompts and those that write answers."""
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Kind:
    """Equal replicas."""

    service: Service
    count: int
    role: str = "both"
    """``both``, ``prompts`` or ``answers``."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        case = self.service.case
        return {
            "machine": case.machine.id if case else None,
            "n_gpus": self.service.devices,
            "count": self.count,
            "role": self.role,
            "weights": case.weights.id if case else None,
            "scheduler": self.service.rules.label,
            "cache_tokens": self.service.cache_tokens,
        }


@dataclass(frozen=True, eq=False)
class Simulation:
    """Runs of one configuration, one per seed."""

    kinds: tuple[Kind, ...]
    """What serves."""
    traffic: tuple[Traffic, ...]
    promises: tuple[Promise, ...]
    runs: tuple[Run, ...]
    rate: float | None
    """Requests per second asked for, of classes with turns conversations; ``None`` for clients and traces."""
    largest_rate: float | None = None
    """The most that keeps the promises, where that was asked."""
    notes: tuple[str, ...] = ()

    @property
    def service(self) -> Service:
        """One replica of the first kind."""
        return self.kinds[0].service

    @property
    def replicas(self) -> int:
        """How many there are at most."""
        return sum(kind.count for kind in self.kinds)

    @property
    def asked_per_s(self) -> float | None:
        """Requests per second asked for, every turn one, profiles at their usual rate; ``None`` as ``rate``."""
        return None if self.rate is None else sum(c.rate * c.turns.mean for c in self.traffic)

    @property
    def last_start_s(self) -> float:
        """When the last request or conversation of the first seed begins; later turns follow their answers."""
        jobs = self.runs[0].jobs
        later = set(jobs.follows or ())
        return max((at for i, at in enumerate(jobs.arrival) if i not in later), default=0.0)

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
        values = [getattr(r.outcome, name) if hasattr(r.outcome, name) else r.outcome.value(name) for r in self.runs]
        return interval([float("nan") if v is None else float(v) for v in values])

    def over_time(self, points: int = POINTS) -> Mapping[str, Any]:
        """Load, queue, rates, cache and preemptions of the first seed in equal intervals."""
        return series_table(self.runs[0].jobs, self.runs[0].pools, points)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        case = self.service.case
        return {
            "model": case.spec.id if case else None,
            "machine": case.machine.id if case else None,
            "n_gpus": self.service.devices,
            "pool": [kind.to_dict() for kind in self.kinds],
            "scheduler": self.service.rules.label,
            "rate_per_s": self.rate,
            "asked_requests_per_s": self.asked_per_s,
            "largest_rate_per_s": self.largest_rate,
            "cache_tokens": self.service.cache_tokens,
            "slo": {p.name: p.limit.seconds for p in self.promises},
            "slo_measured": {p.name: measured(self.outcome, p) for p in self.promises},
            "slo_kept": self.kept,
            "seeds": len(self.runs),
            **self.outcome.to_dict(),
            "intervals": {n: _spread(self.interval(n)) for n in SPREAD} if len(self.runs) > 1 else None,
            "over_time": dict(self.over_time()),
            "notes": list(self.notes),
        }


def _spread(i: Interval) -> dict[str, float]:
    return {"mean": i.mean, "low": i.low, "high": i.high}
