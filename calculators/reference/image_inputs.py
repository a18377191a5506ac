"""Inputs of models that see or draw images: pixels, latents, captions; shapes without data."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch

from catalog.convolutions import ConvolvedEmbedding
from catalog.embeddings import CaptionEmbedding
from catalog.ends import Conditioning, PatchEmbedding
from catalog.spec import Architecture, Reference

TIME_IDS = 6
"""Numbers of size and crop that SDXL embeds beside the pooled caption (arXiv:2307.01952, section 2.2)."""


def pictures(architecture: Architecture, count: int) -> torch.Tensor:
    """Pixels or latents in the shape that the first stack over a grid takes."""
    for stack in architecture.stacks:
        match stack.embedding:
            case PatchEmbedding(channels=channels, size=size):
                return _real(count, channels, size, size)
            case ConvolvedEmbedding(channels=int(channels), side=int(side)):
                return _real(count, channels, side, side)
    raise ValueError("no stack of this model reads an image")


def pixels(architecture: Architecture, accepted: Collection[str], count: int) -> dict[str, Any]:
    """Square pictures; SigLIP 2 takes flattened patches, a mask, and as real numbers how many stand side by side."""
    drawn = pictures(architecture, count)
    if "spatial_shapes" not in accepted:
        return {"pixel_values": drawn}
    patch = next(s.embedding for s in architecture.stacks if isinstance(s.embedding, PatchEmbedding))
    side = patch.size // patch.patch
    return {
        "pixel_values": _real(count, side**2, patch.channels * patch.patch**2),
        "pixel_attention_mask": _ids(count, side**2),
        "spatial_shapes": torch.tensor([[side, side]] * count),
    }


def latents(architecture: Architecture, reference: Reference, accepted: Collection[str], count: int) -> dict[str, Any]:
    """What one denoising step reads, under the names that the class gives it."""
    drawn = pictures(architecture, count)
    if "sample" in accepted:
        inputs: dict[str, Any] = {"sample": drawn}
    elif "img_ids" in accepted:  # FLUX takes its patches in a row
        inputs = {"hidden_states": drawn.flatten(2).transpose(1, 2), "img_ids": _real(drawn.shape[-1] ** 2, 3)}
    else:
        inputs = {"hidden_states": drawn}
    inputs["timestep"] = _ids(count)
    condition = next((stack.conditioning for stack in architecture.stacks if stack.conditioning), None)
    return inputs if condition is None else inputs | _conditions(architecture, reference, accepted, condition, count)


def _conditions(
    architecture: Architecture, reference: Reference, accepted: Collection[str], condition: Conditioning, count: int
) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    if condition.classes:
        inputs["class_labels"] = _ids(count)
    if condition.guidance:
        inputs["guidance"] = _real(count)
    if condition.caption_width:
        inputs["encoder_hidden_states"] = _real(count, condition.caption_tokens, condition.caption_width)
    for stack in architecture.stacks:
        if isinstance(stack.embedding, CaptionEmbedding):
            caption = stack.embedding
            inputs["encoder_hidden_states"] = _real(count, caption.tokens, caption.width)
            if "txt_ids" in accepted:
                inputs["txt_ids"] = _real(caption.tokens, 3)
    if condition.pooled and "pooled_projections" in accepted:
        inputs["pooled_projections"] = _real(count, condition.pooled)
    if "added_cond_kwargs" in accepted:
        inputs["added_cond_kwargs"] = _added(reference, condition, count)
    return inputs


def _added(reference: Reference, condition: Conditioning, count: int) -> dict[str, Any] | None:
    """SDXL's pooled caption and sizes, or PixArt's sizes."""
    if condition.pooled:
        width = condition.pooled - TIME_IDS * int(reference.config["addition_time_embed_dim"])
        return {"text_embeds": _real(count, width), "time_ids": _real(count, TIME_IDS)}
    if reference.class_name != "PixArtTransformer2DModel":
        return None
    sizes = {"resolution": _real(count, 2), "aspect_ratio": _real(count, 1)}
    return sizes if condition.sizes else {"resolution": None, "aspect_ratio": None}


def _ids(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.long, device="meta")


def _real(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="meta")
