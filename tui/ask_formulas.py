"""Formulas behind a row of the shortlist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.ranking.rows import Recommendation

TIMES = {True: ("ttft", "tpot", "e2e", "cost"), False: ("ttft", "cost")}
"""What is explained of models that write and of those that answer in one pass."""
PARTS = 5
"""Largest parts of each sum that are shown."""


def of_recommendation(row: Recommendation, needs: dict[str, Any]) -> str:
    """First token, time per token, whole answer, price and cache of a way to run a model: formulas with numbers.

    Raises:
        BadInput: As ``explain``.
    """
    from advisor.explain import explain
    from advisor.explain_time import explain_time
    from advisor.explanation_text import head_of, text_of
    from advisor.scenario import Scenario
    from catalog.loader import load

    assert row.machine is not None
    writes = row.tpot_s is not None
    scenario = Scenario(
        model=row.model, machine=row.machine, tp=row.n_gpus, weights=row.weights, batch=row.users_per_copy or 1,
        input_tokens=needs["input_tokens"], output_tokens=needs["output_tokens"],
        cache=row.kv if writes else "bf16",
    )  # fmt: skip
    found = [explain_time(scenario, name) for name in TIMES[writes] if name != "cost" or row.usd_per_hour is not None]
    if writes and load(row.model).is_disclosed:
        context = needs["context_tokens"]
        found.append(explain(row.model, "kv-cache", context=context, batch=row.users_per_copy or 1, cache=row.kv))
    return "\n\n".join(f"{head_of(e)}\n{text_of(e, PARTS)}" for e in found)
