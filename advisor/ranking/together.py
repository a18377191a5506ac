"""The probability that all promises of time are kept together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from advisor.ranking.chance import Errors

if TYPE_CHECKING:
    from advisor.ranking.promises import Limit

NODES = 256
"""Quantiles of the first token's error over which the rest is averaged."""
TIMED = ("first token", "per token", "whole answer", "throughput")
"""Promises of which errors were measured."""


def joint_chance(
    promises: list[Limit], first: Errors, each: Errors | None, ttft_s: float, further_s: float
) -> float | None:
    """Probability that all promises of time are kept; ``None`` where that of one is unknown.

    First and further tokens err independently (``chance``). Where the whole answer or the throughput is promised
    besides one of them, the same draws must keep both: averaged over the first token's error, and never more than the
    chance of any one promise by itself.

    Args:
        promises: With the chance of each.
        first: Errors of the first token, of this choice alone.
        each: Errors of further tokens; ``None`` where the first is the answer.
        ttft_s: Predicted seconds to the first token.
        further_s: Predicted seconds of all tokens after it.
    """
    timed = [limit for limit in promises if limit.name in TIMED]
    chances = {limit.name: limit.chance for limit in timed if limit.chance is not None}
    if len(chances) < len(timed):
        return None
    apart = chances.get("first token", 1.0) * chances.get("per token", 1.0)
    least = min([apart, *chances.values()])
    by_name = {limit.name: limit for limit in timed}
    wholes = [_longest(by_name[name], ttft_s + further_s) for name in ("whole answer", "throughput") if name in by_name]
    if not wholes or each is None or not {"first token", "per token"} & set(by_name):
        return least
    return min(least, _both(by_name, first, each, ttft_s, further_s, min(wholes)))


def _longest(limit: Limit, whole_s: float) -> float:
    """Seconds that a whole answer may take; a throughput falls as answers take longer."""
    return limit.limit if limit.name == "whole answer" else whole_s * limit.limit / limit.value


def _both(
    limits: dict[str, Limit], first: Errors, each: Errors, ttft_s: float, further_s: float, whole_s: float
) -> float:
    """First and further tokens within their own limits, and their sum within ``whole_s``."""
    kept = limits["first token"].chance if "first token" in limits else 1.0
    assert kept is not None
    levels = kept * (np.arange(NODES) + 0.5) / NODES
    left = whole_s - ttft_s * first.quantile(levels)
    used = further_s / np.maximum(left, 1e-300)
    if "per token" in limits:
        used = np.maximum(used, limits["per token"].used)
    return float(kept * np.mean(np.where(left > 0, each.chance(used), 0.0)))
