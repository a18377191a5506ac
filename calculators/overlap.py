"""What devices of a layout do at the same time: pieces of a prompt in a pipeline, prompts on several ranks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calculators.plan import Layout

Floats = NDArray[np.float64]
MOST_AT_ONCE = 40
"""Prompts on one rank in one pass beyond which the expected maximum is cut off."""


def pipelined(stages: int, pieces: ArrayLike) -> Floats:
    """Time of ``pieces`` equal pieces that follow each other through a pipeline, over that of one after the other.

    ``(m + p - 1) / (m·p)``: a bubble of ``(p-1)/(m+p-1)`` of the stages' time. Engines hand over the next piece of a
    prompt before the last one has left the pipeline (vLLM, ``Scheduler._update_after_schedule``).

    Source:
        arXiv:1811.06965 section 2.3; arXiv:2407.00079 section 5.1 (chunked pipeline parallelism).
    """
    m = np.maximum(np.asarray(pieces, dtype=np.float64), 1)
    return (m + stages - 1) / (m * stages)


def delay_share(layout: Layout, batch: ArrayLike, output: ArrayLike) -> Floats:
    """Share of each other client's prompt for which a step waits.

    In a pipeline a prompt holds up a step only for its time in one stage. Ranks that share experts step together, so a
    prompt on any of them holds up all; prompts that fall into one pass on different ranks do so only once. With ``r``
    prompts per pass at random that is the expected largest of ``dp`` Poisson counts of mean ``r/dp``, over ``r``: 1
    when prompts are rare, 1/dp when there are many.
    """
    ranks = layout.dp
    b, tokens = np.broadcast_arrays(np.asarray(batch, dtype=np.float64), np.asarray(output, dtype=np.float64))
    if ranks == 1:
        return np.full(b.shape, 1 / layout.pp)
    mean = np.maximum(b, 1e-9) / np.maximum(tokens, 1) / ranks
    return np.maximum(expected_largest(mean, ranks) / (mean * ranks), 1 / ranks) / layout.pp


def expected_largest(mean: ArrayLike, counts: int) -> Floats:
    """Expected largest of so many independent Poisson counts: the sum of ``1 - F(j)^counts`` over j = 0, 1, …"""
    mu = np.asarray(mean, dtype=np.float64)
    term = np.exp(-mu)
    cumulative, total = term.copy(), np.zeros_like(mu)
    for j in range(MOST_AT_ONCE):
        total += 1 - np.minimum(cumulative, 1) ** counts
        term = term * mu / (j + 1)
        cumulative = cumulative + term
    return total
