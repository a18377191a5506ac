"""One model's row of the shortlist, from the way that was chosen for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Choice
from advisor.decision.suited import Suited
from advisor.estimating.measured import band_for
from advisor.format_loss import loss_of
from advisor.quality import Quality
from advisor.ranking.copies import Run
from advisor.ranking.facts import facts_of, lineage_of
from advisor.ranking.promises import Limit, chance_of_all, context_problem, copies_needed, limits, whole_s
from advisor.ranking.rows import Recommendation
from advisor.ranking.weights import GRADE_SHARES
from advisor.requirements import Needs
from advisor.served_models import NO_PEAK, unserved
from advisor.tensor_split import WARNING
from catalog.machine import Badge
from catalog.spec import ModelSpec

TIGHT = 0.03
"""Share of memory below which it is called tight: a change of engine version moves it by as much."""


def row_of(spec: ModelSpec, suits: Suited, quality: Quality | None, run: Run) -> Recommendation:
    """A model that somebody runs, without its score."""
    outcome, index, needs = run.outcome, run.index, run.needs
    choice: Choice = outcome.space.choices[index]
    promises = limits(outcome, index, needs, spec)
    tightest = max(promises, key=lambda limit: limit.used, default=None)
    params = facts_of(spec).params
    writes = outcome.writes
    notes = []
    if needs.ttft_s is not None and outcome.full_ttft_s[index] > needs.ttft_s and writes:
        notes.append(
            f"a prompt that fills the context of {needs.context_tokens:,} tokens takes "
            f"{outcome.full_ttft_s[index]:.1f} s to the first token"
        )
    if outcome.layout.pp > 1:
        notes.append(f"{outcome.layout.pp} pipeline stages of {outcome.layout.tp} devices, each on a node of its own")
    if outcome.layout.tp > 1 and choice.engine.id == "llama.cpp":
        notes.append(WARNING)
    if not choice.machine.peak_tflops:
        notes.append(NO_PEAK.format(choice.machine.id))
    if writes and (problem := unserved(spec, choice.machine, choice.engine.id)):
        notes.append(f"{problem}: times are as if it did")
    badge = outcome.space.settings.settings[index].eff.badge
    notes += _risks(choice, promises, badge, writes=writes)
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
        pp=outcome.layout.pp,
        latency_s=float(whole_s(outcome, needs)[index]),
        usd_per_thousand_requests=_finite(outcome.usd_per_thousand_requests[index]),
        p_meets=chance_of_all(outcome, index, needs, promises),
        chances={limit.name: limit.chance for limit in promises if limit.chance is not None},
        lineage=lineage_of(spec),
        grade=suits.grade,
        grade_share=GRADE_SHARES[suits.grade],
        copies=run.copies * int(copies_needed(outcome, needs)[index]),
        users_per_copy=needs.users,
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _risks(choice: Choice, promises: Sequence[Limit], badge: Badge, *, writes: bool) -> list[str]:
    """Promises that are kept by little, or only in the median."""
    notes = []
    quantities = {"first token": "ttft" if writes else "pass", "per token": "tpot"}
    for limit in promises:
        if limit.name == "memory" and limit.used > 1 - TIGHT:
            notes.append(f"memory is tight: {100 * (1 - limit.used):.1f} % is left")
        quantity = quantities.get(limit.name)
        band = band_for(choice.engine, quantity, badge) if quantity else None
        if band and limit.used * band.p90 > 1:
            notes.append(
                f"{limit.name} is kept in the median case, but one case in ten takes {band.p90:.2f} times longer"
            )
    return notes


def _binding(limit: Limit) -> str:
    return f"{limit.name}: {100 * limit.used:.0f} % of the limit"


def hosted(spec: ModelSpec, needs: Needs, suits: Suited, quality: Quality | None) -> list[Recommendation]:
    """A model behind an API: prices are known, latency is the provider's and is not promised.

    A provider has machines for many customers, so a rate that cannot be checked makes no promise doubtful.
    """
    if not spec.prices or context_problem(spec, needs):
        return []
    price, wanted = spec.prices[0], needs.requirements
    asked = {
        "first token": needs.ttft_s, "per token": needs.tpot_s, "whole answer": wanted.e2e_s,
        "throughput": wanted.tokens_per_s,
    }  # fmt: skip
    unchecked = [name for name, value in asked.items() if value]
    notes = [f"{' and '.join(unchecked)} not checked: the provider publishes no latency"] if unchecked else []
    dollars = needs.input_tokens * price.input_usd_per_mtok + needs.output_tokens * price.output_usd_per_mtok
    return [
        Recommendation(
            family="api", model=spec.id, weights="–", kv="–", machine=None, n_gpus=0, engine=price.provider, badge=None,
            memory_bytes_per_gpu=None, usable_bytes=None, ttft_s=None, full_context_ttft_s=None, tpot_s=None,
            tokens_per_s=None, usd_per_million_input_tokens=price.input_usd_per_mtok,
            usd_per_million_output_tokens=price.output_usd_per_mtok, usd_per_hour=None, total_params=None,
            active_params=None, quality=None if quality is None else quality.cautious,
            evidence=() if quality is None else quality.evidence, score=0.0, reason=suits.reason,
            binding="latency is the provider's", margins={}, notes=tuple(notes),
            usd_per_thousand_requests=dollars * 1e-3, p_meets=None if set(unchecked) - {"throughput"} else 1.0,
            lineage=lineage_of(spec), grade=suits.grade, grade_share=GRADE_SHARES[suits.grade],
        )
    ]  # fmt: skip
