"""Linear forms over measures: ``{tokens: 2·h·f, pairs: 4·H·d}`` with integer coefficients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from calculators.measures import NEEDED, Measure, Policy
from calculators.workload import Array, Workload

MOST_SHARED = 20_000
_known: dict[tuple[tuple[Measure, int], ...], dict[Measure, int]] = {}


def _shared(terms: dict[Measure, int]) -> dict[Measure, int]:
    """The one copy of these terms: of 32,000 sums in 120 graphs, 1,500 differ."""
    if len(_known) >= MOST_SHARED:
        _known.clear()
    return _known.setdefault(tuple(terms.items()), terms)


class Form(Mapping[Measure, int]):
    """An immutable sum of integer multiples of measures."""

    __slots__ = ("_hash", "_terms")

    def __init__(self, terms: Mapping[Measure, int] | None = None) -> None:
        self._terms = _shared({measure: factor for measure, factor in (terms or {}).items() if factor})
        self._hash: int | None = None

    @property
    def terms(self) -> Mapping[Measure, int]:
        """The multiples by measure."""
        return self._terms

    def __getitem__(self, measure: Measure) -> int:
        return self._terms[measure]

    def __iter__(self) -> Iterator[Measure]:
        return iter(self._terms)

    def __len__(self) -> int:
        return len(self._terms)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self._terms.items()))
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self._terms == other._terms if isinstance(other, Form) else NotImplemented

    def __repr__(self) -> str:
        return f"Form({self._terms})"

    def __add__(self, other: Form) -> Form:
        terms = dict(self._terms)
        for measure, factor in other._terms.items():
            terms[measure] = terms.get(measure, 0) + factor
        return Form(terms)

    def __sub__(self, other: Form) -> Form:
        return self + other * -1

    def __mul__(self, factor: int) -> Form:
        return Form({measure: factor * own for measure, own in self._terms.items()})

    __rmul__ = __mul__

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array | Any:
        """The sum for each workload; exact when the workload is (``Workload.exact``)."""
        total: Any = w.batch * 0
        for measure, factor in self._terms.items():
            total = total + measure.value(w, policy) * factor
        return total


ZERO = Form()


def per(measure: Measure, factor: int) -> Form:
    """``factor`` of something per unit of ``measure``."""
    return Form({measure: factor}) if factor else ZERO
