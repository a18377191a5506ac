"""Adapters against peft."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from calculators.adapters import lora, lora_training_flops
from calculators.reference.subject import Subject
from calculators.training import training_flops
from catalog import BadInput, from_hf_config, load

SIZES = {"vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
         "num_attention_heads": 4, "num_key_value_heads": 2}  # fmt: skip
NAMES = {t: f"{t}_proj" for t in ("q", "k", "v", "o", "gate", "up", "down")}


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gemma2", "mixtral"])
@pytest.mark.parametrize("targets", [("q", "v"), ("q", "k", "v", "o"), ("gate", "up", "down")])
def test_adapters_have_the_parameters_that_peft_trains(kind: str, targets: tuple[str, ...]) -> None:
    config: dict[str, Any] = SIZES | {"model_type": kind, "head_dim": 8}
    spec = from_hf_config(config)
    if kind == "mixtral" and "gate" in targets:
        with pytest.raises(BadInput, match="no gate projection"):
            lora(spec, 4, targets)
        return
    with torch.device("meta"):
        model = get_peft_model(
            Subject.of(spec).model, LoraConfig(r=4, target_modules=[NAMES[target] for target in targets])
        )
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert sum(adapter.parameters for adapter in lora(spec, 4, targets)) == trained


def test_llama_7b_with_rank_8_on_q_and_v() -> None:
    """4,194,304 is what peft prints for LLaMA 7B with r=8 on q_proj and v_proj (the alpaca-lora recipe)."""
    assert sum(adapter.parameters for adapter in lora(load("llama-2-7b"), 8, ("q", "v"))) == 4_194_304


def test_training_adapters_costs_about_two_thirds() -> None:
    spec = load("llama-2-7b")
    share = lora_training_flops(spec, 2048) / training_flops(spec, 2048, count="needed")
    assert 0.66 < share < 0.69


@pytest.mark.parametrize(("rank", "targets", "told"), [(0, ("q",), "not positive"), (4, ("query",), "adapter target")])
def test_wrong_adapters_get_a_sentence(rank: int, targets: tuple[str, ...], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        lora(load("llama-2-7b"), rank, targets)
