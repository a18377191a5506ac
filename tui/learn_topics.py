"""The list of the Learn page, and what its entries lead to: read off the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.widgets.columns import Column

if TYPE_CHECKING:
    from advisor.learn import Page as Lesson
    from advisor.learn import Topic
    from tui.guide import Place

GUIDE = "guide"
"""Id of the decision guide, which stands among the pages."""


@dataclass(frozen=True)
class Entry:
    """A row of the list."""

    id: str
    name: str
    kind: str
    about: str

    @property
    def words(self) -> str:
        """Everything that a search looks through."""
        return f"{self.id} {self.name} {self.kind} {self.about}".lower()


WALK = Entry(GUIDE, "Decision guide", "walk", "Questions from what goes in to the family that suits.")
KINDS = {"family": "family", "innovation": "idea", "task": "task"}
TOPICS: tuple[Column[Entry], ...] = (
    Column("page", lambda e: e.name, 0, left=True, most=34, key=lambda e: e.name),
    Column("kind", lambda e: e.kind, 1, left=True, key=lambda e: e.kind),
)


def read_topics() -> tuple[Topic, ...]:
    """Every page there is."""
    from advisor.learn import topics

    return topics()


def read_lesson(name: str) -> Lesson:
    """One page, its numbers computed now; up to a second."""
    from advisor.learn import learn

    return learn(name)


def explained(lesson: Lesson) -> str:
    """Formulas behind a page's numbers; up to some seconds."""
    from advisor.learn_formulas import explained as formulas

    return formulas(lesson.kind, lesson.id)


def read_place(answers: Sequence[str]) -> Place:
    """One place of the guide."""
    from tui.guide import place

    return place(answers)
