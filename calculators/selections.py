"""Measures of attention to chosen blocks of tokens (MiniMax M3)."""

from __future__ import annotations

import numpy as np

from calculators.measures import NEEDED, Measure, Policy
from calculators.workload import Array, Stream, Workload
from catalog.values import dataclass


@dataclass(frozen=True, slots=True)
class ChosenBlockPairs(Measure):
    """Pairs of query and key when a query sees its own block so far and at most ``top_k`` - 1 whole ones before it."""

    stream: Stream
    block: int
    top_k: int

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        past = self.stream.past(w)
        return self.stream.sequences(w) * (self._seen(past + self.stream.new(w)) - self._seen(past))

    def _seen(self, n: Array) -> Array:
        """Pairs of the first ``n`` tokens."""
        size, others = self.block, self.top_k - 1
        full, rest = n // size, n % size
        own = full * (size * (size + 1) // 2) + rest * (rest + 1) // 2
        growing = np.minimum(full, others + 1)
        before = growing * (growing - 1) // 2 + (full - growing) * others
        return own + size * (size * before + rest * np.minimum(full, others))
