"""Runs as files: one row per request, one row per interval, and a trace for chrome://tracing or Perfetto."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.simulator.dispatch import Pool
from advisor.simulator.jobs import Jobs
from advisor.simulator.metrics import columns
from advisor.simulator.traffic import Traffic
from catalog.errors import BadInput

Floats = NDArray[np.float64]
Table = Mapping[str, Sequence[Any]]
MOST_EVENTS = 200_000
"""Events of a Chrome trace; viewers do not open more."""


def request_table(jobs: Jobs, classes: Sequence[Traffic] = (), request_s: float = 0.0) -> Table:
    """One row per request; times in seconds, empty where it was not answered."""
    c = columns(jobs, request_s)
    kinds = jobs.kind or [0] * len(jobs)
    return {
        "request": list(range(len(jobs))),
        "class": [classes[k].name if classes else "" for k in kinds],
        "replica": list(jobs.replica),
        "arrival_s": c.arrival_s.tolist(),
        "input_tokens": list(jobs.input),
        "output_tokens": list(jobs.output),
        "cached_tokens": list(jobs.hits),
        "queue_s": c.queue_s.tolist(),
        "ttft_s": c.ttft_s.tolist(),
        "tpot_s": c.tpot_s.tolist(),
        "e2e_s": c.e2e_s.tolist(),
        "preempted": list(jobs.preempted),
        "refused": [jobs.refused.get(i, "") for i in range(len(jobs))],
    }


def series_table(jobs: Jobs, pools: Sequence[Pool], points: int = 200) -> Table:
    """What happened over time, in equal intervals: rates and means over each, the queue at its end."""
    replicas = [r for pool in pools for r in pool.replicas]
    tables = [r.log.table() for r in replicas]
    ends = [_end(t) for t in tables if len(t)]
    end = max((float(e[-1]) for e in ends), default=0.0)
    if not end:
        return {name: [] for name in SERIES}
    edges = np.linspace(0.0, end, points + 1)
    width = edges[1]
    totals = {name: np.zeros(points) for name in ("busy", "writing", "read", "written", "cache")}
    for replica, t in zip(replicas, tables, strict=True):
        if not len(t):
            continue
        seconds = _end(t) - t[:, 0]
        units = max(1, replica.memory.units)
        for name, amount in (
            ("busy", seconds),
            ("writing", seconds * t[:, 4]),
            ("read", t[:, 5]),
            ("written", t[:, 4] * t[:, 3] * replica.p / replica.q),
            ("cache", seconds * t[:, 6] / units),
        ):
            totals[name] += np.diff(_total(edges, t[:, 0], seconds, amount))
    arrival = np.sort(np.array([a for i, a in enumerate(jobs.arrival) if i not in jobs.refused]))
    admitted = np.sort(np.array(jobs.admitted)[~np.isnan(np.array(jobs.admitted))])
    lost = np.sort(np.array([t for r in replicas for t in r.preempted_at] or [np.inf]))
    waiting = np.searchsorted(arrival, edges[1:], "right") - np.searchsorted(admitted, edges[1:], "right")
    preempted = np.diff(np.searchsorted(lost, edges, "right"))
    n = len(replicas)
    with np.errstate(invalid="ignore", divide="ignore"):
        cache = np.where(totals["busy"] > 0, totals["cache"] / totals["busy"], 0.0)
    return {
        "from_s": edges[:-1].tolist(),
        "to_s": edges[1:].tolist(),
        "utilisation": (totals["busy"] / width / n).tolist(),
        "writing": (totals["writing"] / width).tolist(),
        "waiting": np.maximum(waiting, 0).tolist(),
        "input_tokens_per_s": (totals["read"] / width).tolist(),
        "output_tokens_per_s": (totals["written"] / width).tolist(),
        "cache_share": cache.tolist(),
        "preemptions": preempted.tolist(),
    }


SERIES = (
    "from_s", "to_s", "utilisation", "writing", "waiting", "input_tokens_per_s", "output_tokens_per_s", "cache_share",
    "preemptions",
)  # fmt: skip


def _end(t: Floats) -> Floats:
    return np.asarray(t[:, 0] + t[:, 3] * (t[:, 1] + t[:, 2] * (t[:, 3] - 1) / 2))


def _total(edges: Floats, start: Floats, seconds: Floats, amount: Floats) -> Floats:
    """Amounts up to each edge, spread evenly over each row's own time."""
    before = np.concatenate([[0.0], np.cumsum(amount)])
    row = np.clip(np.searchsorted(start, edges, "right") - 1, 0, len(start) - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.clip((edges - start[row]) / seconds[row], 0.0, 1.0)
    return np.asarray(np.where(edges < start[0], 0.0, before[row] + part * amount[row]))


def write_table(path: str | Path, table: Table) -> None:
    """Write CSV, or Parquet by the file's name (extra ``parquet``).

    Raises:
        BadInput: If the file cannot be written, or Parquet is asked for without pyarrow.
    """
    path = Path(path)
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            _write_parquet(path, table)
            return
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(table)
            for row in zip(*table.values(), strict=True):
                writer.writerow(["" if isinstance(v, float) and v != v else v for v in row])
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror or error}") from None


def _write_parquet(path: Path, table: Table) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise BadInput("Parquet needs pyarrow: pip install 'whicharch[parquet]'; or write a .csv file") from None
    pyarrow.parquet.write_table(pyarrow.table({name: list(values) for name, values in table.items()}), path)


def write_chrome_trace(path: str | Path, jobs: Jobs, pools: Sequence[Pool]) -> int:
    """Write passes by replica and requests by phase; returns the number of events (at most ``MOST_EVENTS``).

    Source:
        Trace Event Format, complete and asynchronous events, times in microseconds.
    """
    events = []
    for event in _events(jobs, pools):
        events.append(event)
        if len(events) >= MOST_EVENTS:
            break
    path = Path(path)
    try:
        path.write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror or error}") from None
    return len(events)


def _events(jobs: Jobs, pools: Sequence[Pool]) -> Iterator[dict[str, Any]]:
    for number, replica in enumerate(r for pool in pools for r in pool.replicas):
        yield {"ph": "M", "name": "process_name", "pid": number, "args": {"name": f"replica {number}"}}
        t = replica.log.table()
        for (start, _, _, passes, writing, read, used), end in zip(t.tolist(), _end(t).tolist(), strict=True):
            name = f"read {read:.0f} tokens" if read else f"{passes:.0f} steps"
            yield {
                "ph": "X", "name": name, "cat": "prompt" if read else "step", "pid": number, "tid": 0,
                "ts": start * 1e6, "dur": (end - start) * 1e6,
                "args": {"writing": writing, "read": read, "passes": passes, "used": used},
            }  # fmt: skip
    for i in range(len(jobs)):
        if jobs.finish[i] != jobs.finish[i]:
            continue
        times = (jobs.arrival[i], jobs.admitted[i], jobs.first[i], jobs.finish[i])
        for name, start, end in zip(("queue", "prompt", "answer"), times, times[1:], strict=False):
            for phase, when in (("b", start), ("e", end)):
                yield {
                    "ph": phase, "name": name, "cat": "request", "id": i, "pid": jobs.replica[i], "tid": 1,
                    "ts": when * 1e6,
                }  # fmt: skip
