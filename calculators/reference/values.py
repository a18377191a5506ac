"""Modules that look at values to decide what to compute; on the meta device there are none."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import torch


def undecide(model: torch.nn.Module) -> None:
    """Change such modules in place: frequencies stay as they are, and no picture is padded. Neither changes a FLOP."""
    for module in model.modules():
        if getattr(module, "rope_type", None) in ("dynamic", "longrope"):
            module.rope_type = "default"  # type: ignore[assignment]
        if type(module).__name__ == "Gemma4VisionPooler":
            module.forward = _unpadded
        if type(module).__name__ == "Gemma4Model":
            module.get_image_features = partial(_features, module)  # type: ignore[assignment]


def _unpadded(hidden_states: torch.Tensor, output_length: int, **_: Any) -> tuple[torch.Tensor, slice]:
    """The same product as the module's own, which first looks where each patch belongs; all tokens in one row."""
    pictures, patches, _width = hidden_states.shape
    weights = hidden_states.new_empty(pictures, patches, output_length, dtype=torch.float32)
    return (weights.transpose(1, 2) @ hidden_states.float()).flatten(0, 1), slice(None)


def _features(model: Any, pixels: torch.Tensor, positions: torch.Tensor, **_: Any) -> SimpleNamespace:
    """Tower and connector, without a look at which patches are padding."""
    seen = model.vision_tower(pixel_values=pixels, pixel_position_ids=positions).last_hidden_state
    return SimpleNamespace(pooler_output=(model.embed_vision(inputs_embeds=seen),))
