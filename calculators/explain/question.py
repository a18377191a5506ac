"""What is asked, and what all answers share: operators, letters, summands that are equal, sources."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from calculators.explain.explanation import Explanation, Part
from calculators.explain.symbols import Letters, letters_of, put_in
from calculators.flops import default_source
from calculators.lowering import lower
from calculators.lowering.kinds import LOWERINGS, lowering_of
from calculators.measures import POLICIES, Measure, Policy
from calculators.memory import PolicyName
from calculators.operators import Operator
from calculators.params import architecture_of
from calculators.training import Recompute
from calculators.workload import Workload
from catalog.spec import ModelSpec
from catalog.weight_format import WeightFormat


@dataclass(frozen=True, slots=True)
class Question:
    """What a number is asked for."""

    spec: ModelSpec
    weights: WeightFormat
    context: int = 2048
    """Tokens read, or held while a step is taken."""
    batch: int = 1
    step: bool = False
    """One new token on ``context`` cached ones, instead of reading ``context`` tokens."""
    cache: str = "bf16"
    policy: PolicyName = "needed"
    images: int = 0
    recompute: Recompute = "none"
    rank: int = 16
    targets: tuple[str, ...] = ("q", "v")

    @property
    def workload(self) -> Workload:
        """In whole numbers."""
        source = default_source(self.spec, self.context)
        new, past = (1, self.context) if self.step else (self.context, 0)
        return Workload.exact(
            self.batch, new, past, source=source, images=self.images, encode=int(not self.step)
        )  # fmt: skip

    @property
    def setting(self) -> str:
        """The same in words: B sequences, S new tokens, P cached."""
        work = f"S=1 token on P={self.context:,} cached" if self.step else f"S={self.context:,} tokens, P=0 cached"
        return f"B={self.batch:,}, {work}" + (f", {self.images} images" if self.images else "")


Answer = Callable[[Question], Explanation]


def count_of(measure: Measure, w: Workload, policy: Policy = POLICIES["needed"]) -> int:
    """How much of a measure there is, exactly."""
    return int(np.asarray(measure.value(w, policy)).item())


def graph_of(q: Question) -> tuple[Operator, ...]:
    """The operators of the whole model."""
    return lower(architecture_of(q.spec)).operators


def short_of(operator: Operator) -> str:
    """An operator's name within its layer."""
    pieces = operator.name.split(".")
    return ".".join(pieces[2:] if len(pieces) > 2 and pieces[1].isdigit() else pieces[1:])


def letters_in(q: Question, operator: Operator) -> Letters:
    """The letters that an operator's formula may use."""
    return letters_of(architecture_of(q.spec).stack(operator.name.split(".")[0]), operator.name.replace(".again", ""))


def grouped(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Equal summands of several layers as one, with their repeats added up."""
    merged: dict[tuple[str, str, str], Part] = {}
    for part in parts:
        key = (part.name, part.formula, part.substituted)
        known = merged.get(key)
        merged[key] = (
            part
            if known is None
            else Part(part.name, known.repeat + part.repeat, part.formula, part.substituted, known.value + part.value)
        )
    return tuple(sorted(merged.values(), key=lambda part: -part.value))


def written(formula: str | None, letters: Letters, coefficient: int) -> tuple[str, str]:
    """(formula, numbers) where the formula tells the coefficient, else the coefficient twice."""
    filled = put_in(formula, letters) if formula else None
    if formula is None or filled is None or filled[1] != coefficient:
        return f"{coefficient:,}", f"{coefficient:,}"
    return formula, f"{filled[0]} = {coefficient:,}"


def sources_of(operators: Iterable[Operator]) -> tuple[str, ...]:
    """The sources that the lowering functions of these operators name."""
    kinds = {kind.model_fields["kind"].default: kind for kind in LOWERINGS}
    found: dict[str, None] = {}
    for operator in operators:
        text = lowering_of(kinds[operator.origin]).__doc__ if operator.origin in kinds else None
        for match in re.finditer(r"Source:\s*(.+?)(?:\n\s*\n|\Z)", text or "", re.S):
            found[" ".join(match[1].split())] = None
        if text and "Source:" not in text:
            found |= dict.fromkeys(f"arXiv:{number}" for number in re.findall(r"arXiv:(\d{4}\.\d{5})", text))
    return tuple(found)


def legend_of(q: Question, parts: tuple[Part, ...]) -> dict[str, tuple[int, ...]]:
    """Letters used, each with every value that it has somewhere in the model."""
    used = set(re.findall(r"[A-Za-z](?:_[a-z])?(?=[·+)\s]|$)", " ".join(part.formula for part in parts)))
    values: dict[str, dict[int, None]] = {}
    for op in graph_of(q):
        for letter, value in letters_in(q, op).items():
            if letter in used:
                values.setdefault(letter, {})[value] = None
    return {letter: tuple(found) for letter, found in values.items()}
