"""Measures of what one device of a layout does of a pass; the workload is always that of the whole replica."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from calculators.form import Form
from calculators.imbalance import busiest_visits
from calculators.measures import NEEDED, Measure, One, Policy, Runs, Sequences, Tokens
from calculators.operators import Kind, Operator
from calculators.plan import Layout
from calculators.workload import Array, Workload
from catalog.values import dataclass


@dataclass(frozen=True, slots=True)
class Pooled(Measure):
    """A measure over the tokens of all ranks, where a mixture's experts are shared by them."""

    inner: Measure

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        return self.inner.value(w, policy)


@dataclass(frozen=True, slots=True)
class Routed(Measure):
    """T·k/E': visits of tokens to the experts of one of ``parts`` equal parts, the mean or that of the busiest.

    Where ``experts`` are not given, tokens are divided evenly whatever the routing.
    """

    inner: Measure
    parts: int
    experts: int = 0
    visits: int = 0
    """Experts that a token visits."""

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        tokens = self.inner.value(w, policy)
        if self.parts == 1:
            return tokens
        if policy.routing is None or not self.experts:
            return tokens / self.parts
        return busiest_visits(tokens, self.experts, self.visits, self.parts, policy.routing)


@dataclass(frozen=True, slots=True)
class Copies(Measure):
    """Copies of a rank's tokens that it sends: each goes once to every part in which it visits an expert.

    ``parts·(1 - (1 - 1/parts)^k)`` copies per token, under uniform routing.
    """

    inner: Measure
    parts: int
    visits: int

    @property
    def each(self) -> float:
        """Copies of one token."""
        return copies_of(self.visits, self.parts)

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        return np.asarray(self.inner.value(w, policy), dtype=np.float64) * self.each


def copies_of(visits: int, parts: int) -> float:
    """Expected number of ``parts`` that a token with so many experts visits."""
    return parts * (1 - (1 - 1 / parts) ** visits)


@dataclass(frozen=True, slots=True)
class OnRank(Measure):
    """A measure over the sequences of one of ``dp`` ranks, and its share of their tokens where ``cp`` devices do.

    The fullest rank counts: ``ceil(B/dp)`` sequences, and shares rounded up.
    """

    inner: Measure
    dp: int
    cp: int = 1
    cut: Literal["share", "last"] = "share"
    """``last``: only the last tokens of sequences are meant, so one device may have all of them."""

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        rank = w if self.dp == 1 else replace(w, batch=-(-w.batch // self.dp))
        value = self.inner.value(rank, policy)
        if self.cp == 1:
            return value
        if self.cut == "last":
            tokens = Tokens(self.inner.stream).value(rank, policy) if isinstance(self.inner, Sequences) else value
            return np.minimum(value, -(-tokens // self.cp))
        return -(-value // self.cp)


FORMS = (
    "executed", "needed", "pointwise", "touched", "rows", "reads", "writes", "scores", "cache_reads", "cache_writes",
    "sent",
)  # fmt: skip


def shared_out(operator: Operator, layout: Layout) -> Operator:
    """An operator of a whole group as one device of it runs it: its rank's sequences, its share of their tokens."""
    if layout.dp == layout.cp == 1:
        return operator
    gathers = operator.kind is Kind.COLLECTIVE and operator.part.endswith(".context")
    cp = 1 if gathers else layout.cp
    changed = {name: _form(getattr(operator, name), layout.dp, cp) for name in FORMS}
    states = tuple(replace(state, elements=_form(state.elements, layout.dp, cp)) for state in operator.states)
    return replace(operator, states=states, **changed)  # type: ignore[arg-type]


def _form(form: Form, dp: int, cp: int) -> Form:
    return Form({_measure(measure, dp, cp): factor for measure, factor in form.terms.items()})


def _measure(measure: Measure, dp: int, cp: int) -> Measure:
    """What a device does for itself once, and what experts see of all ranks, stays as it is."""
    if isinstance(measure, Pooled | One | Runs):
        return measure
    if isinstance(measure, Routed):
        return measure if isinstance(measure.inner, Pooled) else replace(measure, inner=_measure(measure.inner, dp, cp))
    if isinstance(measure, Copies):
        return replace(measure, inner=_measure(measure.inner, dp, cp))
    return OnRank(measure, dp, cp, "last" if isinstance(measure, Sequences) else "share")
