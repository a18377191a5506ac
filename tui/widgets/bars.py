"""Bars of eighths of a cell. They always stand beside the number that they draw."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

_EIGHTHS = " ▏▎▍▌▋▊▉"
_HEIGHTS = " ▁▂▃▄▅▆▇█"


def bar(share: float, width: int) -> str:
    """A bar of at most ``width`` cells, padded to ``width``; a share above 0 shows at least a sliver."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    if share > 0:
        eighths = max(eighths, 1)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def heat(share: float) -> str:
    """One cell whose height is the share."""
    return _HEIGHTS[round(min(max(share, 0.0), 1.0) * 8)]


FILLS = "█▓▒░#+-"
"""Fills of a stack from its start; they differ without colours."""


def stack_cells(parts: Sequence[float], whole: float, width: int) -> list[int]:
    """Cells for each part of a stack in a bar of ``width``; a part above 0 has at least one, while there is room."""
    found, used, summed = [], 0, 0.0
    for part in parts:
        summed += part
        cells = round(min(summed / whole, 1.0) * width) - used if whole > 0 else 0
        cells = min(max(cells, 1 if part > 0 else 0), max(0, width - used))
        found.append(cells)
        used += cells
    return found


def error_bar(low: float, middle: float, high: float, width: int, reach: float = 2.0) -> str:
    """A band around a middle on a logarithmic axis from ``1/reach`` to ``reach`` times the middle: ``   ├──●────┤  ``.

    An end beyond the axis is drawn as an arrow.
    """
    if not 0 < low <= middle <= high:
        return " " * width

    def place(value: float) -> int:
        share = (log(value / middle) / log(reach) + 1) / 2
        return round(min(max(share, 0.0), 1.0) * (width - 1))

    start, centre, end = place(low), place(middle), place(high)
    cells = [" "] * width
    for at in range(start, end + 1):
        cells[at] = "─"
    cells[start] = "◂" if low * reach < middle else "├"
    cells[end] = "▸" if high > middle * reach else "┤"
    cells[centre] = "●"
    return "".join(cells)
