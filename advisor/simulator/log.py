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
    """Rows in blocks, so that a million requests take little memory.

    The loop that writes them adds five entries each to ``rows``: start_s, first_s, the tokens that are read or minus
    the passes of steps, writing, and the free units of cache at the end. The rest follows.
    """

    __slots__ = ("blocks", "grown", "growth", "rows", "units")

    def __init__(self, units: int, growth: Sequence[float], windowed: bool) -> None:
        """``growth``: by ``writing``; ``windowed``: of each row in ``grown`` instead."""
        self.units = units
        self.growth = np.array(growth)
        self.rows: list[float] = []
        self.grown: list[float] | None = [] if windowed else None
        self.blocks: list[Table] = []

    def flush(self) -> None:
        """Pack what has been collected."""
        if self.rows:
            self.blocks.append(self._packed())
            self.rows.clear()
            if self.grown is not None:
                self.grown.clear()

    def _packed(self) -> Table:
        given = np.fromiter(self.rows, np.float64, len(self.rows)).reshape(-1, 5)
        rows = np.empty((len(FIELDS), len(given)))
        start_s, first_s, growth_s, passes, writing, read, used = rows
        start_s[:], first_s[:], what, writing[:] = given.T[:4]
        np.maximum(-what, 1, out=passes)
        np.maximum(what, 0, out=read)
        np.subtract(self.units, given[:, 4], out=used)
        if self.grown is None:
            np.multiply(self.growth[writing.astype(np.intp)], what < 0, out=growth_s)
        else:
            growth_s[:] = self.grown
        return rows

    def table(self) -> Table:
        """All rows, shape (rows, fields), each column in one piece."""
        self.flush()
        if len(self.blocks) > 1:
            self.blocks[:] = [np.concatenate(self.blocks, axis=1)]
        return self.blocks[0].T if self.blocks else np.zeros((0, len(FIELDS)))
