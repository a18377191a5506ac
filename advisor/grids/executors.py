"""Where points are evaluated: all cores of this computer, or a Dask cluster. Both run the same function."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import suppress
from multiprocessing import get_context
from typing import Any

from advisor.grids.evaluate import evaluate
from catalog.errors import BadInput

AHEAD = 4
"""Batches per worker that are handed out before their turn."""
Point = dict[str, Any]
Batch = list[Point]
Results = list[tuple[Point, dict[str, Any]]]
RETRIES = 5
"""How often a batch is begun again after its worker died."""


def evaluated(what: str, batch: Batch) -> Results:
    """Points with their columns."""
    return [(point, evaluate(what, point)) for point in batch]


def run(executor: str, what: str, batches: Iterable[Batch], workers: int | None = None) -> Iterator[Results]:
    """Evaluate batches; results come in any order.

    Args:
        executor: ``local`` or ``dask://HOST:PORT``.
        what: ``estimate`` or ``simulate``.
        batches: Points.
        workers: Local processes; by default as many as there are cores.

    Raises:
        BadInput: If the executor is unknown or its cluster unreachable.
    """
    if executor == "local":
        return _local(what, batches, workers or len(os.sched_getaffinity(0)))
    if executor.startswith("dask://"):
        return _dask(executor.removeprefix("dask://"), what, batches)
    raise BadInput(f"executor: {executor!r} is neither local nor dask://HOST:PORT")


def _local(what: str, batches: Iterable[Batch], workers: int) -> Iterator[Results]:
    if workers == 1:
        for batch in batches:
            yield evaluated(what, batch)
        return
    from concurrent.futures.process import BrokenProcessPool

    left, begun = iter(batches), 0
    lost: list[Batch] = []
    while True:
        under_way: dict[Future[Results], Batch] = {}
        try:
            yield from _pooled(what, itertools.chain(lost, left), workers, under_way)
            return
        except BrokenProcessPool:
            begun += 1
            if begun > RETRIES:
                raise
            lost = list(under_way.values())


def _pooled(
    what: str, batches: Iterator[Batch], workers: int, under_way: dict[Future[Results], Batch]
) -> Iterator[Results]:
    """One set of processes; ``under_way`` holds what was handed out and is not answered."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            while True:
                while len(under_way) < AHEAD * workers:
                    batch = next(batches, [])
                    if not batch:
                        break
                    try:
                        under_way[pool.submit(evaluated, what, batch)] = batch
                    except BrokenExecutor:
                        under_way[Future()] = batch
                        raise
                if not under_way:
                    return
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    results = future.result()
                    del under_way[future]
                    yield results
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _dask(address: str, what: str, batches: Iterable[Batch]) -> Iterator[Results]:
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise BadInput("dask:// needs Dask: pip install 'whicharch[distributed]'") from error
    try:
        client = Client(f"tcp://{address}", timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"executor: no Dask scheduler answers at {address}: {error}") from error
    left = iter(batches)
    with client:
        workers = max(1, sum(client.nthreads().values()))
        futures = as_completed(loop=client.loop)

        def submit() -> bool:
            batch = next(left, None)
            if batch is not None:
                futures.add(client.submit(evaluated, what, batch, retries=RETRIES, pure=False))
            return batch is not None

        for _ in range(AHEAD * workers):
            if not submit():
                break
        for future in futures:
            result = future.result()
            with suppress(Exception):
                future.release()
            submit()
            yield result
