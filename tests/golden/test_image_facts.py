"""Figures that others publish for image models: parameters and operations of one image (and one text)."""

from __future__ import annotations

import pytest

from calculators import count_flops, count_params
from catalog import load

OPEN_CLIP = {
    "clip-vit-b32": (77, 151.28, 14.78),
    "clip-vit-b16": (77, 149.62, 41.09),
    "clip-vit-l14": (77, 427.62, 175.33),
    "siglip-base-patch16-224": (64, 203.16, 46.44),
    "siglip-so400m-patch14-384": (64, 877.96, 723.48),
}
"""Tokens of a text, million parameters, GFLOPs of an image and a text.

Source: github.com/mlfoundations/open_clip docs/openclip_results.csv, read 2026-06-27; an operation is half of a
multiply-add.
"""


@pytest.mark.parametrize(("name", "published"), OPEN_CLIP.items())
def test_dual_encoders_cost_what_open_clip_says(name: str, published: tuple[int, float, float]) -> None:
    tokens, million, gflops = published
    spec = load(name)
    assert round(count_params(spec).total / 1e6, 2) == million
    assert round(count_flops(spec, tokens) / 1e9, 2) == gflops


TORCHVISION = {
    "convnext-tiny": (28_589_128, 4.5),
    "convnext-small": (50_223_688, 8.7),
    "convnext-base": (88_591_464, 15.4),
    "convnext-large": (197_767_336, 34.4),
}
"""Parameters and billion multiply-adds per image of 224 pixels.

Source: github.com/pytorch/vision at 07a929e8b8, torchvision/models/convnext.py, ``num_params`` and ``_ops``.
"""


@pytest.mark.parametrize(("name", "published"), TORCHVISION.items())
def test_convnext_costs_what_torchvision_says(name: str, published: tuple[int, float]) -> None:
    parameters, billion = published
    spec = load(name)
    assert count_params(spec).total == parameters
    assert round(count_flops(spec, 0) / 2e9, 1) == billion
