"""Measures against brute force: count the pairs one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from calculators.form import Form, per
from calculators.measures import NEEDED, RESERVED, TRANSFORMERS, Context, Distinct, Held, Sequences, Tokens
from calculators.pairs import Pairs
from calculators.scan_measures import ChunkPairs, Chunks
from calculators.workload import Stream, Workload

TEXT = Stream("text")
small = st.integers(1, 40)


def exact(measure, w: Workload, policy=NEEDED) -> int:
    return int(measure.value(w, policy))


@given(batch=st.integers(1, 4), new=small, past=st.integers(0, 40), window=st.none() | small)
def test_causal_pairs_are_those_the_mask_lets_through(batch: int, new: int, past: int, window: int | None):
    seen = sum(
        1
        for query in range(past, past + new)
        for key in range(past + new)
        if key <= query and (window is None or query - key < window)
    )
    w = Workload.exact(batch, new, past)
    assert exact(Pairs(TEXT, "needed", True, window), w) == batch * seen


@given(new=small, reach=st.none() | st.integers(1, 40))
def test_bidirectional_pairs_are_a_band(new: int, reach: int | None):
    seen = sum(1 for a in range(new) for b in range(new) if reach is None or abs(a - b) <= reach)
    assert exact(Pairs(TEXT, "needed", False, reach), Workload.exact(1, new)) == seen


@given(new=small, past=st.integers(0, 40), window=st.none() | small)
def test_no_kernel_needs_more_pairs_than_the_eager_one_executes(new: int, past: int, window: int | None):
    w = Workload.exact(1, new, past)
    assert exact(Pairs(TEXT, "needed", True, window), w) <= exact(Pairs(TEXT, "executed", True, window), w)


@given(new=st.integers(1, 200), chunk=st.integers(1, 64))
def test_chunk_pairs_are_the_triangles_of_the_blocks(new: int, chunk: int):
    seen = sum(1 for a in range(new) for b in range(a + 1) if a // chunk == b // chunk)
    w = Workload.exact(1, new)
    assert exact(ChunkPairs(TEXT, chunk, "needed"), w) == seen
    assert exact(ChunkPairs(TEXT, chunk, "executed"), w) == exact(Chunks(TEXT, chunk), w) * chunk**2
    blocks = [len(range(new)[first : first + chunk]) for first in range(0, new, chunk)]
    assert exact(ChunkPairs(TEXT, chunk, "unpadded"), w) == sum(block**2 for block in blocks)
    assert exact(ChunkPairs(TEXT, chunk, "whole"), w) == sum(block**2 for block in blocks if block == chunk)


@given(first=small, second=small, window=st.none() | small)
def test_reading_in_two_parts_needs_the_same_pairs_as_reading_at_once(first: int, second: int, window: int | None):
    pairs = Pairs(TEXT, "needed", True, window)
    split = exact(pairs, Workload.exact(1, first)) + exact(pairs, Workload.exact(1, second, first))
    assert split == exact(pairs, Workload.exact(1, first + second))


def test_policies_differ_in_what_they_keep_of_a_window():
    w, held = Workload.exact(1, 0, 1000), Held(TEXT, 100)
    assert exact(held, w) == 100
    assert exact(held, w, TRANSFORMERS) == 99
    assert exact(held, w, RESERVED) == 1008
    assert exact(Context(TEXT, 100), w) == 100


@given(tokens=st.integers(0, 10_000), experts=st.integers(1, 256), data=st.data())
def test_distinct_experts_lie_between_one_tokens_and_all(tokens: int, experts: int, data: st.DataObject):
    k = data.draw(st.integers(1, experts))
    visited = float(Distinct(TEXT, experts, k).value(Workload.of(1, tokens)))
    assert visited <= experts * (1 + 1e-12)
    if tokens:
        assert visited >= k * (1 - 1e-12)
    else:
        assert visited == 0


def test_mixtral_touches_two_experts_with_one_token_and_eight_with_many():
    distinct = Distinct(TEXT, 8, 2)
    assert float(distinct.value(Workload.of(1, 1))) == 2
    assert abs(float(distinct.value(Workload.of(64, 1))) - 8) < 1e-6


@given(batch=small, new=small, past=st.integers(0, 100), a=st.integers(-9, 9), b=st.integers(-9, 9))
def test_a_form_is_linear_and_exact(batch: int, new: int, past: int, a: int, b: int):
    first, second = per(Tokens(TEXT), a), Form({Sequences(TEXT): b, Tokens(TEXT): 1})
    w = Workload.exact(batch, new, past)
    assert int((first + second * 3).value(w)) == int(first.value(w)) + 3 * int(second.value(w))
    assert int((first - first).value(w)) == 0


def test_exact_workloads_never_round():
    w = Workload.exact(3, 2**31 + 1, 2**33)
    n, past = 2**31 + 1, 2**33
    total = past + n
    assert exact(Pairs(TEXT, "needed"), w) == 3 * (total * (total + 1) // 2 - past * (past + 1) // 2)


def test_arrays_and_single_workloads_agree():
    batches, news = np.array([1, 2, 3]), np.array([5, 6, 7])
    many = Pairs(TEXT, "needed").value(Workload.of(batches, news, 4))
    assert [
        exact(Pairs(TEXT, "needed"), Workload.exact(int(b), int(n), 4)) for b, n in zip(batches, news, strict=True)
    ] == many.tolist()
