"""Limits that are not about a way of running: the least quality, and an API's price at the rate asked for."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.quality import Quality
from advisor.ranking.rows import Recommendation
from advisor.rejection import Rejection
from advisor.report import percent_text, usd_text
from advisor.requirements import Needs, Requirements
from catalog.errors import BadInput
from catalog.loader import load
from catalog.values import dataclass


@dataclass(frozen=True, slots=True)
class Floor:
    """What must be reached."""

    least: float | None
    """As in ``Recommendation.quality``; ``None``: anything goes."""
    said: str = ""

    def problem(self, quality: float | None) -> str | None:
        """What is wrong with a quality; ``None`` if it suffices. Without evidence none does."""
        if self.least is None or (quality is not None and quality >= self.least):
            return None
        if quality is None:
            return f"no scores show that it reaches {self.said}"
        return f"quality {percent_text(quality)} is under {self.said}"

    def rejection(self, r: Recommendation) -> Rejection:
        """A model that keeps every other promise."""
        copies = f"{r.copies} copies on " if r.copies > 1 else ""
        devices = f"{copies}{f'{r.n_gpus} × ' if r.n_gpus > 1 else ''}"
        change = "published scores" if r.quality is None else f"quality floor ≤ {int(1000 * r.quality) / 10:g} %"
        return Rejection(
            r.model, r.family, f"{r.weights}, cache {r.kv}, {devices}{r.machine}", (self.problem(r.quality) or "",),
            change, 2.0 if not r.quality else (self.least or 0) / r.quality,
        )  # fmt: skip


def over_budget(r: Recommendation, needs: Needs) -> str | None:
    """Whether a hosted model costs more than the budget at the rate asked for; unknown without a rate."""
    wanted = needs.requirements
    if not (wanted.budget_usd_per_hour and wanted.requests_per_s and r.usd_per_thousand_requests):
        return None
    hourly = wanted.requests_per_s * 3.6 * r.usd_per_thousand_requests
    if hourly <= wanted.budget_usd_per_hour:
        return None
    return f"at {wanted.requests_per_s:g} requests/s it costs more than {usd_text(wanted.budget_usd_per_hour)} an hour"


def floor_of(wanted: Requirements, quality: Mapping[str, Quality]) -> Floor:
    """The higher of both floors.

    Raises:
        BadInput: If the model to be reached is unknown, or has no scores at the task.
    """
    least, said = wanted.quality_floor, f"{percent_text(wanted.quality_floor or 0)}"
    if wanted.at_least:
        spec = load(wanted.at_least)
        if spec.id not in quality:
            raise BadInput(f"at_least: no published score speaks for {spec.id} at {wanted.task}; name another model")
        reached = quality[spec.id].cautious
        if least is None or reached > least:
            least, said = reached, f"that of {spec.id}, {percent_text(reached)}"
    return Floor(least, said)
