"""The decision guide: a walk from what goes in to requirements and families, one question at a time.

``start()`` gives a walk; ``walk.question`` is what to ask next (``None``: all is said), ``walk.answer(option)`` and
``walk.give(value)`` go on, ``walk.back()`` undoes. A walk is a value: keep any of them. At every place
``walk.requirements`` are ready for ``recommend``, and ``walk.families`` says what suits so far and why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from advisor.decision import questions as ask
from advisor.decision.questions import Option, Question
from advisor.decision.suited import Suited, suited
from advisor.requirements import Requirements, complete
from catalog.errors import BadInput, unknown
from catalog.loader import checked, load_task
from catalog.task import Quantity, Task

if TYPE_CHECKING:
    pass

OWN = "own value"
"""The option of an answer in one's own numbers."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with the option that was taken."""

    question: Question
    option: Option


@dataclass(frozen=True, slots=True)
class Walk:
    """How far somebody has come."""

    answered: tuple[Answered, ...] = ()

    @property
    def fields(self) -> dict[str, Any]:
        """Requirements so far, as fields; later answers go before earlier ones, traits add up."""
        left = self._left()
        found: dict[str, Any] = {"task": left[0].id} if len(left) == 1 else {}
        for step in self.answered:
            for name, value in step.option.sets.items():
                both = tuple(dict.fromkeys((*found.get(name, ()), *value))) if name == "traits" else value
                found[name] = both
        return found

    @property
    def requirements(self) -> Requirements:
        """Requirements so far; without a task those of ``chat``.

        Raises:
            BadInput: If answers contradict the schema.
        """
        return checked(Requirements, self.fields, "guide")

    @property
    def task(self) -> Task | None:
        """The task, once it is settled."""
        name = self.fields.get("task")
        return load_task(name) if name else None

    @property
    def question(self) -> Question | None:
        """What to ask next; ``None`` at the end."""
        asked = {step.question.id for step in self.answered}
        return next((q for q in self._questions() if q.id not in asked and len(q.options) > 1), None)

    @property
    def remaining(self) -> int:
        """Questions that are left if nothing is skipped; while the task is open, those until it is known."""
        asked = {step.question.id for step in self.answered}
        return sum(1 for q in self._questions() if q.id not in asked and len(q.options) > 1)

    @property
    def families(self) -> tuple[Suited, ...]:
        """Families for the task with grade and reason, preferred ones first; empty while the task is open."""
        task = self.task
        if task is None:
            return ()
        found = suited(task, complete(self.requirements, task), self._quantities())
        order = ("preferred", "acceptable", "poor")
        return tuple(sorted(found.values(), key=lambda entry: order.index(entry.grade)))

    def answer(self, option: str) -> Walk:
        """Go on with an option of the current question, by id.

        Raises:
            BadInput: If there is no question, or no such option.
        """
        question = self._open()
        taken = next((o for o in question.options if o.id == option), None)
        if taken is None:
            raise unknown(f"answer to {question.id}", option, [o.id for o in question.options])
        return Walk((*self.answered, Answered(question, taken)))

    def give(self, value: Any) -> Walk:
        """Go on with a value of one's own for the requirement that the question is about; text may have a unit.

        Raises:
            BadInput: If the question takes none, or the value is wrong.
        """
        from advisor.decision.fields import BY_KEY

        question = self._open()
        if question.field is None:
            raise BadInput(f"{question.id}: takes no value; answer with {', '.join(o.id for o in question.options)}")
        wish = BY_KEY[question.field]
        read = wish.read(value, wish.flag) if wish.read and isinstance(value, str) else value
        if wish.kind == "names" and isinstance(read, str):
            read = (read,)
        own = Option(OWN, str(value), "Your own number goes before every usual one.", {question.field: read})
        going = Walk((*self.answered, Answered(question, own)))
        going.requirements  # noqa: B018 - a wrong value is refused here
        return going

    def skip(self) -> Walk:
        """Go on without an answer: the requirement stays open."""
        question = self._open()
        if question.id in ("input", "output", "task"):
            raise BadInput(f"{question.id}: needs an answer, since all that follows hangs on it")
        return Walk((*self.answered, Answered(question, Option("skipped", "left open", "Nothing is limited by it."))))

    def back(self) -> Walk:
        """Undo the last answer."""
        return Walk(self.answered[:-1])

    def _open(self) -> Question:
        question = self.question
        if question is None:
            raise BadInput("guide: every question is answered")
        return question

    def _quantities(self) -> dict[Quantity, float]:
        return {name: value for step in self.answered for name, value in step.option.quantities.items()}

    def _left(self) -> list[Task]:
        """Tasks that go with what goes in and comes out."""
        taken = {step.question.id: step.option.id for step in self.answered}
        return [
            task
            for task in ask.tasks()
            if taken.get("input") in (None, "+".join(task.inputs))
            and taken.get("output") in (None, "+".join(task.outputs))
        ]

    def _questions(self) -> Iterator[Question]:
        """All questions on this way, as far as it is settled."""
        taken = {step.question.id for step in self.answered}
        left = self._left()
        yield ask.input_question(ask.tasks())
        if "input" not in taken:
            return
        yield ask.output_question(left)
        if "output" not in taken and len({task.outputs for task in left}) > 1:
            return
        yield ask.task_question(left)
        task = self.task
        if task is None:
            return
        yield from ask.own_questions(task)
        yield from ask.shared_questions(task)


def start() -> Walk:
    """The beginning of the guide."""
    return Walk()
