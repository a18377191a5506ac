"""Formulas behind the figures of the Lab page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tui.screens.page import Explanation

if TYPE_CHECKING:
    from advisor.design.design import Design
    from catalog.spec import ModelSpec

ROWS = {
    "cache": "cache at", "FLOPs": "FLOPs, prompts", "prefill": "first token", "decode step": "per token",
    "memory": "weights/device",
}  # fmt: skip
"""From a curve to the row that has the same formula."""


def formula(view: str, row: Any, curve: str, base: ModelSpec, design: Design) -> Explanation | None:
    """What explains a view: of its row, its curve, or its shapes; ``None`` where there is nothing to explain."""
    from advisor.design.explaining import explained, quantity_of

    match view:
        case "compare" if row is not None:
            name = row.name if quantity_of(row.name) is not None else "parameters"
            return Explanation(f"{name}: base and design", partial(explained, base, design, name))
        case "curves":
            return Explanation(f"{curve}: base and design", partial(explained, base, design, ROWS[curve]))
        case "depths" if row is not None:
            return Explanation(f"{row.layers} layers, as many parameters", partial(_shapes, design, row))
    return None


def _shapes(design: Design, shape: Any) -> str:
    from advisor.explain import explain
    from advisor.explanation_text import full_text
    from advisor.report import bytes_text

    found = explain(design.spec, "depth-width", context=design.setting.input_tokens)
    ff = f", feed-forward {shape.ff_width:,}" if shape.ff_width else ""
    own = (
        f"{shape.layers} layers of width {shape.hidden:,}{ff}: {shape.params_total:,} parameters "
        f"({shape.off:+.2%} of what was aimed at), cache {bytes_text(shape.cache_bytes)}"
    )
    return f"{own}\n\n{full_text(found, len(found.parts))}"
