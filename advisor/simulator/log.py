"""What a replica did, as stretches of equal passes: enough for every curve and every exact percentile."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FIELDS = ("start_s", "first_s", "growth_s", "passes", "writing", "read", "used")
"""A row is ``passes`` passes from ``start_s`` on; the first takes ``first_s``, each further one ``growth_s`` more;
``writing`` sequences make a step in each, ``read`` prompt tokens are read; ``used`` units of cache at the end."""
FLUSH = 7 * 16384


class PassLog:
    """Rows in blocks, so that a million requests take little memory."""

    __slots__ = ("blocks", "rows")

    def __init__(self) -> None:
        self.rows: list[float] = []
        self.blocks: list[NDArray[np.float64]] = []

    def flush(self) -> None:
        """Pack what has been collected."""
        if self.rows:
            self.blocks.append(np.array(self.rows, dtype=np.float64).reshape(-1, len(FIELDS)))
            self.rows.clear()

    def table(self) -> NDArray[np.float64]:
        """All rows, shape (rows, fields)."""
        self.flush()
        if len(self.blocks) > 1:
            self.blocks[:] = [np.concatenate(self.blocks)]
        return self.blocks[0] if self.blocks else np.zeros((0, len(FIELDS)))
