"""Promises of tokens and of the whole answer, kept by the same draws."""

from __future__ import annotations

import numpy as np
import pytest

from advisor.ranking.chance import Errors
from advisor.ranking.promises import Limit
from advisor.ranking.together import joint_chance

FIRST = Errors(np.array([0.0]), np.array([0.3]), np.array([0.5]))
EACH = Errors(np.array([0.1]), np.array([0.2]), np.array([0.2]))
TTFT, FURTHER = 1.0, 4.0


def drawn(ratio_limit_first: float, ratio_limit_each: float, whole: float) -> float:
    rng = np.random.default_rng(7)
    first, each = FIRST.quantile(rng.random(400_000)), EACH.quantile(rng.random(400_000))
    kept = (first <= ratio_limit_first) & (each <= ratio_limit_each) & (TTFT * first + FURTHER * each <= whole)
    return float(np.mean(kept))


def limits(first: float, each: float, whole: float) -> list[Limit]:
    return [
        Limit("first token", TTFT, first * TTFT, "s", float(FIRST.chance(np.array([1 / first]))[0])),
        Limit("per token", 1.0, each, "s", float(EACH.chance(np.array([1 / each]))[0])),
        Limit("whole answer", TTFT + FURTHER, whole, "s", 1.0),
    ]


@pytest.mark.parametrize(
    ("first", "each", "whole"), [(1.5, 1.2, 5.2), (1.2, 1.4, 5.8), (3.0, 3.0, 6.0), (1.5, 1.2, 99.0)]
)
def test_all_limits_together_are_kept_as_often_as_in_draws(first, each, whole):
    found = joint_chance(limits(first, each, whole), FIRST, EACH, TTFT, FURTHER)
    assert found == pytest.approx(drawn(first, each, whole), abs=0.004)


def test_it_is_below_the_product_where_the_whole_binds_and_the_product_where_it_does_not():
    loose, tight = (joint_chance(limits(1.5, 1.2, whole), FIRST, EACH, TTFT, FURTHER) for whole in (99.0, 5.2))
    product = np.prod([limit.chance for limit in limits(1.5, 1.2, 99.0)])
    assert loose == pytest.approx(product)
    assert tight is not None
    assert tight < 0.95 * product
    assert joint_chance([Limit("per token", 1.0, 2.0, "s", None)], FIRST, EACH, TTFT, FURTHER) is None
