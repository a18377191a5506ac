"""The decision guide as the Learn page shows it: each place on the walk as plain values, made off the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.content import Content

from tui.learn_links import Link
from tui.widgets.reader import Section, listed

if TYPE_CHECKING:
    from rich.console import Group

    from advisor.decision.guide import Walk

SKIP, OWN = "", "="
"""Instead of an option's id: the question is left open; the rest is a value of one's own."""
POOR = "poor: "
DEEPEST = 6
"""Levels that are indented further than the one above."""


@dataclass(frozen=True)
class Place:
    """One place on the walk."""

    answers: tuple[str, ...]
    """What was answered, in order: ids of options, ``SKIP``, or ``OWN`` and a value."""
    question: str
    """Empty at the end."""
    why: str
    steps: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Questions with the answer that was taken and those that were not."""
    suits: tuple[str, ...]
    """Families for the task so far, with their reasons, the best first."""
    rows: tuple[Link, ...]
    takes_value: bool
    """Whether an own value can be given instead."""
    may_skip: bool
    left: int
    """Questions that are left at most."""
    wishes: dict[str, Any]
    """Requirements so far."""

    @property
    def so_far(self) -> tuple[str, ...]:
        """Questions with their answers, a line each."""
        return tuple(f"{question} {taken}" for question, taken, _ in self.steps)


def tree(place: Place, pointed: Link | None = None) -> Group | None:
    """The walk as a branch of the tree; ways that were not taken are dim. At its end the open question, if any, with
    the answer under the cursor."""
    from rich.console import Group
    from rich.text import Text

    steps = [*place.steps]
    if place.question:
        here = pointed if pointed is not None and pointed.kind == "answer" else None
        others = tuple(row.label for row in place.rows if row is not here)
        steps.append((place.question, f"{here.label} ?" if here else "?", others))
    lines = []
    for depth, (question, taken, others) in enumerate(steps):
        indent = " " * (2 * min(depth, DEEPEST))
        lines.append(Text(f"{indent}{question}"))
        if others:
            lines.append(Text(f"{indent}├─ {' · '.join(others)}", style="dim", no_wrap=True, overflow="ellipsis"))
        lines.append(Text(f"{indent}└▸ {taken}", style="bold"))
    return Group(*lines) if lines else None


def suiting(place: Place) -> list[str]:
    """Families with their reasons; on the way those that suit poorly in one line, at the end with reasons too."""
    if not place.question:
        return list(place.suits)
    poor = [line.removeprefix(POOR).partition(".")[0] for line in place.suits if line.startswith(POOR)]
    well = [line for line in place.suits if not line.startswith(POOR)]
    return [*well, f"{POOR}{', '.join(poor)}."] if poor else well


def told(place: Place, pointed: Link | None) -> tuple[Content, list[Section]]:
    """Title and sections of a place: the question, what follows from the answer under the cursor, what suits so far."""
    left = f"  at most {place.left} more" if place.left > 1 else ""
    title = Content.assemble((place.question or "What suits, and why", "bold $text-primary"), (left, "dim"))
    follows = pointed.about if pointed is not None and pointed.kind == "answer" else None
    return title, [
        ("", place.why or None),
        (f"If: {pointed.label}" if pointed is not None and follows else "", follows),
        ("What suits so far" if place.question else "", listed(suiting(place))),
        ("The tree so far", tree(place, pointed)),
    ]


def place(answers: Sequence[str]) -> Place:
    """Walk the guide from its start.

    Raises:
        BadInput: If an answer is not possible, or an own value is wrong.
    """
    from advisor.decision.guide import start

    walk = start()
    for answer in answers:
        walk = walk.skip() if answer == SKIP else walk.give(answer[1:]) if answer[0] == OWN else walk.answer(answer)
    return _shown(walk, tuple(answers))


def _shown(walk: Walk, answers: tuple[str, ...]) -> Place:
    question = walk.question
    if question is not None:
        rows = tuple(Link("answer", option.id, option.label, option.reason) for option in question.options)
    else:
        families = [Link("page", s.family, f"read about: {s.family}", s.reason) for s in walk.families]
        rows = (Link("ask", "", "→ Ask with these requirements", "the ranked shortlist"), *families)
    return Place(
        answers=answers,
        question=question.text if question else "",
        why=question.why if question else "",
        steps=tuple(
            (step.question.text, step.option.label, tuple(o.label for o in step.question.options if o != step.option))
            for step in walk.answered
        ),
        suits=tuple(f"{s.grade}: {s.family}. {s.reason}" for s in walk.families),
        rows=rows,
        takes_value=question is not None and question.field is not None,
        may_skip=question is not None and question.id not in ("input", "output", "task"),
        left=walk.remaining,
        wishes={name: list(v) if isinstance(v, tuple) else v for name, v in walk.fields.items()},
    )
