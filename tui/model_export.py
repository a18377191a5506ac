"""What the Models page copies and exports: tables as CSV and Markdown, answers as JSON, and command lines."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tui import raw_tables
from tui.model_cells import FIGURES, GROWTH, MODELS, OPERATORS, SIZES
from tui.widgets.columns import Column, clean
from tui.widgets.evidence import CHECKS

if TYPE_CHECKING:
    from tui.findings import Findings
    from tui.library import Model

Texts = dict[str, Callable[[], str]]
COLUMNS: dict[str, tuple[Column[Any], ...]] = {
    "architecture": SIZES, "growth": GROWTH, "time": OPERATORS, "evidence": CHECKS,
}  # fmt: skip
"""Of each tab's table."""

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


def line(tab: str, model: str, marked: Sequence[str], load: Mapping[str, Any]) -> str:
    """The command line that gives what a tab shows."""
    match tab:
        case "architecture":
            return shlex.join(("whicharch", "catalog", "show", model))
        case "growth":
            return command("scale", (model,), load, ("input_tokens",))
        case "time":
            return command("estimate", (model,), load) + " --breakdown"
    return command("validate", marked or (model,), {})


def texts_of_list(models: Sequence[Model]) -> Texts:
    """Models of the list, as files by suffix."""
    return {
        "csv": lambda: raw_tables.catalog(models),
        "md": lambda: table_md(MODELS, models),
        "json": lambda: as_json([{c.title: c.key(m) if c.key else c.cell(m) for c in MODELS} for m in models]),
    }


def texts_of_tab(tab: str, found: Findings, rows: Sequence[Any]) -> Texts:
    """A tab's table, and the whole answer behind it, as files by suffix."""
    columns = COLUMNS[tab]
    answers = {"architecture": found.estimate, "growth": found.growth, "time": found.breakdown}

    def whole() -> Any:
        answer = answers.get(tab)
        return rows if tab == "evidence" else answer.to_dict() if answer is not None else {}

    def markdown() -> str:
        above = table_md(FIGURES, found.figures) + "\n" if tab == "time" else ""
        return above + table_md(columns, rows)

    def raw() -> str:
        match tab:
            case "architecture":
                return raw_tables.sizes(found.estimate)
            case "growth":
                return raw_tables.growth(rows)
            case "time":
                return raw_tables.operators(rows)
        return raw_tables.checks(rows)

    return {"md": markdown, "csv": raw, "json": lambda: as_json(whole())}


def table_md(columns: Sequence[Column[Any]], rows: Iterable[Any]) -> str:
    """Every column of the rows, as shown, in Markdown."""

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
