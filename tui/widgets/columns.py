"""Columns of a table: what they show of a row, how wide they are, and which of them there is room for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.control import strip_control_codes

T = TypeVar("T")
GAP = 2
NAME = 18
"""Cells of the first column for which other columns leave."""
MEASURED = 400
"""Rows that column widths are measured on; the rest is cut where it is wider."""


@dataclass(frozen=True)
class Column(Generic[T]):
    """What one column shows of a row."""

    title: str
    cell: Callable[[T], str]
    priority: int = 1
    """Columns with a higher number leave first when the table gets narrow."""
    left: bool = False
    """Words stand left, numbers right."""
    key: Callable[[T], Any] | None = None
    """What the column sorts by, ``None`` standing last; without it the column does not sort."""
    most: int = 24
    """Cells at most."""
    least: int = 0
    """Cells at least: a column whose values come later does not jump then."""
    descending: bool = False
    """Whether the first sort puts the largest on top."""


def clean(text: str) -> str:
    """One line without control characters: data may come from anywhere."""
    return strip_control_codes(text.replace("\n", " ").replace("\t", " ").replace("\x1b", ""))


def natural_widths(columns: Sequence[Column[T]], rows: Sequence[T]) -> list[int]:
    """Cells that each column needs, by its title and the first rows."""
    sample = rows[:MEASURED]
    return [
        min(
            column.most,
            max([column.least, cell_len(column.title) + 1, *(cell_len(clean(column.cell(row))) for row in sample)]),
        )
        for column in columns
    ]


def fitting(columns: Sequence[Column[T]], natural: Sequence[int], room: int) -> list[tuple[Column[T], int]]:
    """The columns that fit into so many cells, with their widths; the first takes what is left, up to what it needs."""
    chosen = {0}
    used = min(natural[0], NAME)
    for index in sorted(range(1, len(columns)), key=lambda i: columns[i].priority):
        if used + GAP + natural[index] > room:
            continue
        chosen.add(index)
        used += GAP + natural[index]
    first = max(4, min(natural[0], room - used + min(natural[0], NAME)))
    return [(c, first if i == 0 else natural[i]) for i, c in enumerate(columns) if i in chosen]


def placed(text: str, size: int, *, left: bool) -> str:
    """A text in so many cells, cut where it is longer."""
    length = cell_len(text)
    if length > size:
        return set_cell_size(text, max(0, size - 1)) + "…"
    return text + " " * (size - length) if left else " " * (size - length) + text
