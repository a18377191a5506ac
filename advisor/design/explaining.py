"""Where the numbers of a design and of its base come from: both formulas, with their values, below each other."""

from __future__ import annotations

from advisor.design.design import Design
from advisor.design.differences import workload_of
from advisor.explain import explain
from advisor.explain_time import TIMES, explain_time
from advisor.explanation_text import head_of, text_of
from advisor.scenario import Scenario
from catalog.errors import BadInput
from catalog.loader import checked
from catalog.spec import ModelSpec

ASKS = {
    "parameters": "parameters", "active": "active-parameters", "weights/device": "weights",
    "cache per token": "kv-cache", "cache at": "kv-cache", "FLOPs, prompts": "flops", "FLOPs, one step": "flops",
    "first token": "ttft", "per token": "tpot", "whole answer": "e2e", "throughput": "throughput", "$/": "cost",
    "energy/request": "energy",
}  # fmt: skip
"""Beginning of a row's name, and the quantity that explains it."""
SHOWN = 8


def quantity_of(row: str) -> str | None:
    """The quantity that explains a row; ``None`` where there is no formula of one line."""
    return next((quantity for start, quantity in ASKS.items() if row.startswith(start)), None)


def explained(base: ModelSpec, design: Design, row: str) -> str:
    """Both formulas of a row.

    Raises:
        BadInput: If the row has none.
    """
    quantity = quantity_of(row)
    if quantity is None:
        raise BadInput(f"{row}: is part of the architecture, not the result of a formula")
    return "\n\n".join(_one(spec, design, row, quantity) for spec in (base, design.spec))


def _one(spec: ModelSpec, design: Design, row: str, quantity: str) -> str:
    setting = design.setting
    try:
        if quantity in TIMES:
            fields = workload_of(spec, setting) | {"model": spec.id, "weights": design.weights}
            found = explain_time(checked(Scenario, fields, "scenario"), quantity, spec)
        else:
            held = setting.input_tokens + (setting.output_tokens if quantity == "kv-cache" else 0)
            found = explain(
                spec, quantity, context=held, batch=setting.batch if quantity == "flops" else 1,
                step=row.startswith("FLOPs, one step"), weights=design.weights, cache=setting.cache,
            )  # fmt: skip
    except BadInput as error:
        return f"{spec.id}: {error}"
    return f"{head_of(found)}\n{text_of(found, SHOWN)}"
