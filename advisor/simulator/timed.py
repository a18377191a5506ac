"""What a pass takes on a real machine: tables of the calculators' times, read by interpolation."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calculators.operators import Kind
from calculators.serving import Server
from calculators.table import Table
from calculators.workload import Workload

Floats = NDArray[np.float64]

PROMPT_POINTS = 72
"""Lengths of prompts in a table; between them times are interpolated, to within a thousandth."""
RUNNING_POINTS = 24
FAR_TOKENS = 2**17
"""Where the slope of a step in cached tokens is taken beyond the last window."""


@dataclass(frozen=True, eq=False)
class Timed:
    """A ``StepModel`` from tables."""

    step_s: list[float]
    caps: tuple[int, ...]
    token_s: tuple[list[float], ...]
    advance: tuple[int, int]
    new: list[int]
    running: list[int]
    shared: list[list[float]]
    """``prompt_s`` by ``running`` and ``new``."""
    own: list[float]
    """``alone_s`` by ``new``."""
    past: list[int]
    reading: list[list[float]]
    """``past_s`` by ``past`` and ``new``."""

    def scaled(self, share: float) -> Timed:
        """Every time so many times as long."""

        def all_of(rows: list[list[float]]) -> list[list[float]]:
            return [[share * s for s in row] for row in rows]

        return replace(
            self,
            step_s=[share * s for s in self.step_s],
            token_s=tuple([share * s for s in row] for row in self.token_s),
            shared=all_of(self.shared),
            own=[share * s for s in self.own],
            reading=all_of(self.reading),
        )

    def prompt_s(self, new: int, running: int) -> float:
        """See ``StepModel``."""
        i, x = _place(self.new, new)
        j, y = _place(self.running, running)
        row = self.shared[j]
        low = row[i] + x * (row[i + 1] - row[i])
        if not y:
            return low
        row = self.shared[j + 1]
        return low + y * (row[i] + x * (row[i + 1] - row[i]) - low)

    def past_s(self, new: int, past: int) -> float:
        """See ``StepModel``."""
        i, x = _place(self.new, new)
        j, y = _place(self.past, past)
        row = self.reading[j]
        low = row[i] + x * (row[i + 1] - row[i])
        row = self.reading[j + 1]
        return low + y * (row[i] + x * (row[i + 1] - row[i]) - low)

    def alone_s(self, new: int) -> float:
        """See ``StepModel``."""
        i, x = _place(self.new, new)
        return self.own[i] + x * (self.own[i + 1] - self.own[i])


def _place(grid: list[int], value: int) -> tuple[int, float]:
    """The interval that holds a value, and how far into it; beyond the end the last interval goes on."""
    i = min(bisect_right(grid, value), len(grid) - 1) - 1
    return i, (value - grid[i]) / (grid[i + 1] - grid[i])


def grid(most: int, points: int, first: int = 1) -> list[int]:
    """Whole numbers from ``first`` to ``most`` at equal ratios; at least two."""
    most = max(most, first + 1)
    return sorted({*np.unique(np.round(np.geomspace(max(first, 1), most, points)).astype(int)).tolist(), first})


@dataclass(frozen=True)
class Step:
    """Times of a step as calculators give them, as functions of (sequences, cached tokens of each)."""

    seconds: Callable[[ArrayLike, ArrayLike], Floats]
    knots: Sequence[int] = ()
    """Cached tokens at which layers stop reading more."""
    advance: tuple[int, int] = (1, 1)


def step_tables(step: Step, most: int) -> tuple[list[float], tuple[int, ...], tuple[list[float], ...]]:
    """(seconds without cached tokens by sequences, caps, seconds per cached token by cap and sequences).

    Seconds are taken as ``a(B) + Σ c_j(B)·Σ min(tokens, cap_j)``: exact where attention's times add up over sequences,
    as they do in ``calculators.roofline``.
    """
    sequences = np.arange(1, most + 1)
    knots = sorted({k for k in step.knots if 0 < k < FAR_TOKENS})
    points = np.array([1, *(k for k in knots if k > 1), FAR_TOKENS])
    seconds = np.asarray(step.seconds(sequences[:, None], points[None, :]))
    slopes = np.diff(seconds, axis=1) / np.diff(points) / sequences[:, None]
    caps = (*(int(k) for k in points[1:-1]), 0)
    rates = slopes - np.concatenate([slopes[:, 1:], np.zeros((most, 1))], axis=1)
    base = seconds[:, 0] - sequences * slopes[:, 0]
    kept = [j for j in range(len(caps)) if np.any(np.abs(rates[:, j]) > 1e-9 * np.abs(slopes).max(initial=1e-30))]
    first = float(base[0])
    return (
        [first, *base.tolist()],
        tuple(caps[j] for j in kept),
        tuple([float(rates[0, j]), *rates[:, j].tolist()] for j in kept),
    )


def knots_of(table: Table) -> list[int]:
    """Cached tokens at which a measure of the model bends."""
    found = set()
    for measure in table.measures:
        for name in ("window", "top_k"):
            width = getattr(measure, name, None)
            if isinstance(width, int) and width > 1:
                found |= {width - 1}
    return sorted(found)


def timed(server: Server, *, most: int, budget: int, longest: int, images: int = 0) -> Timed:
    """A decoder on a replica.

    Args:
        server: The replica, in one setting.
        most: Running sequences.
        budget: Tokens of one pass.
        longest: Tokens of one request.
        images: Images in every prompt.
    """

    def seconds(sequences: ArrayLike, cached: ArrayLike) -> Floats:
        return server.pass_s(Workload.of(sequences, 1, cached, encode=0))

    step_s, caps, token_s = step_tables(Step(seconds, knots_of(server.table)), most)
    new, running = grid(budget, PROMPT_POINTS), grid(most, RUNNING_POINTS)
    at = 1024
    prompt = Workload.of(1, np.array(new)[None, :], 0, images=images, encode=1)
    step = Workload.of(np.array(running)[:, None], 1, at, encode=0)
    alone, _, both = server.passes_s(prompt, step)
    cached_s = np.array(
        [
            sum(rate[b] * b * (min(at, cap) if cap else at) for cap, rate in zip(caps, token_s, strict=True))
            for b in running
        ]
    )
    shared = np.concatenate([alone[:1], both - cached_s[:, None]])
    past = grid(max(longest, 2 * budget), PROMPT_POINTS // 2, first=0)
    reading = server.pass_s(Workload.of(1, np.array(new)[None, :], np.array(past)[:, None], images=images, encode=1))
    reading = reading - reading[:1]
    return Timed(
        step_s, caps, token_s, (1, 1),
        new=new, running=[0, *running], shared=shared.tolist(), own=own_s(server, np.array(new)),
        past=past, reading=reading.tolist(),
    )  # fmt: skip


def own_s(server: Server, new: NDArray[np.int64]) -> list[float]:
    """What attention takes inside a prompt, launches aside: what several prompts do not share."""
    own = server.table.of_kind(Kind.ATTENTION)
    seconds = server.operators_s(Workload.of(1, new, 0, encode=1))[0, own].sum(axis=0)
    return [float(s) for s in seconds - seconds[0]]
