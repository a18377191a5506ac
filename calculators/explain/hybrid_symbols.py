"""Letters and formulas of recurrences, convolutions, and of two mixers in one layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from catalog.mixers import S4, Hyena, ParallelHeads, RgLru, ShortConvolution
from catalog.spec import Layer

LETTERS: dict[type, Callable[[Any], dict[str, int]]] = {
    Hyena: lambda m: {"n_s": m.order + 1, "n_l": m.order - 1, "c": m.conv, "p": m.conv - 1},
    RgLru: lambda m: {"w": m.width, "b": m.width // m.heads, "c": m.conv, "p": m.conv - 1},
    S4: lambda m: {"N": m.state},
    ShortConvolution: lambda m: {"c": m.kernel},
}

MEANINGS = {
    "n_s": "streams", "n_l": "long convolutions", "p": "columns kept", "w": "width of the recurrence",
    "b": "width of a gate's block",
}  # fmt: skip

PARAMETERS = {
    ("hyena", "mixer.in"): "h·n_s·h",
    ("hyena", "mixer.out"): "h·h",
    ("rg-lru", "mixer.gate"): "h·w",
    ("rg-lru", "mixer.in"): "h·w",
    ("rg-lru", "mixer.gates"): "2·w·b",
    ("rg-lru", "mixer.out"): "w·h",
    ("s4", "mixer.out"): "2·h·h",
    ("short-conv", "mixer.in"): "3·h·h",
    ("short-conv", "mixer.convolution"): "h·c",
    ("short-conv", "mixer.out"): "h·h",
}

FLOPS: dict[tuple[str, str], tuple[str, ...]] = {
    ("hyena", "mixer.convolution"): ("2·n_s·h·c",),
    ("hyena", "mixer.long_convolution"): ("2·n_l·h",),
    ("rg-lru", "mixer.convolution"): ("2·w·c",),
    ("short-conv", "mixer.convolution"): ("2·h·c",),
}

HELD: dict[str, tuple[str, ...]] = {
    "convolution": ("w·p", "h·c", "n_s·h·p"),
    "inputs": ("n_l·h",),
    "recurrence": ("w",),
    "scan": ("h·N",),
}


def part_of(layer: Layer, name: str) -> Any:
    """What an operator of that name was lowered from, where a layer has two mixers or a shared block in front."""
    if layer.shared and name == "attention":
        return layer.shared.attention
    if layer.shared and name == "channel":
        return layer.shared.channel
    if isinstance(layer.mixer, ParallelHeads):
        return layer.mixer.attention if name == "attention" else layer.mixer.scan
    return layer.mixer
