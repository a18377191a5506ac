"""Text and tables within a terminal's width, and whole elsewhere."""

from __future__ import annotations

import pytest

from advisor.cli import fitting
from advisor.tables import aligned_lines, fitted

HEADERS = ["id", "family", "size", "licence"]
ROWS = [["a-rather-long-name-of-a-model", "decoder", "8 B", "A Licence With Conditions"], ["b", "moe", "1 T", "MIT"]]


@pytest.mark.parametrize("width", [80, 60, 50, 40, 30])
def test_a_table_fits_the_terminal_and_says_what_it_leaves_out(width, monkeypatch, capsys):
    monkeypatch.setattr(fitting, "terminal_width", lambda: width)
    fitting.print_fitted(HEADERS, ROWS, left=2, words=("id", "licence"))
    shown = capsys.readouterr()
    assert max(map(len, shown.out.splitlines())) <= width
    gone = [name for name in HEADERS if name not in shown.out.splitlines()[0].split()]
    assert all(name in shown.err for name in gone)
    assert bool(gone) == ("left out" in shown.err)


def test_a_pipe_gets_every_column_and_whole_lines(monkeypatch, capsys):
    monkeypatch.setattr(fitting, "terminal_width", lambda: None)
    fitting.print_fitted(HEADERS, ROWS, left=2)
    assert capsys.readouterr().out.splitlines() == aligned_lines(HEADERS, ROWS, left=2)
    assert fitting.folded("word " * 50) == ["word " * 50]


def test_broken_cells_lose_no_letter():
    rows = fitted(HEADERS, ROWS, [0, 3], 44, 8)
    assert "".join(row[0] for row in rows) == "".join(row[0] for row in ROWS)
