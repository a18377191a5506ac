"""Fold a list of layers into repeated groups, so that 80 equal layers are one entry."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.spec import Group, Layer


def fold(layers: Sequence[Layer]) -> tuple[Group, ...]:
    """The same layers in order as groups.

    At each place the repetition that covers most layers wins, and among equals the shortest period.
    """
    kinds = {layer: index for index, layer in enumerate(dict.fromkeys(layers))}
    code = [kinds[layer] for layer in layers]
    groups, start = [], 0
    while start < len(code):
        period, repeat = _best_repetition(code, start)
        groups.append(Group(repeat=repeat, layers=tuple(layers[start : start + period])))
        start += period * repeat
    return _join_singles(groups)


def _best_repetition(code: list[int], start: int) -> tuple[int, int]:
    left = len(code) - start
    best = (1, 1)
    for period in range(1, min(left // 2, 24) + 1):
        unit = code[start : start + period]
        repeat = 1
        while code[start + repeat * period : start + (repeat + 1) * period] == unit:
            repeat += 1
        if repeat > 1 and repeat * period > best[0] * best[1]:
            best = (period, repeat)
    return best


def _join_singles(groups: list[Group]) -> tuple[Group, ...]:
    """Neighbouring groups that do not repeat become one list of layers."""
    joined: list[Group] = []
    for group in groups:
        if joined and group.repeat == 1 and joined[-1].repeat == 1:
            joined[-1] = Group(layers=joined[-1].layers + group.layers)
        else:
            joined.append(group)
    return tuple(joined)
