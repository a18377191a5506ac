"""Rates in their own units: images, documents, pairs, pictures and seconds of audio."""

import json

import pytest
from click.testing import CliRunner

from advisor.answer import Estimate
from advisor.cli import cli
from advisor.estimate import estimate
from advisor.estimating.rates import TOKENS_PER_AUDIO_SECOND
from catalog.errors import BadInput
from catalog.loader import load_engine


def rates(model: str, **fields: object) -> dict[str, float]:
    e = estimate(model=model, **{"machine": "rtx-4090", "weights": "fp16"} | fields)
    return {rate.unit: rate.total.p50 for rate in reversed(e.rates)}


@pytest.mark.parametrize(
    ("model", "unit"),
    [
        ("resnet-50", "images/s"), ("bge-base-en-v1.5", "documents/s"), ("bge-reranker-base", "pairs/s"),
        ("clip-vit-b16", "image-text pairs/s"), ("dit-xl-2-256", "images/s"), ("whisper-base", "audio s/s"),
    ],
)  # fmt: skip
def test_each_family_has_its_unit(model: str, unit: str):
    assert rates(model, input_tokens=64, batch=4)[unit] > 0


def test_the_rate_is_the_batch_over_its_time_and_the_throughput():
    e = estimate(model="vit-b16", machine="l4", weights="fp16", batch=32)
    (rate,) = e.rates
    assert e.time.ttft_s is not None
    assert rate.total.p50 == pytest.approx(32 / e.time.ttft_s.p50)
    assert rate.each_s.p50 == pytest.approx(e.time.ttft_s.p50 / 32)
    assert (e.throughput.unit, e.throughput.total) == ("images/s", pytest.approx(rate.total.p50))


def test_times_of_one_pass_carry_the_engines_measured_band():
    e = estimate(model="bert-base-uncased", machine="a10", weights="fp16", batch=8, input_tokens=128)
    band = next(b for b in load_engine(e.engine).bands if b.quantity == "pass")
    assert e.time.ttft_s is not None
    assert (e.time.ttft_s.p10, e.time.ttft_s.p90) == pytest.approx(
        (band.p10 * e.time.ttft_s.p50, band.p90 * e.time.ttft_s.p50)
    )


def test_longer_documents_and_larger_images_take_longer():
    assert (
        rates("bge-m3", input_tokens=128, batch=32)["documents/s"]
        > 3 * rates("bge-m3", input_tokens=512, batch=32)["documents/s"]
    )
    small, large = (rates("resnet-50", image_side=side, batch=64)["images/s"] for side in (224, 448))
    assert small == pytest.approx(4 * large, rel=0.1)


def test_guidance_runs_every_step_twice():
    once, twice = (
        estimate(model="dit-xl-2-256", machine="h100-sxm", batch=8, steps=20, guidance=g).rates[0].each_s.p50
        for g in (False, True)
    )
    assert twice == pytest.approx(2 * once, rel=0.1)


def test_a_picture_with_its_encoders_and_decoder_takes_longer_and_says_what_is_missing():
    alone, whole = estimate(model="stable-diffusion-xl-unet", machine="h100-sxm", steps=10).rates
    assert whole.total.p50 < alone.total.p50
    assert "bigG" in whole.about
    assert "not included" in alone.about


def test_a_tower_alone_is_faster_than_both():
    e = estimate(model="clip-vit-l14", machine="l4", batch=16, input_tokens=77)
    both, images, texts = e.rates
    assert 1 / both.total.p50 == pytest.approx(1 / images.total.p50 + 1 / texts.total.p50, rel=0.1)


def test_whisper_hears_windows_of_30_seconds_however_long_the_audio():
    half, whole, two = (
        estimate(model="whisper-small", machine="l4", audio_seconds=seconds, batch=4).rates[0]
        for seconds in (15, 30, 60)
    )
    assert whole.total.p50 == two.total.p50
    assert half.total.p50 < whole.total.p50
    assert f"{round(30 * TOKENS_PER_AUDIO_SECOND)} tokens" in whole.about
    assert whole.each_s.p50 == pytest.approx(1 / whole.total.p50)


def test_an_encoder_of_any_length_hears_as_much_as_there_is():
    flops = [estimate(model="s2t-small-librispeech-asr", machine="l4", audio_seconds=s).flops.prefill for s in (10, 20)]
    assert 1.9 < flops[1] / flops[0] < 2.3


def test_models_that_only_write_have_no_other_rates():
    e: Estimate = estimate(model="llama-3.1-8b", machine="h100-sxm")
    assert e.rates == ()


def test_only_vision_models_are_resized():
    with pytest.raises(BadInput, match="image side"):
        estimate(model="bert-base-uncased", machine="l4", image_side=224)
    with pytest.raises(BadInput, match="patch"):
        estimate(model="vit-b16", machine="l4", image_side=225)


def test_the_command_prints_and_spells_out_rates():
    result = CliRunner().invoke(cli, ["estimate", "vit-b16", "--machine", "l4", "--batch", "8", "--json"])
    data = json.loads(result.stdout)
    assert data["engine"] == "pytorch"
    assert data["rates"][0]["unit"] == "images/s"
    text = CliRunner().invoke(cli, ["estimate", "vit-b16", "--machine", "l4", "--batch", "8"]).stdout
    assert f"{data['rates'][0]['total']['p50']:,.0f} images/s" in text
