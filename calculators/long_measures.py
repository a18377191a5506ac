"""Measures of attention that is neither full nor a causal window: patterns of long encoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from calculators.measures import NEEDED, Measure, Policy
from calculators.workload import Array, Stream, Workload


@dataclass(frozen=True, slots=True)
class ChunkScores(Measure):
    """Products that Longformer's overlapping squares compute, over texts filled up to whole squares of 2·reach.

    ``scores``: (S/reach - 1) squares of 2·reach by 2·reach; ``values``: S rows of 3·reach.
    """

    stream: Stream
    reach: int
    what: Literal["scores", "values"]

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        """The number for each workload."""
        o, whole = self.reach, -(-self.stream.new(w) // (2 * self.reach)) * 2 * self.reach
        pairs = np.maximum(whole // o - 1, 0) * 4 * o**2 if self.what == "scores" else 3 * whole * o
        return np.asarray(self.stream.sequences(w) * pairs)


@dataclass(frozen=True, slots=True)
class RandomBlockPairs(Measure):
    """Pairs of BigBird's pattern; all pairs of texts too short for it.

    With n blocks of b tokens and r random ones: 2·b·S for the first and last block, 2·(4 + r)·b² for those next to
    them, (n - 4)·(5 + r)·b² for the others.
    """

    stream: Stream
    block: int
    random: int
    shortest: int

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        """The number for each workload."""
        new, b, r = self.stream.new(w), self.block, self.random
        n = -(-new // b)
        sparse = 2 * b * n * b + 2 * (4 + r) * b**2 + (n - 4) * (5 + r) * b**2
        return self.stream.sequences(w) * np.where(new > self.shortest, sparse, new * new)


@dataclass(frozen=True, slots=True)
class LocalBlockPairs(Measure):
    """Pairs of LongT5's blocks of b tokens with three blocks, and with one sum per stretch; the last block filled."""

    stream: Stream
    block: int
    stretch: int | None = None

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        """The number for each workload."""
        new, b = self.stream.new(w), self.block
        sums = new // self.stretch if self.stretch else 0 * new
        return self.stream.sequences(w) * (-(-new // b) * b * (3 * b + sums))


@dataclass(frozen=True, slots=True)
class Stretches(Measure):
    """B·floor(S / stretch): sums over stretches of a text, or (``each``) pairs of a token and a sum."""

    stream: Stream
    stretch: int
    each: bool = False

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        """The number for each workload."""
        new = self.stream.new(w)
        return self.stream.sequences(w) * (new // self.stretch) * (new if self.each else 1)
