"""Hand-checkable cases: formulas of the papers, written out, against the calculators."""

from __future__ import annotations

import numpy as np
import pytest

from calculators import cache_bytes, count_flops, count_params, weight_bytes
from calculators.activations import peak_activation_bytes
from calculators.lowering import lower
from calculators.memory import kv_cache_bytes, state_bytes
from calculators.plan import tp_problem
from calculators.scaling import crossing, flops_terms, local_exponent, overtakes
from calculators.workload import Workload
from catalog.errors import BadInput
from catalog.loader import all_models, load, load_format

DISCLOSED = [spec for spec in all_models() if spec.is_disclosed]
TEXT = [s for s in DISCLOSED if s.family in ("decoder", "moe", "ssm", "hybrid", "encoder", "encoder-decoder")]


def test_parameters_of_llama_by_hand():
    # V·h in and out; per layer q, o (h·h), k, v (h·1024), three matrices of 14,336 and two norms; a norm at the end.
    h, vocab = 4096, 128256
    layer = 2 * h * h + 2 * h * 1024 + 3 * h * 14336 + 2 * h
    params = count_params(load("llama-3-8b"))
    assert params.total == params.active == 2 * vocab * h + 32 * layer + h == 8_030_261_248
    assert params.embedding == vocab * h


def test_mixtral_is_47_billion_because_only_feed_forwards_are_replicated():
    params = count_params(load("mixtral-8x7b"))
    assert params.total == 46_702_792_704
    assert params.active == 12_879_925_248


def test_flops_of_llama_by_hand():
    spec, s = load("llama-3-8b"), 2048
    matrices = 8_030_261_248 - 128256 * 4096 - 65 * 4096
    assert count_flops(spec, s) == 2 * s * matrices + 4 * 32 * s * s * 4096
    head = 2 * 128256 * 4096
    assert count_flops(spec, s, count="needed") == 2 * s * matrices - (s - 1) * head + 4 * 32 * s * (s + 1) // 2 * 4096


def test_a_decode_step_costs_two_flops_per_matrix_element_and_attends_to_all():
    spec, past = load("llama-3-8b"), 1000
    matrices = 8_030_261_248 - 128256 * 4096 - 65 * 4096
    assert count_flops(spec, 1, past) == 2 * matrices + 4 * 32 * (past + 1) * 4096
    assert count_flops(spec, 1, past, batch=7) == 7 * count_flops(spec, 1, past)


@pytest.mark.parametrize(
    ("model", "tokens", "gib"),
    [
        ("deepseek-v3", 131072, 61 * 576 * 2 * 131072 / 2**30),
        ("llama-3-8b", 131072, 16.0),
        ("jamba-v0.1", 262144, 4.0),
    ],
)
def test_caches_that_tools_get_wrong(model: str, tokens: int, gib: float):
    assert kv_cache_bytes(load(model), tokens) / 2**30 == pytest.approx(gib, rel=1e-12)


def test_state_of_falcon_mamba_is_36_mebibytes_at_any_length():
    spec = load("falcon-mamba-7b")
    assert cache_bytes(spec, 1) == cache_bytes(spec, 10**6) == state_bytes(spec) == 36 * 2**20


def test_a_window_caps_what_is_needed_but_not_what_is_reserved():
    spec = load("mistral-7b-v0.1")
    per_token = 2 * 32 * 8 * 128 * 2
    assert cache_bytes(spec, 32768) == 4096 * per_token
    assert cache_bytes(spec, 32768, policy="reserved") == 32768 * per_token
    assert cache_bytes(spec, 32768, policy="transformers") == 4095 * per_token


def test_an_eight_bit_cache_halves_what_grows_and_leaves_scan_states_alone():
    spec = load("jamba-v0.1")
    assert kv_cache_bytes(spec, 4096, dtype="fp8") * 2 == kv_cache_bytes(spec, 4096)
    assert state_bytes(spec, dtype="fp8") == state_bytes(spec)


@pytest.mark.parametrize("spec", TEXT, ids=lambda spec: spec.id)
def test_no_kernel_needs_more_than_the_reference_executes_in_a_prefill(spec):
    assert 0 < count_flops(spec, 96, count="needed") <= count_flops(spec, 96)


@pytest.mark.parametrize("spec", DISCLOSED, ids=lambda spec: spec.id)
def test_bytes_in_16_bits_are_two_per_parameter(spec):
    assert weight_bytes(spec, load_format("bf16")) == 2 * count_params(spec).total


@pytest.mark.parametrize("spec", DISCLOSED, ids=lambda spec: spec.id)
def test_operators_stand_in_topological_order(spec):
    graph = lower(spec.architecture)
    assert all(producer < consumer for producer, consumer in graph.edges)


@pytest.mark.parametrize("model", ["llama-3-70b", "qwen3-30b-a3b", "mamba2-2.7b", "deepseek-v3", "gpt-oss-120b"])
def test_devices_share_matrices_evenly_and_replicate_key_value_heads(model: str):
    spec, bf16 = load(model), load_format("bf16")
    assert tp_problem(spec.architecture, 8) is None
    share = weight_bytes(spec, bf16, 8) / weight_bytes(spec, bf16)
    assert 1 / 8 <= share < 1 / 6


def test_eight_devices_and_four_key_value_heads_keep_one_head_each():
    spec = load("qwen3-30b-a3b")  # 4 key-value heads

    def core(tp: int) -> float:
        op = next(o for o in lower(spec.architecture, tp) if o.states)
        return float(op.states[0].elements.value(Workload.of(1, 0, 100)))

    assert core(4) == core(8) == core(1) / 4


def test_attention_scores_appear_only_in_eager_activations():
    spec, w = load("llama-3-8b"), Workload.of(1, 4096)
    flash, eager = (float(peak_activation_bytes(spec.architecture, w, profile=p)) for p in ("flash", "eager"))
    assert eager - flash > 0
    assert eager >= 32 * 4096**2 * 2


def test_exponents_are_one_for_a_state_space_and_approach_two_for_attention():
    n = np.array([1024.0, 2.0**24])
    mamba = local_exponent(lower(load("mamba-2.8b").architecture), n)
    llama = local_exponent(lower(load("llama-3-8b").architecture), n)
    assert mamba == pytest.approx([1, 1], abs=2e-3)
    assert 1 < llama[0] < 1.1
    assert llama[1] == pytest.approx(2, abs=0.01)


def test_attention_overtakes_where_the_terms_are_equal():
    graph = lower(load("llama-3-8b").architecture)
    at = overtakes(graph)
    assert at is not None
    before, after = (flops_terms(graph, np.array([n])) for n in (at - 1, at))
    assert before[1] < before[0]
    assert after[1] >= after[0]
    assert overtakes(lower(load("mamba-2.8b").architecture)) is None


def test_crossings_lie_between_points_and_know_who_was_cheaper():
    x = np.array([1.0, 10.0, 100.0])
    assert crossing(x, x**2, 20 * x) == [(20, True)]
    assert crossing(x, 20 * x, x**2) == [(20, False)]
    assert crossing(x, x, x + 1) == []


def test_undisclosed_models_are_never_guessed():
    for question in (count_params, count_flops, lambda spec: cache_bytes(spec, 1)):
        with pytest.raises(BadInput, match="undisclosed"):
            question(load("gpt-4o"))


def test_negative_counts_and_unknown_names_are_refused():
    spec = load("gpt2")
    with pytest.raises(ValueError, match="must not be negative"):
        count_flops(spec, -1)
    with pytest.raises(BadInput, match="bf16"):
        cache_bytes(spec, 10, dtype="bf61")
    with pytest.raises(BadInput, match="needed"):
        cache_bytes(spec, 10, policy="neded")
