"""Tables as lines of text: aligned columns for terminals, Markdown for documents."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

NARROWEST = 16
"""Characters to which a column of words is broken at most."""


def aligned_lines(
    headers: Sequence[str], rows: Sequence[Sequence[Any]], *, left: int = 1, right: int | None = None
) -> list[str]:
    """Two spaces between columns, the header first.

    Args:
        headers: One per column.
        rows: Cells.
        left: How many columns stand to the left; then come numbers, to the right.
        right: How many of those there are, with words after them again; ``None``: all that follow.
    """
    cells = [list(headers), *[list(map(str, row)) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headers))]
    last = len(headers) if right is None else left + right
    return [
        "  ".join(
            cell.rjust(width) if left <= i < last else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def fitted(
    headers: Sequence[str], rows: Sequence[Sequence[Any]], words: Sequence[int], width: int,
    narrowest: int = NARROWEST,
) -> list[list[str]]:  # fmt: skip
    """The same rows with cells of some columns broken over several, so that ``aligned_lines`` needs ``width`` at most.

    Args:
        headers: One per column.
        rows: Cells.
        words: Which columns may be broken; the widest is, character by character, as far as ``narrowest``.
        width: Characters of a line.
        narrowest: Characters that a broken column keeps.
    """
    cells = [list(map(str, row)) for row in rows]
    widths = [max(len(row[i]) for row in [list(headers), *cells]) for i in range(len(headers))]
    while sum(widths) + 2 * (len(widths) - 1) > width:
        widest = max(words, key=lambda i: widths[i], default=None)
        if widest is None or widths[widest] <= max(narrowest, len(headers[widest])):
            break
        widths[widest] -= 1
    broken = []
    for row in cells:
        parts = [textwrap.wrap(cell, widths[i]) or [""] if i in words else [cell] for i, cell in enumerate(row)]
        deepest = max(map(len, parts))
        broken += [[part[k] if k < len(part) else "" for part in parts] for k in range(deepest)]
    return broken


def markdown_lines(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """A table in Markdown; bars in cells are escaped."""
    lines = ["| " + " | ".join(headers) + " |", "|" + "---|" * len(headers)]
    return lines + ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
