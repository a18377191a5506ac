"""What a token of one model sees: a picture for each kind of token mixer that its layers have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from advisor.pictures import BLURRED, SEEN, SIDE, UNSEEN
from catalog.mixers import (
    Attention,
    BareAttention,
    CompressedAttention,
    CrossAttention,
    ExpertAttention,
    Fourier,
    Hyena,
    JointAttention,
    LatentAttention,
    LinearMixer,
    LongAttention,
    ReducedAttention,
    RgLru,
    ShortConvolution,
    Traced,
    WindowAttention,
)
from catalog.mixers.linear_recurrence import S4
from catalog.mixers.state_space import Mamba, Mamba2
from catalog.spec import ModelSpec

Cell = Callable[[int, int], int]
"""What a token (row) sees of another (column)."""
NEAR = 3
"""Cells for a window, whatever its length."""
CHUNK = SIDE // 2


@dataclass(frozen=True, slots=True)
class Sight:
    """One pattern and how many layers have it."""

    stack: str
    label: str
    layers: int
    cells: tuple[tuple[int, ...], ...]
    """``UNSEEN``, ``BLURRED`` or ``SEEN``, rows by columns; windows and blocks are drawn shorter than they are."""


def sights(spec: ModelSpec) -> tuple[Sight, ...]:
    """Every pattern of a model in order of appearance; none where nothing is disclosed."""
    if isinstance(spec.architecture, str):
        return ()
    found: dict[tuple[str, str], tuple[int, Cell]] = {}
    for stack in spec.architecture.stacks:
        for group in stack.groups:
            for layer in group.layers:
                for mixer in (*layer.mixers, *((layer.cross,) if layer.cross else ())):
                    if (seen := _seen(mixer)) is None:
                        continue
                    label, cell = seen
                    count = found.get((stack.name, label), (0, cell))[0]
                    found[stack.name, label] = count + group.repeat, cell
    return tuple(Sight(stack, label, layers, _grid(cell)) for (stack, label), (layers, cell) in found.items())


def _grid(cell: Cell) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(cell(row, column) for column in range(SIDE)) for row in range(SIDE))


def _where(test: Callable[[int, int], bool], otherwise: Callable[[int, int], bool] = lambda r, c: False) -> Cell:
    return lambda r, c: SEEN if test(r, c) else BLURRED if otherwise(r, c) else UNSEEN


PAST = _where(lambda r, c: c <= r)
ALL = _where(lambda r, c: True)
STATE = _where(lambda r, c: c == r, lambda r, c: c < r)


def _seen(mixer: Any) -> tuple[str, Cell] | None:
    match mixer:
        case Attention():
            return _attention(mixer)
        case LatentAttention() if mixer.window is not None:
            return _window(mixer.window)
        case LatentAttention() if mixer.indexer is not None:
            return f"{mixer.indexer.top_k:,} chosen tokens of the past", CHOSEN
        case LatentAttention() | ExpertAttention():
            return "all of the past", PAST
        case CompressedAttention():
            return _compressed(mixer)
        case CrossAttention():
            return f"all of {mixer.source}", ALL
        case Mamba() | Mamba2() | RgLru() | S4() | LinearMixer():
            return "the past through a state of fixed size", STATE
        case ShortConvolution():
            return f"the last {mixer.kernel} tokens", _where(lambda r, c: r - NEAR < c <= r)
        case Hyena():
            return "the past through long convolutions", _where(lambda r, c: c == r, lambda r, c: c < r)
        case BareAttention():
            return "every token", ALL
        case JointAttention():
            return f"every token, and all of {', '.join(mixer.partners)}", ALL
        case Fourier():
            return "every token, mixed by fixed waves", _where(lambda r, c: False, lambda r, c: True)
        case WindowAttention():
            return f"squares of {mixer.window} × {mixer.window} cells", _where(lambda r, c: r // CHUNK == c // CHUNK)
        case ReducedAttention():
            return "every cell of a coarser grid", _where(lambda r, c: False, lambda r, c: True)
        case LongAttention():
            return _long(mixer)
        case Traced() | None:
            return None
        case _:
            return None


CHOSEN = _where(lambda r, c: c == r or (c < r and (r * 5 + c * 3) % 4 == 0), lambda r, c: False)


def _window(length: int) -> tuple[str, Cell]:
    return f"the last {length:,} tokens", _where(lambda r, c: r - NEAR < c <= r)


def _attention(mixer: Attention) -> tuple[str, Cell]:
    if mixer.chunk is not None:
        return f"the past within blocks of {mixer.chunk:,}", _where(lambda r, c: c <= r and r // CHUNK == c // CHUNK)
    if mixer.blocks is not None:
        return f"blocks of {mixer.blocks:,} tokens", _where(lambda r, c: r // CHUNK == c // CHUNK)
    if mixer.indexer is not None:
        return f"{mixer.indexer.top_k:,} chosen blocks of {mixer.indexer.block:,} tokens", CHOSEN
    if mixer.window is not None:
        if mixer.causal:
            return _window(mixer.window)
        return f"{mixer.window:,} tokens to each side", _where(lambda r, c: abs(r - c) < NEAR)
    if not mixer.causal:
        return "every token", ALL
    if mixer.prefix:
        return "the whole prompt, then the past", _where(lambda r, c: c <= r or max(r, c) < CHUNK)
    return "all of the past", PAST


def _compressed(mixer: CompressedAttention) -> tuple[str, Cell]:
    if mixer.rate is None:
        return _window(mixer.window)
    chosen = f"{mixer.indexer.top_k:,} chosen " if mixer.indexer else ""
    return (
        f"the last {mixer.window:,} tokens, before them {chosen}summaries of {mixer.rate:,}",
        _where(lambda r, c: r - NEAR < c <= r, lambda r, c: c < r),
    )


def _long(mixer: LongAttention) -> tuple[str, Cell]:
    pattern = mixer.pattern
    match pattern.kind:
        case "sliding-chunks":
            return f"{pattern.reach:,} tokens to each side", _where(lambda r, c: abs(r - c) < NEAR)
        case "random-blocks":
            return (
                f"blocks of {pattern.block:,}: neighbours, both ends, {pattern.random} at random",
                _where(lambda r, c: abs(r - c) < 2 or {r, c} & {0, SIDE - 1} != set() or (r * 5 + c * 3) % 7 == 0),
            )
        case _:
            more = f", and sums of {pattern.stretch:,} tokens" if pattern.stretch else ""
            seen = (lambda r, c: True) if pattern.stretch else (lambda r, c: False)
            return f"{pattern.reach:,} tokens to each side{more}", _where(lambda r, c: abs(r - c) < NEAR, seen)
