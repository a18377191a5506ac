"""Questions of the decision guide: what goes in, what comes out, which task, what turns its usual answer round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from typing import Any

from catalog.guide import GuideQuestion, guide_questions
from catalog.loader import all_tasks
from catalog.task import Quantity, Reversal, Task, Trait


@dataclass(frozen=True, slots=True)
class Option:
    """One answer."""

    id: str
    label: str
    reason: str
    """What follows from it."""
    sets: dict[str, Any] = field(default_factory=dict)
    """Fields of ``Requirements``."""
    quantities: dict[Quantity, float] = field(default_factory=dict)
    """What a reversal asks about and no requirement holds."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the guide."""

    id: str
    text: str
    why: str
    options: tuple[Option, ...]
    field: str | None = None
    """The requirement for which a value of one's own can be given instead."""


ASKED: dict[Quantity, tuple[str, str]] = {
    "requests_per_s": ("How many requests come each second?", "a second"),
    "images_per_s": ("How many images come each second?", "a second"),
    "seconds_of_audio_per_s": ("How many seconds of audio come each second?", "a second"),
    "labelled_examples": ("How many labelled examples are at hand?", "examples"),
    "candidates": ("How many candidates are compared for each query?", "candidates"),
    "languages": ("How many languages?", "languages"),
    "input_tokens": ("How long is a typical prompt?", "tokens"),
    "output_tokens": ("How long is a typical answer?", "tokens"),
}
"""Quantities that reversals turn on and no shared question asks."""
FIELDS: dict[Quantity, str] = {
    "requests_per_s": "requests_per_s", "images_per_s": "requests_per_s", "labelled_examples": "labelled_examples",
    "input_tokens": "input_tokens", "output_tokens": "output_tokens",
}  # fmt: skip
"""Those that a requirement holds."""
TRAITS: dict[Trait, str] = {
    "exact recall": "Must details from far back come back word for word?",
    "labels change": "Do the labels change from week to week?",
    "rare languages": "Are rare languages among them?",
    "terminology and style": "Must terminology, tone and references be followed?",
    "text inside images": "Is there text inside the images that must be read?",
    "free questions": "Are the questions free, rather than from a fixed set?",
    "streaming input": "Is the input a stream without end?",
    "same prompt many times": "Do many requests start with the same long prompt?",
}
"""The others are asked by shared questions."""
SEES = {
    "past": "each token sees what came before it",
    "all": "each token sees every other",
    "input then past": "the input is seen in full, then what was written before",
}


def input_question(tasks: Sequence[Task]) -> Question:
    """What goes in, of all tasks."""
    return Question(
        "input",
        "What goes in?",
        "A model reads what it was trained to read, so this rules out most of the catalog at once.",
        tuple(_group("input", kinds, [t for t in tasks if t.inputs == kinds]) for kinds in _kinds(tasks, "inputs")),
    )


def output_question(tasks: Sequence[Task]) -> Question:
    """What comes out, of the tasks that are left."""
    return Question(
        "output",
        "What comes out?",
        "A label or a vector takes one pass over the input; text takes one pass for each token.",
        tuple(_group("output", kinds, [t for t in tasks if t.outputs == kinds]) for kinds in _kinds(tasks, "outputs")),
    )


def task_question(tasks: Sequence[Task]) -> Question:
    """Which of the tasks that are left."""
    options = tuple(
        Option(t.id, t.name, f"{t.what_matters} In such work {SEES[t.sees]}.", {"task": t.id}) for t in tasks
    )
    why = "The task says what a model must have been trained for, what it must see, and which scores speak for it."
    return Question("task", "Which of these is it?", why, options)


def _kinds(tasks: Iterable[Task], name: str) -> list[tuple[str, ...]]:
    return sorted({getattr(task, name) for task in tasks}, key=lambda kinds: (len(kinds), kinds))


def _group(what: str, kinds: tuple[str, ...], tasks: Sequence[Task]) -> Option:
    names = ", ".join(task.name.lower() for task in tasks)
    return Option("+".join(kinds), " and ".join(kinds), f"{len(tasks)} kind{'s' * (len(tasks) > 1)} of work: {names}.")


def own_questions(task: Task) -> tuple[Question, ...]:
    """Questions that turn the usual answer to a task round, one for each quantity or trait of its reversals."""
    found: dict[str, Question] = {}
    for reversal in task.reversals:
        for condition in reversal.when:
            if condition.trait in TRAITS:
                found.setdefault(condition.trait, _about_trait(task, condition.trait))
            elif condition.quantity in ASKED:
                found.setdefault(condition.quantity, _about_quantity(task, condition.quantity))
    return tuple(found.values())


def shared_questions(task: Task) -> tuple[Question, ...]:
    """The shared questions that can be about a task."""
    writes, reads = "text" in task.outputs, "text" in task.inputs
    return tuple(
        _shared(question)
        for question in guide_questions()
        if (writes or not question.tokens_only) and (reads or not question.texts_only)
    )


def _shared(question: GuideQuestion) -> Question:
    options = tuple(Option(o.id, o.label, o.reason, dict(o.sets)) for o in question.options)
    return Question(question.id, question.text, question.why, options, question.field)


def _usual(task: Task) -> str:
    return ", ".join(entry.family for entry in task.families if entry.grade == "preferred")


def _said(reversal: Reversal) -> str:
    others = [str(c) for c in reversal.when]
    when = f" (with {' and '.join(others)})" if len(others) > 1 else ""
    return f"{reversal.choose} rather than {reversal.instead_of}{when}: {reversal.reason}"


def _reason(task: Task, turning: Sequence[Reversal]) -> str:
    return " ".join(_said(r) for r in turning) or f"The usual answer stands: {_usual(task)}."


def _about_trait(task: Task, trait: Trait) -> Question:
    turning = [r for r in task.reversals if any(c.trait == trait for c in r.when)]
    options = (
        Option("no", "No", _reason(task, ())),
        Option("yes", "Yes", _reason(task, turning), {"traits": (trait,)}),
    )
    return Question(f"{task.id}/{trait.replace(' ', '-')}", TRAITS[trait], _why(task), options)


def _about_quantity(task: Task, quantity: Quantity) -> Question:
    """The ranges between the values at which an answer turns."""
    text, unit = ASKED[quantity]
    conditions = [c for r in task.reversals for c in r.when if c.quantity == quantity]
    lows = {c.at_least for c in conditions if c.at_least is not None}
    highs = {c.at_most for c in conditions if c.at_most is not None}
    options = []
    ends = sorted(lows | highs)
    if ends[0] in highs:
        options.append(_range(task, quantity, ends[0], f"{ends[0]:,g} {unit} or fewer"))
    else:
        options.append(_range(task, quantity, None, f"fewer than {ends[0]:,g} {unit}"))
    for low, high in pairwise(ends):
        options.append(_range(task, quantity, sqrt(low * high), f"between {low:,g} and {high:,g} {unit}"))
    if ends[-1] in lows:
        options.append(_range(task, quantity, ends[-1], f"{ends[-1]:,g} {unit} or more"))
    else:
        options.append(_range(task, quantity, None, f"more than {ends[-1]:,g} {unit}"))
    return Question(f"{task.id}/{quantity}", text, _why(task), tuple(options), FIELDS.get(quantity))


def _range(task: Task, quantity: Quantity, value: float | None, label: str) -> Option:
    id_ = label.replace(" ", "-").replace(",", "")
    if value is None:
        return Option(id_, label, _reason(task, ()))
    turning = [
        r
        for r in task.reversals
        if any(
            c.quantity == quantity
            and (c.at_least is None or value >= c.at_least)
            and (c.at_most is None or value <= c.at_most)
            for c in r.when
        )
    ]
    field_ = FIELDS.get(quantity)
    number: float = round(value) if field_ != "requests_per_s" else value
    sets = {field_: number} if field_ else {}
    return Option(id_, label, _reason(task, turning), sets, {} if field_ else {quantity: value})


def _why(task: Task) -> str:
    return f"The usual answer to {task.name.lower()} ({_usual(task)}) may be wrong."


def tasks() -> list[Task]:
    """Every task, by id."""
    return all_tasks()
