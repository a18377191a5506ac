"""What a vision-language model of transformers is handed with its text: pixels, and where they belong.

Numbers that a class reads as numbers (grids, sizes) are real; what it would derive from them is handed over ready, on
the meta device, because it must lie where the weights do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import torch

from calculators.reference.observation import Setting
from catalog.spec import PatchEmbedding, Reference


def images(
    reference: Reference, accepted: Collection[str], patches: PatchEmbedding, setting: Setting
) -> dict[str, Any]:
    """Arguments for ``setting.images`` pictures in each sequence, all of the size that the spec counts for."""
    count, model_type = setting.batch * setting.images, reference.config.get("model_type")
    vision = reference.config.get("vision_config") or {}
    flat = patches.channels * patches.frames * patches.patch**2
    if "image_grid_thw" in accepted:
        pixels = _real(count * patches.patches, flat)
        if model_type == "kimi_k25":
            pixels = _real(count * patches.patches, patches.channels, patches.patch, patches.patch)
        return {
            "pixel_values": pixels,
            "image_grid_thw": _grid(count, patches),
            **_derived(str(model_type), vision, count, patches, setting),
        }
    if "image_position_ids" in accepted:  # Gemma 4
        return {
            "pixel_values": _real(count, patches.patches, flat),
            "image_position_ids": _ids(count, patches.patches, 2),
        }  # fmt: skip
    square = (patches.channels, patches.size, patches.size)
    if "aspect_ratio_ids" in accepted:
        return {
            "pixel_values": _real(setting.batch, setting.images, patches.tiles, *square),
            "aspect_ratio_ids": _ids(setting.batch, setting.images),
            "aspect_ratio_mask": _ids(setting.batch, setting.images, patches.tiles),
        }
    pixels = _real(count, *square)
    if "pixel_attention_mask" in accepted:
        pixels = _real(setting.batch, setting.images, *square)
    sizes = {"image_sizes": torch.tensor([[patches.size, patches.size]] * count)}
    return {"pixel_values": pixels} | (sizes if vision.get("model_type") == "pixtral" else {})


def _grid(count: int, patches: PatchEmbedding) -> torch.Tensor:
    side = patches.size // patches.patch
    return torch.tensor([[1, side, side]] * count)


def _derived(
    model_type: str, vision: dict[str, Any], count: int, patches: PatchEmbedding, setting: Setting
) -> dict[str, Any]:
    """Places of patches, taps of interpolated tables, windows: what the tower of each type asks for."""
    from transformers.vision_utils import get_vision_window_index

    rows = count * patches.patches
    derived: dict[str, Any] = {
        "image_position_ids": _ids(rows, 2),
        "position_ids": _ids(3, setting.batch, setting.new),
    }
    match model_type:
        case "qwen3_vl" | "qwen3_vl_moe" | "qwen3_5" | "qwen3_5_moe":
            derived |= {"image_interp_indices": _ids(rows, 4), "image_interp_weights": _real(rows, 4)}
        case "kimi_k25":
            return {}
        case "qwen2_5_vl":
            merge, window = vision.get("spatial_merge_size", 2), vision.get("window_size", 112)
            order, ends = get_vision_window_index(_grid(count, patches), merge, window, patches.patch)
            derived |= {"image_window_index": order.to("meta"), "image_cu_window_seqlens": ends}
    return derived


def prepare(model: torch.nn.Module) -> None:
    """Replace what cannot run without data and multiplies no matrices: which images and tokens are padding, and where
    inner layers' tokens are added."""
    for module in model.modules():
        if hasattr(module, "_deepstack_process"):
            module._deepstack_process = _unchanged  # type: ignore[assignment]
        match type(module).__name__:
            case "Idefics2Model" | "Idefics3Model" | "SmolVLMModel":
                module.get_image_features = partial(_idefics, module)  # type: ignore[assignment]
            case "Kimi_K25VisionModel":
                module.forward = partial(_moonvit, module.forward)


def _idefics(model: Any, pixel_values: torch.Tensor, pixel_attention_mask: Any = None, **_: Any) -> Any:
    """Without looking for images that are all padding."""
    pixels = pixel_values.flatten(0, 1)
    side = pixels.shape[-1] // model.config.vision_config.patch_size
    shown = torch.ones(pixels.shape[0], side, side, dtype=torch.bool, device="meta")
    output = model.vision_model(pixel_values=pixels, patch_attention_mask=shown)
    masks = {"attention_mask": shown.flatten(1)} if type(model).__name__ == "Idefics2Model" else {}
    output.pooler_output = list(model.connector(output.last_hidden_state, **masks))
    return output


def _moonvit(forward: Callable[..., Any], pixel_values: torch.Tensor, grid_thw: torch.Tensor, **_: Any) -> Any:
    """With places and taps of its own: this class does not pass on what its caller derived."""
    rows = pixel_values.shape[0]
    return forward(
        pixel_values, grid_thw=grid_thw, position_ids=_ids(rows, 2), interp_indices=_ids(rows, 16),
        interp_weights=_real(rows, 16), frame_index=_ids(rows), temporal_merge_index=_ids(rows // 4, 1, 4),
    )  # fmt: skip


def _unchanged(hidden_states: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return hidden_states


@contextmanager
def real_sizes() -> Iterator[None]:
    """Keep sizes of images, which a class moves to its weights' device before it reads them, where they are real.

    Tokens picked by a mask are taken to be all: they are only counted, to be compared with those of the images.
    """
    from torch.fx.experimental import _config

    with patch.object(torch, "as_tensor", _kept), patch.object(_config, "meta_nonzero_assume_all_nonzero", True):
        yield


def _kept(data: Any, *, device: Any = None, **rest: Any) -> torch.Tensor:
    return torch.tensor(data, **rest) if isinstance(data, list | int | float) else _moved(data, device)


def _moved(data: torch.Tensor, device: Any) -> torch.Tensor:
    meant = device is not None and torch.device(device).type == "meta"
    return data if meant and data.device.type == "cpu" else data.to(device or data.device)


def _ids(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.long, device="meta")


def _real(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="meta")
