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


def masked(value: Array, stream: Stream, w: Workload, when: When) -> Array:
    """A value where it counts, else 0."""
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
class Tokens(Measure):
    """B·S."""

    stream: Stream
    when: When = "always"

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        tokens = self.stream.sequences(w) * self.stream.new(w)
        return masked(tokens, self.stream, w, self.when)


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
