"""Columns of the tables about models. Every number goes through ``advisor.report``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from advisor.report import bytes_text, count_text, flops_text, percent_text, seconds_text, tokens_text
from tui.cells import NONE, licence
from tui.widgets.bars import FILLS, bar, error_bar, stack_cells
from tui.widgets.columns import Column

if TYPE_CHECKING:
    from advisor.answer import Memory
    from advisor.breakdown import Part
    from advisor.figures import Figure
    from advisor.scaling import Point
    from tui.library import Model


def short_context(m: Model) -> str:
    """Advertised context in at most seven cells."""
    tokens = m.spec.context_tokens
    if tokens is None:
        return NONE
    return tokens_text(tokens) if tokens % 1024 == 0 or tokens < 100_000 else f"{tokens / 1000:,.0f}k"


MODELS: tuple[Column[Model], ...] = (
    Column("id", lambda m: m.id, 0, left=True, most=34, key=lambda m: m.id),
    Column("family", lambda m: m.spec.family, 3, left=True, key=lambda m: m.spec.family),
    Column(
        "params", lambda m: count_text(m.params.total) if m.params else NONE, 1,
        key=lambda m: m.params and m.params.total, descending=True,
    ),
    Column(
        "active", lambda m: count_text(m.params.active) if m.params else NONE, 4,
        key=lambda m: m.params and m.params.active, descending=True,
    ),
    Column("context", short_context, 2, key=lambda m: m.spec.context_tokens, descending=True),
    Column("licence", licence, 5, left=True, most=22, key=lambda m: m.spec.licence and m.spec.licence.name),
    Column("by", lambda m: m.spec.organisation or NONE, 6, left=True, most=16, key=lambda m: m.spec.organisation),
    Column("released", lambda m: m.spec.released or NONE, 7, left=True, key=lambda m: m.spec.released, descending=True),
)  # fmt: skip

SIZES: tuple[Column[Figure], ...] = (
    Column("quantity", lambda f: f.name, 0, left=True, most=26),
    Column("value", lambda f: f.text, 1, most=34),
    Column("what it is", lambda f: f.note, 2, left=True, most=60),
)
BAND = 15
"""Cells of an error bar."""


def band(figure: Figure) -> str:
    """The figure's band on an axis from half to twice its value."""
    b = figure.band
    return error_bar(b.p10, b.p50, b.p90, BAND) if b and b.p10 is not None and b.p90 is not None else ""


FIGURES: tuple[Column[Figure], ...] = (
    Column("figure", lambda f: f.name, 0, left=True),
    Column("value", lambda f: f.text, 1),
    Column("½×" + "1×".center(BAND - 4) + "2×", band, 3, left=True),
    Column("4 in 5 within", lambda f: f.range_text, 2, left=True, most=40),
    Column("", lambda f: f.note, 4, left=True, most=40),
)
SHARE = 8


def share(part: Part) -> str:
    """The share of a pass, as a bar and a number."""
    return f"{bar(part.share, SHARE)} {percent_text(part.share):>5}"


def short_names(parts: Sequence[Part]) -> Callable[[Part], str]:
    """Names without the stack and the number of the layers, where all operators have the same."""
    pieces = [part.name.split(".") for part in parts]
    stacks = {names[0] for names in pieces}
    numbers = {names[1] for names in pieces if len(names) > 2 and names[1].isdigit()}
    drop = int(len(stacks) == 1)

    def short(part: Part) -> str:
        names = part.name.split(".")
        numbered = len(names) > 2 and names[1].isdigit()
        return ".".join(names[drop + (drop and numbered and len(numbers) == 1) :])

    return short


def operators(name: Callable[[Part], str]) -> tuple[Column[Part], ...]:
    """Columns with other names."""
    return (Column("operator", name, 0, left=True, most=40, key=name), *OPERATORS[1:])


OPERATORS: tuple[Column[Part], ...] = (
    Column("operator", lambda p: p.name, 0, left=True, most=40, key=lambda p: p.name),
    Column("share", share, 1, key=lambda p: p.share, descending=True),
    Column("time", lambda p: seconds_text(p.seconds), 2, key=lambda p: p.seconds, descending=True),
    Column("bound by", lambda p: p.bound, 3, left=True, key=lambda p: p.bound),
    Column(
        "of roofline", lambda p: NONE if p.fraction_of_roofline is None else percent_text(p.fraction_of_roofline), 4,
        key=lambda p: p.fraction_of_roofline,
    ),
    Column("×", lambda p: str(p.repeat), 5, key=lambda p: p.repeat, descending=True),
    Column("FLOPs", lambda p: flops(p.flops), 7, key=lambda p: p.flops, descending=True),
    Column("traffic", lambda p: bytes_text(p.bytes), 8, key=lambda p: p.bytes, descending=True),
    Column(
        "FLOP/byte", lambda p: NONE if p.intensity is None else f"{p.intensity:,.1f}", 6, key=lambda p: p.intensity,
        descending=True,
    ),
    Column("kind", lambda p: p.kind, 9, left=True, key=lambda p: p.kind),
)  # fmt: skip


def flops(value: float) -> str:
    """Arithmetic, or a dash where there is none."""
    return flops_text(value) if value else NONE


STACK = 20
"""Cells of a memory bar."""
STACK_PARTS = ("weights", "cache", "state", "activations", "engine")


def memory_parts(m: Memory) -> list[float]:
    """Bytes of each of ``STACK_PARTS``."""
    return [m.weights_bytes, m.kv_cache_bytes, m.state_bytes, m.activation_bytes, m.overhead_bytes]


def stack(m: Memory, width: int) -> str:
    """A device's memory as a bar: a fill for each part, ``·`` for what is free, ``›`` where it is too much."""
    whole = m.usable_bytes or m.total_bytes_per_gpu
    cells = stack_cells(memory_parts(m), whole, width)
    drawn = "".join(fill * n for fill, n in zip(FILLS, cells, strict=False))
    return drawn[: width - 1] + "›" if m.fits is False else drawn.ljust(width, "·")


@dataclass(frozen=True)
class Step:
    """One context length of a growth table."""

    point: Point
    memory: Memory | None


def _used(m: Memory | None) -> str:
    if m is None:
        return NONE
    if m.usable_bytes is None:
        return bytes_text(m.total_bytes_per_gpu)
    left = percent_text(m.total_bytes_per_gpu / m.usable_bytes)
    return f"✗ {left}" if m.fits is False else left


GROWTH: tuple[Column[Step], ...] = (
    Column("context", lambda s: tokens_text(s.point.context), 0, most=12),
    Column("FLOPs", lambda s: flops(s.point.flops), 1),
    Column("linear part", lambda s: flops(s.point.linear_flops), 7),
    Column("attention", lambda s: flops(s.point.attention_flops), 8),
    Column("exponent", lambda s: f"{s.point.exponent:.2f}", 6),
    Column("cache+state", lambda s: bytes_text(s.point.cache_bytes), 3),
    Column("memory of a device", lambda s: stack(s.memory, STACK) if s.memory else NONE, 4, left=True),
    Column("used", lambda s: _used(s.memory), 2),
    Column("prefill", lambda s: seconds_text(s.point.prefill_s), 5),
    Column("decode step", lambda s: seconds_text(s.point.decode_s), 5),
)
