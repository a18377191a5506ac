"""Measured tables: rows, machines, and which half of the shapes a row belongs to."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from advisor.accuracy.files import read as read_file
from advisor.accuracy.names import TABLE_MACHINES
from catalog.errors import BadInput

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Row = Mapping[str, str]

TABLES = "NVIDIA aiconfigurator 0.12 {} table (Apache-2.0)"


def rows_of(facts: Path, name: str) -> list[Row]:
    """The rows of ``measured/NAME.csv``; none where the file is missing.

    Raises:
        BadInput: If it cannot be read, or names a machine that nobody knows.
    """
    path = facts / "measured" / f"{name}.csv"
    if not path.exists():
        return []
    file = read_file(path)
    if "system" not in file.columns:
        raise BadInput(f"{path}: has no column 'system'; expected a table of kernels by machine")
    return list(file.rows)


def machine_of(row: Row) -> str:
    """Catalog id of a row's machine; a table may name the ids themselves."""
    return TABLE_MACHINES.get(row["system"], row["system"])


def columns(rows: Iterable[Row], *names: str) -> list[Array]:
    """Some columns as numbers."""
    table = list(rows)
    return [np.array([float(row[name]) for row in table]) for name in names]


def is_held_out(*sizes: object) -> bool:
    """Which half a shape belongs to: stable across runs, machines and engines."""
    return bool(zlib.crc32(",".join(map(str, sizes)).encode()) & 1)


def held_out(*sizes: Sequence[object] | Array) -> Mask:
    """``is_held_out`` for columns of sizes."""
    whole = [[f"{value:g}" if isinstance(value, float) else value for value in column] for column in sizes]
    return np.array([is_held_out(*shape) for shape in zip(*whole, strict=True)], dtype=bool)


def families(*sizes: Sequence[object] | Array) -> list[str]:
    """One name for each row's family of shapes: those of one layer of one model."""
    return [" ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in row) for row in zip(*sizes, strict=True)]


def newest(rows: Sequence[Row], backend: str) -> list[Row]:
    """Rows of one engine in its highest version."""
    own = [row for row in rows if row["backend"] == backend]
    top = max((row["version"] for row in own), default="", key=lambda v: [int(n) for n in re.findall(r"\d+", v)])
    return [row for row in own if row["version"] == top]


def version(rows: Sequence[Row]) -> str:
    """Engine and version behind some rows."""
    return " and ".join(sorted({f"{row['backend']} {row['version']}" for row in rows}))
