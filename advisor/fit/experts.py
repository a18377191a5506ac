"""Mixtures of experts: two grouped products with what lies between and behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from advisor.fit.routing import even, power_law
from advisor.fit.solve import Columns, Formula, Kernels
from advisor.fit.tables import Array, Row, columns, families, held_out, machine_of, newest, rows_of, version
from calculators.efficiency import EXPERT_TYPES
from catalog.machine import ExpertKernel, Machine, Roofline

KERNELS: dict[str, ExpertKernel] = {"bfloat16": "bf16", "fp8": "fp8", "fp8_block": "fp8_block", "nvfp4": "fp4"}
WEIGHT_BYTES = {"bf16": 2.0, "fp8": 1.0, "fp8_block": 1.0 + 4 / 128**2, "fp4": 4.5 / 8}
BAR = 0.15
UNGATED = {(128.0, 6.0), (512.0, 22.0)}
"""(experts, top_k) of models whose experts have no gate (Nemotron): newer tables of vLLM hold two products of them."""
ENGINES = {("h100-sxm", "fp8"): "trtllm", ("h200-sxm", "fp8"): "trtllm"}
"""Whose kernels are taken where not vLLM's. Its table for 8 bits per tensor on Hopper holds CUTLASS kernels that nobody
tuned: they reach 0.12 to 0.19 of the bandwidth where TensorRT-LLM, whose kernels they are, reaches 0.85, and models in
service are four times as fast as they would be with them."""
ALWAYS_GATED = ("vllm_fused_moe", "vllm_xpu_moe")
"""Kernels of older tables, which gate whatever the model."""


def seconds(x: Columns, c: Mapping[str, float]) -> Array:
    """As ``catalog.machine.ExpertRates`` for both products, with the light kernels that engines run around them."""
    each = c["launch_us"] * 1e-6 + x["visited"] * (c["expert_ns"] * 1e-9)
    return np.asarray(x["compute_s"] / c["compute"] + x["memory_s"] / c["memory"] + 2 * each + x["light_s"])


FORMULA = Formula(
    ("compute", "memory", "launch_us", "expert_ns"), (0.5, 0.7, 10.0, 50.0), seconds, frozenset({"compute", "memory"})
)


def kernels(facts: Path, machines: Mapping[str, Machine], plain: Mapping[str, Roofline]) -> Iterator[Kernels]:
    """Fused experts of the newest version of vLLM (or of whom ``ENGINES`` names) on each machine.

    Args:
        facts: Folder of facts.
        machines: By id.
        plain: Constants of light kernels by machine (those of 16-bit products).
    """
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows_of(facts, "moe"):
        if row["moe_dtype"] in KERNELS and machine_of(row) in machines:
            grouped[machine_of(row), row["moe_dtype"]].append(row)
    for (name, raw), rows in grouped.items():
        machine, kernel = machines[name], KERNELS[raw]
        own = newest(rows, ENGINES.get((name, kernel), "vllm"))
        peak = machine.peak_flops_per_s(EXPERT_TYPES[kernel])
        if own and peak is not None and name in plain:
            yield _kernels(name, machine, kernel, peak, own, plain[name])


def _kernels(
    name: str, machine: Machine, kernel: ExpertKernel, peak: float, rows: list[Row], plain: Roofline
) -> Kernels:
    tokens, hidden, wide, top_k, experts, tp, ep, milliseconds = columns(
        rows, "num_tokens", "hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size", "moe_ep_size",
        "latency_ms",
    )  # fmt: skip
    visited, pairs = np.array([_visits(row) for row in rows]).T
    inner, bandwidth = wide / tp, machine.bandwidth_bytes_per_s
    first = np.where([_is_gated(row) for row in rows], 2.0, 1.0)
    weights = visited * (first + 1) * hidden * inner * WEIGHT_BYTES[kernel]
    streams = 2 * pairs * ((hidden + first * inner) + (inner + hidden))
    light = 2 * (pairs * (first + 1) * inner + pairs * hidden + tokens * hidden)
    compute_s = 2 * pairs * (first + 1) * hidden * inner / peak
    memory_s = (weights + streams) / bandwidth
    return Kernels(
        name,
        f"experts {kernel}",
        {
            "compute_s": compute_s,
            "memory_s": memory_s,
            "visited": visited,
            "light_s": light / (bandwidth * plain.memory) + 2 * plain.launch_us * 1e-6,
        },
        milliseconds * 1e-3,
        np.maximum(compute_s, memory_s),
        held_out(tokens, hidden, wide, top_k, experts, tp, ep),
        families(hidden, wide, top_k, experts),
        FORMULA,
        version(rows),
        bars={"": BAR},
    )


def _visits(row: Row) -> tuple[float, float]:
    tokens, experts, top_k, ranks = (int(row[n]) for n in ("num_tokens", "num_experts", "topk", "moe_ep_size"))
    if row["distribution"] == "balanced":
        return even(tokens, experts, top_k, ranks)
    return power_law(tokens, experts, top_k, ranks, float(row["distribution"].rpartition("_")[2]))


def _is_gated(row: Row) -> bool:
    if "nongated" in row["kernel_source"]:
        return False
    shape = (float(row["num_experts"]), float(row["topk"]))
    return shape not in UNGATED or row["backend"] != "vllm" or row["kernel_source"] in ALWAYS_GATED
