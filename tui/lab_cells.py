"""How a design's differences look in one cell."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING

from advisor.report import bytes_text, change_text, count_text, seconds_text
from tui.cells import NONE, maybe_seconds
from tui.widgets.bars import bar
from tui.widgets.columns import Column

if TYPE_CHECKING:
    from advisor.design.depths import Depths, SizedShape
    from advisor.design.differences import Difference

HALF = 5
"""Cells of a bar on each side of its middle."""
OCTAVES = 2.0
"""Change at which a bar is full: four times, or a quarter."""
BAR = 6
"""Cells of a bar of a share."""
NAMES = {
    "throughput, tok/s": "tokens/s", "requests that fit": "requests fit", "windowed layers": "window layers",
    "$/1,000 requests": "$/1k requests",
}  # fmt: skip
LEFT_OUT = ("mixers",)
"""Told elsewhere, for it is long."""


def change_bar(change: float | None) -> str:
    """A bar to the right for more, to the left for less, by doublings; nothing where nothing changed."""
    if change is None or change <= -1 or abs(change) < 5e-4:
        return f"{'':{HALF}}│{'':{HALF}}"
    share = min(1.0, abs(log2(1 + change)) / OCTAVES)
    if change > 0:
        return f"{'':{HALF}}│{bar(share, HALF)}"
    full, half = divmod(max(1, round(share * HALF * 2)), 2)
    return f"{'▐' * half + '█' * full:>{HALF}}│{'':{HALF}}"


def name(row: Difference) -> str:
    """A short name."""
    return NAMES.get(row.name, row.name)


DIFFERENCES: tuple[Column[Difference], ...] = (
    Column("quantity", name, 0, left=True, most=16),
    Column("base", lambda r: r.base_text, 1, most=11),
    Column("design", lambda r: r.design_text, 1, most=11),
    Column("change", lambda r: change_text(r.change), 1, key=lambda r: r.change, descending=True),
    Column("", lambda r: change_bar(r.change), 3, left=True, most=2 * HALF + 1),
    Column("cost", lambda r: r.verdict, 2, left=True, key=lambda r: r.verdict),
)


def shapes(found: Depths | None) -> tuple[Column[SizedShape], ...]:
    """Columns of shapes of one size; bars are shares of the largest."""
    rows = found.shapes if found else ()
    cache = max((row.cache_bytes for row in rows), default=0) or 1
    time = max((row.token_s or row.first_s for row in rows), default=0.0) or 1.0
    return (
        Column("layers", lambda s: f"{s.layers}{' ●' if s.is_own else '  '}", 0, left=True, key=lambda s: s.layers),
        Column("width", lambda s: f"{s.hidden:,}", 1, key=lambda s: s.hidden),
        Column("heads/kv", heads, 6),
        Column("ff", lambda s: f"{s.ff_width:,}" if s.ff_width else NONE, 7),
        Column("parameters", lambda s: count_text(s.params_total), 9),
        Column("off", lambda s: change_text(s.off, 2), 8, key=lambda s: abs(s.off)),
        Column("cache", lambda s: bytes_text(s.cache_bytes) if s.cache_bytes else NONE, 1, key=lambda s: s.cache_bytes),
        Column("", lambda s: bar(s.cache_bytes / cache, BAR), 3, left=True),
        Column("first", lambda s: seconds_text(s.first_s), 5, key=lambda s: s.first_s),
        Column("per token", lambda s: maybe_seconds(s.token_s), 2, key=lambda s: s.token_s),
        Column(" ", lambda s: bar((s.token_s or s.first_s) / time, BAR), 4, left=True),
        Column("fits", lambda s: {True: "yes", False: "no", None: NONE}[s.fits], 8, left=True),
    )


def heads(s: SizedShape) -> str:
    """Query heads and kv heads."""
    return NONE if s.heads is None else f"{s.heads}" if s.kv_heads is None else f"{s.heads}/{s.kv_heads}"
