"""Tables of the screen as text for files, with every column, also those that did not fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

from advisor.tables import markdown_lines
from tui.widgets.columns import Column


class Dictable(Protocol):
    """What gives plain data."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""


def _cells(columns: Sequence[Column[Any]], rows: Sequence[Any]) -> list[list[str]]:
    return [[column.cell(row) for column in columns] for row in rows]


def markdown_of(columns: Sequence[Column[Any]], rows: Sequence[Any]) -> str:
    """A table in Markdown."""
    return "\n".join(markdown_lines([column.title for column in columns], _cells(columns, rows))) + "\n"


def json_of(answer: Dictable) -> str:
    """The whole answer, the same as ``--json`` prints."""
    return json.dumps(answer.to_dict(), indent=1, ensure_ascii=False, default=str) + "\n"
