"""From requirements to a ranked shortlist with reasons, and to what would admit the rest.

Per model the best way to run it is chosen: among those that keep every promise, 8 bits and more before fewer, then the
cheapest, then the widest format up to 16 bits, then the fastest.

Models are ranked by quality, cost and latency with the user's weights. A model that keeps no way open is rejected with
every broken promise and the smallest change that admits it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from advisor.candidates import Choice, Outcomes, degrees, evaluate, generates, space, weights_fit
from advisor.eligible import machines_for, obstacle
from advisor.estimating.bands import band_for
from advisor.format_loss import loss_of
from advisor.quality import Quality, qualities
from advisor.rejection import Rejection, reject
from advisor.requirements import Needs, Requirements, complete
from calculators.params import count_params
from catalog.errors import BadInput
from catalog.loader import all_models, checked, load_machine, load_task
from catalog.machine import Badge, Machine
from catalog.spec import ModelSpec
from catalog.task import Suitability, Task


@dataclass(frozen=True, slots=True)
class Limit:
    """One promise and how much of it is used."""

    name: str
    value: float
    limit: float
    unit: str

    @property
    def used(self) -> float:
        """1 is exactly at the limit."""
        return self.value / self.limit


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One row of the shortlist."""

    family: str
    model: str
    weights: str
    kv: str
    machine: str | None
    n_gpus: int
    engine: str | None
    badge: str | None
    memory_bytes_per_gpu: float | None
    usable_bytes: float | None
    ttft_s: float | None
    full_context_ttft_s: float | None
    tpot_s: float | None
    tokens_per_s: float | None
    """All users together; requests per second for models that answer in one pass."""
    usd_per_million_input_tokens: float | None
    usd_per_million_output_tokens: float | None
    usd_per_hour: float | None
    total_params: int | None
    active_params: int | None
    quality: float | None
    """Share of the catalog's scored models that it beats at the task, drawn down where evidence is thin; ``None``
    without published scores."""
    evidence: tuple[str, ...]
    score: float
    reason: str
    binding: str
    """The promise that leaves least room."""
    margins: dict[str, float]
    """Share of each limit that is left."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """The answer to ``recommend``."""

    requirements: dict[str, Any]
    recommendations: tuple[Recommendation, ...]
    rejected: tuple[Rejection, ...]
    considered: int
    """Ways to run a model that were evaluated."""
    unsuited: dict[str, str]
    """Families that were left out, with the reason."""
    excluded: dict[str, str] = field(default_factory=dict)
    """Models that the wishes rule out however they are run, with the wish."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def recommend(requirements: Requirements | None = None, /, *, limit: int = 10, **fields: Any) -> Advice:
    """Rank models for requirements, given whole or as fields: ``recommend(task="chat", users=8, machines=("l4",))``.

    Raises:
        BadInput: If a name is unknown, or a limit impossible.
    """
    wanted = requirements if requirements is not None else checked(Requirements, fields, "requirements")
    task = load_task(wanted.task)
    needs = complete(wanted, task)
    machines = [load_machine(name) for name in wanted.machines] or machines_for(wanted)
    families = {entry.family: entry for entry in task.families}
    models = [spec for spec in all_models() if _serves(spec, task)]
    quality = qualities(task, models)
    found: list[Recommendation] = []
    rejected: list[Rejection] = []
    considered = 0
    excluded: dict[str, str] = {}
    for spec in models:
        suits = families.get(spec.family)
        if suits is None or suits.grade == "poor":
            continue
        if against := obstacle(spec, wanted):
            excluded[spec.id] = against
            continue
        if not spec.is_disclosed:
            if not wanted.machines and wanted.memory_bytes is None:
                found += _hosted(spec, needs, suits, quality.get(spec.id))
            continue
        blocked = _licence_problem(spec, wanted) or _context_problem(spec, needs)
        outcomes = _outcomes(spec, machines, needs, first_only=blocked is not None)
        considered += sum(len(o.space.choices) for o in outcomes)
        best = None if blocked else choose(outcomes, needs)
        if best is None:
            rejected.append(reject(spec, needs, outcomes, blocked))
        else:
            found.append(_recommendation(spec, needs, suits, quality.get(spec.id), *best))
    ranked = _ranked(found, wanted)
    return Advice(
        requirements=needs.model_dump(),
        recommendations=tuple(ranked[:limit]),
        rejected=tuple(sorted(rejected, key=lambda r: r.severity)[:limit]),
        considered=considered,
        unsuited={f.family: f.reason for f in task.families if f.grade == "poor"},
        excluded=excluded,
    )


def _outcomes(spec: ModelSpec, machines: Sequence[Machine], needs: Needs, *, first_only: bool) -> list[Outcomes]:
    """All device counts with which the weights fit somewhere; where none does, the largest, to say how it fails.

    ``first_only``: the fewest devices alone, for a model that no way of running it can save.
    """
    where = space(spec, machines, needs)
    counts = degrees(spec, needs, where)
    holds = (layout for layout in counts if weights_fit(spec, where, layout))
    fitting = list(islice(holds, 1 if first_only else None))
    return [evaluate(spec, where, needs, layout) for layout in fitting or counts[-1:]]


def _serves(spec: ModelSpec, task: Task) -> bool:
    """Whether a model was trained for the task and takes and gives what it needs."""
    if not set(task.inputs) <= set(spec.inputs):
        return False
    if task.tuning is not None:
        return task.tuning in spec.tuned_for
    return True


def _licence_problem(spec: ModelSpec, wanted: Requirements) -> str | None:
    if wanted.commercial and spec.licence is not None and spec.licence.commercial == "no":
        return f"licence {spec.licence.name} forbids commercial use"
    return None


def _context_of(spec: ModelSpec, needs: Needs) -> int:
    """Tokens that must fit its context; audio has an encoder of its own, and only the transcript counts."""
    hears_only = spec.family == "speech" and "text" not in spec.inputs
    return needs.output_tokens if hears_only else needs.context_tokens


def _context_problem(spec: ModelSpec, needs: Needs) -> str | None:
    context = _context_of(spec, needs)
    if spec.context_tokens is not None and context > spec.context_tokens:
        return f"context {context:,} is above its {spec.context_tokens:,}"
    return None


def excesses(outcome: Outcomes, needs: Needs) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """How far each choice is over each limit, as value / limit; at most 1 keeps the promise."""
    ratios = {"memory": outcome.total_bytes / outcome.space.usable_bytes}
    ratios["devices"] = outcome.space.nodes_used(outcome.layout)
    if needs.ttft_s is not None:
        ratios["first token"] = outcome.ttft_s / needs.ttft_s
    if needs.tpot_s is not None:
        ratios["per token"] = outcome.tpot_s / needs.tpot_s
    if (whole := needs.requirements.e2e_s) is not None:
        ratios["whole answer"] = whole_s(outcome, needs) / whole
    if (least := needs.requirements.tokens_per_s) is not None:
        ratios["throughput"] = least / outcome.tokens_per_s
    if (budget := needs.requirements.budget_usd_per_hour) is not None:
        ratios["budget"] = outcome.usd_per_hour / budget
    return ratios


def whole_s(outcome: Outcomes, needs: Needs) -> np.ndarray[Any, np.dtype[np.float64]]:
    """From the request to the last token."""
    return outcome.ttft_s + (needs.output_tokens - 1) * outcome.tpot_s


def choose(outcomes: Sequence[Outcomes], needs: Needs) -> tuple[Outcomes, int] | None:
    """The best way that keeps every promise; ``None`` if there is none."""
    best: tuple[tuple[float, ...], Outcomes, int] | None = None
    for outcome in outcomes:
        ratios = excesses(outcome, needs)
        keeps = np.flatnonzero(np.all(np.stack(list(ratios.values())) <= 1, axis=0))
        if not keeps.size:
            continue
        where, hourly = outcome.space, outcome.usd_per_hour
        keys = np.stack(
            [
                where.nominal_bits < 8,
                np.where(np.isfinite(hourly), hourly, 0.0),
                np.full(len(hourly), outcome.devices),
                -np.minimum(where.nominal_bits, 16),
                where.cache_bits < 16,
                outcome.ttft_s + needs.output_tokens * outcome.tpot_s,
            ]
        )[:, keeps]
        first = int(np.lexsort(keys[::-1])[0])
        key = tuple(float(value) for value in keys[:, first])
        if best is None or key < best[0]:
            best = (key, outcome, int(keeps[first]))
    return None if best is None else best[1:]


def limits(outcome: Outcomes, index: int, needs: Needs, spec: ModelSpec) -> list[Limit]:
    """Every promise with what is used of it."""
    found = []
    usable = outcome.space.usable_bytes[index]
    if np.isfinite(usable):
        found.append(Limit("memory", float(outcome.total_bytes[index]), float(usable), "bytes"))
    if needs.ttft_s is not None:
        found.append(Limit("first token", float(outcome.ttft_s[index]), needs.ttft_s, "s"))
    if needs.tpot_s is not None and generates(spec):
        found.append(Limit("per token", float(outcome.tpot_s[index]), needs.tpot_s, "s"))
    if (whole := needs.requirements.e2e_s) is not None:
        found.append(Limit("whole answer", float(whole_s(outcome, needs)[index]), whole, "s"))
    if (least := needs.requirements.tokens_per_s) is not None:
        found.append(Limit("throughput", least, float(outcome.tokens_per_s[index]), "/s"))
    if spec.context_tokens is not None:
        found.append(Limit("context", float(_context_of(spec, needs)), float(spec.context_tokens), "tokens"))
    if (budget := needs.requirements.budget_usd_per_hour) is not None:
        found.append(Limit("budget", float(outcome.usd_per_hour[index]), budget, "$/h"))
    return found


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _recommendation(
    spec: ModelSpec, needs: Needs, suits: Suitability, quality: Quality | None, outcome: Outcomes, index: int
) -> Recommendation:
    choice: Choice = outcome.space.choices[index]
    promises = limits(outcome, index, needs, spec)
    tightest = max(promises, key=lambda limit: limit.used, default=None)
    params = count_params(spec)
    writes = generates(spec)
    notes = []
    if needs.ttft_s is not None and outcome.full_ttft_s[index] > needs.ttft_s and writes:
        notes.append(
            f"a prompt that fills the context of {needs.context_tokens:,} tokens takes "
            f"{outcome.full_ttft_s[index]:.1f} s to the first token"
        )
    if outcome.layout.pp > 1:
        notes.append(f"{outcome.layout.pp} pipeline stages of {outcome.layout.tp} devices, each on a node of its own")
    badge = outcome.space.settings.settings[index].eff.badge
    notes += _risks(choice, promises, badge)
    loss = loss_of(choice.weights, params.total, spec.published_weights)
    quality = quality.after(loss.odds) if quality else None
    if loss.said:
        notes.append(f"{choice.weights.name} costs quality, counted in the index: {loss.said}")
    return Recommendation(
        family=spec.family,
        model=spec.id,
        weights=choice.weights.id,
        kv=choice.cache if writes else "–",
        machine=choice.machine.id,
        n_gpus=outcome.devices,
        engine=choice.engine.id,
        badge=badge,
        memory_bytes_per_gpu=float(outcome.total_bytes[index]),
        usable_bytes=_finite(outcome.space.usable_bytes[index]),
        ttft_s=float(outcome.ttft_s[index]),
        full_context_ttft_s=float(outcome.full_ttft_s[index]) if writes else None,
        tpot_s=float(outcome.tpot_s[index]) if writes else None,
        tokens_per_s=float(outcome.tokens_per_s[index]),
        usd_per_million_input_tokens=_finite(outcome.usd_per_mtok_in[index]),
        usd_per_million_output_tokens=_finite(outcome.usd_per_mtok_out[index]),
        usd_per_hour=_finite(outcome.usd_per_hour[index]),
        total_params=params.total,
        active_params=params.active,
        quality=None if quality is None else quality.cautious,
        evidence=() if quality is None else quality.evidence,
        score=0.0,
        reason=suits.reason,
        binding="nothing is limited" if tightest is None else _binding(tightest),
        margins={limit.name: 1 - limit.used for limit in promises},
        notes=tuple(notes),
    )


TIGHT = 0.03
"""Share of memory below which it is called tight: a change of engine version moves it by as much."""


def _risks(choice: Choice, promises: Sequence[Limit], badge: Badge) -> list[str]:
    """Promises that are kept by little, or only in the median."""
    notes = []
    for limit in promises:
        if limit.name == "memory" and limit.used > 1 - TIGHT:
            notes.append(f"memory is tight: {100 * (1 - limit.used):.1f} % is left")
        quantity = {"first token": "ttft", "per token": "tpot"}.get(limit.name)
        band = band_for(choice.engine, quantity, badge) if quantity else None
        if band and limit.used * band.p90 > 1:
            notes.append(
                f"{limit.name} is kept in the median case, but one case in ten takes {band.p90:.2f} times longer"
            )
    return notes


def _binding(limit: Limit) -> str:
    return f"{limit.name}: {100 * limit.used:.0f} % of the limit"


def _hosted(spec: ModelSpec, needs: Needs, suits: Suitability, quality: Quality | None) -> list[Recommendation]:
    """A model behind an API: prices are known, latency is the provider's and is not promised."""
    if not spec.prices or _context_problem(spec, needs):
        return []
    price = spec.prices[0]
    unchecked = [name for name, value in (("first token", needs.ttft_s), ("per token", needs.tpot_s)) if value]
    notes = [f"{' and '.join(unchecked)} not checked: the provider publishes no latency"] if unchecked else []
    return [
        Recommendation(
            family="api", model=spec.id, weights="–", kv="–", machine=None, n_gpus=0, engine=price.provider, badge=None,
            memory_bytes_per_gpu=None, usable_bytes=None, ttft_s=None, full_context_ttft_s=None, tpot_s=None,
            tokens_per_s=None, usd_per_million_input_tokens=price.input_usd_per_mtok,
            usd_per_million_output_tokens=price.output_usd_per_mtok, usd_per_hour=None, total_params=None,
            active_params=None, quality=None if quality is None else quality.cautious,
            evidence=() if quality is None else quality.evidence, score=0.0, reason=suits.reason,
            binding="latency is the provider's", margins={}, notes=tuple(notes),
        )
    ]  # fmt: skip


def _ranked(found: list[Recommendation], wanted: Requirements) -> list[Recommendation]:
    """Order by weighted quality, cost and latency; models without evidence follow those that have it.

    Cost and latency count by their logarithm between the dearest (0) and the cheapest (1) of the shortlist.
    """
    from dataclasses import replace

    if not found:
        return []
    cost = _log_scaled([r.usd_per_million_output_tokens or r.usd_per_hour for r in found])
    speed = _log_scaled([(r.ttft_s or 0) + 100 * (r.tpot_s or 0) or None for r in found])
    total = wanted.quality_weight + wanted.cost_weight + wanted.latency_weight
    if total <= 0:
        raise BadInput("weights: quality, cost and latency weigh nothing together; make one of them positive")
    scored = [
        replace(
            r,
            score=(wanted.quality_weight * (r.quality or 0) + wanted.cost_weight * c + wanted.latency_weight * s)
            / total,
        )
        for r, c, s in zip(found, cost, speed, strict=True)
    ]
    return sorted(scored, key=lambda r: (r.quality is None, -r.score, r.model))


def _log_scaled(values: Sequence[float | None]) -> list[float]:
    """0 for the largest, 1 for the smallest, by logarithm; a missing value counts as the middle."""
    known = np.log([v for v in values if v])
    if known.size == 0 or np.ptp(known) == 0:
        return [0.5] * len(values)
    return [0.5 if not v else float((known.max() - np.log(v)) / np.ptp(known)) for v in values]
