"""What the Ask page gives away: the question as a sentence and as a command line, the answer as tables and data, and
the load under which a row of it was computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.ranking.rows import Advice, Recommendation


def sentence_of(asked: Mapping[str, Any]) -> str | None:
    """Requirements in words; ``None`` where there are none, or one is out of range, which the form says."""
    from advisor.asking.sentence import sentence
    from advisor.requirements import Requirements

    try:
        return sentence(Requirements(**asked)) if asked else None
    except ValueError:
        return None


def command(asked: Mapping[str, Any]) -> str:
    """``whicharch recommend`` with every requirement; empty where there are none, or one is out of range."""
    from advisor.decision.commands import recommend_command
    from advisor.requirements import Requirements

    try:
        return recommend_command(Requirements(**asked)) if asked else ""
    except ValueError:
        return ""


def texts(advice: Advice) -> dict[str, Callable[[], str]]:
    """The shortlist as a table, the whole answer as JSON, by suffix."""
    from tui import raw_tables
    from tui.exports import json_of

    rows = advice.recommendations
    return {
        "csv": partial(raw_tables.shortlist, rows),
        "json": partial(json_of, advice),
    }


def load_of(row: Recommendation, needs: Mapping[str, Any]) -> dict[str, Any]:
    """The load under which a row was computed, as fields of the Models page."""
    from advisor.report import tokens_text

    if row.machine is None or not needs:
        return {}
    load = {
        "batch": row.users_per_copy, "input_tokens": tokens_text(needs["input_tokens"]), "machine": row.machine,
        "weights": row.weights, "tp": row.n_gpus, "cache": row.kv if row.tpot_s is not None else None,
    }  # fmt: skip
    return {name: value for name, value in load.items() if value is not None}
