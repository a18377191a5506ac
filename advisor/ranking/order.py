"""Scores, the order of models, and which of them stand for their lineages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from advisor.ranking.front import on_front
from advisor.ranking.rows import Point, Recommendation, Variant
from advisor.ranking.weights import Weights, cost_utility, latency_utility
from advisor.requirements import Needs
from catalog.values import changed


def score_of(r: Recommendation, needs: Needs, weights: Weights) -> float:
    """Weighted utility times the probability of keeping the promises, times what the family's grade leaves of it.

    A promise that nobody can check (an API's latency) counts as kept with the least probability that is admitted: it is
    neither a reason to reject nor taken for granted. A model without evidence has no quality to count.
    """
    utility = (
        weights.quality * (r.quality or 0.0)
        + weights.cost * cost_utility(r.usd_per_thousand_requests, needs)
        + weights.latency * latency_utility(r.latency_s, needs, writes=r.tpot_s is not None)
    )
    kept = needs.requirements.confidence if r.p_meets is None else r.p_meets
    return utility * kept * r.grade_share


def in_order(found: Sequence[Recommendation], needs: Needs, weights: Weights) -> list[Recommendation]:
    """Best score first; models without evidence follow those that have it; equal ones by price, then by name."""
    front = on_front(
        [r.quality for r in found], [r.latency_s for r in found], [r.usd_per_thousand_requests for r in found]
    )
    scored = [
        changed(r, score=score_of(r, needs, weights), on_front=bool(best)) for r, best in zip(found, front, strict=True)
    ]
    return sorted(
        scored,
        key=lambda r: (r.quality is None, -r.score, r.usd_per_thousand_requests or 0.0, r.model),
    )


def shortlist(ranked: Iterable[Recommendation], limit: int) -> tuple[Recommendation, ...]:
    """The best of each lineage, with the others of it inside."""
    groups: dict[str, list[Recommendation]] = {}
    for r in ranked:
        groups.setdefault(r.lineage, []).append(r)
    return tuple(
        changed(first, variants=tuple(_variant(r) for r in others)) for first, *others in list(groups.values())[:limit]
    )


def _variant(r: Recommendation) -> Variant:
    return Variant(r.model, r.quality, r.score, r.weights, r.machine, r.n_gpus)


def points_of(ranked: Iterable[Recommendation]) -> tuple[Point, ...]:
    """All of them, for a picture."""
    return tuple(
        Point(r.model, r.family, r.lineage, r.quality, r.latency_s, r.usd_per_thousand_requests, r.score, r.p_meets,
              r.on_front)
        for r in ranked
    )  # fmt: skip
