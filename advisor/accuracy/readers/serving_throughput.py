"""Published tables of throughput and latency, each row with its own metric."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from advisor.accuracy import local_names
from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.names import format_of, machine_of, model_of
from advisor.accuracy.readers.serving_end_to_end import number
from advisor.accuracy.runs import CLOSED, RATE, Prediction, Run, engine_of, predict
from advisor.estimating.measured import band_for
from catalog.loader import load_format

ENGINES = ((r"tensorrt-llm", "tensorrt-llm"), (r"^vllm", "vllm"), (r"^sglang", "sglang"), (r"llama\.cpp", "llama.cpp"))
"""Servers, and llama.cpp's batches; single streams of others are read by ``decode_single_stream``."""
FORMATS = {
    "gptq-int4": "gptq-int4", "gptq-int8": "gptq-int8", "awq": "awq-int4", "awq-int4": "awq-int4",
    "fp8/fp8 kv": "fp8", "nvfp4 weights": "nvfp4",
}  # fmt: skip
TTFT, ITL = "mean TTFT ms", "mean ITL ms"
RATES = ("output tok/s", "output tok/s (batch 1)", "output tok/s/gpu", "total tok/s (in+out)")
DECODE, PREFILL = "decode output tok/s (all sequences)", "prefill tok/s (all sequences)"
KNOWN = (*RATES, TTFT, ITL, "mean TPOT ms", "TTFT ms (batch 1)", DECODE, PREFILL)


def read(rows: Sequence[Row]) -> Iterator[tuple[Row, Run] | Skipped]:
    """The setting of each row; what is measured is its metric's."""
    latencies = {(_load(row), row["metric"]): number(row, "value") for row in rows}
    for line, row in enumerate(rows, 1):
        found = _run(line, row, latencies)
        yield Skipped(line, found) if isinstance(found, str) else (row, found)


def _load(row: Row) -> tuple[str, ...]:
    names = ("model", "hardware", "n_gpus", "tp", "precision", "engine", "isl", "osl", "concurrency_or_batch", "notes")
    return tuple(str(row[name]) for name in names[:-1])


def _run(line: int, row: Row, latencies: Mapping[tuple[tuple[str, ...], str], float | None]) -> Run | str:
    """The run behind a row, or why there is none."""
    engine = next((name for pattern, name in ENGINES if re.search(pattern, row["engine"].lower())), None)
    if row["metric"] not in KNOWN:
        return f"not a metric that is compared: {row['metric']}"
    if engine is None:
        return "not a server of the catalog"
    model, (machine, devices) = (
        local_names.model_of(row["model"]) or model_of(row["model"]),
        machine_of(row["hardware"]),
    )
    if model is None or machine is None:
        return f"not in the catalog: {row['model'] if model is None else row['hardware']}"
    precision = row["precision"].lower()
    weights = (
        local_names.format_of(row["model"].removesuffix("-GGUF"), "", engine)
        if precision.startswith("gguf")
        else FORMATS.get(precision) or format_of(precision, model)
    )
    given, written = number(row, "isl"), number(row, "osl")
    if not weights or given is None or written is None:
        return "format or lengths not printed"
    tp = int(number(row, "tp") or number(row, "n_gpus") or devices)
    load, kind = row["concurrency_or_batch"].strip(), CLOSED
    rate = re.fullmatch(r"QPS=([\d.]+)", load)
    if rate:
        first, each = (latencies.get((_load(row), name)) for name in (TTFT, ITL))
        if first is None or each is None:
            return "a rate of requests whose times of answers are not printed"
        clients, kind = float(rate[1]) * (first + (written - 1) * each) * 1e-3, RATE
    elif re.fullmatch(r"\d+", load):
        clients = float(load)
    else:
        return "number of clients not printed"
    cache = 8.0 if "fp8 kv" in precision else 16.0
    return Run(
        kind, engine, machine, model, weights, cache, tp, max(clients, 1.0), given, written, None, None, line=line
    )


def _compared(row: Row, run: Run, p: Prediction) -> Comparison | Skipped:
    """The metric beside what is predicted for it, in seconds."""
    value, metric = number(row, "value"), row["metric"]
    if not value or value <= 0:
        return Skipped(run.line, "no value")
    if not p.fits:
        return Skipped(run.line, "does not fit as it is predicted")
    answer = p.ttft_s + max(run.output_tokens - 1, 0) * p.tpot_s
    if metric in (TTFT, "TTFT ms (batch 1)"):
        quantity, measured, predicted = "ttft", value * 1e-3, p.ttft_s
    elif metric in (ITL, "mean TPOT ms"):
        quantity, measured, predicted = "tpot", value * 1e-3, p.tpot_s
    elif metric == DECODE:
        quantity, measured, predicted = "step", run.clients / value, p.decode_s
    elif metric == PREFILL:
        quantity, measured, predicted = "prompts", run.clients * run.input_tokens / value, run.clients * p.prefill_s
    else:
        if run.kind == RATE:
            return Skipped(run.line, "what a fixed rate of requests gives is the rate")
        tokens = run.output_tokens + (run.input_tokens if metric.startswith("total") else 0)
        devices = run.tp if metric.endswith("/gpu") else 1
        quantity, measured, predicted = "answer", run.clients * tokens / (value * devices), answer
    keys = {
        "machine": run.machine, "model": run.model, "engine": run.engine, "weights": load_format(run.weights).id,
        "gpus": str(run.tp), "clients": f"{run.clients:g}", "metric": metric, "badge": p.badge,
        "version": row["engine"], "input": f"{run.input_tokens:g}", "output": f"{run.output_tokens:g}",
    }  # fmt: skip
    first, each = (band_for(engine_of(run.engine), name, p.badge) for name in ("ttft", "tpot"))
    if first is None or each is None:
        return Comparison(run.line, quantity, "s", measured, predicted, keys)
    further = max(run.output_tokens - 1, 0) * p.tpot_s
    if quantity == "answer":  # both err the same way, as in an estimate
        low, high = (p.ttft_s * a + further * b for a, b in ((first.p10, each.p10), (first.p90, each.p90)))
    else:  # prompts as first tokens, steps as tokens
        own = first if quantity in ("ttft", "prompts") else each
        low, high = predicted * own.p10, predicted * own.p90
    return Comparison(run.line, quantity, "s", measured, predicted, keys, low, high)


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    kept: list[tuple[Row, Run]] = []
    for each in read(file.rows):
        if isinstance(each, Skipped):
            yield each
        else:
            kept.append(each)
    for (row, run), prediction in zip(kept, predict([run for _, run in kept]), strict=True):
        yield _compared(row, run, prediction)


READER = Reader(
    layout="serving_throughput",
    about="times of answers, first tokens and steps behind published throughput and latency",
    columns=frozenset({"model", "hardware", "precision", "engine", "isl", "osl", "concurrency_or_batch", "metric"}),
    compare=_compare,
    by=("quantity", "engine", "machine"),
)
