"""Depth against width: the same parameters in more, narrower layers or in fewer, wider ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from calculators.lowering import lower
from catalog.channels import Dense, Experts
from catalog.errors import BadInput
from catalog.mixers import Attention
from catalog.spec import Architecture, Group, Layer, Stack


@dataclass(frozen=True, slots=True)
class Shape:
    """One aspect ratio."""

    layers: int
    hidden: int
    parameters: int
    architecture: Architecture


def reshaped(architecture: Architecture, factor: float) -> Shape:
    """A decoder or encoder of ``factor`` times as many layers and, as nearly as whole numbers allow, its parameters.

    Head width, the ratio of query to key-value heads and the vocabulary stay. The hidden width and the number of
    heads go with the square root of what one layer may hold; the feed-forward takes up the rest.

    Raises:
        BadInput: If the model has several stacks, or layers other than attention with a feed-forward.
    """
    (stack, *others) = architecture.stacks
    if others:
        raise BadInput("depth against width is for models of one stack")
    if len(stack.groups) != 1 or not all(_is_plain(layer) for layer in stack.groups[0].layers):
        raise BadInput("depth against width is for equal layers of attention and feed-forward")
    repeat = max(1, round(stack.groups[0].repeat * factor))
    target = _parameters(architecture)
    step = _smallest_step(stack)
    units = _nearest(lambda n: _parameters(_scaled(stack, repeat, n * step)), target)
    wide = _scaled(stack, repeat, units * step)
    thousandths = _nearest(lambda n: _parameters(_fed(wide, n / 1000)), target)
    made = _fed(wide, thousandths / 1000)
    return Shape(made.stacks[0].n_layers, made.stacks[0].hidden, _parameters(made), made)


def _nearest(grow: Callable[[int], int], target: int) -> int:
    """The positive integer at which a growing function comes nearest to ``target``."""
    low, high = 1, 2
    while grow(high) < target:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if grow(middle) < target else (low, middle)
    return min((low, high), key=lambda n: abs(grow(n) - target))


def _fed(architecture: Architecture, factor: float) -> Architecture:
    """The same with other feed-forward widths."""
    stack = architecture.stacks[0]
    layers = tuple(_layer(layer, 1, factor) for layer in stack.groups[0].layers)
    group = stack.groups[0].model_copy(update={"layers": layers})
    return Architecture(stacks=(stack.model_copy(update={"groups": (group,)}),))


def _is_plain(layer: Layer) -> bool:
    return (
        isinstance(layer.mixer, Attention)
        and isinstance(layer.channel, Dense | Experts)
        and layer.cross is None
        and not layer.extras
        and layer.modulation is None
    )


def _smallest_step(stack: Stack) -> int:
    """The least number of query heads by which a width can grow with its groups intact."""
    return max(
        layer.mixer.heads // layer.mixer.kv_heads
        for layer in stack.groups[0].layers
        if isinstance(layer.mixer, Attention)
    )


def _parameters(architecture: Architecture) -> int:
    return sum(operator.parameters for operator in lower(architecture))


def _scaled(stack: Stack, repeat: int, heads: int) -> Architecture:
    """``heads`` query heads in the first layer, everything else in proportion."""
    first = stack.groups[0].layers[0].mixer
    assert isinstance(first, Attention)
    ratio = heads / first.heads
    hidden = max(1, round(stack.hidden * ratio / 8)) * 8
    layers = tuple(_layer(layer, ratio, hidden / stack.hidden) for layer in stack.groups[0].layers)
    group = stack.groups[0].model_copy(update={"repeat": repeat, "layers": layers})
    assert isinstance(group, Group)
    return Architecture(stacks=(stack.model_copy(update={"hidden": hidden, "groups": (group,)}),))


def _layer(layer: Layer, heads: float, width: float) -> Layer:
    mixer, channel = layer.mixer, layer.channel
    assert isinstance(mixer, Attention)
    assert isinstance(channel, Dense | Experts)
    kv = max(1, round(mixer.kv_heads * heads))
    new_heads = kv * (mixer.heads // mixer.kv_heads)
    widths: dict[str, Any] = {"width": max(1, round(channel.width * width))}
    if isinstance(channel, Experts) and channel.shared_width:
        widths["shared_width"] = max(1, round(channel.shared_width * width))
    return layer.model_copy(
        update={
            "mixer": mixer.model_copy(update={"heads": new_heads, "kv_heads": kv}),
            "channel": channel.model_copy(update=widths),
        }
    )
