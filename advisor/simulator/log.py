"""What a replica did, as stretches of equal passes: enough for every curve and every exact percentile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FIELDS = ("start_s", "first_s", "growth_s", "passes", "writing", "read", "used")
"""A row is ``passes`` passes from ``start_s`` on; the first takes ``first_s``, each further one ``growth_s`` more;
``writing`` sequences make a step in each, ``read`` prompt tokens are read; ``used`` units of cache at the end."""
FLUSH = 5 * 8192
"""Entries of ``PassLog.rows`` that are packed together."""

Table = NDArray[np.float64]


class PassLog:
    """Rows as numbers without objects, so that a million requests take little memory.

    The loop that writes them adds five entries each to ``rows``: start_s, first_s, the tokens that are read or minus
    the passes of steps, writing, and the free units of cache at the end. The rest follows.
    """

    __slots__ = ("count", "grown", "growth", "packed", "rows", "units")

    def __init__(self, units: int, growth: Sequence[float], windowed: bool, most: int) -> None:
        """``growth``: by ``writing``; ``windowed``: of each row in ``grown`` instead; ``most``: rows there may be."""
        self.units = units
        self.growth = np.array(growth)
        self.rows: list[float] = []
        self.grown: list[float] | None = [] if windowed else None
        self.packed = np.empty((len(FIELDS), most))  # takes memory as it is filled
        self.count = 0

    def flush(self) -> None:
        """Pack what has been collected."""
        if not self.rows:
            return
        start = self.count
        self.count += len(self.rows) // 5
        if self.count > self.packed.shape[1]:
            larger = np.empty((len(FIELDS), 2 * self.count))
            larger[:, :start] = self.packed[:, :start]
            self.packed = larger
        self._pack(self.packed[:, start : self.count])
        self.rows.clear()
        if self.grown is not None:
            self.grown.clear()

    def _pack(self, into: Table) -> None:
        given = np.fromiter(self.rows, np.float64, len(self.rows)).reshape(-1, 5)
        start_s, first_s, growth_s, passes, writing, read, used = into
        start_s[:], first_s[:], what, writing[:] = given.T[:4]
        np.maximum(-what, 1, out=passes)
        np.maximum(what, 0, out=read)
        np.subtract(self.units, given[:, 4], out=used)
        if self.grown is None:
            np.multiply(self.growth[writing.astype(np.intp)], what < 0, out=growth_s)
        else:
            growth_s[:] = self.grown

    def table(self) -> Table:
        """All rows, shape (rows, fields), each column in one piece."""
        self.flush()
        return self.packed[:, : self.count].T
