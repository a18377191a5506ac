"""What a vision-language model of transformers is handed with its text: pixels, and where they belong.

Numbers that a class reads as numbers (grids, sizes) are real; what it would derive from them is handed over ready, on
the meta device, because it must lie where the weights do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch

from calculators.reference.observation import Setting
from catalog.spec import PatchEmbedding, Reference

GRIDS = ("image_grid_thw", "grid_thws", "image_grid_hws")
"""Names of the argument that holds frames, rows and columns of each image's patches."""


def images(
    reference: Reference, accepted: Collection[str], patches: PatchEmbedding, setting: Setting
) -> dict[str, Any]:
    """Arguments for ``setting.images`` pictures in each sequence, all of the size that the spec counts for."""
    count = setting.batch * setting.images
    vision = reference.config.get("vision_config") or {}
    if any(name in accepted for name in GRIDS):
        grid = next(name for name in GRIDS if name in accepted)
        return {grid: _grid(count, patches), **_packed(count, patches), **_derived(vision, count, patches, setting)}
    if "image_position_ids" in accepted:  # Gemma 4
        return {
            "pixel_values": _real(count, patches.patches, patches.channels * patches.patch**2),
            "image_position_ids": _ids(count, patches.patches, 2),
        }
    if "aspect_ratio_ids" in accepted:
        return {
            "pixel_values": _real(
                setting.batch, setting.images, patches.tiles, patches.channels, patches.size, patches.size
            ),
            "aspect_ratio_ids": _ids(setting.batch, setting.images),
            "aspect_ratio_mask": _ids(setting.batch, setting.images, patches.tiles),
        }  # fmt: skip
    pixels = {"pixel_values": _real(count, patches.channels, patches.size, patches.size)}
    if "image_sizes" in accepted and vision.get("model_type") == "pixtral":
        return pixels | {"image_sizes": torch.tensor([[patches.size, patches.size]] * count)}
    return pixels


def _grid(count: int, patches: PatchEmbedding) -> torch.Tensor:
    side = patches.size // patches.patch
    return torch.tensor([[1, side, side]] * count)


def _packed(count: int, patches: PatchEmbedding) -> dict[str, torch.Tensor]:
    """Patches of all images in one row, flattened."""
    inputs = patches.channels * patches.frames * patches.patch**2
    return {"pixel_values": _real(count * patches.patches, inputs)}


def _derived(vision: dict[str, Any], count: int, patches: PatchEmbedding, setting: Setting) -> dict[str, Any]:
    """Places of patches and of tokens, taps of interpolated tables, windows; each class takes what it knows."""
    from transformers.vision_utils import get_vision_window_index

    rows = count * patches.patches
    derived: dict[str, Any] = {
        "image_position_ids": _ids(rows, 2),
        "position_ids": _ids(3, setting.batch, setting.new),
    }
    if "num_position_embeddings" in vision or "deepstack_visual_indexes" in vision:
        derived |= {"image_interp_indices": _ids(rows, 4), "image_interp_weights": _real(rows, 4)}
    if "window_size" in vision or "fullatt_block_indexes" in vision:
        order, ends = get_vision_window_index(
            _grid(count, patches), vision.get("spatial_merge_size", 2), vision.get("window_size", 112), patches.patch
        )
        derived |= {"image_window_index": order.to("meta"), "image_cu_window_seqlens": ends}
    return derived


def prepare(model: torch.nn.Module) -> None:
    """Replace what cannot run without data and multiplies no matrices: adding inner layers' tokens at their places."""
    for module in model.modules():
        if hasattr(module, "_deepstack_process"):
            module._deepstack_process = _unchanged  # type: ignore[assignment]


def _unchanged(hidden_states: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return hidden_states


@contextmanager
def real_sizes() -> Iterator[None]:
    """Keep sizes of images, which a class moves to its weights' device before it reads them, where they are real."""
    with patch.object(torch, "as_tensor", _kept):
        yield


def _kept(data: Any, *, device: Any = None, **rest: Any) -> torch.Tensor:
    return torch.tensor(data, **rest) if isinstance(data, list) else _moved(data, device)


def _moved(data: torch.Tensor, device: Any) -> torch.Tensor:
    meant = device is not None and torch.device(device).type == "meta"
    return data if meant and data.device.type == "cpu" else data.to(device or data.device)


def _ids(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.long, device="meta")


def _real(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="meta")
