"""Whole models of transformers at random weights: forward passes to time."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from calculators.reference.kernels import DTYPES
from calculators.reference.timing import Timer


@dataclass(frozen=True)
class Pass:
    """A forward pass of one model: ``new`` tokens per sequence after ``past`` ones."""

    name: str
    config: Mapping[str, Any]
    """As in ``config.json``: ``model_type``, ``architectures`` and sizes."""
    dtype: str
    batch: int
    new: int
    past: int = 0
    image: int = 0
    """Side of square images instead of tokens; 0 for text."""


def passes(config: Mapping[str, Any], dtype: str, device: str) -> Callable[[Pass], Callable[[], object]]:
    """Build a model once; what is returned makes a call for each pass of it."""
    if "_class_name" in config:
        return _denoiser(config, dtype, device)
    import transformers

    transformers.logging.set_verbosity_error()
    kind = getattr(transformers, config["architectures"][0])
    settings = {key: value for key, value in config.items() if key not in ("model_type", "architectures")}
    made = transformers.CONFIG_MAPPING[config["model_type"]](**settings)
    with torch.device(device):
        model = kind._from_config(made, dtype=DTYPES[dtype]).eval()
    vocabulary = int(config.get("vocab_size", 2))

    def call(one: Pass) -> Callable[[], object]:
        if one.image:
            pixels = torch.randn(one.batch, int(config.get("num_channels", 3)), one.image, one.image, device=device)
            pixels = pixels.to(DTYPES[dtype])
            return lambda: model(pixel_values=pixels)
        extra = {"logits_to_keep": 1} if "logits_to_keep" in _names(model.forward) else {}
        tokens = torch.randint(vocabulary, (one.batch, one.new), device=device)
        if not one.past:
            if "use_cache" in _names(model.forward):
                extra["use_cache"] = False
            if config["model_type"] == "t5":
                extra["decoder_input_ids"] = tokens[:, :1]
            return lambda: model(input_ids=tokens, **extra)
        return _step(model, one, tokens, vocabulary, device, extra)

    return call


def _denoiser(config: Mapping[str, Any], dtype: str, device: str) -> Callable[[Pass], Callable[[], object]]:
    """A diffusion transformer of diffusers: one denoising step."""
    import diffusers

    diffusers.logging.set_verbosity_error()
    settings = {key: value for key, value in config.items() if key not in ("_class_name", "architectures")}
    model = getattr(diffusers, config["_class_name"])(**settings).to(device, DTYPES[dtype]).eval()

    def call(one: Pass) -> Callable[[], object]:
        latents = torch.randn(one.batch, config["in_channels"], one.image, one.image, device=device).to(DTYPES[dtype])
        moment = torch.full((one.batch,), 500, device=device)
        label = torch.zeros(one.batch, dtype=torch.long, device=device)
        return lambda: model(latents, timestep=moment, class_labels=label)

    return call


def _step(
    model: Any, one: Pass, tokens: torch.Tensor, vocabulary: int, device: str, extra: Mapping[str, Any]
) -> Callable[[], object]:
    """One step over a cache that was filled before; what a step adds is taken off again."""
    before = torch.randint(vocabulary, (one.batch, one.past), device=device)
    with torch.inference_mode():
        first = model(input_ids=before, use_cache=True, **extra)
    name = "cache_params" if "cache_params" in _names(model.forward) else "past_key_values"
    cache = getattr(first, name)

    kept = [name == "cache_params"]  # a state is not taken back, and of a hybrid no cache: it grows a token a step

    def step() -> object:
        out = model(input_ids=tokens, use_cache=True, **{name: cache}, **extra)
        if not kept[0]:
            try:
                cache.crop(-one.new)
            except (AttributeError, NotImplementedError, RuntimeError):
                kept[0] = True
        return out

    return step


def _names(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def measure(cases: list[Pass], timer: Timer, *, captured: bool = False) -> list[tuple[Pass, float, str]]:
    """Seconds of each pass, or 0 and the reason why it could not be run; models are built once per configuration."""
    found: list[tuple[Pass, float, str]] = []
    groups: dict[tuple[str, str], list[Pass]] = {}
    for one in cases:
        groups.setdefault((one.name, one.dtype), []).append(one)
    for own in groups.values():
        try:
            make = passes(own[0].config, own[0].dtype, timer.device)
        except Exception as error:
            found += [(one, 0.0, _why(error)) for one in own]
            continue
        for one in own:
            try:
                found.append((one, timer.seconds([make(one)], captured=captured), ""))
            except Exception as error:
                found.append((one, 0.0, _why(error)))
        del make
        gc.collect()
        if timer.device.startswith("cuda"):
            torch.cuda.empty_cache()
    return found


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
