"""Measures of scans and convolutions over tokens: blocks, columns, positions, transforms (``calculators.measures``)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from calculators.measures import NEEDED, Measure, Policy, When, masked
from calculators.workload import Array, Stream, Workload
from catalog.values import dataclass


@dataclass(frozen=True, slots=True)
class Padded(Measure):
    """Columns that a padded causal convolution computes where it does not step (reference code only).

    Over S columns it computes S + kernel - 1. The reference first fills up to ``kernel`` columns, or, where something
    is cached, puts the ``kernel`` cached ones in front.
    """

    stream: Stream
    kernel: int

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        new, past = self.stream.new(w), self.stream.past(w)
        columns = np.where(past == 0, np.maximum(new, self.kernel), new + self.kernel)
        padded = self.stream.sequences(w) * (columns + self.kernel - 1) * (new > 0)
        return masked(padded, self.stream, w, "scanning")


@dataclass(frozen=True, slots=True)
class PaddedPrefill(Measure):
    """B·(S + kernel - 1): columns of a convolution padded on both sides, run wherever several tokens come at once."""

    stream: Stream
    kernel: int

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        new = self.stream.new(w)
        return self.stream.sequences(w) * (new + self.kernel - 1) * (new > 1)


@dataclass(frozen=True, slots=True)
class Columns(Measure):
    """B·(S + more): columns of a causal convolution whose outputs another one reads."""

    stream: Stream
    more: int

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        new = self.stream.new(w)
        return self.stream.sequences(w) * (new + self.more) * (new > 0)


@dataclass(frozen=True, slots=True)
class Starts(Measure):
    """B where nothing is cached yet: what a sequence costs once."""

    stream: Stream

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        return self.stream.sequences(w) * (self.stream.past(w) == 0) * (self.stream.new(w) > 0)


@dataclass(frozen=True, slots=True)
class Chunks(Measure):
    """B·ceil(S / chunk) where a scan does not step: its blocks."""

    stream: Stream
    chunk: int

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        blocks = -(-self.stream.new(w) // self.chunk)
        return masked(self.stream.sequences(w) * blocks, self.stream, w, "scanning")


@dataclass(frozen=True, slots=True)
class ChunkPairs(Measure):
    """Pairs of query and key inside the blocks of a chunked scan.

    ``needed``: the causal triangle of each block of a fresh sequence. ``executed``: full squares, the last block
    padded, wherever the reference does not step. ``unpadded``: full squares of a fresh sequence, the last block as
    long as it is. ``whole``: full squares of whole blocks, whatever is cached; the rest goes token by token.
    """

    stream: Stream
    chunk: int
    count: Literal["executed", "unpadded", "whole", "needed"]

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        new = self.stream.new(w)
        if self.count == "executed":
            pairs = -(-new // self.chunk) * self.chunk**2
            when: When = "scanning"
        elif self.count == "unpadded":
            pairs = new // self.chunk * self.chunk**2 + (new % self.chunk) ** 2
            when = "fresh"
        elif self.count == "whole":
            pairs = new // self.chunk * self.chunk**2
            when = "always"
        else:
            full, rest = new // self.chunk, new % self.chunk
            pairs = full * (self.chunk * (self.chunk + 1) // 2) + rest * (rest + 1) // 2
            when = "fresh"
        return masked(self.stream.sequences(w) * pairs, self.stream, w, when)


@dataclass(frozen=True, slots=True)
class ChunkSquares(Measure):
    """B·(blocks + 1)²: how the reference carries state from block to block, every block to every block."""

    stream: Stream
    chunk: int

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        new = self.stream.new(w)
        blocks = (-(-new // self.chunk) + 1) * (new > 0)
        return masked(self.stream.sequences(w) * blocks * blocks, self.stream, w, "scanning")


@dataclass(frozen=True, slots=True)
class Positions(Measure):
    """S, or with ``seen`` P + S, once for all sequences: what depends on positions and not on tokens."""

    stream: Stream
    seen: bool = False
    when: When = "always"

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        new = self.stream.new(w)
        positions = (new + self.stream.past(w)) * (new > 0) if self.seen else new
        return masked(positions * (self.stream.sequences(w) > 0), self.stream, w, self.when)


@dataclass(frozen=True, slots=True)
class Fourier(Measure):
    """2.5·n·log2(n) for each sequence, or once for all: FLOPs of a real transform of n points, a power of two that
    holds all tokens twice, as a causal convolution needs. The count is FFTW's convention (fftw.org/speed)."""

    stream: Stream
    once: bool = False
    when: When = "scanning"

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        sequences = self.stream.sequences(w)
        tokens = (self.stream.past(w) + self.stream.new(w)) * (self.stream.new(w) > 0)
        bits = np.ceil(np.log2(np.maximum(2 * tokens, 1).astype(np.float64)))
        each = 2.5 * np.exp2(bits) * bits
        return masked(each * np.minimum(sequences, 1) if self.once else each * sequences, self.stream, w, self.when)
