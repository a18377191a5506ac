"""Bars of eighths of a cell. They always stand beside the number that they draw."""

from __future__ import annotations

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
