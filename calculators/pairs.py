"""Measures of attention: pairs of a query and a key, by the mask between them (``calculators.measures``)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from calculators.measures import NEEDED, Measure, Policy, When, masked
from calculators.workload import Array, Stream, Workload
from catalog.values import dataclass


def _triangle(n: Array, window: int | None) -> Array:
    """Pairs (query, key) of the first ``n`` tokens when each sees itself and at most ``window - 1`` before it."""
    if window is None:
        return n * (n + 1) // 2
    inside = np.minimum(n, window)
    return inside * (inside + 1) // 2 + (n - inside) * window


def _blocks(n: Array, size: int) -> Array:
    """Pairs of the first ``n`` tokens when each sees itself and what came before it in its own block."""
    full, rest = n // size, n % size
    return full * (size * (size + 1) // 2) + rest * (rest + 1) // 2


def _band(n: Array, reach: int | None) -> Array:
    """Pairs of ``n`` tokens when each sees ``reach`` neighbours to both sides."""
    if reach is None:
        return n * n
    m = np.minimum(np.maximum(n - 1, 0), reach)
    return n + 2 * (m * n - m * (m + 1) // 2)


@dataclass(frozen=True, slots=True)
class SequencePairs(Measure):
    """B²: each sequence against each."""

    stream: Stream

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        return self.stream.sequences(w) ** 2


@dataclass(frozen=True, slots=True)
class Pairs(Measure):
    """Pairs of query and key.

    ``needed``: those the mask lets through: the causal triangle, its window, or a bidirectional band.
    ``executed``: what an eager kernel multiplies: S by all keys it was handed (a windowed cache hands over W-1 old
    ones).
    """

    stream: Stream
    count: Literal["executed", "needed"]
    causal: bool = True
    window: int | None = None
    when: When = "always"
    blocks: bool = False
    """Whether the window is a block: tokens see back to the start of their own."""
    prefix: bool = False
    """Whether tokens see each other in both directions while nothing is cached."""

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        new, past = self.stream.new(w), self.stream.past(w)
        if self.count == "executed":
            seen = past if self.window is None or not self.causal else np.minimum(past, self.window - 1)
            pairs = new * (seen + new)
        elif self.blocks and self.window is not None:
            pairs = _blocks(past + new, self.window) - _blocks(past, self.window)
        elif self.causal:
            pairs = _triangle(past + new, self.window) - _triangle(past, self.window)
            if self.prefix:
                pairs = np.where(past == 0, new * new, pairs)
        else:
            pairs = _band(past + new, self.window) - _band(past, self.window)
        return masked(self.stream.sequences(w) * pairs, self.stream, w, self.when)


@dataclass(frozen=True, slots=True)
class PackedPairs(Measure):
    """(B·S)²: all sequences of a pass in one, as reference code runs them that masks what belongs apart."""

    stream: Stream

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        tokens = self.stream.sequences(w) * self.stream.new(w)
        return tokens * tokens


@dataclass(frozen=True, slots=True)
class BlockPairs(Measure):
    """Pairs inside blocks of tokens that see only each other; the last block may be shorter."""

    stream: Stream
    block: int

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        full, rest = self.stream.new(w) // self.block, self.stream.new(w) % self.block
        return self.stream.sequences(w) * (full * self.block**2 + rest**2)


@dataclass(frozen=True, slots=True)
class CrossPairs(Measure):
    """B·S·(length of the source); text reads all images of its sequence."""

    stream: Stream
    source: Stream

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        read = self.source.new(w)
        if self.source.kind == "image" and self.stream.kind != "image":
            read = read * w.images
        return self.stream.sequences(w) * self.stream.new(w) * read
