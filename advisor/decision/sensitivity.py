"""Which requirement, changed by a fifth, changes the answer: each is changed down and up, alone, and ranked anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Literal

from advisor.decision.fields import BY_KEY
from advisor.ranking.rows import Advice, Recommendation
from advisor.ranking.weights import weights_of
from advisor.report import bytes_text, count_text, percent_text, rate_text, seconds_text, tokens_text, usd_text
from advisor.requirements import Needs, Requirements
from catalog.values import dataclass

BY = 0.2
Effect = Literal["same", "other way", "other model", "nothing"]
TIMES = ("ttft_s", "tpot_s", "e2e_s")
LENGTHS = ("context_tokens", "input_tokens", "output_tokens")
LIMITS = (*TIMES, "tokens_per_s", "requests_per_s", "memory_bytes", "budget_usd_per_hour", "quality_floor",
          "min_params", "max_params", "confidence")  # fmt: skip
WEIGHTS = ("quality_weight", "cost_weight", "latency_weight")


@dataclass(frozen=True, slots=True)
class Trial:
    """One requirement changed."""

    flag: str
    before: str
    after: str
    factor: float
    """Of the change as it was made: whole numbers round."""
    effect: Effect
    model: str | None
    """The answer then; ``None`` if nothing keeps every promise."""
    way: str


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What was tried and what it did."""

    model: str | None
    way: str
    trials: tuple[Trial, ...]
    untried: tuple[str, ...]
    """Requirements that were not changed, with the reason."""

    @property
    def changing(self) -> tuple[Trial, ...]:
        """Those that change the model, or leave none."""
        return tuple(trial for trial in self.trials if trial.effect in ("other model", "nothing"))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def sensitivity(advice: Advice) -> Sensitivity:
    """Change every number among the requirements, given or filled in, by a fifth in both directions, one at a time.

    What counts as the answer is the first recommendation: its lineage, and the way it is run.
    """
    from advisor.recommend import recommend

    needs = Needs.model_validate(advice.requirements)
    wanted = needs.requirements
    first = advice.recommendations[0] if advice.recommendations else None
    trials = []
    shares = {f"{name}_weight": value for name, value in asdict(weights_of(wanted)).items()}
    for field, before, after in _changes(needs):
        changed = wanted.model_copy(update={**(shares if field in WEIGHTS else {}), field: after})
        found = recommend(changed, limit=1, rejections=0).recommendations
        best = found[0] if found else None
        trials.append(
            Trial(
                BY_KEY[field].flag, value_text(field, before), value_text(field, after), after / before,
                _effect(first, best), best.model if best else None, _way(best),
            )
        )  # fmt: skip
    return Sensitivity(first.model if first else None, _way(first), tuple(trials), tuple(_untried(needs)))


def _changes(needs: Needs) -> Iterator[tuple[str, float, float]]:
    wanted = needs.requirements
    for field in (*LENGTHS, "users"):
        value = getattr(needs, field)
        for factor in (1 - BY, 1 + BY):
            after = max(1, round(value * factor))
            if after != value and _is_possible(field, after, needs):
                yield field, value, after
    for field in LIMITS:
        value = getattr(wanted, field)
        if value is None or (field == "confidence" and not _timed(wanted)):
            continue
        for factor in (1 - BY, 1 + BY):
            if field not in ("quality_floor", "confidence") or value * factor < 1:
                yield field, value, value * factor
    weights = weights_of(wanted)
    for field in WEIGHTS:
        value = getattr(weights, field.removesuffix("_weight"))
        if value > 0:
            yield field, value, value * (1 - BY)
            yield field, value, value * (1 + BY)


def _timed(wanted: Requirements) -> bool:
    return any(getattr(wanted, field) is not None for field in (*TIMES, "tokens_per_s"))


def _is_possible(field: str, after: int, needs: Needs) -> bool:
    """A prompt and an answer may not outgrow a context that was given."""
    given = needs.requirements.context_tokens
    if given is None:
        return True
    if field == "input_tokens":
        return after + needs.output_tokens <= given
    if field == "output_tokens":
        return after + needs.input_tokens <= given
    return field != "context_tokens" or after >= needs.input_tokens + needs.output_tokens


def _untried(needs: Needs) -> Iterator[str]:
    wanted = needs.requirements
    if needs.users <= 2:
        yield f"--users {needs.users}: a fifth of it is no whole user"
    devices = f"{needs.max_gpus} device{'s' * (needs.max_gpus > 1)}"
    yield f"--gpus: {devices} at most; counts are powers of two"
    names = [
        BY_KEY[field].flag
        for field in Requirements.model_fields
        if BY_KEY[field].kind in ("names", "flag", "choice")
        and getattr(wanted, field) != Requirements.model_fields[field].default
        and field != "preset"
    ]
    if names:
        yield f"{', '.join(f'--{name}' for name in names)}: no numbers"


def _effect(first: Recommendation | None, best: Recommendation | None) -> Effect:
    if best is None:
        return "same" if first is None else "nothing"
    if first is None or best.lineage != first.lineage:
        return "other model"
    return "same" if _way(best) == _way(first) else "other way"


def _way(r: Recommendation | None) -> str:
    if r is None:
        return "–"
    if r.machine is None:
        return f"API ({r.engine})"
    cache = f", cache {r.kv}" if r.kv not in ("–", "bf16") else ""
    copies = f"{r.copies} copies " if r.copies > 1 else ""
    return f"{copies}{r.weights}{cache} on {f'{r.n_gpus} × ' if r.n_gpus > 1 else ''}{r.machine}"


def value_text(field: str, value: float) -> str:
    """A requirement's number with its unit."""
    if field in TIMES:
        return seconds_text(value)
    if field in LENGTHS:
        return f"{tokens_text(int(value))} tokens"
    match field:
        case "memory_bytes":
            return bytes_text(value)
        case "budget_usd_per_hour":
            return f"{usd_text(value * 730)} a month"
        case "min_params" | "max_params":
            return count_text(value)
        case "tokens_per_s" | "requests_per_s":
            return rate_text(value, "/s")
        case "quality_floor" | "confidence":
            return percent_text(value)
        case "users":
            return f"{value:,.0f}"
    return f"{value:.2f}"
