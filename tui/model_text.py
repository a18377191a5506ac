"""What the Models page copies and exports: tables as CSV and Markdown, answers as JSON, and command lines."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tui.widgets.row_table import Column, clean

FLAGS = {
    "machine": "--machine", "input_tokens": "--input", "output_tokens": "--output", "batch": "--batch",
    "weights": "--weights", "cache": "--kv", "tp": "--tp",
}  # fmt: skip


def command(name: str, models: Sequence[str], load: Mapping[str, Any], leave_out: Iterable[str] = ()) -> str:
    """A command line of the load without what ``leave_out`` names; empty values are left out."""
    words = ["whicharch", name, *models]
    for field, flag in FLAGS.items():
        if field in load and field not in leave_out and load[field] not in ("", None):
            words += [flag, str(load[field])]
    return " ".join(shlex.quote(word) for word in words)


def table_csv(columns: Sequence[Column[Any]], rows: Iterable[Any]) -> str:
    """Every column of the rows, as shown."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.title for column in columns])
    writer.writerows([[clean(column.cell(row)) for column in columns] for row in rows])
    return text.getvalue()


def table_md(columns: Sequence[Column[Any]], rows: Iterable[Any]) -> str:
    """The same as a Markdown table."""

    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    sides = [":--" if column.left else "--:" for column in columns]
    found = [line(column.title for column in columns), line(sides)]
    found += [line(clean(column.cell(row)).strip() for column in columns) for row in rows]
    return "\n".join(found) + "\n"


def as_json(data: Any) -> str:
    """Plain data; what is no number in JSON becomes null."""
    return json.dumps(_finite(data), indent=1, ensure_ascii=False, default=str) + "\n"


def _finite(data: Any) -> Any:
    if isinstance(data, float):
        return data if data == data and abs(data) != float("inf") else None
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    return [_finite(value) for value in data] if isinstance(data, list | tuple) else data
