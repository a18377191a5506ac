"""A sweep from file to table."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from advisor.grids.evaluate import COLUMNS
from advisor.grids.executors import Batch, run
from advisor.grids.journal import Journal, to_parquet
from advisor.grids.schema import SweepFile, read_sweep, row_of
from catalog.errors import BadInput

BATCH = {"estimate": 50, "simulate": 1}
"""Points that travel together; all of them are lost when their worker dies, and begun again elsewhere."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did."""

    points: int
    already: int
    """Found in the table."""
    evaluated: int
    refused: int
    """Of those: points that cannot be evaluated; their rows say why."""
    path: str


def sweep_file(
    given: SweepFile | str | Path,
    out: str | Path,
    *,
    executor: str = "local",
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Swept:
    """Evaluate every point of a grid that the table does not hold yet.

    Args:
        given: The grid, or the path of a ``sweep.yaml``.
        out: The table: ``.csv``, or ``.parquet``, which is written from ``OUT.csv`` once all points are there.
        executor: ``local`` or ``dask://HOST:PORT``.
        workers: Local processes; by default as many as there are cores.
        progress: Told (points in the table, all points).

    Raises:
        BadInput: If the file, the table or the cluster cannot be used.
    """
    grid = given if isinstance(given, SweepFile) else read_sweep(given)
    target = Path(out)
    if target.suffix not in (".csv", ".parquet"):
        raise BadInput(f"out: {target.name} should end in .csv or .parquet")
    path = target if target.suffix == ".csv" else target.with_name(f"{target.name}.csv")
    names, columns = grid.names(), [*COLUMNS[grid.what], "error"]
    journal = Journal(path, [*names, *columns], len(names))
    already = sum(tuple(row_of(point)) in journal.done for point in grid.points())
    done, refused = already, 0
    if progress:
        progress(done, len(grid))
    try:
        for batch in run(executor, grid.what, _batches(grid, set(journal.done)), workers):
            for point, values in batch:
                journal.add([*row_of(point), *(values.get(name) for name in columns)])
                refused += bool(values["error"])
                done += 1
            if progress:
                progress(done, len(grid))
    finally:
        journal.close()
    if target != path:
        to_parquet(path, target)
    return Swept(len(grid), already, done - already, refused, str(target))


def _batches(grid: SweepFile, done: set[tuple[str, ...]]) -> Iterator[Batch]:
    left = (point for point in grid.points() if tuple(row_of(point)) not in done)
    size = max(1, min(BATCH[grid.what], len(grid) // 16))
    while batch := list(itertools.islice(left, size)):
        yield batch
