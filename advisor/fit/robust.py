"""Least squares that outliers hardly move, on the logarithms of constants."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.errors import BadInput

Array = NDArray[np.float64]
NEAR = 0.05
"""Up to this logarithm of predicted over measured the loss is square, above it linear: outliers count little."""


def solver(command: str = "fit") -> Any:
    """``scipy.optimize.least_squares``.

    Raises:
        BadInput: If SciPy is missing; ``command`` is also the name of the extra that brings it.
    """
    try:
        from scipy.optimize import least_squares  # type: ignore[import-untyped]
    except ImportError as error:
        raise BadInput(f"{command} needs SciPy, which is not installed: pip install 'whicharch[{command}]'") from error
    return least_squares


def fitted(
    residuals: Callable[[Array], Array], starts: Iterable[Array], lower: Array | float, upper: Array | float
) -> Array:
    """The logarithms with the least loss of all starts, each pushed inside the bounds."""
    best = None
    for start in starts:
        first = np.clip(start, np.asarray(lower) + 1e-6, np.asarray(upper) - 1e-6)
        found = solver()(residuals, first, loss="soft_l1", f_scale=NEAR, bounds=(lower, upper), max_nfev=300)
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    return np.asarray(best.x)
