"""Forms and plan.yaml: every example goes through a form and comes out equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from advisor.planning import draft
from advisor.planning.schema import PlanFile, read_plan
from catalog.errors import BadInput

NAMES = ("batch", "chat", "embedding", "mixed", "rag")
EXAMPLES = [Path(__file__).parents[2] / "examples" / f"{name}.yaml" for name in NAMES]


def plain(value: Any) -> Any:
    """With numbers as their texts: 250 and "250" are the same length."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return f"{value:g}" if isinstance(value, int | float) else value


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_goes_through_the_form_unchanged(path: Path):
    plan = read_plan(path)
    data = draft.data_of(plan)
    for index in range(len(plan.traffic)):
        data = draft.put(data, index, draft.texts(data, index))
    again = draft.data_of(draft.plan_of(data))
    assert plain(again) == plain(draft.data_of(plan))


def test_what_a_person_types_reaches_the_plan():
    shown = draft.texts(draft.START, 0)
    shown |= {"machines": "l4, h100-sxm:reserved rtx-4090:spot=0.3", "tp": "1 4", "headroom": "20%", "apis": "",
              "budget": "2000/month", "engine": "vllm", "class_users": "30", "class_rate": "",
              "models": "", "task": "code", "pue": "1.3"}  # fmt: skip
    plan = draft.plan_of(draft.put(draft.START, 0, shown))
    assert [(m.id, m.pricing, m.usd_per_hour) for m in plan.machines] == [
        ("l4", "on-demand", None), ("h100-sxm", "reserved", None), ("rtx-4090", "spot", 0.3),
    ]  # fmt: skip
    assert (plan.layouts.tp, plan.headroom, plan.apis, plan.power.pue) == ((1, 4), "20%", (), 1.3)
    assert (plan.budget, plan.engine) == ("2000/month", "vllm")
    assert (plan.traffic[0].users, plan.traffic[0].rate, plan.models) == (30, None, ())
    assert plan.requirements is not None
    assert plan.requirements.task == "code"


def test_what_no_field_shows_is_named():
    named = {path.stem: draft.unshown(draft.data_of(read_plan(path))) for path in EXAMPLES}
    assert named["chat"] == ()
    assert named["rag"] == ("router", "groups of questions")
    assert "priority of reports" in named["mixed"]


def test_classes_come_and_go_and_the_last_one_stays():
    two = draft.with_class(draft.START)
    assert draft.names(two) == ["chat", "class 2"]
    assert isinstance(draft.plan_of(two), PlanFile)
    assert draft.names(draft.without_class(two, 0)) == ["class 2"]
    assert draft.without_class(draft.START, 0) == draft.START


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [("machines", "l4:cheap", "unknown terms 'cheap'"), ("redundancy", "two", "redundancy: 'two' is not a whole"),
     ("class_peak", "x", "peak: 'x' is not a number"), ("slo", "ttft.p95<never", "never"),
     ("class_rate", "", "one of rate and users"), ("tp", "1.5", "tp: '1.5'")],
)  # fmt: skip
def test_what_cannot_be_read_is_said(field: str, text: str, said: str):
    with pytest.raises(BadInput, match=r".") as caught:
        draft.plan_of(draft.put(draft.START, 0, draft.texts(draft.START, 0) | {field: text}))
    assert said in str(caught.value)
