"""A user's own ``vllm bench serve`` or ``sglang.bench_serving`` results."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.own import served_run
from advisor.accuracy.readers.serving_end_to_end import number
from advisor.accuracy.runs import Run, compare_runs


def runs(file: File, given: Given) -> Iterator[Run | Skipped]:
    """One run for each saved result."""
    for line, row in enumerate(file.rows, 1):
        done = number(row, "completed") or 0.0
        read, written = number(row, "total_input_tokens") or 0.0, number(row, "total_output_tokens") or 0.0
        if min(done, read, written) <= 0:
            yield Skipped(line, "no request was completed, or their tokens are not counted")
            continue
        yield served_run(
            file,
            given,
            line,
            model=str(row.get("model_id") or row.get("model_name") or row.get("model") or ""),
            clients=number(row, "max_concurrency"),
            rate=_rate(row),
            answer_s=_answer_s(row, written / done),
            input_tokens=read / done,
            output_tokens=written / done,
            ttft_s=_seconds(row, "mean_ttft_ms"),
            tpot_s=_seconds(row, "mean_tpot_ms"),
        )


def _seconds(row: Row, name: str) -> float | None:
    value = number(row, name)
    return None if value is None else value * 1e-3


def _rate(row: Row) -> float | None:
    """Requests per second as sent; what was served where all were sent at once."""
    sent = number(row, "request_rate")
    return sent if sent is not None and sent != float("inf") else number(row, "request_throughput")


def _answer_s(row: Row, written: float) -> float | None:
    whole, first, each = (_seconds(row, name) for name in ("mean_e2el_ms", "mean_ttft_ms", "mean_tpot_ms"))
    if whole is None:
        whole = _seconds(row, "mean_e2e_latency_ms")
    if whole is None and first is not None and each is not None:
        whole = first + (written - 1) * each
    return whole


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    return compare_runs(runs(file, given))


READER = Reader(
    layout="vllm bench serve, sglang.bench_serving",
    about="time to the first token and per token of your own server",
    columns=frozenset({"completed", "total_input_tokens", "total_output_tokens", "mean_ttft_ms", "mean_tpot_ms"}),
    compare=_compare,
)
