"""Whole forward passes of servers by what they carry and by layout: ``forward_pass_b300.csv``.

Counts are those of one attention rank; all ranks are taken to be as full.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.names import machine_of, model_of
from advisor.accuracy.readers.serving_end_to_end import number
from calculators.efficiency import efficiency
from calculators.params import architecture_of
from calculators.plan import Layout
from calculators.serving import Server
from calculators.workload import Array, Workload
from catalog.loader import load, load_format, load_machine, machine_classes

SAME_SHAPES = {"Qwen/Qwen3.6-35B-A3B": "qwen3.5-35b-a3b"}
"""Models whose shapes are exactly those of a catalogued one (radixark.com: ``get_qwen3_5_spec``)."""


def layout_of(row: Row) -> Layout:
    """Tensor parallel and ranks by their columns, parts of the experts by the name of the run (``tp2_ep4``)."""
    tp, ranks, found = number(row, "tp") or 1, number(row, "dp") or 1, re.search(r"ep(\d+)", str(row["run"]))
    return Layout(tp=int(tp), dp=int(ranks), ep=int(found[1]) if found else 1)


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    machine = given.machine or machine_of(file.path.stem.rpartition("_")[2])[0]
    groups: dict[tuple[str, Layout, str], list[tuple[int, Row]]] = defaultdict(list)
    for line, row in enumerate(file.rows, 1):
        model = SAME_SHAPES.get(str(row["model"])) or model_of(str(row["model"]))
        if machine is None:
            yield Skipped(line, "machine not given (--machine)")
        elif model is None:
            yield Skipped(line, f"not in the catalog: {row['model']}")
        elif number(row, "latency_ms_median") is None:
            yield Skipped(line, "time missing")
        else:
            groups[model, layout_of(row), str(row["phase"])].append((line, row))
    for (model, layout, phase), rows in groups.items():
        yield from _predicted(model, str(machine), layout, phase, rows, given)


def _predicted(
    model: str, machine_id: str, layout: Layout, phase: str, rows: Sequence[tuple[int, Row]], given: Given
) -> Iterator[Comparison]:
    spec, machine = load(model), load_machine(machine_id)
    weights = load_format(given.weights or spec.published_weights or "bf16")
    eff = efficiency(machine, weights, machine_classes())
    server = Server.of(architecture_of(spec), machine, eff, weights, 16, layout)

    def column(name: str) -> Array:
        return np.array([number(row, name) or 0.0 for _, row in rows])

    prompts, steps = column("ctx_requests"), column("decode_requests")
    each = np.maximum(prompts, 1)
    prompt = Workload.of(each * layout.dp, np.maximum(column("ctx_tokens") / each, 1), column("ctx_kv_tokens") / each)
    step = Workload.of(np.maximum(steps, 1) * layout.dp, 1, column("mean_decode_kv"))
    alone, stepping, shared = server.passes_s(prompt, step)
    seconds = np.where(steps == 0, alone, np.where(prompts == 0, stepping, shared))
    for (line, row), predicted in zip(rows, seconds, strict=True):
        keys = {
            "machine": machine.id, "model": model, "engine": "vllm", "weights": weights.id, "layout": str(layout),
            "gpus": str(layout.devices), "phase": phase, "steps": f"{number(row, 'decode_requests'):g}",
            "tokens": f"{number(row, 'ctx_tokens'):g}",
        }  # fmt: skip
        yield Comparison(line, "pass", "s", (number(row, "latency_ms_median") or 0) * 1e-3, float(predicted), keys)


READER = Reader(
    layout="forward_pass",
    about="one forward pass of a server: prompts, steps, or both together",
    columns=frozenset({"model", "tp", "dp", "run", "phase", "ctx_tokens", "decode_requests", "latency_ms_median"}),
    compare=_compare,
    by=("model", "phase", "layout"),
)
