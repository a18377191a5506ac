"""A question in plain English, answered: what was understood, then the shortlist."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from advisor.asking.draft import Reading
from advisor.asking.reading import read
from advisor.recommend import Advice, recommend
from catalog.errors import BadInput
from catalog.values import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to ``ask``."""

    reading: Reading
    advice: Advice

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: that of ``recommend``, and how the question was read."""
        return {**self.advice.to_dict(), **self.about()}

    def about(self) -> dict[str, Any]:
        """The question, and how it was read."""
        reading = asdict(self.reading)
        reading.pop("requirements")
        return {"question": self.reading.text, "reading": reading}


def ask(question: str, *, limit: int = 10) -> Answer:
    """Read a question and rank models for it: ``ask("chat in German on one RTX 4090, first token under 300 ms")``.

    Raises:
        BadInput: If the question is empty, not in English, or contradicts itself.
    """
    return answer(understood(question), limit=limit)


def understood(question: str) -> Reading:
    """How a question is read.

    Raises:
        BadInput: If the question is empty, not in English, or contradicts itself.
    """
    reading = read(question)
    if reading.problem:
        raise BadInput(f"question: {reading.problem}")
    return reading


def answer(reading: Reading, *, limit: int = 10, rejections: int | None = None) -> Answer:
    """Rank models for what was understood; limits as in ``recommend``."""
    return Answer(reading, recommend(reading.requirements, limit=limit, rejections=rejections))
