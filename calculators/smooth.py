"""The smooth maximum of two times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def smooth_maximum(a: Floats, b: Floats, p: Floats) -> Floats:
    """``(a^p + b^p)^(1/p)``: the larger of two times, rounded off where they are close.

    Computed as ``large·(1 + (small/large)^p)^(1/p)``, which neither overflows nor underflows.
    """
    large = np.maximum(a, b)
    if np.all(np.isinf(p)):
        return large
    if np.all(p == 1):
        return a + b
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.log(np.minimum(a, b) / large)
        exponent *= p
        result = np.exp(np.log1p(np.exp(exponent)) / p)
    result *= large
    return np.nan_to_num(result, nan=0.0, posinf=np.inf)
