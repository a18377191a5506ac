"""The Pareto front: models that no other beats in quality, latency and cost together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def on_front(
    quality: Sequence[float | None], latency: Sequence[float | None], cost: Sequence[float | None]
) -> NDArray[np.bool_]:
    """Which entries are on the front.

    One entry beats another if it is no worse in any of the three and better in one. What is unknown cannot be
    compared: entries are held against those of which the same is known (APIs, whose latency nobody publishes, against
    each other). Entries without quality, of which nobody knows what they are traded against, are on no front.
    """
    good = np.array([np.nan if q is None else -q for q in quality])
    values = np.stack([good, *(np.array([np.nan if v is None else v for v in column]) for column in (latency, cost))])
    known = np.isfinite(values)
    same = (known[:, :, None] == known[:, None, :]).all(axis=0)
    filled = np.where(known, values, 0.0)
    no_worse = (filled[:, :, None] <= filled[:, None, :]).all(axis=0)
    better = (filled[:, :, None] < filled[:, None, :]).any(axis=0)
    beaten = (same & no_worse & better).any(axis=0)
    return np.asarray(known[0] & ~beaten)
