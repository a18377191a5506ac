"""Servers under a fixed number of clients (closed loops): NVIDIA aiconfigurator's ``silicon_sample.csv``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.names import format_of, machine_of, model_of
from advisor.accuracy.runs import CLOSED, Run, compare_runs
from calculators.plan import Layout

ENGINES = {"vllm": "vllm", "trtllm": "tensorrt-llm", "sglang": "sglang"}
VARIED = re.compile(r"^\d{4}_|_cfg\d+")
"""Identifiers of runs by SemiAnalysisAI/InferenceX; the other runs are NVIDIA's own."""
MEAN_SHARE = 0.9
"""Their prompts and answers are 0.8 to 1 times as long as stated, evenly spread (``--random-range-ratio 0.8``)."""
MTP_DAYS = ("2026-01-14", "2026-01-28", "2026-02-05", "2026-02-06")
"""When TensorRT-LLM's DeepSeek-R1 was measured at 0.5 to 0.7 times the time per token of the same settings days before
(1.2.0rc6.post2 on 2026-01-29 and 02-03): the runs of its launch scripts with multi-token prediction."""
MTP = "by its day with multi-token prediction: 0.6 times the same settings' time a token on other days"
DEVICES = "more devices than its name says: a third to a tenth of the time a token that they could reach"


def number(row: Row, name: str) -> float | None:
    """A cell as a number; ``None`` where it is empty."""
    text = row.get(name)
    try:
        return None if text in (None, "", "nan") else float(str(text))
    except ValueError:
        return None


def cache_bits(model: str, machine: str) -> float:
    """Element size of the cache in the published launch scripts (SemiAnalysisAI/InferenceX, benchmarks/*.sh)."""
    if model == "llama-3.1-70b" or (machine == "b200-sxm" and model in ("gpt-oss-120b", "deepseek-r1")):
        return 8
    return 16


def _doubt(row: Row, model: str, machine: str) -> str | None:
    if model != "deepseek-r1":
        return None
    if machine == "gb200-nvl72":
        return DEVICES
    day = str(row.get("measured_at") or "")[:10]
    return MTP if row["backend"] == "trtllm" and day in MTP_DAYS else None


def _devices(row: Row) -> int:
    found = re.search(r"_tp(\d+)", row["id"])
    return int(found[1]) if found else int(number(row, "tp_size") or 1)


def _ranks(row: Row) -> int:
    """Ranks of data-parallel attention, of which a row's batch is one's."""
    return _devices(row) if (number(row, "attention_dp_size") or 1) > 1 else 1


def layout_of(row: Row) -> Layout:
    """How the devices share the model: attention by one of both, experts in ``epN`` parts."""
    ranks, found = _ranks(row), re.search(r"_ep(\d+)", row["id"])
    return Layout(tp=_devices(row) // ranks, dp=ranks, ep=max(1, int(found[1])) if found else 1)


def _precision(row: Row) -> str:
    """Of the products, or of experts that are quantised by blocks, for then the products are as well."""
    experts = row.get("moe_quant_mode") or ""
    return experts if experts == "fp8_block" and row["gemm_quant_mode"] == "fp8" else row["gemm_quant_mode"]


def _why_not(row: Row) -> str | None:
    """What keeps a row from being read, in words."""
    experts = re.search(r"_ep(\d+)", row["id"])
    if row["mode"] != "agg":
        return "prompts and answers on different devices"
    if (number(row, "pp_size") or 1) != 1:
        return "pipeline parallelism"
    if experts is None and (number(row, "moe_ep_size") or 1) > 1:
        return "expert parallelism on a number of devices that is not given"
    clients, batch = number(row, "silicon_concurrency"), number(row, "batch_size")
    if clients is None:
        return "number of clients not given"
    if batch is None or clients not in (batch, batch * _ranks(row)):
        return "batch and number of clients differ"
    return None


def runs(rows: Sequence[Row]) -> Iterator[Run | Skipped]:
    """Aggregated servers, each listed once.

    The identifier's ``tpN`` is the number of devices: ``tp_size`` of expert-parallel rows is their product. Rows whose
    batch is not the concurrency count several replicas, those without a concurrency only an upper limit: left out.
    """
    seen = set()
    for line, row in enumerate(rows, 1):
        model, machine = model_of(row["model_path"]), machine_of(row["system"])[0]
        why = _why_not(row)
        layout = layout_of(row)
        if model is None or machine is None:
            missing = row["model_path"] if model is None else row["system"]
            yield Skipped(line, f"not in the catalog: {missing}")
            continue
        weights = format_of(_precision(row), model)
        if why is None and weights is None:
            why = f"unknown format {row['gemm_quant_mode']}"
        times = number(row, "silicon_ttft_ms"), number(row, "silicon_tpot_ms")
        clients, given, written = (number(row, name) for name in ("silicon_concurrency", "isl", "osl"))
        if why is None and (given is None or written is None or times == (None, None)):
            why = "lengths or times missing"
        if why is not None:
            yield Skipped(line, why)
            continue
        key = (model, machine, row["backend"], row["gemm_quant_mode"], layout, given, written, clients, times)
        if key in seen:
            yield Skipped(line, "listed before")
            continue
        seen.add(key)
        varied = VARIED.search(row["id"]) is not None
        share = MEAN_SHARE if varied else 1.0
        yield Run(
            kind=CLOSED,
            engine=ENGINES.get(str(row["backend"]), str(row["backend"])),
            machine=machine,
            model=model,
            weights=weights or "",
            cache_bits=cache_bits(model, machine),
            tp=layout.devices,
            layout=layout,
            clients=clients or 1,
            input_tokens=round((given or 1) * share),
            output_tokens=round((written or 1) * share),
            ttft_s=None if times[0] is None else times[0] * 1e-3,
            tpot_s=None if times[1] is None else times[1] * 1e-3,
            doubt=_doubt(row, model, machine),
            fixed=not varied,
            line=line,
            keys={"version": str(row.get("backend_version", ""))},
        )


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    return compare_runs(runs(file.rows))


READER = Reader(
    layout="serving_end_to_end",
    about="time to the first token and per token of servers under a fixed number of clients",
    columns=frozenset({"model_path", "system", "backend", "mode", "isl", "osl", "batch_size", "silicon_ttft_ms"}),
    compare=_compare,
    by=("quantity", "machine", "engine", "model", "weights"),
    fitted="four costs of each engine; benchmarks/engine_constants.py prints pairs left out",
)
