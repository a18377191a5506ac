"""``sweep.yaml``: what is evaluated at which points."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from advisor.scenario import Scenario
from catalog.base import Spec
from catalog.errors import unknown
from catalog.parsing import read_entry

Value = str | int | float | bool | None
SIMULATED = (
    "rate", "clients", "input", "output", "traffic", "trace", "requests", "seeds", "seed", "arrivals", "burstiness",
    "shape", "think_s", "stagger_s", "turns", "shared_tokens", "replicas", "prompt_replicas", "router", "scheduler",
    "memory_share", "cache_tokens", "slo", "find",
)  # fmt: skip
"""Fields of ``advisor.simulate`` besides those of a scenario."""
MOST_POINTS = 10_000_000


class SweepFile(Spec):
    """What ``whicharch sweep`` reads."""

    what: Literal["estimate", "simulate"] = "estimate"
    fixed: dict[str, Value] = Field(default_factory=dict)
    """Fields that are the same at every point: those of ``whicharch estimate`` or ``simulate``."""
    grid: Annotated[dict[str, Annotated[tuple[Value, ...], Field(min_length=1)]], Field(min_length=1)]
    """Fields with their values; every combination is a point, the last field varies fastest."""

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        known = (*Scenario.model_fields, *(SIMULATED if self.what == "simulate" else ()))
        for name in (*self.fixed, *self.grid):
            if name not in known:
                raise ValueError(str(unknown(f"field of {self.what}", name, known)))
        if twice := set(self.fixed) & set(self.grid):
            raise ValueError(f"{min(twice)} is both fixed and in the grid")
        missing = {"model", "machine"} - set(self.fixed) - set(self.grid)
        if missing:
            raise ValueError(f"{min(missing)} is missing: put it under fixed or grid")
        for name, values in self.grid.items():
            if len({json.dumps(v) for v in values}) < len(values):
                raise ValueError(f"grid: a value of {name} is listed twice")
        if len(self) > MOST_POINTS:
            raise ValueError(f"grid: {len(self):,} points; at most {MOST_POINTS:,}")
        return self

    def __len__(self) -> int:
        return prod(len(values) for values in self.grid.values())

    def points(self) -> Iterator[dict[str, Value]]:
        """Every combination, in order."""
        names = list(self.grid)
        for values in product(*self.grid.values()):
            yield {**self.fixed, **dict(zip(names, values, strict=True))}

    def names(self) -> list[str]:
        """Fields of a point."""
        return [*self.fixed, *self.grid]


def read_sweep(path: str | Path) -> SweepFile:
    """Read a sweep.

    Raises:
        BadInput: With file, line and field.
    """
    return read_entry(SweepFile, Path(path))


def row_of(point: dict[str, Value]) -> list[str]:
    """A point as the cells that a table holds and is found by again."""
    return ["" if v is None else str(v) for v in point.values()]


Row = dict[str, Any]
