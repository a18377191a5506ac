"""The busiest device of an expert-parallel group: closed forms against draws, and what must hold for any of them."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from advisor.fit.routing import power_law
from calculators.imbalance import (
    BALANCED,
    DEFAULT,
    UNIFORM,
    Routing,
    busiest_visited,
    busiest_visits,
    most_visited,
    normal_maximum,
    routing,
    visited,
)
from calculators.params import architecture_of
from calculators.plan import Layout
from calculators.table import compile_table
from calculators.workload import Workload
from catalog.loader import load

SHAPES = [(8, 2, 2), (16, 1, 4), (60, 4, 8), (128, 4, 8), (256, 8, 8), (256, 8, 32), (512, 10, 4)]
TOKENS = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 8192], dtype=np.float64)
SKEWS = [UNIFORM, Routing("power_law", 1.01), Routing("power_law", 1.2)]


def drawn(tokens: int, experts: int, top_k: int, parts: int) -> tuple[float, float]:
    """Means of the most experts visited and of the most visits on one device; each token chooses at random."""
    rng = np.random.default_rng((tokens, experts, parts))
    seen, loads = [], []
    for _ in range(max(60, min(600, 20_000 // tokens))):
        chosen = np.argsort(rng.random((tokens, experts)), axis=1)[:, :top_k]
        devices = np.array_split(np.bincount(chosen.ravel(), minlength=experts), parts)
        seen.append(max(np.count_nonzero(own) for own in devices))
        loads.append(max(own.sum() for own in devices))
    return float(np.mean(seen)), float(np.mean(loads))


@pytest.mark.parametrize(("experts", "top_k", "parts"), SHAPES)
def test_the_busiest_device_of_random_routing_is_as_drawn(experts, top_k, parts):
    for tokens in (1, 8, 64, 512):
        seen, loads = drawn(tokens, experts, top_k, parts)
        at = np.array([float(tokens)])
        assert busiest_visited(at, experts, top_k, parts)[0] == pytest.approx(seen, rel=0.05)
        assert top_k * busiest_visits(at, experts, top_k, parts)[0] == pytest.approx(loads, rel=0.12)


def test_the_most_visited_device_is_exact_for_a_case_worked_out_by_hand():
    # Four experts on two devices: of two visited ones, two of six pairs lie together.
    assert most_visited(4, 2) == pytest.approx([0, 1, (2 * 2 + 4 * 1) / 6, 2, 2])


def test_the_most_visited_device_agrees_with_counting_all_subsets_also_where_devices_differ():
    home = [0, 0, 0, 1, 1, 2, 2]  # seven experts on three devices
    for count, found in enumerate(most_visited(7, 3)):
        subsets = list(combinations(home, count))
        assert found == pytest.approx(np.mean([max(s.count(d) for d in range(3)) for s in subsets]))


def test_the_maximum_of_normal_variables_is_that_of_the_tables():
    # Teichroew, Annals of Mathematical Statistics 27 (1956): 2, 3, 5 and 10 variables.
    for n, expected in ((1, 0.0), (2, 0.56419), (3, 0.84628), (5, 1.16296), (10, 1.53875)):
        assert normal_maximum(n) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("how", [*SKEWS, BALANCED])
def test_one_device_gets_all_visits(how):
    assert np.array_equal(busiest_visits(TOKENS, 256, 8, 1, how), TOKENS)
    assert np.array_equal(busiest_visited(TOKENS, 256, 8, 1, how), visited(TOKENS, 256, 8, how))


@pytest.mark.parametrize("how", SKEWS)
@pytest.mark.parametrize(("experts", "top_k"), [(8, 2), (128, 8), (512, 10)])
def test_more_devices_leave_the_busiest_less_but_a_larger_share(how, experts, top_k):
    for count in (busiest_visits, busiest_visited):
        loads = [count(TOKENS, experts, top_k, parts, how) for parts in (1, 2, 4, 8)]
        for parts, fewer, more in zip((2, 4, 8), loads, loads[1:], strict=False):
            assert np.all(more <= fewer + 1e-9)
            assert np.all(more * parts >= fewer * (parts // 2) - 1e-9)


@pytest.mark.parametrize("parts", [2, 8, 32])
def test_skew_fills_the_busiest_device_and_leaves_other_experts_unvisited(parts):
    order = [BALANCED, *SKEWS]
    loads = [busiest_visits(TOKENS[3:], 256, 8, parts, how) for how in order]
    seen = [visited(TOKENS, 256, 8, how) for how in order]
    for less, more in pairwise(loads):
        assert np.all(more >= less * 0.999)
    assert loads[-1][-1] > loads[1][-1] * 1.02
    for even, skewed in zip([seen[0], seen[1], seen[1]], seen[1:], strict=True):
        assert np.all(skewed <= even + 1e-9)
        assert skewed[4] < even[4] * 0.95


@pytest.mark.parametrize("how", [*SKEWS, BALANCED])
def test_nothing_is_visited_without_tokens_and_all_with_many(how):
    ends = np.array([0.0, 2.0**22])
    assert busiest_visited(ends, 64, 6, 8, how) == pytest.approx([0, 8], rel=1e-3)
    assert busiest_visits(ends, 64, 6, 8, how)[0] == 0
    assert np.all(np.diff(busiest_visited(np.arange(1.0, 2000), 64, 6, 8, how)) > -1e-9)


@pytest.mark.parametrize("exponent", [1.01, 1.2])
@pytest.mark.parametrize(("tokens", "parts"), [(64, 4), (512, 8), (512, 32), (4096, 8)])
def test_a_power_law_is_that_of_the_measured_tables(exponent, tokens, parts):
    seen, pairs = power_law(tokens, 256, 8, parts, exponent)
    at, how = np.array([float(tokens)]), Routing("power_law", exponent)
    assert busiest_visited(at, 256, 8, parts, how)[0] == pytest.approx(seen, rel=0.13)
    assert 8 * busiest_visits(at, 256, 8, parts, how)[0] == pytest.approx(pairs, rel=0.13)


def test_names_of_routing_are_read_and_wrong_ones_refused():
    assert routing("uniform") == UNIFORM
    assert routing("") == routing("skewed") == DEFAULT
    assert routing("power_law:1.2") == routing("power_law_1.2") == Routing("power_law", 1.2)
    assert [str(routing(text)) for text in ("balanced", "skewed")] == ["balanced", "power_law:1.01"]
    for text in ("zipf", "power_law", "power_law:9", "power_law:0.1"):
        with pytest.raises(ValueError, match="routing"):
            routing(text)


def test_times_follow_the_busiest_device_and_counts_the_mean_one():
    w, layout = Workload.of([16], 1, 100), Layout(tp=8, ep=8)
    table = compile_table(architecture_of(load("deepseek-v3")), layout, UNIFORM)
    skewed = compile_table(architecture_of(load("deepseek-v3")), layout, Routing("power_law", 1.2))
    assert np.array_equal(table.values(w), skewed.values(w))
    row = next(i for i, op in enumerate(table.operators) if op.name.endswith("experts.down"))
    mean, busiest = (table.touched[row] @ values for values in (table.values(w), table.timed(w)))
    assert busiest[0] / mean[0] == pytest.approx(
        busiest_visited(np.array([16.0]), 256, 8, 8)[0] * 8 / visited(np.array([16.0]), 256, 8)[0]
    )
    assert not np.array_equal(table.timed(w), skewed.timed(w))


def test_without_expert_parallelism_random_routing_times_what_is_counted():
    w = Workload.of([1, 16, 512], 1, 100)
    for layout in (Layout(), Layout(tp=8)):
        table = compile_table(architecture_of(load("deepseek-v3")), layout, UNIFORM)
        assert np.array_equal(table.values(w), table.timed(w))
