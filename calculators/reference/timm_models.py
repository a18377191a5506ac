"""Models of timm, on the meta device: ``timm.create_model`` by name, in bf16."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

_declared: list[torch.library.Library] = []
"""Kept alive: what a library declares is gone with it."""


class Pictured(torch.nn.Module):
    """A model of timm called as transformers' image models are."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor, return_dict: bool | None = None) -> tuple[torch.Tensor]:
        """What the model makes of pixels; ``return_dict`` is accepted and changes nothing."""
        return (self.model(pixel_values),)


def build_timm(name: str, settings: dict[str, Any]) -> torch.nn.Module:
    """The model of that name with other settings than its defaults.

    Raises:
        ValueError: If timm has no such model.
    """
    _make_importable()
    import timm

    if not timm.is_model(name):
        raise ValueError(f"timm {timm.__version__} has no model {name!r}")
    with torch.device("meta"):
        model = timm.create_model(name, pretrained=False, **settings)
    return Pictured(model.to(torch.bfloat16))


def _make_importable() -> None:
    """Declare two operators where torchvision's compiled half does not load.

    timm imports torchvision for its transforms, and PyPI builds that for CUDA only: beside a CPU build of torch its
    Python half then fails at operators that nobody declared. No model here runs them.
    """
    found = find_spec("torchvision")
    if found is None or not found.submodule_search_locations or _declared:
        return
    compiled = Path(found.submodule_search_locations[0]) / "_C.so"
    try:
        torch.ops.load_library(str(compiled))
    except OSError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _declared.append(library)
