"""Servers under requests at a constant rate, stage by stage: load tests of vLLM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.names import format_of, machine_of, model_of
from advisor.accuracy.readers.serving_end_to_end import number
from advisor.accuracy.runs import RATE, Run, compare_runs

BLOCK = 16
"""Tokens of a page of vLLM's cache: prompts are cached in whole pages, the last token is always read."""


def cached_tokens(row: Row) -> float:
    """Tokens of a prompt that the prefix cache holds.

    The load generator repeats some 45 prompts for ten minutes (``shared_prefix`` of kubernetes-sigs/inference-perf with
    9 to 11 system prompts and 4 or 5 users each: profile.yaml of inference-sim/training), and vLLM caches prefixes
    unless told otherwise: were they all read, Llama 2 70B at 20 requests a second would spend 83 % of its time on
    prompts and 32 ms on a step, not 22.
    """
    shared, given = number(row, "shared_system_prompt_tokens"), number(row, "isl") or 1
    return (given - 1) // BLOCK * BLOCK if shared else 0


def runs(rows: Sequence[Row]) -> Iterator[Run | Skipped]:
    """One run a stage; requests in flight are the rate times the measured time of an answer."""
    seen = set()
    for line, row in enumerate(rows, 1):
        if row["stage"] in ("all", "summary"):
            yield Skipped(line, "mean over stages of different rates")
            continue
        model, (machine, _) = model_of(row["model"]), machine_of(row["hardware"])
        if model is None or machine is None:
            yield Skipped(line, f"not in the catalog: {row['model'] if model is None else row['hardware']}")
            continue
        weights = format_of(row["dtype"], model)
        rate, whole = number(row, "rate_req_s"), number(row, "e2e_mean_ms")
        first, step = number(row, "ttft_mean_ms"), number(row, "tpot_mean_ms_derived")
        given, written = number(row, "isl"), number(row, "osl")
        if None in (rate, whole, given, written) or weights is None:
            yield Skipped(line, "rate, lengths, format or times missing")
            continue
        key = (row["model"], row["hardware"], row["tp"], row["isl"], rate, row["ttft_mean_ms"])
        if key in seen:
            yield Skipped(line, "listed before")
            continue
        seen.add(key)
        yield Run(
            kind=RATE,
            engine=row["engine"].lower(),
            machine=machine,
            model=model,
            weights=weights,
            cache_bits=16,
            tp=int(number(row, "tp") or 1),
            clients=(rate or 0) * (whole or 0) * 1e-3,
            input_tokens=given or 1,
            output_tokens=written or 1,
            ttft_s=None if first is None else first * 1e-3,
            tpot_s=None if step is None else step * 1e-3,
            cached_tokens=cached_tokens(row),
            line=line,
            keys={"rate": str(row["rate_req_s"])},
        )


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    return compare_runs(runs(file.rows))


READER = Reader(
    layout="serving_vllm_load_tests, serving_vllm_stages",
    about="time to the first token and per token of servers under a constant rate of requests",
    columns=frozenset({"stage", "hardware", "model", "tp", "isl", "osl", "rate_req_s", "ttft_mean_ms", "e2e_mean_ms"}),
    compare=_compare,
    by=("quantity", "machine", "engine", "model"),
    fitted="four costs of vLLM; benchmarks/engine_constants.py prints pairs left out",
)
