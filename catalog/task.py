"""Tasks: what people want done, which families suit, and why."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from catalog.base import Entry, Identifier, Size, Source, Spec
from catalog.spec import Family

Grade = Literal["A", "B", "C"]
"""A measured, B rules of a benchmark, C somebody's template."""
Quantity = Literal[
    "requests_per_s", "users", "input_tokens", "output_tokens", "context_tokens", "memory_gib",
    "output_tokens_per_month", "labelled_examples", "languages", "ttft_s", "tpot_s", "seconds_of_audio_per_s",
    "images_per_s", "candidates",
]  # fmt: skip
"""What conditions may be about; ``memory_gib`` is all that is at hand."""
Trait = Literal[
    "exact recall", "private data", "labels change", "rare languages", "terminology and style", "fine-tuning",
    "text inside images", "free questions", "streaming input", "same prompt many times",
]  # fmt: skip
"""What conditions may ask for."""


_SAID = {
    "requests_per_s": "requests/s", "memory_gib": "GiB of memory", "ttft_s": "seconds to the first token",
    "tpot_s": "seconds per token", "output_tokens_per_month": "output tokens a month", "images_per_s": "images/s",
    "seconds_of_audio_per_s": "seconds of audio/s", "input_tokens": "tokens in", "output_tokens": "tokens out",
}  # fmt: skip


class Suitability(Spec):
    """Why a family suits a task, or does not."""

    family: Family
    grade: Literal["preferred", "acceptable", "poor"]
    reason: Annotated[str, Field(min_length=20)]
    example: Identifier | None = None
    """A model whose cost shows the family's for this task; ``None``: the one that stands for the family."""


class Targets(Spec):
    """Sourced defaults; a user's own number always wins."""

    input_tokens: Size | None = None
    output_tokens: Size | None = None
    ttft_s: Annotated[float, Field(gt=0)] | None = None
    tpot_s: Annotated[float, Field(gt=0)] | None = None
    e2e_s: Annotated[float, Field(gt=0)] | None = None
    """From the request to the last token, where that is what the source limits."""
    grade: Grade
    source: Source
    latency_grade: Grade | None = None
    """Where latency limits come from elsewhere than lengths."""
    latency_source: Source | None = None


class Traffic(Spec):
    """How often people ask: turns a number of users into requests per second."""

    active_share: Annotated[float, Field(gt=0, le=1)]
    """Of all users, those at work at the same time."""
    requests_per_minute: Annotated[float, Field(gt=0)]
    """Of each active user."""
    peak_factor: Annotated[float, Field(ge=1)]
    """The busiest minutes over the usual ones."""
    grade: Grade
    source: Source

    def requests_per_s(self, users: float, *, peak: bool = True) -> float:
        """Requests per second of so many registered users, at the peak or usually."""
        return users * self.active_share * self.requests_per_minute / 60 * (self.peak_factor if peak else 1.0)


class Condition(Spec):
    """One quantity within limits, or one trait that holds."""

    quantity: Quantity | None = None
    at_least: float | None = None
    at_most: float | None = None
    trait: Trait | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.quantity is None) == (self.trait is None):
            raise ValueError("a condition is about one quantity or one trait")
        if (self.quantity is None) != (self.at_least is None and self.at_most is None):
            raise ValueError("a quantity needs at_least or at_most, a trait neither")
        return self

    def __str__(self) -> str:
        if self.trait is not None:
            return self.trait
        name = _SAID.get(self.quantity or "", (self.quantity or "").replace("_", " "))
        low = None if self.at_least is None else f"{name} ≥ {self.at_least:,g}"
        high = None if self.at_most is None else f"{name} ≤ {self.at_most:,g}"
        return " and ".join(text for text in (low, high) if text)


class Reversal(Spec):
    """When the usual answer to a task is wrong: under all of these conditions another family is the better one."""

    when: Annotated[tuple[Condition, ...], Field(min_length=1)]
    instead_of: Family
    choose: Family
    becomes: Identifier | None = None
    """The task that it then really is, if it is another."""
    benchmarks: tuple[str, ...] = ()
    """Which scores speak for models in this case, where not the task's own: scores after training on thousands of
    examples say nothing where there are none."""
    reason: Annotated[str, Field(min_length=20)]
    source: Source | None = None


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
    traffic: Traffic | None = None
    reversals: tuple[Reversal, ...] = ()
    """When the usual answer is wrong."""
    shown_on: Identifier | None = None
    """The machine on which its costs are shown for one user, where that is not a data centre's."""
    shown_in: Identifier | None = None
    """The weight format there."""

    @model_validator(mode="after")
    def _reversals_are_about_its_families(self) -> Self:
        known = {suits.family for suits in self.families}
        for reversal in self.reversals:
            for family in (reversal.instead_of, reversal.choose):
                if family not in known:
                    raise ValueError(f"reversals: {family} is not judged under families")
        return self
