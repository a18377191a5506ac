"""An engineer's answers, written down before the recommender was run on them, against what it recommends."""

from __future__ import annotations

import pytest
from judging import answer, faults, rows


def _cases(name: str) -> list:
    """One case a row; where the product is known to be wrong, the row says what is missing."""
    return [
        pytest.param(row, id=row["id"], marks=[pytest.mark.xfail(reason=row["open"])] if "open" in row else [])
        for row in rows(name)
    ]


@pytest.mark.parametrize("row", _cases("textbook"))
def test_the_textbook_is_followed(row):
    assert not faults(row, answer(row))


@pytest.mark.slow
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
