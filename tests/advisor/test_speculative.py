"""Speculative decoding: equation 1 of arXiv:2211.17192, measured acceptance, and where it stops paying."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from advisor import estimate
from advisor.cli import cli
from calculators import cache_bytes, count_params, weight_bytes
from calculators.speculative import acceptance_rate, expected_tokens
from catalog.errors import BadInput
from catalog.loader import acceptance_curves, load, load_format

BIG = {"model": "llama-3.1-70b", "machine": "h100-sxm", "tp": 4, "speculate": "draft:llama-3.2-1b"}


def test_expected_tokens_are_a_geometric_sum():
    assert float(expected_tokens(0.8, 4)) == pytest.approx(1 + 0.8 + 0.8**2 + 0.8**3 + 0.8**4)
    assert float(expected_tokens(1.0, 4)) == 5
    assert float(expected_tokens(0.0, 4)) == 1


@given(st.floats(0.001, 0.999), st.integers(1, 16))
def test_a_rate_comes_back_from_the_length_that_it_gives(rate, drafted):
    length = float(expected_tokens(rate, drafted))
    assert 1 < length < drafted + 1
    assert float(expected_tokens(acceptance_rate(length, drafted), drafted)) == pytest.approx(length)


def test_a_token_costs_a_round_over_what_it_yields():
    e = estimate(**BIG, acceptance=2.5, speculative_tokens=3)
    s = e.speculation
    assert s is not None
    assert e.time.tpot_s.p50 == pytest.approx((s.draft_s + s.verify_s) / 2.5)
    assert s.gain == pytest.approx(s.plain_tpot_s / e.time.tpot_s.p50)
    assert s.plain_tpot_s == pytest.approx(estimate(**{**BIG, "speculate": ""}).time.tpot_s.p50)
    assert s.gain > 1.5


def test_guesses_that_are_never_right_cost_time_and_never_pay():
    s = estimate(**BIG, acceptance=1.0).speculation
    assert s.gain < 1
    assert s.pays_to_batch is None


def test_all_guesses_right_is_the_largest_gain_and_more_is_impossible():
    best, good = (estimate(**BIG, acceptance=a).speculation.gain for a in (4, 3))
    assert best == pytest.approx(good * 4 / 3, rel=1e-3)  # the draft reads one token more
    with pytest.raises(BadInput, match="at most 4"):
        estimate(**BIG, acceptance=4.1)


def test_speculation_stops_paying_at_the_batch_it_names():
    asked = {**BIG, "acceptance": 2.0, "input_tokens": 128, "output_tokens": 64, "machine": "h200-sxm"}
    end = estimate(**asked).speculation.pays_to_batch
    assert 4 < end < 4096
    for batch, pays in ((end, True), (end + 1, False)):
        e = estimate(**asked, batch=batch)
        plain = estimate(**{**asked, "speculate": ""}, batch=batch)
        assert (e.time.decode_s.p50 < plain.time.decode_s.p50) is pays


def test_a_mixture_pays_for_the_experts_that_more_tokens_visit():
    def verify_over_step(model, **more):
        asked = {"model": model, "machine": "h200-sxm", "input_tokens": 64, "output_tokens": 16, **more}
        s = estimate(**asked, speculate="eagle3", acceptance=2.0).speculation
        return s.verify_s / s.plain_tpot_s

    dense, mixture = verify_over_step("llama-3.1-8b"), verify_over_step("qwen3-30b-a3b")
    assert dense < 1.1
    # Four tokens visit 128·(1 - (1 - 8/128)^4) = 29.1 experts on average, one visits 8; starting them costs the same.
    assert mixture > 1.25


def test_measured_models_have_their_own_acceptance_and_others_the_range_of_all():
    own = estimate(model="qwen3.5-397b-a17b", machine="b200-sxm", tp=8, speculate="mtp", speculative_tokens=4)
    curves = [c.lengths[3] for c in acceptance_curves().curves if c.model == "qwen3.5-397b-a17b"]
    assert own.speculation.acceptance.badge == "measured"
    assert {own.speculation.acceptance.p10, own.speculation.acceptance.p90} == {min(curves), max(curves)}
    other = estimate(model="deepseek-v3", machine="h200-sxm", tp=8, speculate="mtp", speculative_tokens=4)
    assert other.speculation.acceptance.badge == "class default"
    assert other.time.tpot_s.badge == "class default"
    plain = estimate(model="deepseek-v3", machine="h200-sxm", tp=8).time.tpot_s
    assert other.time.tpot_s.p90 / other.time.tpot_s.p10 > 1.3 * plain.p90 / plain.p10


def test_a_draft_needs_memory_and_shares_the_tables_of_its_target():
    plain, with_model, with_layer = (
        estimate(**{**BIG, "tp": 8, "speculate": how}, acceptance=2.0).memory
        for how in ("", "draft:llama-3.2-1b", "mtp")
    )
    small = load("llama-3.2-1b")
    assert with_model.draft_bytes > weight_bytes(small, load_format("bf16"), 8)
    assert with_model.total_bytes_per_gpu == pytest.approx(plain.total_bytes_per_gpu + with_model.draft_bytes)
    # One of 80 layers, split; a map from twice the width, on each device; a layer's cache; no table of words.
    target = load("llama-3.1-70b")
    words = 2 * 128256 * 8192
    layer = (count_params(target).total - words) / 80 * 2 / 8
    cache = cache_bytes(target, 2548) / 80 / 8
    assert with_layer.draft_bytes == pytest.approx(layer + 2 * 8192 * 8192 * 2 + cache, rel=0.001)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["llama-3.1-8b", "--speculate", "eagle"], "did you mean eagle3"),
        (["llama-3.1-8b", "--speculate", "draft:qwen2.5-0.5b"], "same tokenizer"),
        (["llama-3.1-70b", "--speculate", "draft:llama-3.2-1b", "--tp", "8"], "give it with --acceptance"),
        (["bert-base-uncased", "--speculate", "mtp"], "only decoders"),
        (["llama-3.1-8b", "--speculate", "draft:t5-base"], "words"),
        (["llama-3.1-8b", "--speculate", "eagle3", "--acceptance", "-1"], "acceptance"),
    ],
)
def test_impossible_drafts_are_refused(arguments, told):
    run = CliRunner().invoke(cli, ["estimate", *arguments, "--machine", "h100-sxm"])
    assert isinstance(run.exception, BadInput)
    assert told in str(run.exception)


def test_the_command_says_when_it_pays():
    arguments = ["estimate", "llama-3.1-8b", "--machine", "h100-sxm", "--speculate", "eagle3"]
    text = CliRunner().invoke(cli, arguments, env={"COLUMNS": "80"}).output
    assert "times as fast" in text
    assert "requests at a time" in text
    data = json.loads(CliRunner().invoke(cli, [*arguments, "--json"]).stdout)
    assert {"method", "acceptance", "gain", "pays_to_batch"} <= set(data["speculation"])
