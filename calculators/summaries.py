"""Measures of attention to summaries of several tokens each (DeepSeek-V4).

A summary stands for ``rate`` tokens and exists once all of them are there; a token sees those whose tokens came before
it or end with it: of token p (from 1) floor(p / rate).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from calculators.measures import NEEDED, Held, Measure, Policy
from calculators.workload import Array, Stream, Workload
from catalog.values import dataclass


@dataclass(frozen=True, slots=True)
class Summaries(Measure):
    """B·floor((P + S) / rate): summaries kept after a pass."""

    stream: Stream
    rate: int
    at_most: int | None = None

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        count = (self.stream.past(w) + self.stream.new(w)) // self.rate
        return self.stream.sequences(w) * (count if self.at_most is None else np.minimum(count, self.at_most))


@dataclass(frozen=True, slots=True)
class HeldAgain(Measure):
    """What ``Held`` counts, where transformers keeps it a second time; nothing under other policies."""

    stream: Stream
    window: int | None = None

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        again = 1 if policy.name == "transformers" else 0
        return again * Held(self.stream, self.window).value(w, policy)


@dataclass(frozen=True, slots=True)
class Unsummarised(Measure):
    """B·((P + S) mod rate): tokens that wait for their summary to be complete."""

    stream: Stream
    rate: int

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        return self.stream.sequences(w) * ((self.stream.past(w) + self.stream.new(w)) % self.rate)


@dataclass(frozen=True, slots=True)
class ChosenSummaries(Measure):
    """Cached summaries that a kernel reads: all, or at most ``top_k`` per new token and none twice."""

    stream: Stream
    rate: int
    top_k: int | None = None

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        new = self.stream.new(w)
        count = (self.stream.past(w) + new) // self.rate
        return self.stream.sequences(w) * (count if self.top_k is None else np.minimum(count, new * self.top_k))


@dataclass(frozen=True, slots=True)
class SummaryPairs(Measure):
    """Pairs of token and summary.

    ``executed``: every new token with every summary that exists after the pass. ``needed``: those a token may see, at
    most ``top_k`` of them.
    """

    stream: Stream
    rate: int
    count: Literal["executed", "needed"]
    top_k: int | None = None

    def value(self, w: Workload, policy: Policy = NEEDED) -> Array:
        new, past = self.stream.new(w), self.stream.past(w)
        if self.count == "executed":
            pairs = new * ((past + new) // self.rate)
        else:
            pairs = self._seen(past + new) - self._seen(past)
        return self.stream.sequences(w) * pairs

    def _seen(self, n: Array) -> Array:
        """Pairs of the first ``n`` tokens."""
        rate, full = self.rate, n // self.rate
        if self.top_k is not None:
            full = np.minimum(full, self.top_k)
        return rate * (full * (full - 1) // 2) + full * (n - full * rate + 1)
