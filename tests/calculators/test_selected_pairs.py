"""Pairs that sparse attention needs, against counting them one by one."""

from __future__ import annotations

import numpy as np
import pytest

from calculators.measures import Chosen, Handed, Measure
from calculators.pairs import Pairs
from calculators.selections import ChosenBlockPairs
from calculators.summaries import ChosenSummaries, Summaries, SummaryPairs, Unsummarised
from calculators.workload import Stream, Workload

TEXT = Stream()
STEPS = [(past, new) for past in (0, 1, 5, 12, 31) for new in (1, 2, 7, 20)]


def value(measure: Measure, past: int, new: int) -> int:
    return int(np.asarray(measure.value(Workload.exact(3, new, past))).item())


@pytest.mark.parametrize(("past", "new"), STEPS)
@pytest.mark.parametrize("top_k", [1, 3, 100])
def test_an_indexer_leaves_each_query_its_top_tokens(past: int, new: int, top_k: int) -> None:
    seen = sum(min(p + 1, top_k) for p in range(past, past + new))
    assert value(Pairs(TEXT, "needed", window=top_k), past, new) == 3 * seen
    assert value(Chosen(TEXT, top_k), past, new) == 3 * min(past + new, new * top_k)


@pytest.mark.parametrize(("past", "new"), STEPS)
@pytest.mark.parametrize(("block", "top_k"), [(1, 1), (3, 2), (4, 1), (5, 3), (2, 100)])
def test_an_indexer_of_blocks_leaves_whole_blocks_and_the_own_one_so_far(
    past: int, new: int, block: int, top_k: int
) -> None:
    seen = sum(p % block + 1 + block * min(p // block, top_k - 1) for p in range(past, past + new))
    assert value(ChosenBlockPairs(TEXT, block, top_k), past, new) == 3 * seen


@pytest.mark.parametrize(("past", "new"), STEPS)
@pytest.mark.parametrize("rate", [1, 3, 8])
@pytest.mark.parametrize("top_k", [None, 1, 2])
def test_a_query_sees_the_summaries_that_were_complete_with_it(
    past: int, new: int, rate: int, top_k: int | None
) -> None:
    complete = [(p + 1) // rate for p in range(past, past + new)]
    seen = sum(count if top_k is None else min(count, top_k) for count in complete)
    assert value(SummaryPairs(TEXT, rate, "needed", top_k), past, new) == 3 * seen
    assert value(SummaryPairs(TEXT, rate, "executed"), past, new) == 3 * new * complete[-1]
    assert value(Summaries(TEXT, rate), past, new) == 3 * complete[-1]
    assert value(Unsummarised(TEXT, rate), past, new) == 3 * (past + new - rate * complete[-1])
    read = complete[-1] if top_k is None else min(complete[-1], new * top_k)
    assert value(ChosenSummaries(TEXT, rate, top_k), past, new) == 3 * read


@pytest.mark.parametrize(("past", "new"), STEPS)
def test_a_windowed_cache_hands_over_one_token_less_than_the_window(past: int, new: int) -> None:
    assert value(Handed(TEXT, 6), past, new) == 3 * (min(past, 5) + new)
    assert value(Handed(TEXT), past, new) == 3 * (past + new)
