"""Encoders for long texts against their classes on the CPU: what they do depends on values, which meta has not,
or stands on the CPU from the start (XLNet)."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from calculators import count_flops, count_params
from calculators.reference.counting import fvcore_flops, torch_flops
from calculators.reference.models import build, parameters
from catalog import from_hf_config
from catalog.mixers.long import SlidingChunks
from catalog.spec import ModelSpec

SIZES = {
    "vocab_size": 97, "pad_token_id": 1, "hidden_size": 24, "num_attention_heads": 3, "num_hidden_layers": 2,
    "intermediate_size": 40, "max_position_embeddings": 130,
}  # fmt: skip
SIDES = {
    "vocab_size": 97, "pad_token_id": 1, "d_model": 24, "encoder_attention_heads": 3, "decoder_attention_heads": 2,
    "encoder_layers": 2, "decoder_layers": 1, "encoder_ffn_dim": 40, "decoder_ffn_dim": 28,
    "max_position_embeddings": 130,
}  # fmt: skip
T5 = {"vocab_size": 97, "d_model": 24, "d_kv": 10, "num_heads": 3, "d_ff": 40, "num_layers": 2, "num_decoder_layers": 1}
LED = {"max_encoder_position_embeddings": 130, "max_decoder_position_embeddings": 40}
XLNET = {"vocab_size": 97, "d_model": 24, "d_head": 8, "n_head": 3, "n_layer": 2, "d_inner": 40, "use_mems_eval": False}
BLOCKS = {"block_size": 4, "num_random_blocks": 2}

CASES: dict[str, tuple[dict[str, Any], int]] = {
    "windows": ({"model_type": "longformer", **SIZES, "attention_window": 8}, 64),
    "windows of each layer": ({"model_type": "longformer", **SIZES, "attention_window": [8, 16]}, 96),
    "a token that sees all": (
        {
            "model_type": "longformer",
            **SIZES,
            "attention_window": 8,
            "architectures": ["LongformerForSequenceClassification"],
        },
        40,
    ),
    "blocks": ({"model_type": "big_bird", **SIZES, **BLOCKS}, 64),
    "blocks, no bias": ({"model_type": "big_bird", **SIZES, **BLOCKS, "use_bias": False}, 48),
    "blocks, answers": (
        {"model_type": "big_bird", **SIZES, **BLOCKS, "architectures": ["BigBirdForTokenClassification"]},
        40,
    ),
    "a text too short for blocks": ({"model_type": "big_bird", **SIZES, **BLOCKS}, 36),
    "full": ({"model_type": "big_bird", **SIZES, **BLOCKS, "attention_type": "original_full"}, 50),
    "windows before a decoder": ({"model_type": "led", **SIDES, **LED, "attention_window": [8, 16]}, 64),
    "blocks before a decoder": ({"model_type": "bigbird_pegasus", **SIDES, **BLOCKS}, 60),
    "distances both ways": ({"model_type": "xlnet", **XLNET}, 20),
    "distances both ways, classes": (
        {"model_type": "xlnet", **XLNET, "architectures": ["XLNetForSequenceClassification"], "num_labels": 5},
        33,
    ),
    "local blocks": ({"model_type": "longt5", **T5, "local_radius": 5}, 47),
    "local blocks and sums": (
        {
            "model_type": "longt5",
            **T5,
            "local_radius": 6,
            "global_block_size": 4,
            "encoder_attention_type": "transient-global",
        },
        45,
    ),
}


class Bare(torch.nn.Module):
    """A model as a function from tokens to tensors, for a trace."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, ...]:
        output = self.model(input_ids=ids, return_dict=False)
        return tuple(part for part in output if isinstance(part, torch.Tensor))


def masked_flops(spec: ModelSpec, tokens: int) -> int:
    """Longformer multiplies its mask like queries and keys of width 1: products to fvcore, but not to torch."""
    assert not isinstance(spec.architecture, str)
    layers = [layer for group in spec.architecture.stacks[0].groups for layer in group.layers * group.repeat]
    reaches = [p.reach for layer in layers if isinstance(p := getattr(layer.mixer, "pattern", None), SlidingChunks)]
    return sum(2 * (tokens // o - 1) * 4 * o**2 for o in reaches)


@pytest.mark.parametrize("case", CASES)
def test_a_long_encoder_is_exact(case: str) -> None:
    config, tokens = CASES[case]
    spec = from_hf_config(config)
    assert spec.reference is not None
    model: Any = build(spec.reference)
    assert count_params(spec).total == parameters(model)
    model = model.to_empty(device="cpu").float()
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.zero_()
    ids = torch.full((2, tokens), 5)
    if spec.family == "encoder":
        counted, _ = torch_flops(lambda: model(input_ids=ids))
        assert count_flops(spec, tokens, 0, 2) == counted
        if case != "blocks, answers":  # a trace drops its pooler, which nothing reads
            traced = fvcore_flops(Bare(model), (ids[:1],))
            assert count_flops(spec, tokens) + masked_flops(spec, tokens) == traced
    else:
        counted, _ = torch_flops(lambda: model(input_ids=ids, decoder_input_ids=torch.full((2, 7), 5)))
        assert count_flops(spec, 7, 0, 2, source=tokens) == counted
