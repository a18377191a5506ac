"""Estimates: the contract of the JSON, and answers that can be checked by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from advisor import estimate
from advisor.candidates import generates
from advisor.cli import cli
from advisor.estimating.measured import band_for
from calculators import cache_bytes, count_flops, count_params, weight_bytes
from catalog.errors import BadInput
from catalog.loader import all_models, load, load_engine, load_format, load_machine
from catalog.writer import to_yaml

DISCLOSED = [spec for spec in all_models() if spec.is_disclosed]


@pytest.mark.parametrize("spec", DISCLOSED, ids=lambda spec: spec.id)
def test_every_disclosed_model_has_a_whole_estimate(spec):
    e = estimate(model=spec.id, machine="h200-sxm", batch=2, input_tokens=128, output_tokens=32)
    assert e.params == count_params(spec)
    assert e.memory.total_bytes_per_gpu == pytest.approx(
        e.memory.weights_bytes + e.memory.kv_cache_bytes + e.memory.state_bytes + e.memory.activation_bytes
        + e.memory.overhead_bytes
    )  # fmt: skip
    assert e.time.ttft_s is not None
    assert e.time.ttft_s.p50 > 0
    assert (e.time.tpot_s is None) is not generates(spec)
    assert e.throughput.total > 0
    parts = sum(o.prefill_s for o in e.breakdown)
    assert parts > 0


def test_the_json_has_the_names_that_others_build_on():
    run = CliRunner().invoke(cli, ["estimate", "llama-3.1-8b", "--machine", "h100-sxm", "--batch", "8", "--json"])
    assert run.exit_code == 0, run.output
    data = json.loads(run.stdout)
    assert data["params"] == {"total": 8030261248, "active": 8030261248, "embedding": 525336576}
    assert {"prefill", "decode"} <= set(data["flops"])
    assert {
        "weights_bytes", "kv_cache_bytes", "state_bytes", "activation_bytes", "overhead_bytes", "total_bytes_per_gpu",
        "fits",
    } <= set(data["memory"])  # fmt: skip
    for name in ("ttft_s", "tpot_s"):
        assert {"p10", "p50", "p90", "badge"} <= set(data["time"][name])
    assert {"usd_per_million_input_tokens", "usd_per_million_output_tokens", "usd_per_hour"} <= set(data["cost"])


def test_memory_is_weights_and_the_cache_of_all_requests_at_full_length():
    e = estimate(model="llama-3-8b", machine="h100-sxm", batch=4, input_tokens=1000, output_tokens=24)
    spec = load("llama-3-8b")
    assert e.memory.weights_bytes == weight_bytes(spec, load_format("bf16"))
    assert e.memory.kv_cache_bytes == cache_bytes(spec, 1024, batch=4)


def test_a_model_that_does_not_fit_says_so_and_exits_with_1():
    arguments = ["estimate", "llama-3.1-70b", "--machine", "l4"]
    run = CliRunner().invoke(cli, arguments)
    assert run.exit_code == 1
    assert "DOES NOT FIT" in run.output
    assert estimate(model="llama-3.1-70b", machine="l4").memory.max_batch == 0


def test_the_largest_batch_that_fits_fits_and_the_next_does_not():
    load_case = {"model": "llama-3.1-8b", "machine": "rtx-4090", "input_tokens": 4096, "output_tokens": 512}
    # The activations of a prefill chunk are full at any batch above this, so the bound is sharp.
    most = estimate(**load_case, batch=2).memory.max_batch
    assert most is not None
    assert most > 2
    assert estimate(**load_case, batch=most).memory.fits
    assert not estimate(**load_case, batch=most + 1).memory.fits


def test_a_configuration_a_spec_and_the_catalog_agree(tmp_path: Path):
    spec = load("qwen2.5-7b")
    assert spec.reference is not None
    config = tmp_path / "config.json"
    config.write_text(json.dumps(spec.reference.config))
    yaml_file = tmp_path / "mine.yaml"
    yaml_file.write_text(to_yaml(spec))
    answers = [estimate(model=str(m), machine="l4") for m in ("qwen2.5-7b", config, tmp_path, yaml_file)]
    assert len({(e.params.total, e.flops.prefill, e.memory.kv_cache_bytes, e.time.e2e_s.p50) for e in answers}) == 1


def test_fewer_bits_take_less_memory_and_are_never_slower_where_memory_binds():
    formats = ("bf16", "fp8", "awq-int4")
    answers = [estimate(model="llama-3.1-8b", machine="rtx-4090", weights=f) for f in formats]
    weights = [e.memory.weights_bytes for e in answers]
    tpot = [e.time.tpot_s.p50 for e in answers if e.time.tpot_s]
    assert weights == sorted(weights, reverse=True)
    assert tpot == sorted(tpot, reverse=True)


def test_images_add_their_tokens():
    without, with_image = (estimate(model="llava-1.5-7b", machine="l40s", images=n) for n in (0, 1))
    spec = load("llava-1.5-7b")
    assert with_image.memory.kv_cache_bytes - without.memory.kv_cache_bytes == cache_bytes(spec, 576)
    assert with_image.flops.prefill > without.flops.prefill


def test_a_step_of_diffusion_runs_twice_under_guidance():
    guided, plain = (estimate(model="dit-xl-2-256", machine="l4", guidance=g) for g in (True, False))
    assert guided.flops.prefill == 2 * plain.flops.prefill
    assert guided.throughput.unit == "images/s"


@pytest.mark.parametrize("quantity", ["ttft", "tpot"])
def test_machines_get_the_band_of_the_constants_they_are_predicted_with(quantity):
    calibrated, default = (
        getattr(estimate(model="llama-3.1-8b", machine=m, batch=8).time, f"{quantity}_s") for m in ("h100-sxm", "l4")
    )
    assert (calibrated.badge, default.badge) == ("calibrated", "class default")
    own, class_wide = (band_for(load_engine("vllm"), quantity, b.badge) for b in (calibrated, default))
    for band, measured in ((calibrated, own), (default, class_wide)):
        assert band.p10 < band.p90
        assert band.p10 == pytest.approx(band.p50 * measured.p10)
        assert band.p90 == pytest.approx(band.p50 * measured.p90)
        assert f"on {measured.rows} runs (" in band.basis
    assert ("left out of its class" in default.basis, "left out of its class" in calibrated.basis) == (True, False)
    assert class_wide.p10 <= own.p10
    assert class_wide.p90 >= own.p90


def test_residuals_of_class_defaults_stand_in_where_none_were_taken_with_own_constants():
    engine = load_engine("llama.cpp")
    assert band_for(engine, "tpot", "calibrated") == band_for(engine, "tpot", "class default")
    time = estimate(model="llama-3.1-8b", machine="h100-sxm", engine="llama.cpp").time
    assert time.tpot_s is not None
    assert time.tpot_s.badge == "class default"  # its kernels are not those that were measured on the machine
    assert time.tpot_s.p90 is not None


@pytest.mark.parametrize("machine", ["tpu-v5e", "gaudi3", "inferentia2", "arc-pro-b60", "mi300x", "l4", "apple-m4-max"])
def test_what_is_expected_lies_within_its_band_on_every_kind_of_machine(machine: str):
    answer = estimate(model="llama-3.1-8b", machine=machine, weights="bf16")
    for band in (answer.time.ttft_s, answer.time.tpot_s, answer.time.e2e_s, answer.throughput.band):
        assert band is not None
        assert band.p10 <= band.p50 <= band.p90


def test_nominal_rates_have_the_band_of_measured_machines_predicted_by_their_data_sheets():
    time = estimate(model="llama-3.1-8b", machine="tpu-v5e", batch=8).time
    known = estimate(model="llama-3.1-8b", machine="h100-sxm", batch=8).time
    for band, measured in ((time.ttft_s, known.ttft_s), (time.tpot_s, known.tpot_s)):
        assert band is not None
        assert measured is not None
        assert band.badge == "spec sheet"
        assert "by its data sheet alone" in band.basis
        assert band.p10 > band.p50 * 0.9  # nobody is faster than the data sheet by more than chance
        assert band.p90 / band.p10 > measured.p90 / measured.p10


def test_engines_without_bands_of_their_own_take_those_of_all_engines():
    engine = load_engine("sglang")
    assert not [band for band in engine.bands if band.quantity == "tpot"]
    band = band_for(engine, "tpot", "calibrated")
    assert band is not None
    assert "vLLM, SGLang and TensorRT-LLM" in band.measured_on


def test_prices_are_seconds_times_rate():
    e = estimate(model="llama-3.1-8b", machine="h100-sxm", batch=8)
    assert e.cost.usd_per_hour is not None
    assert e.time.decode_s is not None
    assert e.cost.usd_per_million_output_tokens == pytest.approx(
        e.time.decode_s.p50 / 8 * e.cost.usd_per_hour / 3600 * 1e6
    )
    assert estimate(model="gpt2", machine="xeon-sapphire-rapids-2s").cost.usd_per_hour is None


def test_layouts_that_no_engine_runs_are_refused():
    with pytest.raises(BadInput, match="do not divide by 3"):
        estimate(model="llama-3.1-8b", machine="h100-sxm", tp=3)
    with pytest.raises(BadInput, match="has 1 device"):
        estimate(model="llama-3.1-8b", machine="apple-m4-max", tp=2)
    with pytest.raises(BadInput, match="batch"):
        estimate(model="llama-3.1-8b", machine="l4", batch=0)


def test_operators_add_up_to_the_pass():
    e = estimate(model="llama-3.1-8b", machine="h100-sxm", batch=1)
    assert sum(o.prefill_s for o in e.breakdown) == pytest.approx(e.time.prefill_s.p50, rel=0.02)
    assert load_machine("h100-sxm").id == e.machine


def test_the_whole_answer_is_its_first_token_and_all_others():
    e = estimate(model="llama-3.1-8b", machine="h100-sxm", batch=8, output_tokens=300)
    assert e.time.tpot_s is not None
    for end in ("p10", "p50", "p90"):
        assert getattr(e.time.e2e_s, end) == pytest.approx(
            getattr(e.time.ttft_s, end) + 299 * getattr(e.time.tpot_s, end)
        )
    assert e.throughput.total == pytest.approx(8 * 300 / e.time.e2e_s.p50)
    assert e.throughput.band.p10 < e.throughput.total < e.throughput.band.p90


def test_the_last_token_takes_longer_than_the_first_and_a_prompt_delays_any():
    alone, crowd = (
        estimate(model="llama-3.1-8b", machine="h100-sxm", batch=b, input_tokens=1000, output_tokens=4000).time
        for b in (1, 16)
    )
    assert alone.first_step_s < alone.decode_s.p50 < alone.last_step_s
    assert alone.joined_step_s is None
    # Its own cache is a sixteenth of what the crowd's step reads.
    assert 0 < crowd.last_step_s - crowd.first_step_s < 1.1 * (alone.last_step_s - alone.first_step_s)
    assert crowd.joined_step_s > crowd.last_step_s


def test_throughput_is_shared_by_users_and_devices():
    t = estimate(model="llama-3.1-70b", machine="h100-sxm", tp=4, batch=16).throughput
    assert t.per_user == pytest.approx(t.total / 16)
    assert t.per_gpu == pytest.approx(t.total / 4)
    assert t.decode is not None
    assert t.decode.p50 > t.total


def test_a_cached_prefix_is_not_read_again_and_kept_once():
    asked = {"model": "llama-3.1-8b", "machine": "h100-sxm", "batch": 8, "input_tokens": 2000, "output_tokens": 100}
    cold, warm = estimate(**asked), estimate(**asked, cached_prefix=1500)
    spec = load("llama-3.1-8b")
    assert warm.memory.kv_cache_bytes == cache_bytes(spec, 600, batch=8) + cache_bytes(spec, 1500)
    assert warm.flops.prefill == 8 * count_flops(spec, 500, 1500)
    assert warm.time.tpot_s.p50 < cold.time.tpot_s.p50
    assert warm.time.decode_s.p50 == cold.time.decode_s.p50
    # A quarter of the prompt, and a little more attention per token.
    assert 0.2 < warm.time.prefill_s.p50 / cold.time.prefill_s.p50 < 0.35
    assert warm.cost.usd_per_thousand_requests < cold.cost.usd_per_thousand_requests
    assert any("1,500 tokens of every prompt are cached" in note for note in warm.notes)


def test_no_cached_prefix_is_no_change_and_all_but_one_token_is_one_step():
    asked = {"model": "gpt-oss-20b", "machine": "h100-sxm", "input_tokens": 3000, "output_tokens": 64}
    assert estimate(**asked, cached_prefix=0).time == estimate(**asked).time
    nearly = estimate(**asked, cached_prefix=2999)
    assert nearly.time.prefill_s.p50 == pytest.approx(nearly.time.first_step_s, rel=0.02)


@pytest.mark.parametrize(
    ("model", "cached", "told"),
    [
        ("llama-3.1-8b", 2048, "at most 2,047"),
        ("bert-base-uncased", 5, "only decoders"),
        ("t5-base", 5, "only decoders"),
    ],
)
def test_prefixes_that_cannot_be_cached_are_refused(model, cached, told):
    with pytest.raises(BadInput, match=told):
        estimate(model=model, machine="l4", cached_prefix=cached)


def test_the_largest_batch_counts_the_shared_prefix_once():
    asked = {"model": "llama-3.1-8b", "machine": "rtx-4090", "input_tokens": 8192, "output_tokens": 256}
    most = estimate(**asked, cached_prefix=7000, batch=8).memory.max_batch
    assert most > 2 * estimate(**asked, batch=8).memory.max_batch
    assert estimate(**asked, cached_prefix=7000, batch=most).memory.fits
    assert not estimate(**asked, cached_prefix=7000, batch=most + 1).memory.fits


def test_stages_and_ranks_that_a_prompt_leaves_idle_are_not_charged_to_it():
    flat, piped, ranked = (
        estimate(model="mixtral-8x7b", machine="h100-sxm", input_tokens=4096, batch=16, **layout)
        for layout in ({"tp": 4}, {"tp": 4, "pp": 2}, {"dp": 4, "ep": 4})
    )
    for split, ways in ((piped, 2), (ranked, 4)):
        alone = split.time.prefill_s.p50 * split.cost.usd_per_hour / 3600 / 4096 * 1e6
        assert alone / ways <= split.cost.usd_per_million_input_tokens < alone
    assert flat.cost.usd_per_million_input_tokens == pytest.approx(
        flat.time.prefill_s.p50 * flat.cost.usd_per_hour / 3600 / 4096 * 1e6
    )
    assert any("not measured" in note for note in piped.notes)
    assert not any("not measured" in note for note in flat.notes)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["llama-3.1-8b", "--steps", "30"], "only diffusion models"),
        (["llama-3.1-8b", "--speculative-tokens", "5"], "needs a way to speculate"),
        (["llama-3.1-8b", "--acceptance", "2"], "needs a way to speculate"),
        (["llama-3.1-8b", "--input", "0"], "--input: '0'"),
    ],
)
def test_what_would_be_ignored_is_refused(arguments: list[str], told: str):
    run = CliRunner().invoke(cli, ["estimate", *arguments, "--machine", "h100-sxm"])
    assert isinstance(run.exception, BadInput)
    assert told in str(run.exception)


def test_a_limit_of_an_error_is_a_number():
    run = CliRunner().invoke(cli, ["accuracy", ".", "--fail-above", "nan"])
    assert run.exit_code == 2
    assert "finite" in run.output
