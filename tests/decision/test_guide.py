"""The decision guide can be walked to its end, and every step says what it means."""

from __future__ import annotations

import pytest

from advisor.decision.guide import start
from advisor.requirements import Requirements
from catalog.errors import BadInput
from catalog.loader import all_tasks


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.id)
@pytest.mark.parametrize("last", [False, True])
def test_every_task_is_reached_and_every_walk_ends_in_requirements(task, last: bool):
    answers = {"input": "+".join(task.inputs), "output": "+".join(task.outputs), "task": task.id}
    walk = start()
    for _ in range(40):
        question = walk.question
        if question is None:
            break
        assert question.why
        assert all(option.reason and option.label for option in question.options)
        walk = walk.answer(answers.get(question.id) or question.options[-1 if last else 0].id)
    assert walk.question is None
    assert walk.requirements.task == task.id
    assert isinstance(walk.requirements, Requirements)
    assert {f.family for f in walk.families} == {f.family for f in task.families}


def test_an_answer_turns_the_usual_family_round():
    walk = start().answer("text").answer("label").answer("classification")
    assert walk.families[0].family == "encoder"
    assert walk.question is not None
    assert walk.question.id == "classification/requests_per_s"
    changing = walk.answer("10-a-second-or-fewer").answer("more-than-50-examples").answer("yes")
    first = {f.family: f for f in changing.families}
    assert first["decoder"].grade == "preferred"
    assert first["encoder"].grade == "acceptable"
    assert first["decoder"].reversal is not None
    assert "in a prompt" in first["decoder"].reason


def test_a_number_of_ones_own_goes_in_with_its_unit_and_a_wrong_one_is_refused():
    walk = start().answer("text").answer("text").answer("chat")
    while walk.question and walk.question.id != "length":
        walk = walk.skip()
    assert walk.give("24k").requirements.context_tokens == 24576
    assert walk.give("24k").back() == walk
    with pytest.raises(BadInput, match="16k"):
        walk.give("long")
    with pytest.raises(BadInput, match="book"):
        walk.answer("boook")
