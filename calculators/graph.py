"""The operator graph: operators in order, edges as data flows, equal blocks folded.

Operators stand in topological order, so folds need no graph library.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from functools import cached_property

from calculators.operators import Operator
from catalog.values import dataclass


@dataclass(frozen=True)
class OperatorGraph:
    """A lowered model."""

    operators: tuple[Operator, ...]
    edges: tuple[tuple[int, int], ...]
    """(producer, consumer) as indices into ``operators``; a producer always comes first."""

    def __iter__(self) -> Iterator[Operator]:
        return iter(self.operators)

    def __len__(self) -> int:
        return len(self.operators)

    @cached_property
    def last_use(self) -> tuple[int, ...]:
        """For each operator, the index of the last one that reads its output (itself if none does)."""
        last = list(range(len(self.operators)))
        for producer, consumer in self.edges:
            last[producer] = max(last[producer], consumer)
        return tuple(last)


@dataclass
class Builder:
    """Collects operators while a stack is lowered."""

    operators: list[Operator] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)
    repeat: int = 1
    prefix: str = ""
    origin: str = ""
    """Kind of the spec being lowered."""
    borrow: bool = False
    """Whether what is appended runs on weights that an earlier operator owns."""

    def add(self, operator: Operator, *inputs: int | None) -> int:
        """Append an operator that reads the outputs of ``inputs``; returns its index."""
        index = len(self.operators)
        # The operator was made for this call alone; setting its place is ten times faster than dataclasses.replace.
        object.__setattr__(operator, "repeat", self.repeat)
        object.__setattr__(operator, "name", self.prefix + operator.name)
        object.__setattr__(operator, "origin", self.origin)
        if self.borrow:
            object.__setattr__(operator, "borrowed", (*operator.borrowed, *operator.weights))
            object.__setattr__(operator, "weights", ())
        self.operators.append(operator)
        self.edges.extend((producer, index) for producer in inputs if producer is not None)
        return index

    def build(self) -> OperatorGraph:
        """Freeze."""
        return OperatorGraph(tuple(self.operators), tuple(self.edges))


def parts(operators: Sequence[Operator]) -> list[str]:
    """The parts named by operators, in order of appearance."""
    return list(dict.fromkeys(operator.part for operator in operators))
