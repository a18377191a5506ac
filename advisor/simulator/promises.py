"""Promises to all requests or to those of one class, and whether a run keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from advisor.simulator.limits import Limit
from advisor.simulator.metrics import Outcome


@dataclass(frozen=True)
class Promise:
    """A limit, for all requests or for those of one class."""

    limit: Limit
    kind: int = -1
    """Number of the class; -1: all."""
    label: str = ""

    @property
    def name(self) -> str:
        """Such as ``chat ttft.p95``."""
        return f"{self.label} {self.limit.name}" if self.label else self.limit.name

    def __str__(self) -> str:
        return f"{self.label} {self.limit}" if self.label else str(self.limit)


def measured(o: Outcome, promise: Promise) -> float:
    """What a run gives of what was promised, in seconds; ``nan`` where it does not apply."""
    if promise.kind < 0:
        return o.value(promise.limit.name)
    latency = getattr(o.classes[promise.kind], f"{promise.limit.quantity}_s", None)
    return float("nan") if latency is None else float(getattr(latency, promise.limit.statistic))


def kept(o: Outcome, promise: Promise) -> bool:
    """Whether a run keeps a promise; one without the quantity does (no further token: no time per token)."""
    return not measured(o, promise) > promise.limit.seconds


def keeps(o: Outcome, promises: Sequence[Promise]) -> bool:
    """Whether a run keeps every promise, refuses nobody and keeps up."""
    return not o.verdict.saturated and not o.refused and all(kept(o, p) for p in promises)
