"""``whicharch sweep``."""

from __future__ import annotations

import sys
from typing import Any

import click

from advisor.cli.options import COUNT, json_option, print_json


@click.command()
@click.argument("file", type=click.Path())
@click.option("--out", metavar="TABLE", help="Table to write, .csv or .parquet; default: FILE with .csv.")
@click.option("--executor", default="local", show_default=True, metavar="WHERE", help="local or dask://HOST:PORT.")
@click.option("--workers", type=COUNT, help="Local processes; default: one for each core.")
@json_option
def command(file: str, out: str | None, executor: str, workers: int | None, as_json: bool) -> None:
    """Evaluate the grid of FILE: estimates or simulations at every combination of values.

    Every finished point is on disk at once; after an interruption the same command goes on where it stopped. Points
    that cannot be evaluated are rows that say why. Fields of FILE: whicharch schema sweep.

    Examples:

    \b
      whicharch sweep examples/sweeps/batches.yaml --out batches.csv
      whicharch sweep grid.yaml --executor dask://10.0.0.1:8786 --out grid.parquet
    """
    from dataclasses import asdict
    from pathlib import Path

    from advisor.grids.sweep import sweep_file

    target = out or str(Path(file).with_suffix(".csv").name)
    with _Bar() as bar:
        done = sweep_file(file, target, executor=executor, workers=workers, progress=bar)
    if as_json:
        print_json(asdict(done))
        return
    again = f", {done.already:,} were there" if done.already else ""
    refused = f"; {done.refused:,} cannot be evaluated, their rows say why" if done.refused else ""
    click.echo(f"{done.path}: {done.points:,} points, {done.evaluated:,} evaluated{again}{refused}")


class _Bar:
    """A bar with what is left, on stderr where that is a terminal."""

    def __init__(self) -> None:
        self.progress: Any = None
        self.task: Any = None

    def __enter__(self) -> _Bar:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self.progress = Progress(
                TextColumn("points"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"),
                TimeRemainingColumn(), console=Console(stderr=True),
            )  # fmt: skip
            self.progress.start()
        return self

    def __call__(self, done: int, total: int) -> None:
        if self.progress is None:
            return
        if self.task is None:
            self.task = self.progress.add_task("points", total=total)
        self.progress.update(self.task, completed=done)

    def __exit__(self, *_: object) -> None:
        if self.progress is not None:
            self.progress.stop()
