"""What the Machines page gives away: command lines, tables, data, formulas."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from advisor.report import tokens_text
from catalog.price import MachinePrice

if TYPE_CHECKING:
    from tui.machine_cells import Listed
    from tui.widgets.machine_detail import Found

Texts = dict[str, Callable[[], str]]


def detected_file(name: str) -> str:
    """Where ``detect_line`` writes a machine that no catalog has."""
    return f"{name}.yaml"


def detect_line(name: str) -> str:
    """The command that makes a file of a detected machine."""
    return f"whicharch machine detect --write {shlex.quote(detected_file(name))}"


def estimate_line(machine: str, devices: int, load: Mapping[str, Any]) -> str:
    """The command that estimates a load on a machine."""
    parts = ["whicharch", "estimate", str(load.get("model", "")), "--machine", machine]
    options = {
        "--gpus": str(devices) if devices > 1 else "", "--weights": load.get("weights", ""),
        "--kv": load.get("cache", "") if load.get("cache") != "bf16" else "",
        "--input": tokens_text(load["input_tokens"]).replace(",", "") if "input_tokens" in load else "",
        "--output": tokens_text(load["output_tokens"]).replace(",", "") if "output_tokens" in load else "",
        "--batch": str(load["batch"]) if load.get("batch", 1) > 1 else "",
    }  # fmt: skip
    for name, value in options.items():
        if value:
            parts += [name, str(value)]
    return " ".join(parts)


def texts(tab: str, row: Listed, found: Found, rows: Sequence[Listed]) -> Texts:
    """Files by suffix for the tab in view."""
    match tab:
        case "roofline" if found.breakdown is not None:
            data = found.breakdown.roofline()
            heads = tuple(data["points"][0]) if data["points"] else ()
            cells = [[point[head] for head in heads] for point in data["points"]]
            return {**_tables(heads, cells), "json": lambda: _json(data)}
        case "compare":
            heads = ("machine", "devices", "fits", *_measures(), "refusal")
            cells = [
                [c.machine, c.devices, c.estimate.memory.fits if c.estimate else None,
                 *(c.value(name) for name in _measures()), c.refusal]
                for c in found.placed
            ]  # fmt: skip
            return {**_tables(heads, cells), "json": lambda: _json([dict(zip(heads, c, strict=True)) for c in cells])}
        case "prices":
            prices = [price.model_dump(mode="json") for price in found.prices]
            heads = tuple(MachinePrice.model_fields)
            return {
                **_tables(heads, [[price[head] for head in heads] for price in prices]), "json": lambda: _json(prices)
            }  # fmt: skip
    from advisor.machine_table import HEADERS, cells_of

    facts = [asdict(fact) for fact in found.facts]
    return {
        "yaml": lambda: _yaml(row),
        "json": lambda: _json({"id": row.id, "facts": facts}),
        "txt": lambda: _sheet(row),
        **_tables(HEADERS, [cells_of(one.row) for one in rows]),
    }


def _measures() -> tuple[str, ...]:
    from advisor.machine_choice import MEASURES

    return tuple(MEASURES)


def _tables(heads: Sequence[str], cells: Sequence[Sequence[Any]]) -> Texts:
    return {"csv": lambda: csv_text(heads, cells), "md": lambda: _markdown(heads, cells)}


def csv_text(heads: Sequence[str], cells: Sequence[Sequence[Any]]) -> str:
    """A table for spreadsheets."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(["" if cell is None else cell for cell in row] for row in cells)
    return out.getvalue()


def _markdown(heads: Sequence[str], cells: Sequence[Sequence[Any]]) -> str:
    from advisor.tables import markdown_lines

    def text(cell: Any) -> str:
        return "" if cell is None else f"{cell:.4g}" if isinstance(cell, float) else str(cell)

    return "\n".join(markdown_lines(heads, [[text(cell) for cell in row] for row in cells])) + "\n"


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _yaml(row: Listed) -> str:
    from catalog.writer import to_yaml

    return to_yaml(row.machine)


def _sheet(row: Listed) -> str:
    from advisor.machine_text import sheet

    return "\n".join(sheet(row.machine)) + "\n"
