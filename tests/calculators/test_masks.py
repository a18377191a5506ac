"""Pairs that a mask lets through, against the mask itself."""

from __future__ import annotations

import numpy as np
import pytest

from calculators.pairs import Pairs
from calculators.workload import Stream, Workload


@pytest.mark.parametrize("past", [0, 1, 4, 5, 12])
@pytest.mark.parametrize("new", [1, 3, 5, 11])
@pytest.mark.parametrize("size", [1, 3, 5, 40])
def test_pairs_within_blocks_are_those_of_the_mask(past: int, new: int, size: int) -> None:
    query, key = np.arange(past, past + new)[:, None], np.arange(past + new)[None, :]
    mask = (key <= query) & (key // size == query // size)
    pairs = Pairs(Stream(), "needed", window=size, blocks=True)
    assert pairs.value(Workload.exact(2, new, past)) == 2 * mask.sum()


@pytest.mark.parametrize("new", [1, 3, 11])
def test_a_prompt_that_sees_itself_in_both_directions_is_a_square_and_what_follows_is_causal(new: int) -> None:
    pairs = Pairs(Stream(), "needed", prefix=True)
    assert pairs.value(Workload.exact(1, new)) == new * new
    assert pairs.value(Workload.exact(1, 2, new)) == 2 * new + 3
