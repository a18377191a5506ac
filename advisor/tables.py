"""Tables as lines of text: aligned columns for terminals, Markdown for documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


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


def markdown_lines(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """A table in Markdown; bars in cells are escaped."""
    lines = ["| " + " | ".join(headers) + " |", "|" + "---|" * len(headers)]
    return lines + ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
