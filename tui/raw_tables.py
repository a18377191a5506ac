"""CSV of what pages show: raw numbers in SI units, with the names and units that ``--csv`` and ``--json`` have."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.answer import Estimate
    from advisor.breakdown import Part
    from advisor.comparing import Comparison
    from advisor.ranking.rows import Recommendation
    from tui.library import Model
    from tui.model_cells import Step

CATALOG = ("id", "family", "total_params", "active_params", "context_tokens", "licence", "organisation", "released")
GROWTH = (
    "context_tokens", "flops", "linear_flops", "attention_flops", "exponent", "cache_bytes", "total_bytes_per_gpu",
    "usable_bytes", "fits", "prefill_s", "decode_s",
)  # fmt: skip
OPERATORS = (
    "name", "kind", "repeat", "share", "seconds", "bound", "fraction_of_roofline", "flops", "bytes", "intensity",
)  # fmt: skip
SIZES = ("params", "flops", "memory")
"""Parts of an estimate."""


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table for spreadsheets; what is not known is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows(rows)
    return text.getvalue()


def catalog(models: Iterable[Model]) -> str:
    """Models of the list."""
    rows = []
    for model in models:
        spec, params = model.spec, model.params
        counts = (params.total, params.active) if params else (None, None)
        licence = spec.licence.name if spec.licence else None
        rows.append(
            (model.id, spec.family, *counts, spec.context_tokens, licence, spec.organisation, spec.released)
        )  # fmt: skip
    return table(CATALOG, rows)


def sizes(estimate: Estimate | None) -> str:
    """Parameters, FLOPs and memory, a quantity in a row."""
    data = estimate.to_dict() if estimate is not None else {}
    return table(
        ("part", "quantity", "value"), [(part, *item) for part in SIZES for item in data.get(part, {}).items()]
    )


def growth(steps: Iterable[Step]) -> str:
    """A context length in a row."""
    rows = []
    for step in steps:
        p, m = step.point, step.memory
        held = (m.total_bytes_per_gpu, m.usable_bytes, m.fits) if m else (p.memory_bytes, None, None)
        rows.append(
            (p.context, p.flops, p.linear_flops, p.attention_flops, p.exponent, p.cache_bytes, *held, p.prefill_s,
             p.decode_s)
        )  # fmt: skip
    return table(GROWTH, rows)


def operators(parts: Iterable[Part]) -> str:
    """An operator in a row."""
    return table(OPERATORS, [[getattr(part, name) for name in OPERATORS] for part in parts])


def checks(found: Sequence[Mapping[str, Any]]) -> str:
    """A comparison with PyTorch in a row."""
    names = list(dict.fromkeys(name for check in found for name in check)) or ["model", "quantity", "status"]
    return table(names, [[check.get(name) for name in names] for check in found])


def comparison(found: Comparison) -> str:
    """A quantity in a row, a model in a column, as ``whicharch compare --csv`` prints it."""
    rows = [(r.section, r.name, r.unit, *r.values, " ".join(found.models[i] for i in r.best)) for r in found.rows]
    return table(("section", "quantity", "unit", *found.models, "best"), rows)


def shortlist(rows: Iterable[Recommendation]) -> str:
    """As ``whicharch recommend --csv`` prints it."""
    from advisor.cli.recommend import COLUMNS, raw_cells

    return table(COLUMNS, [raw_cells(row) for row in rows])
