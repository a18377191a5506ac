"""What readers of measurements give: a measured value beside the predicted one, or why a row was passed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
"""One measurement by column; text from CSV files, JSON values from JSON files."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measured value beside what is predicted for it."""

    line: int
    """Number of the row in its file, the first after the header being 1."""
    quantity: str
    """``ttft``, ``tpot``, ``kernel``, ``pass``, ``prefill``, ``memory`` …; each is judged on its own."""
    unit: str
    """``s`` for times (rates are turned into seconds per item), ``bytes`` for memory."""
    measured: float
    predicted: float
    keys: Mapping[str, str]
    """What the row is about, by name, for ``--by``: always ``machine``, and ``model`` or ``kernel``."""
    p10: float | None = None
    """Predicted lower end of the 80 % band, where there is one."""
    p90: float | None = None

    @property
    def error(self) -> float:
        """Predicted over measured minus one."""
        return self.predicted / self.measured - 1

    @property
    def inside(self) -> bool | None:
        """Whether the band holds the measured value; ``None`` without a band."""
        if self.p10 is None or self.p90 is None:
            return None
        return self.p10 <= self.measured <= self.p90

    @property
    def pair(self) -> tuple[str, ...]:
        """What every group of rows weighs the same by: what was run, and on which machine."""
        return tuple(self.keys.get(name, "") for name in ("model", "kernel", "machine"))


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that is not compared."""

    line: int
    reason: str
    """In words that are the same for like rows, so that they can be counted."""


@dataclass(frozen=True)
class Given:
    """What the user says of a file that does not say it itself."""

    model: str = ""
    machine: str = ""
    engine: str = ""
    weights: str = ""
    cache: str = ""
    gpus: int = 0
    """0: as the file says, else 1."""


@dataclass(frozen=True)
class File:
    """A measured table."""

    path: Path
    rows: Sequence[Row]
    columns: frozenset[str] = field(default_factory=frozenset)
    """Of a CSV file; of a JSON file the names of its (first) object."""


@dataclass(frozen=True)
class Reader:
    """How one layout is read. Each module in ``advisor/accuracy/readers`` has one, named ``READER``."""

    layout: str
    """Usually the file's name in ``facts/measured``."""
    about: str
    """What is compared, in a few words."""
    columns: frozenset[str]
    """All of these mean this layout; where two layouts match, the one with more columns wins."""
    compare: Callable[[File, Given], Iterator[Comparison | Skipped]]
    """Reads all rows and predicts them, preferably all of one setting at once."""
    by: tuple[str, ...] = ("quantity", "machine", "engine", "model")
    """How errors are grouped unless the user says otherwise: ``quantity`` or keys of the comparisons."""
    fitted: str = ""
    """What was fitted on rows of the project's own copy of the table, and what says how held-out rows do."""
