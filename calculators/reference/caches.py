"""Bytes that a real cache holds after a forward pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

HELD_BY_MODULES = {"RecurrentGemmaRecurrentBlock": "conv1d_state", "RecurrentGemmaRglru": "recurrent_states"}
"""Modules that keep their state themselves rather than in the cache, which such models do not return either."""


def keeps_states(model: torch.nn.Module) -> bool:
    """Whether some modules of a model keep states of their own."""
    return any(type(module).__name__ in HELD_BY_MODULES for module in model.modules())


def fresh_cache(model: Any) -> Any:
    """An empty cache for a model that would not return the one it makes, and no states in its modules."""
    from transformers import DynamicCache

    for module in model.modules():
        if name := HELD_BY_MODULES.get(type(module).__name__):
            setattr(module, name, None)
    return DynamicCache(config=model.config)


def with_states(cache: Any, model: torch.nn.Module) -> Any:
    """The cache, with the states that modules keep noted on it, so that they are counted."""
    cache.kept_by_modules = [
        getattr(module, name) for module in model.modules() if (name := HELD_BY_MODULES.get(type(module).__name__))
    ]
    return cache


def cache_bytes(cache: Any) -> int:
    """Bytes of all tensors that a transformers cache holds, each once; ``None`` is an empty cache.

    Keys and values, latents, convolution and scan states, in their real types; of an encoder-decoder both caches.
    Integers are bookkeeping (a windowed layer keeps its width in one) and no cache.
    """
    return sum(tensor.numel() * tensor.element_size() for tensor in cached_tensors(cache))


def cached_tensors(cache: Any) -> list[torch.Tensor]:
    """The tensors of numbers that a cache holds, each once."""
    return list({id(tensor): tensor for tensor in _tensors(cache, set()) if tensor.is_floating_point()}.values())


def _tensors(thing: Any, seen: set[int]) -> Iterator[torch.Tensor]:
    """Every tensor reachable through attributes, lists and mappings; layers keep some states in dictionaries."""
    if isinstance(thing, torch.Tensor):
        yield thing
        return
    if id(thing) in seen or isinstance(thing, str | bytes | int | float | type) or thing is None:
        return
    seen.add(id(thing))
    if isinstance(thing, dict):
        for value in thing.values():
            yield from _tensors(value, seen)
    elif isinstance(thing, list | tuple | set):
        for value in thing:
            yield from _tensors(value, seen)
    elif type(thing).__module__.startswith("transformers."):
        yield from _tensors(vars(thing), seen)
