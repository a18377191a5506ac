"""Tokens of images against what publishers say of their models."""

from __future__ import annotations

import pytest

from calculators.images import image_tokens, tokens_per_image
from catalog import load
from catalog.errors import BadInput


@pytest.mark.parametrize(
    ("model", "width", "height", "tokens"),
    [
        # arXiv:2409.12191, section 2.1: 66 tokens for 224 by 224, of which two are markers.
        ("qwen2-vl-7b", 224, 224, 64),
        ("qwen2-vl-72b", 1120, 560, 40 * 20),
        # A patch of 14 pixels, two by two merged, an image of 8204 by 1092 pixels: arXiv:2502.13923, figure 1.
        ("qwen2.5-vl-7b", 8204, 1092, 11427),
        ("qwen3-vl-8b", 1024, 1024, 32 * 32),
        # Smaller than the processor's least: enlarged to 256 by 256.
        ("qwen3-vl-8b", 64, 64, 64),
        # arXiv:2310.03744, section 3: CLIP-L at 336 pixels, 24 by 24 patches.
        ("llava-1.5-7b", 1920, 1080, 576),
        # arXiv:2503.19786, section 2.1: 256 tokens per image.
        ("gemma-3-27b", 4000, 3000, 256),
        # huggingface.co/google/paligemma-3b-pt-224: 256 image tokens at 224 pixels.
        ("paligemma-3b-pt-224", 640, 480, 256),
        # arXiv:2410.07073, section 2.1: patches of 16 pixels, a break behind each row.
        ("pixtral-12b", 512, 512, 32 * 33),
        ("pixtral-12b", 2048, 1024, 32 * 65),
        # arXiv:2404.16821, section 3.3: 256 tokens per tile of 448 pixels, up to 12 and a thumbnail: 3,328.
        ("internvl2-8b", 448, 448, 256),
        ("internvl2-8b", 1792, 1344, 13 * 256),
        # arXiv:2407.21783, section 7: layers of their own attend to the image.
        ("llama-3.2-11b-vision", 1000, 700, 0),
    ],
)
def test_an_image_becomes_as_many_tokens_as_its_publisher_says(
    model: str, width: int, height: int, tokens: int
) -> None:
    assert image_tokens(load(model), width, height) == tokens


def test_an_image_of_the_size_that_is_counted_is_what_counts_are_for() -> None:
    spec = load("qwen2.5-vl-3b")
    assert not isinstance(spec.architecture, str)
    assert image_tokens(spec, 448, 448) == tokens_per_image(spec.architecture) == 256


def test_llama_4_cuts_a_wide_image_into_tiles_and_adds_a_copy() -> None:
    tile = image_tokens(load("llama-4-scout"), 336, 336)
    assert tile == 144  # ai.meta.com: 336 pixels, patches of 14, pixel shuffle by a half: 12 by 12
    assert image_tokens(load("llama-4-scout"), 672, 336) == 3 * tile


def test_a_model_without_a_tower_refuses_and_an_unknown_rule_says_so() -> None:
    with pytest.raises(BadInput, match="does not take images"):
        image_tokens(load("llama-3-8b"), 100, 100)
    with pytest.raises(BadInput, match="not recorded"):
        image_tokens(load("kimi-k2.5"), 1000, 500)
    with pytest.raises(BadInput, match="has no size"):
        image_tokens(load("gemma-3-4b"), 0, 10)
