"""Small random configurations of models that hear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Config = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

SOURCE = 11
"""Encoder tokens: the length that ``test_perturbed`` reads."""


def _one(draw: Draw, *options: Any) -> Any:
    return draw(st.sampled_from(options))


def _sides(draw: Draw) -> Config:
    """Widths under BART's names; the two sides may differ in all but the hidden one."""
    return {
        "d_model": 24,
        "encoder_layers": _one(draw, 1, 2, 3),
        "decoder_layers": _one(draw, 1, 2, 4),
        "encoder_attention_heads": _one(draw, 1, 2, 4),
        "decoder_attention_heads": _one(draw, 2, 3),
        "encoder_ffn_dim": _one(draw, 40, 52),
        "decoder_ffn_dim": _one(draw, 20, 36),
        "vocab_size": 97,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "decoder_start_token_id": 1,
    }


@st.composite
def whisper(draw: Draw) -> Config:
    return {
        "model_type": "whisper",
        "num_mel_bins": _one(draw, 8, 20),
        "max_source_positions": SOURCE,
        "max_target_positions": _one(draw, 64, 80),
        **_sides(draw),
    }


AUDIO: dict[str, st.SearchStrategy[Config]] = {build.__name__: build() for build in (whisper,)}
"""One strategy per type."""
