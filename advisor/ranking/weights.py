"""What quality, cost and latency weigh, and how a price and a time become a number between 0 and 1.

Cost and latency count by their logarithms between fixed ends, so no model changes the score of another, and a score
means the same in every shortlist. A price ten times as high costs a fifth of the cost's weight.
"""

from __future__ import annotations

import numpy as np

from advisor.decision.suited import Grade
from advisor.requirements import PRESETS, Needs, Requirements
from catalog.errors import BadInput
from catalog.values import dataclass

DOLLARS = (1e-3, 1e2)
"""Per million tokens read or written: the price that counts as free (1), and the one that counts as too much (0).
Encoders on rented cards reach the one, the dearest list prices of closed models the other (``catalog/models``)."""
TOKEN_S = (1e-3, 1.0)
"""Time of an answer per token written: 1 at a thousand tokens a second, 0 at one."""
PASS_S = (1e-3, 100.0)
"""Time of an answer that is no text, such as a label or a picture."""
GRADE_SHARES: dict[Grade, float] = {"preferred": 1.0, "acceptable": 0.75, "poor": 0.0}
"""What a score keeps by how the family suits the task in the case at hand.

Benchmarks do not tell all that speaks for or against a family and is written in its reason, such as longer vectors,
text that leaves the house, or training that it lacks. So an acceptable family must lead by a third of its score; a poor
one is left out. The value is a judgement, not measured: the engineers' answers in ``tests/decisions``, which were
written down before, come out with any value from 0.70 to 0.78.
"""
UNKNOWN = 0.5
"""What an unknown price or time counts for: the middle."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Shares that add up to 1."""

    quality: float
    cost: float
    latency: float


def weights_of(wanted: Requirements) -> Weights:
    """The weights asked for: single ones before those of the preset.

    Raises:
        BadInput: If nothing weighs anything.
    """
    preset = PRESETS[wanted.preset]
    given = (wanted.quality_weight, wanted.cost_weight, wanted.latency_weight)
    found = [usual if own is None else own for own, usual in zip(given, preset, strict=True)]
    total = sum(found)
    if total <= 0:
        raise BadInput("weights: quality, cost and latency weigh nothing together; make one of them positive")
    return Weights(*(weight / total for weight in found))


def cost_utility(usd_per_thousand_requests: float | None, needs: Needs) -> float:
    """1 for free, 0 for too dear, by the price per token read or written."""
    if usd_per_thousand_requests is None:
        return UNKNOWN
    per_mtok = usd_per_thousand_requests * 1e3 / (needs.input_tokens + needs.output_tokens)
    return _log_share(per_mtok, *DOLLARS)


def latency_utility(answer_s: float | None, needs: Needs, *, writes: bool) -> float:
    """1 for at once, 0 for too slow."""
    if answer_s is None:
        return UNKNOWN
    return _log_share(answer_s / needs.output_tokens, *TOKEN_S) if writes else _log_share(answer_s, *PASS_S)


def _log_share(value: float, best: float, worst: float) -> float:
    return float(min(max(np.log(worst / max(value, 1e-300)) / np.log(worst / best), 0.0), 1.0))
