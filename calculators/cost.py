"""Money per token from seconds and dollars per hour."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def usd_per_million(seconds_per_unit: ArrayLike, usd_per_hour: ArrayLike) -> NDArray[np.float64]:
    """Dollars for a million units (tokens, images, documents) that take so many machine-seconds each."""
    rate = np.asarray(usd_per_hour, dtype=np.float64) / 3600
    return np.asarray(seconds_per_unit, dtype=np.float64) * rate * 1e6
