"""An engineer's answers, written down before the recommender was run on them, against what it recommends."""

from __future__ import annotations

import pytest
from judging import answer, faults, rows

MANY = ("chat", "on-device", "rag", "creative-writing", "reasoning", "tool-use", "long-document", "batch")
"""Tasks that hundreds of models can do, of which each takes a while."""


def _is_quick(row: dict) -> bool:
    """One machine, one request at a time, few models: these run always, the others with ``-m slow``."""
    asked = row.get("request", {})
    alone = not {"users", "max_gpus", "tokens_per_s"} & set(asked)
    return len(asked.get("machines", ())) == 1 and alone and asked["task"] not in MANY


def _cases(name: str) -> list:
    """One case a row."""
    return [
        pytest.param(row, id=row["id"], marks=[pytest.mark.slow] if name == "scenarios" and not _is_quick(row) else [])
        for row in rows(name)
    ]


@pytest.mark.parametrize("row", _cases("textbook"))
def test_the_textbook_is_followed(row):
    assert not faults(row, answer(row))


@pytest.mark.parametrize("row", _cases("scenarios"))
def test_a_hard_scenario_is_answered_as_an_engineer_did(row):
    assert not faults(row, answer(row))


def test_every_scenario_is_reasoned_and_says_what_would_be_wrong():
    found = [*rows("scenarios"), *rows("textbook")]
    assert len({row["id"] for row in found}) == len(found)
    assert len(rows("scenarios")) >= 60
    for row in found:
        assert len(row["why"]) > 40, row["id"]
        assert {"first", "never", "among", "top", "rejected", "empty"} & set(row), row["id"]
        assert ("ask" in row) != ("request" in row), row["id"]
