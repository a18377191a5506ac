"""A design's differences as files."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from advisor.report import change_text

if TYPE_CHECKING:
    from advisor.design.design import Design


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
