"""Matrix products by data type."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from advisor.fit.solve import Columns, Formula, Kernels
from advisor.fit.tables import Array, Row, columns, held_out, machine_of, newest, rows_of, version
from catalog.machine import ComputeType, Machine

TYPES: dict[str, ComputeType] = {"bfloat16": "bf16", "fp8": "fp8"}
WEIGHT_BYTES = {"bf16": 2.0, "fp8": 1.0}
BARS = {"bf16": 0.06, "fp8": 0.10}
P = 2.0
"""Root of the sum of squares: the best of 1.5 to 4 differs by machine, none is better over all fifteen tables (each
half of the shapes predicted from the other: 7.7 % with 2, 7.8 to 8.1 % with others), and a root is cheapest of 2.
3 suits 16 bits on Hopper (H100 6.2 to 5.7 %, H200 6.1 to 6.0 %; where computing takes as long as streaming 2 is 7 and
15 % too dear there), but not its 8 bits (8.6 to 8.9 %, 10.0 to 10.4 %), and on whole runs it is no better: at constant
rates time per token 2.0 to 1.8 %, first tokens 5.9 to 6.8 %; simulated 3.3 to 3.2 % and 4.4 to 5.1 %."""


def seconds(x: Columns, c: Mapping[str, float]) -> Array:
    """As ``catalog.machine.Roofline``; products in 16 bits have no cost of quantising."""
    root = np.hypot(x["compute_s"] / c["compute"], x["memory_s"] / c["memory"])
    total = root + c["launch_us"] * 1e-6 + x["inner"] * (c["inner_ns"] * 1e-9)
    if "row_ns" in c:
        total = total + x["rows"] * (c["row_ns"] * 1e-9) + x["input_s"] / c["input_memory"]
    return np.asarray(total)


PLAIN = Formula(
    ("compute", "memory", "launch_us", "inner_ns"),
    (0.7, 0.8, 4.0, 0.3),
    seconds,
    frozenset({"compute", "memory"}),
)
QUANTISED = Formula(
    (*PLAIN.constants, "row_ns", "input_memory"),
    (*PLAIN.start, 5.0, 0.3),
    seconds,
    frozenset({"compute", "memory", "input_memory"}),
)


def kernels(facts: Path, machines: Mapping[str, Machine]) -> Iterator[Kernels]:
    """Products of vLLM's newest version on each machine: ``2mnk`` FLOPs, weights in the type, the rest in 16 bits."""
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows_of(facts, "gemm"):
        if row["dtype"] in TYPES and machine_of(row) in machines:
            grouped[machine_of(row), row["dtype"]].append(row)
    for (name, raw), rows in grouped.items():
        machine, dtype, own = machines[name], TYPES[raw], newest(rows, "vllm")
        peak = machine.peak_flops_per_s(dtype)
        if not own or peak is None:
            continue
        m, n, k, milliseconds = columns(own, "m", "n", "k", "latency_ms")
        bandwidth = machine.bandwidth_bytes_per_s
        compute_s = 2 * m * n * k / peak
        memory_s = (WEIGHT_BYTES[dtype] * k * n + 2 * (m * k + m * n)) / bandwidth
        yield Kernels(
            name,
            f"gemm {dtype}",
            {"compute_s": compute_s, "memory_s": memory_s, "inner": k, "rows": m, "input_s": 2 * m * k / bandwidth},
            milliseconds * 1e-3,
            np.maximum(compute_s, memory_s),
            held_out(m, n, k),
            [""] * len(own),
            PLAIN if dtype == "bf16" else QUANTISED,
            version(own),
            bars={"": BARS[dtype]},
        )
