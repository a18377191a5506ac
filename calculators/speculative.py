"""Speculative decoding: a cheap draft guesses ``k`` tokens, one pass of the model checks them all.

A round drafts ``k`` times and verifies once, and yields ``a`` tokens on average, between 1 and k + 1:

    TPOT = (k·t_draft + t_verify) / a

The verification reads the cache once for k + 1 tokens of each sequence; a mixture of experts reads the experts that
(k + 1)·batch tokens visit, and logits are needed for all of them. So a round costs little more than a step where
reading weights is what takes the time, and (k + 1) times as much where arithmetic is: with many sequences it stops
paying.

Source:
    Leviathan et al., arXiv:2211.17192: equation 1 for ``a``, theorem 3.8 for the gain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from calculators.serving import Server
from calculators.table import Floats
from calculators.workload import Workload

MOST_BATCH = 4096
"""Sequences up to which the break-even batch is looked for."""


def expected_tokens(rate: ArrayLike, drafted: ArrayLike) -> Floats:
    """Mean tokens per round when each drafted token is accepted with probability ``rate`` if those before it were.

    Source:
        arXiv:2211.17192, equation 1: ``(1 - α^(k+1)) / (1 - α)``.
    """
    alpha, k = np.asarray(rate, dtype=np.float64), np.asarray(drafted, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(alpha < 1, (1 - alpha ** (k + 1)) / (1 - alpha), k + 1)


def acceptance_rate(length: float, drafted: int) -> float:
    """The probability that gives so many tokens per round: the inverse of ``expected_tokens``.

    Raises:
        ValueError: If the length is not between 1 and ``drafted + 1``.
    """
    if not 1 <= length <= drafted + 1:
        raise ValueError(f"acceptance length {length:g} is not between 1 and {drafted + 1}")
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if float(expected_tokens(middle, drafted)) < length else (low, middle)
    return low


@dataclass(frozen=True, eq=False, slots=True)
class Round:
    """Seconds of a round; arrays in the shape of the steps."""

    draft_s: Floats
    """All drafting passes."""
    verify_s: Floats
    step_s: Floats
    """A step without speculation, for comparison."""

    @property
    def total_s(self) -> Floats:
        """Draft and verification, one after the other."""
        return np.asarray(self.draft_s + self.verify_s)

    def gain(self, length: ArrayLike) -> Floats:
        """How many times faster tokens come than without."""
        return np.asarray(self.step_s * np.asarray(length) / self.total_s)


def verification(step: Workload, drafted: int) -> Workload:
    """The pass that checks ``drafted`` tokens and makes one more, on the cache of ``step``."""
    return replace(step, new=step.new + drafted)


def further_logits_s(server: Server, step: Workload, drafted: int) -> Floats:
    """What logits for all tokens of a verification take more than those for the last."""
    flat = step.reshape(-1)
    head = np.array([op.part.endswith(".head") and op.name.endswith("head") for op in server.table.operators])
    every = replace(flat, batch=flat.batch * (drafted + 1))
    more = server.operators_s(every)[0, head].sum(axis=0) - server.operators_s(flat)[0, head].sum(axis=0)
    return np.asarray(more.reshape(step.shape))


def round_s(server: Server, draft: Server, step: Workload, drafted: int, length: ArrayLike) -> Round:
    """Seconds of a round at any batch and context.

    Args:
        server: The model that verifies, in one setting.
        draft: The draft on the same devices; its first pass reads what the last round accepted.
        step: A step without speculation.
        drafted: Tokens guessed per round.
        length: Mean tokens that a round yields.
    """
    accepted = np.maximum(np.asarray(length, dtype=np.float64), 1)
    first = draft.pass_s(replace(step, new=step.new * accepted))
    others = (drafted - 1) * draft.pass_s(step)
    verify = server.pass_s(verification(step, drafted)) + further_logits_s(server, step, drafted)
    return Round(np.asarray(first + others), np.asarray(verify), server.pass_s(step))


def pays_up_to(server: Server, draft: Server, step: Workload, drafted: int, length: float) -> tuple[int, int] | None:
    """The smallest and the largest batch at which a round yields tokens faster than plain steps; ``None`` if none does.

    Looked for up to ``MOST_BATCH``; between the two it may fail to pay in places (mixtures of experts).
    """
    batches = np.unique(np.round(np.geomspace(1, MOST_BATCH, 49)))
    pays = _gain_at(server, draft, step, drafted, length, batches) > 1
    if not pays.any():
        return None
    inside = np.flatnonzero(pays)
    first, last = int(batches[inside[0]]), int(batches[inside[-1]])
    if inside[-1] + 1 < len(batches):
        between = np.arange(last, int(batches[inside[-1] + 1]))
        last = int(between[_gain_at(server, draft, step, drafted, length, between) > 1][-1])
    return first, last


def _gain_at(server: Server, draft: Server, step: Workload, drafted: int, length: float, batches: ArrayLike) -> Floats:
    one = step.reshape(-1).slice(slice(0, 1))
    many = Workload.of(batches, one.new, one.past, source=one.source, images=one.images, encode=one.encode)
    return round_s(server, draft, many, drafted, length).gain(length)
