"""Recorded runs of a server, request by request or summed up: simulated with the same arrivals and lengths.

The simulator has nothing fitted of its own: steps, cache and time per request are the catalog's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.files import read
from advisor.accuracy.names import format_of, machine_of, model_of
from advisor.accuracy.readers.serving_end_to_end import number
from advisor.estimating.resolve import resolve
from advisor.scenario import Scenario
from catalog.errors import BadInput

SERVER = ("hardware", "model", "dtype", "tp", "engine", "max_num_seqs", "max_num_batched_tokens")
RUN = (*SERVER, "engine_version", "source")
TIMES = ("ttft", "tpot", "e2e")
SHARE = 0.9
"""vLLM's own default of the memory it takes, where the run does not say."""
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
NO_ARRIVALS = "holds no arrivals; those of its requests are read where their file lies beside it (…_requests.csv)"


def _key(row: Row) -> tuple[str, ...]:
    return tuple(str(row.get(name, "")) for name in RUN)


def _scenario(row: Row, given: Given) -> Scenario | str:
    model = given.model or model_of(row["model"])
    machine = given.machine or machine_of(row["hardware"])[0]
    if not model or not machine:
        return f"not in the catalog: {row['hardware'] if model else row['model']}"
    weights = given.weights or format_of(row["dtype"], model)
    if weights is None:
        return f"format not known: {row['dtype']}"
    return Scenario(model=model, machine=machine, weights=weights, engine=str(row["engine"]), tp=int(row["tp"] or 1))


def simulated(rows: Sequence[Row], scenario: Scenario, cache_tokens: int | None, share: float) -> dict[str, np.ndarray]:
    """Seconds of every request, in the order of the rows, by quantity.

    Raises:
        BadInput: If the model does not fit.
    """
    from advisor.simulator.dispatch import Pool
    from advisor.simulator.jobs import Jobs
    from advisor.simulator.metrics import columns
    from advisor.simulator.service import service_of

    limits = {"max_sequences": "max_num_seqs", "budget_tokens": "max_num_batched_tokens"}
    said: dict[str, Any] = {name: int(value) for name, column in limits.items() if (value := number(rows[0], column))}
    service = service_of(scenario, memory_share=share, cache_tokens=cache_tokens, **said)
    order = np.argsort([float(row["arrival_s"]) for row in rows], kind="stable")
    jobs = Jobs(
        arrival=[float(rows[i]["arrival_s"]) for i in order],
        input=[int(rows[i]["isl"]) for i in order],
        output=[int(rows[i]["osl"]) for i in order],
    )
    pool = Pool(jobs, [service])
    pool.run()
    found = columns(jobs, service.request_s)
    back = np.argsort(order)
    return {name: np.asarray(getattr(found, f"{name}_s"))[back] for name in TIMES}


def _keys(row: Row, scenario: Scenario) -> dict[str, str]:
    case = resolve(scenario)
    return {
        "machine": case.machine.id, "model": case.spec.id, "engine": case.engine.id, "weights": case.weights.id,
        "gpus": str(row["tp"]), "version": str(row["engine_version"]),
    }  # fmt: skip


def _requests(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    runs: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, row in enumerate(file.rows):
        runs[_key(row)].append(index)
    for indices in runs.values():
        rows = [file.rows[i] for i in indices]
        scenario = _scenario(rows[0], given)
        try:
            found = scenario if isinstance(scenario, str) else simulated(rows, scenario, None, SHARE)
        except BadInput as error:
            found = str(error)
        if isinstance(scenario, str) or isinstance(found, str):
            yield from (Skipped(i + 1, str(found)) for i in indices)
            continue
        keys = _keys(rows[0], scenario)
        for place, (index, row) in enumerate(zip(indices, rows, strict=True)):
            for name in TIMES:
                measured, predicted = number(row, f"{name}_ms"), float(found[name][place])
                if measured and np.isfinite(predicted):
                    yield Comparison(index + 1, name, "s", measured * 1e-3, predicted, keys)
                elif measured:
                    yield Skipped(index + 1, f"the simulated run gives no {name}")


def _summary(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    runs: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for beside in sorted(file.path.parent.glob("*_requests.csv")):
        table = read(beside)
        if table.columns >= REQUESTS:
            for each in table.rows:
                runs[_key(each)].append(each)
    for line, row in enumerate(file.rows, 1):
        rows, scenario = runs.get(_key(row)), _scenario(row, given)
        if isinstance(scenario, str) or not rows:
            yield Skipped(line, scenario if isinstance(scenario, str) else NO_ARRIVALS)
            continue
        cache = number(row, "kv_tokens")
        try:
            found = simulated(rows, scenario, int(cache) if cache else None, number(row, "gpu_mem_util") or SHARE)
        except BadInput as error:
            yield Skipped(line, str(error))
            continue
        keys = _keys(row, scenario)
        for name in TIMES:
            times = found[name][np.isfinite(found[name])]
            means = {"mean": float(np.mean(times))} | {q: float(np.quantile(times, at)) for q, at in QUANTILES.items()}
            for statistic, predicted in means.items():
                measured = number(row, f"{name}_{statistic}_ms")
                if measured:
                    yield Comparison(line, name, "s", measured * 1e-3, predicted, keys | {"statistic": statistic})


SETTING = frozenset(SERVER)
REQUESTS = SETTING | {"request_id", "isl", "osl", "arrival_s", "ttft_ms", "tpot_ms", "e2e_ms"}
READERS = (
    Reader("serving_vllm_sharegpt_requests", "a recorded run of a server, request by request", REQUESTS, _requests),
    Reader("serving_vllm_sharegpt_summary", "a recorded run of a server by its means and percentiles",
           SETTING | {"num_requests", "isl_mean", "osl_mean", "ttft_mean_ms", "tpot_mean_ms", "e2e_mean_ms"}, _summary,
           ("quantity", "machine", "engine", "model")),
)  # fmt: skip
