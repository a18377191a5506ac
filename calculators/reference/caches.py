"""Bytes that a real cache holds after a forward pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch


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
