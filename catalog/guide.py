"""The questions of the decision guide that every task shares. Those of one task follow from its reversals."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Self

from pydantic import Field, model_validator

from catalog.base import Identifier, Spec
from catalog.loader import ROOT

Text = Annotated[str, Field(min_length=12)]
Value = str | int | float | bool | tuple[str, ...]


class GuideOption(Spec):
    """One answer and what follows from it."""

    id: Identifier
    label: Annotated[str, Field(min_length=2, max_length=60)]
    reason: Text
    """What the answer rules out, or makes possible."""
    sets: dict[str, Value] = Field(default_factory=dict)
    """Requirements that it gives."""


class GuideQuestion(Spec):
    """One question, asked of every task that it can be about."""

    id: Identifier
    text: Text
    why: Text
    """Why the answer matters."""
    field: str | None = None
    """The requirement for which a value of one's own can be given instead of an option."""
    tokens_only: bool = False
    """Whether it is asked only where text is written."""
    texts_only: bool = False
    """Whether it is asked only where text is read."""
    options: Annotated[tuple[GuideOption, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _options_differ(self) -> Self:
        ids = [option.id for option in self.options]
        if len(ids) != len(set(ids)):
            raise ValueError("two options have one id")
        return self


class GuideFile(Spec):
    """All shared questions, in the order in which they are asked."""

    questions: Annotated[tuple[GuideQuestion, ...], Field(min_length=1)]


@lru_cache(maxsize=1)
def guide_questions() -> tuple[GuideQuestion, ...]:
    """The shared questions."""
    from catalog.parsing import read_entry

    return read_entry(GuideFile, ROOT / "guide.yaml", trusted=True).questions
