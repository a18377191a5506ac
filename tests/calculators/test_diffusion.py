"""FLOPs of one drawn image: the parts, and what guidance and distillation change."""

from __future__ import annotations

import pytest

from calculators import count_flops
from calculators.diffusion import image_flops
from catalog import load
from catalog.errors import BadInput


def test_an_image_is_its_captions_its_steps_and_its_decoding() -> None:
    denoiser, decoder, clip = (
        load(name) for name in ("stable-diffusion-1.5-unet", "stable-diffusion-vae", "clip-vit-l14")
    )
    parts = image_flops(denoiser, 50, decoder=decoder, text=[(clip, 77)])
    assert parts.step == 2 * count_flops(denoiser, 0, batch=1)
    assert parts.denoising == 50 * parts.step
    assert parts.total == parts.text + parts.denoising + parts.decoding
    # The decoder holds 49.5 of the autoencoder's 83.7 million parameters and works at more channels per pixel.
    assert 0.5 < parts.decoding / count_flops(decoder, 0, batch=1) < 0.75
    assert parts.denoising > 20 * parts.decoding > 20 * parts.text


def test_without_guidance_captions_and_steps_cost_half() -> None:
    denoiser, clip = load("stable-diffusion-xl-unet"), load("clip-vit-l14")
    both, one = (image_flops(denoiser, 30, guidance=guided, text=[(clip, 77)]) for guided in (True, False))
    assert both.total == 2 * one.total


def test_a_model_that_embeds_the_guidance_scale_runs_once_a_step() -> None:
    flux = load("flux.1-dev-transformer")
    assert image_flops(flux, 28) == image_flops(flux, 28, guidance=False)


def test_only_a_denoiser_draws_and_only_a_decoder_paints() -> None:
    vit = load("vit-b16")
    with pytest.raises(BadInput, match="vit-b16 is no denoiser"):
        image_flops(vit, 10)
    with pytest.raises(BadInput, match="vit-b16 paints nothing"):
        image_flops(load("dit-xl-2-256"), 10, decoder=vit)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        image_flops(load("dit-xl-2-256"), 0)
