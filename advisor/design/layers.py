"""Stacks as plain sequences of layers, and back to groups that repeat."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.errors import BadInput
from catalog.spec import Group, Layer, Stack

LONGEST = 16
"""Layers of a repeating block at most."""


def is_plain(stack: Stack) -> bool:
    """Whether every layer has weights of its own, so that layers may be put in another order."""
    return not any(group.shared or group.name or group.again for group in stack.groups)


def flat(stack: Stack) -> list[Layer]:
    """All layers in order."""
    return [layer for group in stack.groups for _ in range(group.repeat) for layer in group.layers]


def _numbered(layers: Sequence[Layer]) -> list[int]:
    """Equal layers as equal numbers: comparing those is cheap."""
    seen: dict[Layer, int] = {}
    return [seen.setdefault(layer, len(seen)) for layer in layers]


def runs(layers: Sequence[Layer]) -> list[tuple[int, int, int]]:
    """(start, length of the block, times) of each repeating run; the block that covers most layers is taken first."""
    numbers, found, at = _numbered(layers), [], 0
    while at < len(numbers):
        best = (1, 1)
        for size in range(1, min(LONGEST, (len(numbers) - at) // 2) + 1):
            times = 1
            while numbers[at + times * size : at + (times + 1) * size] == numbers[at : at + size]:
                times += 1
            if times > 1 and size * times > best[0] * best[1]:
                best = size, times
        found.append((at, *best))
        at += best[0] * best[1]
    return found


def folded(layers: Sequence[Layer]) -> tuple[Group, ...]:
    """Layers as groups that repeat."""
    return tuple(Group(repeat=times, layers=tuple(layers[at : at + size])) for at, size, times in runs(layers))


def resized(stack: Stack, wanted: int, where: str) -> tuple[Group, ...]:
    """The groups of a stack with another number of layers: its longest run grows or shrinks, the others stay.

    Raises:
        BadInput: If the other layers alone are as many.
    """
    if not is_plain(stack):
        return _shared(stack, wanted, where)
    layers = flat(stack)
    found = runs(layers)
    longest = max(range(len(found)), key=lambda i: found[i][1] * found[i][2])
    start, size, times = found[longest]
    block, end = layers[start : start + size], start + size * times
    while end < len(layers) and layers[end] == block[(end - start) % size]:
        end += 1  # what follows is the run's own beginning, cut short
    rest = len(layers) - (end - start)
    if wanted <= rest:
        raise BadInput(
            f"layers={wanted}: {where} has {rest} layers apart from those that repeat; give {rest + 1} or more"
        )
    middle = [block[i % size] for i in range(wanted - rest)]
    return folded([*layers[:start], *middle, *layers[end:]])


def _shared(stack: Stack, wanted: int, where: str) -> tuple[Group, ...]:
    """Of layers that use one set of weights: the longest group runs more or less often."""
    if any(group.again or group.name for group in stack.groups):
        raise BadInput(f"layers: {where} runs some of its layers again; their number cannot be changed here")
    group = max(stack.groups, key=lambda g: g.repeat * len(g.layers))
    rest = stack.n_layers - group.repeat * len(group.layers)
    times, over = divmod(wanted - rest, len(group.layers))
    if times < 1 or over:
        low = rest + max(1, times) * len(group.layers)
        raise BadInput(f"layers={wanted}: {where} repeats {len(group.layers)} layers at once; {low} would be right")
    return tuple(g.model_copy(update={"repeat": times}) if g is group else g for g in stack.groups)
