"""What the Lab page gives away: a design as a file for ``whicharch design``, its differences as tables and data."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from advisor.report import change_text

if TYPE_CHECKING:
    from advisor.design.design import Design
    from catalog.spec import ModelSpec


def texts(design: Design, base: ModelSpec, values: Mapping[str, Any]) -> dict[str, Callable[[], str]]:
    """Files by suffix: the last design that works, its base, and the fields that made it."""
    return {
        "yaml": partial(as_yaml, base, values), "md": partial(as_markdown, design), "csv": partial(as_csv, design),
        "json": partial(as_json, design),
    }  # fmt: skip


def as_yaml(base: ModelSpec, values: Mapping[str, Any]) -> str:
    """The changes, as ``whicharch design`` reads them."""
    from advisor.design.fields import design_file
    from advisor.design.shape import shape
    from catalog.writer import to_yaml
    from tui.lab_answer import setting_of

    return to_yaml(design_file(base.id, shape(base), values, setting_of(values)))


def as_markdown(design: Design) -> str:
    """The table."""
    lines = [f"| quantity | {design.base} | {design.spec.id} | change |", "|---|---|---|---|"]
    lines += [
        f"| {row.name} | {row.base_text} | {row.design_text} | {change_text(row.change)} {row.verdict} |".replace(
            "  |", " |"
        )
        for row in design.rows
    ]
    return "\n".join(lines) + "\n"


def as_csv(design: Design) -> str:
    """The table with plain numbers."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["quantity", design.base, design.spec.id, "change"])
    writer.writerows([row.name, row.base, row.design, "" if row.change is None else row.change] for row in design.rows)
    return out.getvalue()


def as_json(design: Design) -> str:
    """Everything, as ``whicharch design --json`` prints it."""
    return json.dumps(design.to_dict(), indent=2, ensure_ascii=False, default=str) + "\n"
