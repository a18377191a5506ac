"""Formulas behind the rows of the Models page's tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.breakdown import Pass
    from advisor.figures import Asked

SHOWN = 12
"""Parts of a formula that are listed one by one."""


def formula(
    table: str, row: Any, model: str, load: Mapping[str, Any], shown: Pass | None
) -> tuple[str, Callable[[], str]] | None:
    """Title of a row's formula and what computes its text; ``None`` where the row has none.

    Args:
        table: Id of the table.
        row: One of its rows.
        model: Id of the model that the table is about; on the list each row is one.
        load: Under what it is computed.
        shown: The pass whose operators are listed.
    """
    from advisor.figures import Asked

    match table:
        case "models":
            return f"Parameters of {model}", partial(_text, load, Asked(model, "parameters"))
        case "sizes" | "figures" if row.asks is not None:
            return f"{row.name} of {model}", partial(_text, load, row.asks)
        case "operators-table" if shown is not None:
            return f"{row.name} of {model}", partial(_text_of_part, load, model, shown.name, row.name)
        case "points":
            length = row.point.context
            names = ("growth", "flops", "kv-cache") if row.memory else ("growth", "flops")
            asked = [Asked(model, name, length) for name in names]
            return f"{model} at {length:,} tokens", partial(_text, load, *asked)
    return None


def _text(load: Mapping[str, Any], *asked: Asked) -> str:
    from advisor.explanation_text import full_text
    from advisor.figures import explained

    return "\n\n".join(full_text(explained(one, load), SHOWN) for one in asked)


def _text_of_part(load: Mapping[str, Any], model: str, pass_name: str, part: str) -> str:
    from advisor.explanation_text import full_text
    from advisor.figures import explained_part

    return full_text(explained_part(model, pass_name, part, load), SHOWN)
