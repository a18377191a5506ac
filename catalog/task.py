"""Tasks: what people want done, which families suit, and why."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Entry, Size, Source, Spec
from catalog.spec import Family


class Suitability(Spec):
    """Why a family suits a task, or does not."""

    family: Family
    grade: Literal["preferred", "acceptable", "poor"]
    reason: Annotated[str, Field(min_length=20)]


class Targets(Spec):
    """Sourced defaults; a user's own number always wins."""

    input_tokens: Size | None = None
    output_tokens: Size | None = None
    ttft_s: Annotated[float, Field(gt=0)] | None = None
    tpot_s: Annotated[float, Field(gt=0)] | None = None
    grade: Literal["A", "B", "C"]
    """A measured, B rules of a benchmark, C somebody's template."""
    source: Source


class Task(Entry):
    """A kind of work, with what matters for it."""

    what_matters: str
    sees: Literal["past", "all", "input then past"]
    """The attention pattern that the work needs."""
    tuning: str | None = None
    """What a model must have been trained for; ``None``: a base model will do."""
    inputs: tuple[str, ...] = ("text",)
    outputs: tuple[str, ...] = ("text",)
    benchmarks: tuple[str, ...] = ()
    """Which scores speak for it, the best evidence first; names as in the models' ``scores``."""
    targets: Targets
    families: tuple[Suitability, ...]
