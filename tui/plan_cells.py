"""Columns of the Plan page's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from advisor.report import percent_text, rate_text, seconds_text, usd_text
from tui.cells import NONE
from tui.widgets.columns import Column

if TYPE_CHECKING:
    from advisor.planning.result import Choice, Month, Plan, RunnerUp

YES, NO = "✓", "✗"


@dataclass(frozen=True)
class Numbered:
    """A plan of the front with the number that the plot shows."""

    number: int
    choice: Choice

    def seconds(self, name: str) -> float | None:
        """The mean of a percentile."""
        return next((p.mean for p in self.choice.percentiles if p.name == name), None)


def numbered(plan: Plan) -> tuple[Numbered, ...]:
    """The front, cheapest first."""
    return tuple(Numbered(k, choice) for k, choice in enumerate(plan.front, 1))


def _seconds(title: str, name: str, priority: int) -> Column[Numbered]:
    return Column(
        title, lambda n: NONE if (s := n.seconds(name)) is None else seconds_text(s), priority,
        key=lambda n: n.seconds(name),
    )  # fmt: skip


FRONT: tuple[Column[Numbered], ...] = (
    Column("plan", lambda n: f"{n.number} {n.choice.way}", 0, left=True, most=70, key=lambda n: n.number),
    Column("$/h", lambda n: usd_text(n.choice.usd_per_hour), 1, key=lambda n: n.choice.usd_per_hour),
    _seconds("e2e.p50", "e2e.p50", 2),
    _seconds("ttft.p95", "ttft.p95", 3),
    _seconds("tpot.p95", "tpot.p95", 4),
    Column("limit used", lambda n: percent_text(n.choice.promise_used), 5, key=lambda n: n.choice.promise_used),
    Column("busy", lambda n: percent_text(n.choice.utilisation), 6, key=lambda n: n.choice.utilisation),
    Column("devices", lambda n: str(n.choice.devices), 7, key=lambda n: n.choice.devices),
)

OTHERS: tuple[Column[RunnerUp], ...] = (
    Column("candidate", lambda r: r.way, 0, left=True, most=52, key=lambda r: r.way),
    Column("$/h", lambda r: NONE if r.usd_per_hour is None else f"≥ {usd_text(r.usd_per_hour)}", 1,
           key=lambda r: r.usd_per_hour),
    Column("why it lost", lambda r: r.why, 2, left=True, most=70),
    Column("simulated", lambda r: "yes" if r.simulated else "no, by bounds", 3, left=True, key=lambda r: r.simulated),
)  # fmt: skip

MONTHS: tuple[Column[Month], ...] = (
    Column("month", lambda m: str(m.month), 0, most=8, key=lambda m: m.month),
    Column("busiest", lambda m: _load(m), 2, key=lambda m: m.requests_per_s or m.users),
    Column("replicas", lambda m: NONE if m.replicas is None else str(m.replicas), 3, key=lambda m: m.replicas),
    Column("devices", lambda m: "too many" if m.devices is None else str(m.devices), 1, key=lambda m: m.devices),
    Column("$ per month", lambda m: usd_text(m.usd), 1, key=lambda m: m.usd),
    Column("first month's are enough", lambda m: YES if m.first_keeps else f"{NO} no", 4, left=True,
           key=lambda m: m.first_keeps),
)  # fmt: skip


def _load(m: Month) -> str:
    return f"{m.requests_per_s:.3g}/s" if m.requests_per_s is not None else f"{m.users:,} users"


@dataclass(frozen=True)
class Moment:
    """One interval of a simulated run."""

    index: int
    values: Mapping[str, float]


def moments(series: Mapping[str, Sequence[float]]) -> tuple[Moment, ...]:
    """Rows of a time series."""
    rows = zip(*series.values(), strict=True)
    return tuple(Moment(k, dict(zip(series, row, strict=True))) for k, row in enumerate(rows))


def _share(title: str, name: str, priority: int) -> Column[Moment]:
    return Column(
        title, lambda m: percent_text(m.values[name]), priority, key=lambda m: m.values[name], descending=True
    )


def _number(title: str, name: str, priority: int, digits: int = 1) -> Column[Moment]:
    return Column(
        title, lambda m: f"{m.values[name]:,.{digits}f}", priority, key=lambda m: m.values[name], descending=True
    )


SERIES: tuple[Column[Moment], ...] = (
    Column("until", lambda m: seconds_text(m.values["to_s"]), 0, most=10, key=lambda m: m.index),
    _share("busy", "utilisation", 1),
    _share("cache filled", "cache_share", 2),
    Column(
        "written", lambda m: rate_text(m.values["output_tokens_per_s"]), 3,
        key=lambda m: m.values["output_tokens_per_s"], descending=True,
    ),
    Column(
        "read", lambda m: rate_text(m.values["input_tokens_per_s"]), 4, key=lambda m: m.values["input_tokens_per_s"],
        descending=True,
    ),
    _number("answers in hand", "writing", 5),
    _number("waiting", "waiting", 6, 0),
    _number("preempted", "preemptions", 7, 0),
)  # fmt: skip
