"""Answers in few words, for readers whose attention is counted in tokens: what was chosen, why, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from advisor.answer import Band, Estimate
    from advisor.asking.ask import Answer
    from advisor.planning.result import Choice, Plan
    from advisor.recommend import Advice, Recommendation
    from calculators.explain import Explanation

MOST_REJECTED, MOST_PARTS = 3, 8


class Way(BaseModel):
    """One recommendation: a model, and how to run it."""

    model: str
    family: str
    machine: str | None
    """``None``: behind an API."""
    devices: int
    """Of each copy."""
    copies: int
    weights: str
    cache: str
    engine_or_provider: str | None
    quality: float | None
    """Share of the scored models that it beats at the task; ``None`` without evidence."""
    first_token_s: float | None
    per_token_s: float | None
    tokens_or_requests_per_s: float | None
    usd_per_hour: float | None
    usd_per_thousand_requests: float | None
    p_promises_kept: float | None
    tightest: str
    why: str
    notes: list[str]


class Rejected(BaseModel):
    """A model that keeps not every promise."""

    model: str
    because: list[str]
    smallest_change: str


class Shortlist(BaseModel):
    """The best ways first."""

    understood: list[str] = []
    """Of a question in words: requirement, value and the words it came from."""
    assumed: list[str] = []
    not_applied: list[str] = []
    not_understood: list[str] = []
    recommendations: list[Way]
    rejected: list[Rejected]
    ruled_out_by_wishes: int
    """Models."""


class Range(BaseModel):
    """A time with its 80 % band, in seconds."""

    median: float
    p10: float | None
    p90: float | None
    known_by: str


class EstimateBrief(BaseModel):
    """One model on one machine."""

    model: str
    machine: str
    devices: int
    weights: str
    fits: bool | None
    """``None`` where the machine's memory is not known."""
    memory_gb_per_device: float
    usable_gb_per_device: float | None
    most_concurrent_requests: int | None
    first_token_s: Range | None
    per_token_s: Range | None
    whole_answer_s: Range
    throughput: float
    throughput_unit: str
    usd_per_hour: float | None
    usd_per_million_output_tokens: float | None
    total_parameters: int
    active_parameters: int
    notes: list[str]


class PlanBrief(BaseModel):
    """The cheapest machines that keep a promise."""

    kept: bool
    way: str | None
    """Of the nearest miss where nothing keeps it."""
    miss: str
    devices: int | None
    replicas: int | None
    usd_per_month: float | None
    usd_per_million_tokens: float | None
    percentiles_s: dict[str, float]
    breaks_in_month: int | None
    headroom: float | None
    launch: list[str]
    cheaper_or_other: list[str]
    notes: list[str]


class ExplanationBrief(BaseModel):
    """A number, and where it comes from."""

    title: str
    value: float | str
    unit: str
    formula: str
    setting: str
    largest_parts: list[str]
    sources: list[str]


def way(r: Recommendation) -> Way:
    """A recommendation in few words."""
    return Way(
        model=r.model, family=r.family, machine=r.machine, devices=r.n_gpus, copies=r.copies,
        weights=r.weights, cache=r.kv,
        engine_or_provider=r.engine, quality=_short(r.quality), first_token_s=_short(r.ttft_s),
        per_token_s=_short(r.tpot_s), tokens_or_requests_per_s=_short(r.tokens_per_s),
        usd_per_hour=_short(r.usd_per_hour), usd_per_thousand_requests=_short(r.usd_per_thousand_requests),
        p_promises_kept=_short(r.p_meets), tightest=r.binding, why=r.reason, notes=list(r.notes),
    )  # fmt: skip


def shortlist(advice: Advice) -> Shortlist:
    """A ranking in few words."""
    return Shortlist(
        recommendations=[way(r) for r in advice.recommendations],
        rejected=[
            Rejected(model=r.model, because=list(r.violations), smallest_change=r.smallest_change)
            for r in advice.rejected[:MOST_REJECTED]
        ],
        ruled_out_by_wishes=len(advice.excluded),
    )


def answered(answer: Answer) -> Shortlist:
    """A ranking, with how the question was read."""
    reading = answer.reading
    return shortlist(answer.advice).model_copy(
        update={
            "understood": [f"{u.name}: {u.value} (from {u.words!r})" for u in reading.understood],
            "assumed": list(reading.assumed),
            "not_applied": [f"{n.what} ({n.words!r}): {n.why}" for n in reading.noted],
            "not_understood": list(reading.not_understood),
        }
    )


def estimated(e: Estimate) -> EstimateBrief:
    """An estimate in few words."""
    usable = e.memory.usable_bytes
    return EstimateBrief(
        model=e.model, machine=e.machine, devices=e.n_gpus, weights=e.weights, fits=e.memory.fits,
        memory_gb_per_device=_exactly(e.memory.total_bytes_per_gpu / 1e9),
        usable_gb_per_device=None if usable is None else _exactly(usable / 1e9),
        most_concurrent_requests=e.memory.max_batch, first_token_s=_range(e.time.ttft_s),
        per_token_s=_range(e.time.tpot_s), whole_answer_s=_ranged(e.time.e2e_s),
        throughput=_exactly(e.throughput.total), throughput_unit=e.throughput.unit,
        usd_per_hour=e.cost.usd_per_hour, usd_per_million_output_tokens=_short(e.cost.usd_per_million_output_tokens),
        total_parameters=e.params.total, active_parameters=e.params.active, notes=list(e.notes),
    )  # fmt: skip


def planned(answer: Plan) -> PlanBrief:
    """A plan in few words."""
    shown: Choice | None = answer.best or answer.nearest
    return PlanBrief(
        kept=answer.kept, way=shown.way if shown else None, miss=answer.miss,
        devices=shown.devices if shown else None, replicas=shown.replicas if shown else None,
        usd_per_month=_short(shown.usd_per_month) if shown else None,
        usd_per_million_tokens=_short(shown.usd_per_million_tokens) if shown else None,
        percentiles_s={p.name: _exactly(p.mean) for p in shown.percentiles} if shown else {},
        breaks_in_month=answer.breaks_in, headroom=_short(answer.headroom),
        launch=[line.command for line in answer.launches],
        cheaper_or_other=[f"{r.way}: {r.why}" for r in answer.runners_up[:MOST_REJECTED]],
        notes=list(answer.notes),
    )  # fmt: skip


def explained(e: Explanation) -> ExplanationBrief:
    """An explanation with its largest summands."""
    parts = sorted(e.parts, key=lambda part: -abs(part.value))[:MOST_PARTS]
    return ExplanationBrief(
        title=e.title, value=e.value, unit=e.unit, formula=e.formula, setting=e.setting,
        largest_parts=[f"{part.name}: {part.formula} = {part.value:,.6g}" for part in parts], sources=list(e.sources),
    )  # fmt: skip


def _exactly(value: float) -> float:
    """Four digits, as many as any of these numbers is known to."""
    return float(f"{value:.4g}")


def _short(value: float | None) -> float | None:
    return None if value is None or value != value else _exactly(value)


def _ranged(band: Band) -> Range:
    return Range(median=_exactly(band.p50), p10=_short(band.p10), p90=_short(band.p90), known_by=band.badge)


def _range(band: Band | None) -> Range | None:
    return None if band is None else _ranged(band)


__all__: Sequence[str] = ["answered", "estimated", "explained", "planned", "shortlist"]
