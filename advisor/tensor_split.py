"""What llama.cpp cannot share between GPUs layer by layer (``--split-mode tensor``).

Source: its docs/multi-gpu.md, commit 5815cb8 of 2026: the mode is experimental, takes no quantized cache and refuses
the architectures below. Pipelines (``--split-mode layer``) are not ranked: they add memory, not speed.
"""

from __future__ import annotations

from calculators.params import architecture_of
from catalog.engine import Engine
from catalog.mixers import LatentAttention
from catalog.spec import ModelSpec

FAMILIES = ("ssm", "hybrid", "encoder-decoder")
MODELS = ("grok", "mpt", "olmo-2", "olmoe", "glm-5", "gemma-3n", "lfm2-8b", "minimax-m2", "minicpm3", "bitnet", "plamo")
"""How their ids begin."""
WARNING = (
    "llama.cpp's tensor split is experimental, and nobody measured it here: times take the collectives of other engines"
)


def splits_tensors(spec: ModelSpec) -> bool:
    """Whether llama.cpp shares such a model's layers between GPUs."""
    if spec.family in FAMILIES or spec.id.startswith(MODELS):
        return False
    groups = (group for stack in architecture_of(spec).stacks for group in stack.groups)
    return not any(isinstance(layer.mixer, LatentAttention) for group in groups for layer in group.layers)


def most_together(engine: Engine, cache: str, max_gpus: int, splits: bool) -> int:
    """Devices that may share a model's layers."""
    return max_gpus if engine.id != "llama.cpp" or (splits and cache == "bf16") else 1
