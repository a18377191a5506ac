"""What vLLM found room for: its share of the memory beside weights, cache, activations and the engine's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Skipped
from advisor.accuracy.names import format_of, machine_of, model_of
from advisor.accuracy.readers.serving_end_to_end import number
from calculators.activations import peak_activation_bytes
from calculators.memory import weight_bytes
from calculators.params import architecture_of
from calculators.table import compile_table
from calculators.workload import Workload
from catalog.loader import load, load_engine, load_format, load_machine


def comparisons(file: File) -> Iterator[Comparison | Skipped]:
    """The memory a server may take, against all that it is said to hold."""
    for line, row in enumerate(file.rows, 1):
        model, machine = model_of(row["model"]), machine_of(row["hardware"])[0]
        share, tokens, devices = number(row, "gpu_mem_util"), number(row, "kv_tokens"), int(number(row, "tp") or 1)
        budget = re.search(r"mbt (\d+)", row["note"])
        if model is None or machine is None or share is None or tokens is None:
            yield Skipped(line, "not in the catalog, or not all of it printed")
            continue
        weights = format_of(row["dtype"], model)
        if weights is None or budget is None:
            yield Skipped(line, "format or tokens per pass not printed")
            continue
        spec, engine = load(model), load_engine("vllm")
        printed = number(row, "device_gib")
        total = share * (printed * 2**30 if printed else load_machine(machine).memory_bytes or 0.0)
        growing, constant = compile_table(architecture_of(spec), devices).held_bytes(Workload.of([1], 0, tokens), 16)
        pass_bytes = peak_activation_bytes(architecture_of(spec), Workload.of([1], int(budget[1]), 0), tp=devices)
        held = weight_bytes(spec, load_format(weights), devices) + float(growing[0] + constant[0])
        predicted = held + float(pass_bytes[0]) + engine.memory_gib * 2**30
        keys = {"model": model, "machine": machine, "engine": "vllm", "gpus": str(devices), "weights": weights}
        yield Comparison(line, "memory", "bytes", total, predicted, keys)


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    return comparisons(file)


READER = Reader(
    layout="vllm_memory_budget",
    about="memory of a server: weights, cache, activations and the engine's own",
    columns=frozenset({"hardware", "model", "dtype", "tp", "gpu_mem_util", "kv_tokens", "note"}),
    compare=_compare,
    by=("quantity", "machine", "model"),
)
