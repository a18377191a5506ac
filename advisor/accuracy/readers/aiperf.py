"""A user's own ``aiperf`` or ``genai-perf`` results: ``profile_export_aiperf.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.own import served_run
from advisor.accuracy.runs import Run, compare_runs

SECONDS = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def runs(file: File, given: Given) -> Iterator[Run | Skipped]:
    """One run for each export; times are means over its requests."""
    for line, row in enumerate(file.rows, 1):
        read, written = _mean(row, "input_sequence_length"), _mean(row, "output_sequence_length")
        if read is None or written is None:
            yield Skipped(line, "lengths of prompts and answers are missing")
            continue
        clients, rate = _load(row)
        yield served_run(
            file,
            given,
            line,
            model=_model(row),
            clients=clients,
            rate=rate if rate is not None else _mean(row, "request_throughput"),
            answer_s=_seconds(row, "request_latency"),
            input_tokens=read,
            output_tokens=written,
            ttft_s=_seconds(row, "time_to_first_token"),
            tpot_s=_seconds(row, "inter_token_latency"),
        )


def _mean(row: Row, name: str) -> float | None:
    metric = row.get(name)
    value = metric.get("avg") if isinstance(metric, Mapping) else None
    return float(value) if isinstance(value, int | float) else None


def _seconds(row: Row, name: str) -> float | None:
    value = _mean(row, name)
    return None if value is None else value * SECONDS.get(str(row[name].get("unit", "ms")), 1e-3)


def _part(row: Row, *names: str) -> Any:
    found: Any = row.get("input_config")
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _model(row: Row) -> str:
    names = _part(row, "endpoint", "model_names") or _part(row, "model_names") or _part(row, "model") or ""
    return str(names[0]) if isinstance(names, list) and names else str(names)


def _load(row: Row) -> tuple[float | None, float | None]:
    """Clients and requests per second, as they were asked for."""
    for place in (("loadgen",), ("perf_analyzer", "stimulus")):
        clients, rate = (_part(row, *place, name) for name in ("concurrency", "request_rate"))
        if clients or rate:
            return (float(clients) if clients and not rate else None), (float(rate) if rate else None)
    return None, None


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    return compare_runs(runs(file, given))


READER = Reader(
    layout="aiperf, genai-perf",
    about="time to the first token and per token of your own server",
    columns=frozenset(
        {"time_to_first_token", "inter_token_latency", "input_sequence_length", "output_sequence_length"}
    ),
    compare=_compare,
)
