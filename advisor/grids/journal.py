"""A CSV file that grows by whole rows and survives being cut off anywhere."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from catalog.errors import BadInput


class Journal:
    """Rows on disk: each is written by one call and is complete once its line ends."""

    def __init__(self, path: Path, columns: Sequence[str], keys: int) -> None:
        """Open for appending, and read what is there.

        Args:
            path: The file; it may exist.
            columns: Names of all columns.
            keys: How many of them, from the left, say which point a row is.

        Raises:
            BadInput: If the file holds something else, or cannot be written.
        """
        self.path, self.columns, self.keys = path, list(columns), keys
        self.done: set[tuple[str, ...]] = set()
        try:
            self._resume()
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise BadInput(f"{path}: {(error.strerror or str(error)).lower()}") from error
        if not os.fstat(self._file).st_size:
            os.write(self._file, self._line(self.columns))

    def _resume(self) -> None:
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        whole = _complete(data)
        rows = list(csv.reader(io.StringIO(data[:whole].decode("utf-8"), newline="")))
        if rows and rows[0] != self.columns:
            raise BadInput(
                f"{self.path}: holds another sweep (its first columns are {', '.join(rows[0][:4])}); "
                "give another --out, or remove it"
            )
        self.done = {tuple(row[: self.keys]) for row in rows[1:]}
        if whole < len(data):
            os.truncate(self.path, whole)

    @staticmethod
    def _line(cells: Sequence[Any]) -> bytes:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow(["" if c is None else c for c in cells])
        return out.getvalue().encode("utf-8")

    def add(self, cells: Sequence[Any]) -> None:
        """Append a row."""
        line = self._line(cells)
        if os.write(self._file, line) != len(line):
            raise OSError(f"{self.path}: disk full?")
        self.done.add(tuple(str(c) for c in cells[: self.keys]))

    def close(self) -> None:
        """Make sure that everything is on disk."""
        os.fsync(self._file)
        os.close(self._file)


def _complete(data: bytes) -> int:
    """Bytes up to the end of the last complete row: a line end outside quotes."""
    end = data.rfind(b"\n") + 1
    while end and data.count(b'"', 0, end) % 2:
        end = data.rfind(b"\n", 0, end - 1) + 1
    return end


def to_parquet(journal: Path, target: Path) -> None:
    """The same rows as Parquet, written whole or not at all.

    Raises:
        BadInput: If pyarrow is not installed.
    """
    try:
        from pyarrow import csv as reader
        from pyarrow import parquet
    except ImportError as error:
        raise BadInput("Parquet needs pyarrow: pip install 'whicharch[parquet]', or name the output .csv") from error
    partial = target.with_name(f".{target.name}.partial")
    parquet.write_table(reader.read_csv(journal), partial)
    os.replace(partial, target)
