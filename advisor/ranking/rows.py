"""What a recommendation says: rows of the shortlist, points of the picture, and the answer that holds them."""

from __future__ import annotations

from dataclasses import asdict, field
from typing import Any

from advisor.decision.suited import Grade
from advisor.rejection import Rejection
from catalog.values import dataclass


@dataclass(frozen=True, slots=True)
class Variant:
    """A near-duplicate of a recommended model: the same organisation's other release of the same architecture."""

    model: str
    quality: float | None
    score: float
    weights: str
    machine: str | None
    n_gpus: int


@dataclass(frozen=True, slots=True)
class Point:
    """A model that keeps every promise, as quality, latency and cost."""

    model: str
    family: str
    lineage: str
    quality: float | None
    latency_s: float | None
    """The whole answer; ``None`` behind an API, whose provider publishes none."""
    usd_per_thousand_requests: float | None
    score: float
    p_meets: float | None
    on_front: bool


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
    """Weighted utility of quality, cost and latency, times the probability that the promises are kept, times the share
    that the grade of the family leaves."""
    reason: str
    binding: str
    """The promise that leaves least room."""
    margins: dict[str, float]
    """Share of each limit that is left."""
    notes: tuple[str, ...]
    pp: int = 1
    """Pipeline stages among the devices, each on a node of its own."""
    latency_s: float | None = None
    """From the request to the last token."""
    usd_per_thousand_requests: float | None = None
    """At the prompts, answers and users asked for, all of them served without pause."""
    p_meets: float | None = None
    """Probability that all promises of time are kept; ``None`` where nobody can tell, 1 where none is asked for."""
    chances: dict[str, float] = field(default_factory=dict)
    """The same for each promise."""
    on_front: bool = False
    """Whether no other model with evidence is at least as good in quality, latency and cost, and better in one."""
    grade: Grade = "preferred"
    """How the family suits the task in this case, after what turns the usual answer round."""
    grade_share: float = 1.0
    """Share of the score that the grade leaves (``ranking.weights.GRADE_SHARES``)."""
    lineage: str = ""
    """The oldest release of the same architecture by the same organisation."""
    variants: tuple[Variant, ...] = ()
    """The others of its lineage, the best first."""
    copies: int = 1
    """Of the model, each on ``n_gpus`` devices: as many as the users or the rate asked for need. Memory, times,
    throughput and the price per hour are those of one."""
    users_per_copy: int | None = None
    """Requests at a time on each; ``None`` behind an API."""

    @property
    def devices(self) -> int:
        """Of all copies together."""
        return self.n_gpus * self.copies

    @property
    def ungraded(self) -> float:
        """The score without regard to the grade."""
        return self.score / self.grade_share


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
    points: tuple[Point, ...] = ()
    """Every model that keeps every promise, the best score first."""
    weights: dict[str, float] = field(default_factory=dict)
    """What quality, cost and latency weigh; they add up to 1."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)
