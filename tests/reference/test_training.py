"""FLOPs of forward and backward against torch's counter on real models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import find
from test_perturbed import TYPES
from torch.utils.flop_counter import FlopCounterMode

from calculators.lowering import lower
from calculators.operators import Kind
from calculators.params import architecture_of
from calculators.reference.observation import Setting
from calculators.reference.subject import Subject, unchecked
from calculators.training import training_flops
from calculators.workload import Workload
from catalog import from_hf_config
from catalog.spec import ModelSpec

TOKENS, BATCH = 16, 2
PERTURBED = (
    "convnext", "swin", "resnet", "clip", "whisper", "SD3Transformer2DModel", "UNet2DConditionModel", "deepseek_v3",
    "lfm2", "falcon_h1", "gemma3n_text", "deberta",
)  # fmt: skip
"""Types that bring a mechanism of their own; their smallest random configuration is trained."""
SIZES = {"vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
GROUPED = SIZES | {"num_key_value_heads": 2}
MODELS: dict[str, dict[str, Any]] = {
    "llama": GROUPED,
    "gemma2": GROUPED | {"head_dim": 8},
    "mixtral": GROUPED | {"num_local_experts": 4},
    "gpt2": {"vocab_size": 97, "n_embd": 32, "n_head": 4, "n_layer": 2},
    "bert": SIZES | {"architectures": ["BertForMaskedLM"]},
    "t5": {"vocab_size": 97, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4},
    "vit": {key: value for key, value in SIZES.items() if key != "vocab_size"},
    "mamba": {"vocab_size": 97, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
    "mamba2": {
        "vocab_size": 97, "hidden_size": 32, "num_heads": 8, "head_dim": 8, "state_size": 8, "n_groups": 2,
        "num_hidden_layers": 2, "chunk_size": 8,
    },
}  # fmt: skip


def counted(subject: Subject, setting: Setting) -> int:
    subject.model.requires_grad_(True)
    with torch.enable_grad(), FlopCounterMode(display=False) as counter, unchecked():
        output = subject.model(**subject.inputs(setting))
        tensors = [
            t
            for t in (output.values() if hasattr(output, "values") else output)
            if isinstance(t, torch.Tensor) and t.requires_grad
        ]
        sum(t.float().sum() for t in tensors).backward()  # type: ignore[union-attr]
    return int(counter.get_total_flops())


def depthwise_excess(spec: ModelSpec, setting: Setting) -> int:
    """torch 2.13 counts the weight gradient of a grouped convolution as if every channel met every other."""
    w = Workload.exact(setting.batch, setting.new, 0, source=setting.source)
    grouped = (op for op in lower(architecture_of(spec)) if op.kind is Kind.CONVOLUTION and not op.leaf)
    return sum(
        int(op.repeat * op.executed.value(w)) * (op.weights[0].shape[0] - 1)
        for op in grouped
        if op.weights[0].shape[1] == 1
    )


def step(spec: ModelSpec) -> tuple[int, int]:
    """Ours and torch's."""
    subject = Subject.of(spec)
    if subject.kind in ("vision", "denoiser", "dual-encoder"):
        setting = replace(subject.setting(), batch=BATCH)
    else:
        setting = Setting(BATCH, TOKENS, source=11 if subject.kind == "encoder-decoder" else 0)
    ours = training_flops(spec, setting.new, setting.batch, source=setting.source)
    return ours, counted(subject, setting) - depthwise_excess(spec, setting)


@pytest.mark.parametrize("kind", MODELS)
def test_a_training_step_is_exact(kind: str) -> None:
    ours, real = step(from_hf_config({"model_type": kind} | MODELS[kind]))
    assert ours == real


@pytest.mark.parametrize("kind", PERTURBED)
def test_a_training_step_of_a_perturbed_model_is_exact(kind: str) -> None:
    ours, real = step(from_hf_config(find(TYPES[kind], lambda _: True)))
    assert ours == real


def test_recomputing_costs_another_forward_pass_of_what_is_recomputed() -> None:
    spec = from_hf_config({"model_type": "llama"} | GROUPED)
    none, scores, full = (training_flops(spec, 64, recompute=r) for r in ("none", "attention", "full"))
    attention = 2 * 4 * 32 * 64 * 64  # layers, 4 per pair and channel, pairs
    head = 2 * 64 * 32 * 97
    assert scores - none == attention
    assert full - none == none // 3 - head
