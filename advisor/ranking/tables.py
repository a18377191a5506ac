"""Models that write on machines, whatever is asked of them: formats, choices and operators, made once for all needs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from advisor.candidates import Machines, Space, offered
from advisor.kept.stacks import stack_for
from advisor.ranking.facts import facts_of
from advisor.readable import formats_of_all, possible_formats
from advisor.requirements import Needs
from advisor.served_models import BYTES, keeps_no_bytes
from calculators.plan import Layout
from calculators.stacked import Indices, Stack
from catalog.machine import Machine
from catalog.spec import ModelSpec

Formats = tuple[tuple[str, ...], ...]
"""Ids of weight formats by machine."""


class Tables:
    """What ways to run models are made of."""

    def __init__(self, models: Sequence[ModelSpec], machines: Sequence[Machine], whole: Tables | None = None) -> None:
        self.models = tuple(models)
        self.machines = tuple(machines)
        self.names = [spec.id for spec in self.models]
        self.formats: list[Formats] = formats_of_all(self.models, self.machines)
        self.splits = np.array([facts_of(spec).splits_tensors for spec in self.models])
        """Of each model, whether llama.cpp shares its layers."""
        self.sinks = np.array([facts_of(spec).sinks for spec in self.models], dtype=bool)
        """Whether its attention has sinks."""
        self._whole = whole
        self._each: Formats = whole._each if whole is not None else _united(self.formats, len(self.machines))
        self._choices: dict[Formats, Indices] = whole._choices if whole is not None else {}
        self._stacks: dict[Layout, Stack | None] = {}

    def part(self, models: Sequence[ModelSpec]) -> Tables:
        """Those of some of the models, in the same space."""
        return Tables(models, self.machines, self)

    def space(self, needs: Needs) -> Space:
        """The choices of all models."""
        return offered(self.machines, self._each, writes=True, needs=needs)

    def choices(self, where: Space) -> dict[Formats, Indices]:
        """Which of them models have, by their formats."""
        return {key: self._allowed(key, where) for key in dict.fromkeys(self.formats)}

    def _allowed(self, key: Formats, where: Space) -> Indices:
        if key not in self._choices:
            read = {machine.id: frozenset(names) for machine, names in zip(self.machines, key, strict=True)}
            found = (c.weights.id in read[c.machine.id] for c in where.choices)
            self._choices[key] = np.flatnonzero(np.fromiter(found, dtype=bool, count=len(where.choices)))
        return self._choices[key]

    def stack(self, layout: Layout) -> Stack | None:
        """The operators of the models that can be laid out so; ``None`` where none can."""
        if layout not in self._stacks:
            self._stacks[layout] = self._stack(layout)
        return self._stacks[layout]

    def _stack(self, layout: Layout) -> Stack | None:
        if self._whole is not None:
            stack = self._whole.stack(layout)
        else:
            stack = stack_for({spec.id: possible_formats(spec) for spec in self.models}, layout).stack
        if stack is None:
            return None
        kept = sorted(place for name in self.names if (place := stack.places.get(name)) is not None)
        return stack if len(kept) == len(stack) else stack.subset(np.array(kept, dtype=np.intp))


def _united(formats: Sequence[Formats], machines: int) -> Formats:
    """All formats that some model has on each machine."""
    wanted = dict.fromkeys(formats)
    return tuple(tuple(dict.fromkeys(name for key in wanted for name in key[i])) for i in range(machines))


def tables_of(models: Sequence[ModelSpec], machines: Sequence[Machine]) -> Tables:
    """Of shipped models; those of the last questions are kept."""
    return _tables(_Models(models), Machines(machines))


class _Models:
    """Models as a cache key: by their ids."""

    def __init__(self, models: Sequence[ModelSpec]) -> None:
        self.models = tuple(models)
        self._key = tuple(spec.id for spec in models)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Models) and self._key == other._key


@lru_cache(maxsize=2)
def _tables(models: _Models, machines: Machines) -> Tables:
    return Tables(models.models, machines.machines)


def shares_layers(where: Space) -> NDArray[np.bool_]:
    """Whether the engine of each choice shares the layers of every model."""
    if "shares" not in where.kept:
        where.kept["shares"] = np.array([choice.engine.id != "llama.cpp" for choice in where.choices])
    found: NDArray[np.bool_] = where.kept["shares"]
    return found


def keeps_none(where: Space) -> NDArray[np.bool_]:
    """Whether each choice has a cache of bytes that attention with sinks cannot read there."""
    if "keeps_none" not in where.kept:
        where.kept["keeps_none"] = np.array(
            [c.cache in BYTES and keeps_no_bytes(c.machine, c.engine.id) for c in where.choices], dtype=bool
        )
    found: NDArray[np.bool_] = where.kept["keeps_none"]
    return found
