"""Text and tables within the width of a terminal; what goes to a file or a pipe stays as long as it is."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from shutil import get_terminal_size

import click

from advisor.cli.options import print_table
from advisor.tables import aligned_lines, fitted


def terminal_width() -> int | None:
    """Characters of a line where a person reads; ``None`` elsewhere."""
    return get_terminal_size().columns if sys.stdout.isatty() else None


def folded(text: str, under: int = 0) -> list[str]:
    """A line broken at spaces to the terminal's width, what follows ``under`` characters in."""
    width = terminal_width()
    if width is None or len(text) <= width:
        return [text]
    from textwrap import wrap

    return wrap(text, width, subsequent_indent=" " * under, break_on_hyphens=False, drop_whitespace=True)


def echo(text: str, under: int = 0) -> None:
    """Print a line so broken."""
    for line in folded(text, under):
        click.echo(line)


def print_fitted(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1, words: Collection[str] = (),
    drop: Sequence[str] = (),
) -> None:  # fmt: skip
    """A table; at a terminal too narrow for it long cells are broken and columns left out, which is said.

    Args:
        headers: One per column.
        rows: Cells.
        left: How many columns stand to the left.
        words: Columns whose cells may take several lines.
        drop: Columns that may go, the first at first; by default the last ones.
    """
    width = terminal_width()
    if width is None or _width(headers, rows, left) <= width:
        print_table(headers, rows, left=left)
        return
    gone: list[str] = []
    for name in ("", *(drop or [*headers[2:]][::-1])):
        gone += [name] if name else []
        kept = [i for i, header in enumerate(headers) if header not in gone]
        heads = [headers[i] for i in kept]
        breakable = [i for i, header in enumerate(heads) if header in words]
        narrow = fitted(heads, [[row[i] for i in kept] for row in rows], breakable, width)
        if _width(heads, narrow, left) <= width:
            break
    print_table(heads, narrow, left=left)
    if gone:
        click.echo(f"left out for width: {', '.join(gone)} (a wider terminal or --csv has them)", err=True)


def _width(headers: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> int:
    return max(map(len, aligned_lines(headers, rows, left=left)))
