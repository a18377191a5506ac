"""``compare``: two to six models at one workload on one machine, row by row, and why they differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from advisor.answer import Band, Estimate
from advisor.comparison.anatomy import Anatomy, anatomy
from advisor.comparison.reasons import reasons
from advisor.estimate import estimate
from advisor.report import (
    bytes_text,
    count_text,
    flops_text,
    joules_text,
    percent_text,
    rate_text,
    seconds_text,
    tokens_text,
    usd_text,
)  # fmt: skip
from advisor.usual_lengths import usual_lengths
from calculators.memory import cache_bytes
from calculators.params import Params, count_params
from catalog.errors import BadInput
from catalog.loader import load, load_task
from catalog.spec import ModelSpec
from catalog.terms import supported_context

if TYPE_CHECKING:
    from advisor.quality import Quality
    from advisor.scaling import Crossing

LEAST, MOST = 2, 6
Better = Literal["low", "high"]
Value = float | int | str | None
STEP = 256
"""Tokens over which the growth of a cache is taken."""


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity of all models."""

    section: str
    name: str
    values: tuple[Value, ...]
    texts: tuple[str, ...]
    better: Better | None
    """Which end is the better one, where there is one."""
    best: tuple[int, ...]
    """Places of the best; empty where all are equal, or there is no better end."""
    unit: str = ""
    """Of the values; empty where they are words, plain numbers or what the name says."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer to ``compare``."""

    models: tuple[str, ...]
    workload: dict[str, Any]
    rows: tuple[Row, ...]
    differences: tuple[str, ...]
    """Why the models differ, from their parts."""
    crossings: tuple[Crossing, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Subject:
    """One model with everything that is known of it here."""

    spec: ModelSpec
    parts: Anatomy | None
    params: Params | None
    estimate: Estimate | None
    cache: float | None
    """Cache and state of one sequence at full length, in bytes."""
    per_token: float | None
    """What each further token adds to it."""
    quality: Quality | None


def compare(
    models: Sequence[str],
    *,
    machine: str = "h100-sxm",
    input_tokens: int | None = None,
    output_tokens: int | None = None,
    batch: int = 1,
    weights: str = "",
    cache: str = "bf16",
    tp: int = 1,
    task: str = "chat",
) -> Comparison:
    """Put two to six models side by side.

    Args:
        models: Ids, aliases or files.
        machine: Where memory, times, cost and energy are taken.
        input_tokens: Prompt; by default the usual one, within the shortest context of all.
        output_tokens: Answer; likewise.
        batch: Concurrent requests.
        weights: Weight format; empty: each model's published one.
        cache: Cache format.
        tp: Devices that share each layer.
        task: Whose benchmarks tell quality.

    Raises:
        BadInput: If a name is unknown, or there are fewer than two or more than six models, or one comes twice.
    """
    if not LEAST <= len(models) <= MOST:
        raise BadInput(f"compare: {len(models)} models; give {LEAST} to {MOST}")
    specs = [load(name) for name in models]
    ids = [spec.id for spec in specs]
    twice = next((name for name in ids if ids.count(name) > 1), None)
    if twice:
        raise BadInput(f"compare: {twice} is given twice; give different models")
    from advisor.quality import qualities

    quality = qualities(load_task(task), specs)
    from advisor.candidates import generates

    contexts = [spec.context_tokens for spec in specs if spec.context_tokens and spec.family != "speech"]
    prompt, answer = usual_lengths(
        min(contexts, default=None),
        writes=any(generates(spec) for spec in specs if spec.is_disclosed),
        given_input=input_tokens,
        given_output=output_tokens,
    )
    workload = {
        "machine": machine, "input_tokens": prompt, "output_tokens": answer, "batch": batch,
        "weights": weights, "cache": cache, "tp": tp,
    }  # fmt: skip
    subjects = [
        subject_of(name, spec, workload, quality.get(spec.id)) for name, spec in zip(models, specs, strict=True)
    ]
    rows = rows_of(subjects, prompt + answer, task)
    return Comparison(
        models=tuple(ids),
        workload={**workload, "task": task},
        rows=tuple(rows),
        differences=tuple(reasons(subjects)),
        crossings=_crossings(models, specs, machine, weights, cache, tp),
        notes=tuple(_notes(subjects)),
    )


def subject_of(name: str, spec: ModelSpec, workload: dict[str, Any], quality: Quality | None) -> Subject:
    """A model under a workload, by the name that it was asked for."""
    if not spec.is_disclosed:
        return Subject(spec, None, None, None, None, None, quality)
    found = estimate(model=name, spec=spec, **workload)
    length = workload["input_tokens"] + workload["output_tokens"]
    held = added = None
    if found.time.tpot_s is not None:
        held = float(cache_bytes(spec, length, dtype=workload["cache"]))
        added = (float(cache_bytes(spec, length + STEP, dtype=workload["cache"])) - held) / STEP
    return Subject(spec, anatomy(spec), count_params(spec), found, held, added, quality)


def _crossings(
    models: Sequence[str], specs: Sequence[ModelSpec], machine: str, weights: str, cache: str, tp: int
) -> tuple[Crossing, ...]:
    """Where growth curves meet, of the models that read text of any length."""
    from advisor.scaling import scale

    grows = [
        name
        for name, spec in zip(models, specs, strict=True)
        if spec.is_disclosed and spec.family in ("decoder", "moe", "ssm", "hybrid", "vision-language")
    ]
    if len(grows) < LEAST:
        return ()
    return scale(grows, machine=machine, weights=weights, cache=cache, tp=tp).crossings


def _notes(subjects: Sequence[Subject]) -> list[str]:
    notes = []
    for s in subjects:
        if s.estimate is None:
            notes.append(f"{s.spec.id} is undisclosed: its prices and limits are known, and nothing is computed")
        elif s.estimate.memory.fits is False:
            notes.append(f"{s.spec.id} does not fit: its times are what they would be if it did")
    return notes


UNITS: dict[Callable[[Any], str], str] = {
    bytes_text: "bytes", flops_text: "FLOP", joules_text: "J", percent_text: "share", seconds_text: "s",
    tokens_text: "tokens", usd_text: "USD",
}  # fmt: skip
"""Of the values behind each way of writing them."""


def rows_of(subjects: Sequence[Subject], length: int, task: str) -> list[Row]:
    """All rows of which at least one model has a value."""
    rows: list[Row] = []

    def row(
        section: str, name: str, get: Callable[[Subject], Value], text: Callable[[Any], str] = str,
        better: Better | None = None, texts: Callable[[Subject], str | None] | None = None,
    ) -> None:  # fmt: skip
        values = tuple(get(s) for s in subjects)
        if all(value is None for value in values):
            return
        shown = tuple(
            (texts(s) if texts else None) or ("–" if value is None else text(value))
            for s, value in zip(subjects, values, strict=True)
        )
        rows.append(Row(section, name, values, shown, better, _best(values, better), UNITS.get(text, "")))

    def part(name: str) -> Callable[[Subject], Value]:
        return lambda s: None if s.parts is None else getattr(s.parts, name)

    def of(get: Callable[[Estimate], Value]) -> Callable[[Subject], Value]:
        return lambda s: None if s.estimate is None else get(s.estimate)

    def banded(get: Callable[[Estimate], Band | None], text: Callable[[float], str]) -> dict[str, Any]:
        def shown(s: Subject) -> str | None:
            band = None if s.estimate is None else get(s.estimate)
            if band is None or band.p10 is None or band.p90 is None:
                return None
            return f"{text(band.p50)} ({_range(text(band.p10), text(band.p90))})"

        return {"get": of(lambda e: band.p50 if (band := get(e)) else None), "text": text, "texts": shown}

    a = "architecture"
    row(a, "family", lambda s: s.spec.family)
    for name, field in (("layers", "layers"), ("width", "hidden"), ("mixers", "mixers"), ("heads", "heads")):
        row(a, name, part(field), _plain)
    for name, field in (("kv heads", "kv_heads"), ("head width", "head_dim"), ("latent cache", "latent_width")):
        row(a, name, part(field), _plain)
    row(a, "windowed layers", lambda s: (s.parts.windowed_layers or None) if s.parts else None, _plain)
    row(a, "window", part("window"), tokens_text)
    row(a, "experts", part("experts"), _plain, texts=_experts)
    row(a, "context", lambda s: s.spec.context_tokens, tokens_text, "high")
    row(a, "context, by RULER", lambda s: c.tokens if (c := supported_context(s.spec)) else None, tokens_text, "high")
    p = "size"
    row(p, "parameters", lambda s: s.params.total if s.params else None, count_text)
    row(p, "active", lambda s: s.params.active if s.params else None, count_text, "low")
    row(p, "weights", of(lambda e: e.weights))
    row(p, "weights/device", of(lambda e: e.memory.weights_bytes), bytes_text, "low")
    row(p, "cache per token", lambda s: s.per_token, bytes_text, "low")
    row(p, f"cache at {tokens_text(length)}", lambda s: s.cache, bytes_text, "low")
    row(p, "memory/device", of(lambda e: e.memory.total_bytes_per_gpu), bytes_text, "low")
    row(p, "fits", of(lambda e: {True: "yes", False: "no", None: None}[e.memory.fits]))
    row(p, "requests that fit", of(lambda e: e.memory.max_batch), _plain, "high")
    w = "work and time"
    row(w, "FLOPs, prompts", of(lambda e: e.flops.prefill_needed), flops_text, "low")
    row(w, "FLOPs, one step", of(lambda e: e.flops.decode_needed or None), flops_text, "low")
    row(w, "first token", **banded(lambda e: e.time.ttft_s, seconds_text), better="low")
    row(w, "per token", **banded(lambda e: e.time.tpot_s, seconds_text), better="low")
    row(w, "whole answer", **banded(lambda e: e.time.e2e_s, seconds_text), better="low")
    units = {s.estimate.throughput.unit for s in subjects if s.estimate}
    if len(units) == 1:
        unit = units.pop()
        row(w, f"throughput, {unit}", **banded(lambda e: e.throughput.band, lambda x: rate_text(x, "")), better="high")
    m = "money and energy"
    row(m, "$/M input", _price("input"), usd_text, "low")
    row(m, "$/M output", _price("output"), usd_text, "low")
    row(m, "$/1,000 requests", of(lambda e: e.cost.usd_per_thousand_requests), usd_text, "low")
    row(m, "energy/request", of(lambda e: e.energy.joules_per_request.p50 if e.energy else None), joules_text, "low")
    q = "quality and terms"
    row(q, f"quality, {task}", lambda s: s.quality.index if s.quality else None, percent_text, "high", _quality)
    for name in _benchmarks(subjects):
        row(q, name, _score(name), lambda value: f"{value:g}", "high")
    row(q, "licence", lambda s: s.spec.licence.name if s.spec.licence else None)
    row(q, "commercial use", lambda s: s.spec.licence.commercial if s.spec.licence else None)
    row(q, "released", lambda s: s.spec.released)
    row(q, "by", lambda s: s.spec.organisation)
    return rows


def _plain(value: float) -> str:
    return value if isinstance(value, str) else f"{value:,}"


def _range(low: str, high: str) -> str:
    """``80–120 ms``: the unit once where it is the same."""
    number, _, unit = low.rpartition(" ")
    return f"{number}–{high}" if number and high.endswith(f" {unit}") else f"{low}–{high}"


def _experts(s: Subject) -> str | None:
    return f"{s.parts.top_k} of {s.parts.experts}" if s.parts and s.parts.experts else None


def _quality(s: Subject) -> str | None:
    q = s.quality
    return f"{percent_text(q.index)} ({_range(percent_text(q.low), percent_text(q.high))})" if q else None


def _price(which: str) -> Callable[[Subject], Value]:
    def of(s: Subject) -> Value:
        if s.estimate is not None:
            price: float | None = getattr(s.estimate.cost, f"usd_per_million_{which}_tokens")
            return price
        return getattr(s.spec.prices[0], f"{which}_usd_per_mtok") if s.spec.prices else None

    return of


def _benchmarks(subjects: Sequence[Subject]) -> list[str]:
    """Benchmarks that at least two of the models' own entries report in the same unit, at most four."""
    names = [score.benchmark for s in subjects for score in s.spec.scores if score.unit == "%"]
    shared = [name for name in dict.fromkeys(names) if sum(_score(name)(s) is not None for s in subjects) >= LEAST]
    return shared[:4]


def _score(name: str) -> Callable[[Subject], Value]:
    return lambda s: next((score.value for score in s.spec.scores if score.benchmark == name), None)


def _best(values: Sequence[Value], better: Better | None) -> tuple[int, ...]:
    known = [value for value in values if isinstance(value, int | float)]
    if better is None or len(known) < LEAST or len(set(known)) == 1:
        return ()
    best = min(known) if better == "low" else max(known)
    return tuple(place for place, value in enumerate(values) if value == best)
