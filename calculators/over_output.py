"""Means over an answer: each step reads a cache that is one token longer than the last one's.

Attention takes time in proportion to what it reads, so the mean over the steps is the step half-way. Windows,
selections and blocks bend that line; where a measure of the workload bends between the first and the last step, the
mean is taken over ``PARTS`` equal parts of the answer, each at its middle: exact but for the parts that hold a bend.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from calculators.table import Floats, Table
from calculators.workload import Workload

if TYPE_CHECKING:
    from calculators.serving import Server

PARTS = 16
BENT = 1e-3
"""Share by which a measure half-way must be off the mean of both ends to count as bent."""


def at(step: Workload, past: ArrayLike) -> Workload:
    """The same steps on another number of cached tokens."""
    shape = np.broadcast_shapes(step.shape, np.shape(past))
    moved = replace(step, past=np.asarray(past, dtype=np.float64))
    return Workload(**{name: np.broadcast_to(value, shape) for name, value in moved.fields().items()})


def bends(table: Table, halfway: Workload, span: Floats) -> bool:
    """Whether a measure grows unevenly over ``span`` tokens around the step half-way."""
    past = np.maximum(np.add.outer(np.array([-0.5, 0, 0.5]), np.zeros(halfway.shape)) * span + halfway.past, 0)
    values = table.values(at(halfway, past).reshape(-1))
    first, middle, last = np.split(values, 3, axis=1)
    return bool(np.any(np.abs(first + last - 2 * middle) > 2 * BENT * middle))


def passes_over_output_s(
    server: Server, prompt: Workload, halfway: Workload, span: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """``Server.passes_s`` as means over the steps of an answer.

    Args:
        server: What runs.
        prompt: The pass that reads a prompt.
        halfway: The step in the middle of the answer.
        span: Tokens by which the cache grows from the first step to the last, plus one: the number of steps.
    """
    wide = np.broadcast_to(np.asarray(span, dtype=np.float64), halfway.shape)
    if not np.any(wide > 1) or not bends(server.table, halfway, wide):
        return server.passes_s(prompt, halfway)
    middles = (np.arange(PARTS) + 0.5) / PARTS - 0.5
    past = np.maximum(halfway.past[..., None] + wide[..., None] * middles, np.minimum(halfway.past, 1)[..., None])
    step = at(Workload(**{name: value[..., None] for name, value in halfway.fields().items()}), past)
    alone = Workload(**{name: value[..., None] for name, value in prompt.fields().items()})
    parts = server.passes_s(alone, step)
    if len(server.settings) > 1:
        parts = tuple(part.reshape(part.shape[0], -1, PARTS) for part in parts)  # type: ignore[assignment]
    first, second, both = (part.mean(axis=-1) for part in parts)
    return first, second, both
