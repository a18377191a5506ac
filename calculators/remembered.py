"""A server that remembers what it has timed: an estimate asks for the same few passes again and again."""

from __future__ import annotations

from dataclasses import field

import numpy as np

from calculators.serving import Server
from calculators.table import Floats
from calculators.workload import Workload
from catalog.values import dataclass

MOST = 8
"""Passes in one question up to which they are looked up one by one."""
Key = tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Remembering(Server):
    """A server in one setting for a handful of passes."""

    known: dict[Key, Floats] = field(default_factory=dict)
    """Seconds by operator, by the fields of a pass."""

    def expect(self, passes: Workload) -> None:
        """Time several flat passes at once: as cheap as one."""
        seconds = super().operators_s(passes)[0]
        for index, key in enumerate(_keys(passes)):
            self.known[key] = seconds[:, index]

    def operators_s(self, w: Workload) -> Floats:
        """As ``Server.operators_s``; what is known is not computed again."""
        if w.batch.size > MOST:
            return super().operators_s(w)
        keys = _keys(w)
        if not all(key in self.known for key in keys):
            self.expect(w)
        return np.stack([self.known[key] for key in keys], axis=1)[None]


def flat(*passes: Workload) -> Workload:
    """Single passes as one array of them."""
    names = passes[0].fields()
    return Workload(**{name: np.array([float(getattr(w, name)) for w in passes]) for name in names})


def _keys(w: Workload) -> list[Key]:
    return list(zip(*(array.tolist() for array in w.fields().values()), strict=True))
