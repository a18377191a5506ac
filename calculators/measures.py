"""Measures of a workload: the few numbers that every operator's cost is linear in.

An operator costs, say, ``2·h·f`` FLOPs per *token* and ``4·H·d`` per attended *pair*. The factors belong to the model,
the measures to the workload. So a model compiles to a matrix, and a million workloads are one matrix product.
Symbols: B sequences, S new tokens, P past tokens, W window.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import numpy as np

from calculators.imbalance import Routing, busiest_visited, visited
from calculators.workload import Array, Stream, Workload
from catalog.values import dataclass

When = Literal["always", "fresh", "cached", "stepping", "scanning"]
"""``fresh``: only where nothing is cached yet; ``cached``: only where something is. ``stepping``: only where one token
follows cached ones, which is when reference code of scans runs its recurrence; ``scanning``: everywhere else."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How an engine keeps its cache.

    ``needed``: what the architecture must remember, windows capped. ``reserved``: whole pages, and full-length pages
    for windowed layers where the engine keeps one page size for all (vLLM without its hybrid allocator).
    ``transformers``: what ``DynamicCache`` of transformers 5 holds: a window keeps W-1 tokens.
    """

    name: Literal["needed", "reserved", "transformers"] = "needed"
    block: int = 1
    cap_windows: bool = True
    routing: Routing | None = None
    """How tokens choose experts, where the busiest device is asked for; ``None``: the mean device."""


NEEDED = Policy()
RESERVED = Policy("reserved", block=16, cap_windows=False)
TRANSFORMERS = Policy("transformers")
POLICIES = {policy.name: policy for policy in (NEEDED, RESERVED, TRANSFORMERS)}


class Measure(ABC):
    """A non-negative number that a workload has."""

    __slots__ = ()

    @abstractmethod
    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        """The number for each workload, in the workload's shape."""


def _masked(value: Array, stream: Stream, w: Workload, when: When) -> Array:
    past = stream.past(w)
    match when:
        case "always":
            return value
        case "fresh":
            return value * (past == 0)
        case "cached":
            return value * (past > 0)
        case "stepping":
            return value * ((past > 0) & (stream.new(w) == 1))
        case "scanning":
            return value * ((past == 0) | (stream.new(w) != 1))


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
class One(Measure):
    """1: what a pass costs once, such as reading a weight."""

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        return np.ones_like(w.batch)


@dataclass(frozen=True, slots=True)
class Runs(Measure):
    """1 where the stack runs in this pass at all, else 0."""

    stream: Stream

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        return np.minimum(self.stream.sequences(w) * self.stream.new(w), 1)


@dataclass(frozen=True, slots=True)
class Sequences(Measure):
    """B."""

    stream: Stream

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        return self.stream.sequences(w)


@dataclass(frozen=True, slots=True)
class SequencePairs(Measure):
    """B²: each sequence against each."""

    stream: Stream

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        return self.stream.sequences(w) ** 2


@dataclass(frozen=True, slots=True)
class Tokens(Measure):
    """B·S."""

    stream: Stream
    when: When = "always"

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        tokens = self.stream.sequences(w) * self.stream.new(w)
        return _masked(tokens, self.stream, w, self.when)


@dataclass(frozen=True, slots=True)
class Span(Measure):
    """min(S, span) once per pass, or (``each``) for every token: distances that occur in a text."""

    stream: Stream
    span: int
    each: bool = False

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        tokens = self.stream.sequences(w) * self.stream.new(w)
        return np.minimum(self.stream.new(w), self.span) * (tokens if self.each else np.minimum(tokens, 1))


@dataclass(frozen=True, slots=True)
class Doublings(Measure):
    """B·S·ceil(log2(S)): the stages of a fast transform over the tokens."""

    stream: Stream

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        new = self.stream.new(w)
        stages = np.ceil(np.log2(np.maximum(new, 1))).astype(np.int64)
        return self.stream.sequences(w) * new * stages


@dataclass(frozen=True, slots=True)
class Kept(Measure):
    """B·S of a source, whether its stack runs in this pass or its results are kept from an earlier one."""

    stream: Stream

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        return w.batch * self.stream.new(w)


@dataclass(frozen=True, slots=True)
class Length(Measure):
    """S, once for all sequences of a pass; 0 where the stack does not run."""

    stream: Stream

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        return self.stream.new(w) * np.minimum(self.stream.sequences(w), 1)


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
        return _masked(padded, self.stream, w, "scanning")


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
        return _masked(self.stream.sequences(w) * blocks, self.stream, w, "scanning")


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
        return _masked(self.stream.sequences(w) * pairs, self.stream, w, self.when)


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


@dataclass(frozen=True, slots=True)
class Context(Measure):
    """B·(P + S): positions that a step can look at, capped by a window."""

    stream: Stream
    window: int | None = None

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        seen = self.stream.past(w) + self.stream.new(w)
        return self.stream.sequences(w) * (seen if self.window is None else np.minimum(seen, self.window))


@dataclass(frozen=True, slots=True)
class Handed(Measure):
    """Positions that an eager kernel is handed: B·(P + S), of the past only what a windowed cache keeps (W-1)."""

    stream: Stream
    window: int | None = None

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        past = self.stream.past(w)
        kept = past if self.window is None else np.minimum(past, self.window - 1)
        return self.stream.sequences(w) * (kept + self.stream.new(w))


@dataclass(frozen=True, slots=True)
class Chosen(Measure):
    """Cached positions that a sparse kernel reads: at most ``top_k`` per new token, and no position twice."""

    stream: Stream
    top_k: int

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        new = self.stream.new(w)
        return self.stream.sequences(w) * np.minimum(self.stream.past(w) + new, new * self.top_k)


@dataclass(frozen=True, slots=True)
class Held(Measure):
    """Positions kept in a cache after the pass, under a policy; the encoder's source stays held while decoding."""

    stream: Stream
    window: int | None = None
    keeps_all: bool = False
    """Whether transformers keeps what has left the window."""

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        match self.stream.kind:
            case "source":
                sequences = w.batch
            case "image":
                sequences = w.batch * w.images
            case _:
                sequences = self.stream.sequences(w)
        kept = self.stream.past(w) + self.stream.new(w)
        if self.window is not None and policy.cap_windows and not (self.keeps_all and policy.name == "transformers"):
            kept = np.minimum(kept, self.window - 1 if policy.name == "transformers" else self.window)
        return sequences * (-(-kept // policy.block) * policy.block)


@dataclass(frozen=True, slots=True)
class Live(Measure):
    """Sequences whose state is kept: B, whether or not the stack runs in this pass."""

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        return w.batch


@dataclass(frozen=True, slots=True)
class Distinct(Measure):
    """Expected number of different experts that T tokens visit: E(1 - (1 - k/E)^T), uniform routing.

    A real number, so it measures traffic and never FLOPs. Under the ``routing`` of a policy it is what the busiest of
    ``parts`` devices visits of its own, times the devices (``calculators.imbalance``).
    """

    stream: Stream
    experts: int
    top_k: int
    parts: int = 1

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        tokens = (self.stream.sequences(w) * self.stream.new(w)).astype(np.float64)
        if policy.routing is None:
            return visited(tokens, self.experts, self.top_k)
        here = -(-self.experts // self.parts)
        own = busiest_visited(tokens, self.experts, self.top_k, self.parts, policy.routing)
        return np.asarray(own * (self.experts / here))


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
        return _masked(self.stream.sequences(w) * pairs, self.stream, w, when)


@dataclass(frozen=True, slots=True)
class ChunkSquares(Measure):
    """B·(blocks + 1)²: how the reference carries state from block to block, every block to every block."""

    stream: Stream
    chunk: int

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        new = self.stream.new(w)
        blocks = (-(-new // self.chunk) + 1) * (new > 0)
        return _masked(self.stream.sequences(w) * blocks * blocks, self.stream, w, "scanning")


@dataclass(frozen=True, slots=True)
class Positions(Measure):
    """S, or with ``seen`` P + S, once for all sequences: what depends on positions and not on tokens."""

    stream: Stream
    seen: bool = False
    when: When = "always"

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        new = self.stream.new(w)
        positions = (new + self.stream.past(w)) * (new > 0) if self.seen else new
        return _masked(positions * (self.stream.sequences(w) > 0), self.stream, w, self.when)


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
        return _masked(each * np.minimum(sequences, 1) if self.once else each * sequences, self.stream, w, self.when)
