"""The taxonomy of tasks: complete, sourced, and clear about when the usual answer is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor import recommend
from advisor.reversals import reversals
from catalog.errors import BadInput
from catalog.loader import ROOT, all_tasks, load_task
from catalog.parsing import read_entry
from catalog.task import Condition, Task

TASKS = all_tasks()
ASKED_FOR = {
    "chat", "creative-writing", "reasoning", "code", "code-completion", "code-agent", "tool-use", "classification",
    "sentiment", "token-classification", "extractive-qa", "semantic-search", "embedding", "reranking", "rag",
    "translation", "summarization", "extraction", "long-document", "speech-recognition", "image-classification",
    "visual-qa", "document-understanding", "image-text-retrieval", "image-generation", "on-device", "batch",
}  # fmt: skip


def test_every_task_of_the_taxonomy_is_there():
    assert {task.id for task in TASKS} >= ASKED_FOR


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_each_task_says_what_matters_and_when_its_usual_answer_is_wrong(task: Task):
    assert len(task.what_matters) > 80
    assert task.reversals
    grades = {suits.family: suits.grade for suits in task.families}
    assert "api" in grades
    for reversal in task.reversals:
        assert reversal.instead_of != reversal.choose
        # what is chosen is never what the task calls poor, unless it has become another task, which does not
        if reversal.becomes is None:
            assert grades[reversal.choose] != "poor", reversal
        else:
            other = {suits.family: suits.grade for suits in load_task(reversal.becomes).families}
            assert other[reversal.choose] != "poor", reversal
    assert task.targets.latency_grade is None or task.targets.latency_source is not None


@pytest.mark.parametrize(
    ("task", "quantities", "traits", "instead_of", "choose"),
    [
        ("classification", {"requests_per_s": 5000}, (), "decoder", "encoder"),
        ("long-document", {"context_tokens": 200_000}, ("streaming input",), "decoder", "ssm"),
        ("long-document", {"context_tokens": 200_000}, ("exact recall",), "ssm", "hybrid"),
        ("chat", {"memory_gib": 320, "users": 4, "tpot_s": 0.01}, (), "decoder", "moe"),
        ("chat", {"memory_gib": 24}, (), "moe", "decoder"),
        ("batch", {"memory_gib": 24}, (), "moe", "decoder"),
        ("translation", {"languages": 200}, (), "decoder", "encoder-decoder"),
        ("chat", {}, ("private data",), "api", "decoder"),
    ],
)
def test_the_textbook_reversals_apply(task, quantities, traits, instead_of, choose):
    found = {(r.instead_of, r.choose) for r in reversals(load_task(task), quantities, traits)}
    assert (instead_of, choose) in found


def test_what_is_not_known_or_just_short_of_a_limit_reverses_nothing():
    task = load_task("classification")
    assert reversals(task) == ()
    assert reversals(task, {"requests_per_s": 999.0}) == ()
    (only,) = reversals(task, {"requests_per_s": 1000.0})
    assert str(only.when[0]) == "requests/s ≥ 1,000"


def test_users_become_requests_per_second_by_the_templates_traffic():
    traffic = load_task("chat").traffic
    assert traffic is not None
    # 300 users x 20 % at work x 0.4 requests a minute, twice that at the peak
    assert traffic.requests_per_s(300) == pytest.approx(300 * 0.2 * 0.4 / 60 * 2)
    assert traffic.requests_per_s(300, peak=False) == pytest.approx(0.4)


def test_a_condition_is_about_one_thing():
    for wrong in ({}, {"quantity": "users"}, {"trait": "private data", "at_least": 3},
                  {"quantity": "users", "at_least": 1, "trait": "private data"}):  # fmt: skip
        with pytest.raises(ValueError, match=r"one quantity or one trait|needs at_least"):
            Condition.model_validate(wrong)


def test_a_broken_task_is_refused_with_file_line_and_field(tmp_path: Path):
    text = (ROOT / "tasks" / "chat.yaml").read_text().replace("choose: decoder", "choose: decodr", 1)
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    line = text.splitlines().index("  choose: decodr") + 1
    with pytest.raises(BadInput, match=rf"mine\.yaml, line {line}: reversals\.0\.choose: .*'decodr'"):
        read_entry(Task, file)
    file.write_text(text.replace("choose: decodr", "choose: diffusion"))
    with pytest.raises(BadInput, match=r"mine\.yaml: .*diffusion is not judged"):
        read_entry(Task, file)


def test_speech_models_hear_their_window_and_not_a_prompt_of_text():
    found = {r.model: r for r in recommend(task="speech-recognition", limit=99).recommendations}
    assert {"whisper-large-v3", "moonshine-tiny"} <= set(found)
    assert all(share >= 0 for r in found.values() for share in r.margins.values())
    longer = {r.model: r for r in recommend(task="speech-recognition", input_tokens=200, limit=99).recommendations}
    assert longer["whisper-large-v3"].ttft_s == found["whisper-large-v3"].ttft_s
