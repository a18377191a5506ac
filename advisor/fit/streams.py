"""Scans of gated delta nets and short causal convolutions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from advisor.fit.solve import Columns, Formula, Kernels
from advisor.fit.tables import Array, Row, columns, families, held_out, machine_of, rows_of, version
from catalog.machine import Machine

CHUNK = 64
"""Tokens of a chunk: ``catalog.mixers`` and the kernels measured."""
STATE_BYTES = 4


def seconds(x: Columns, c: Mapping[str, float]) -> Array:
    """As ``catalog.machine.StreamRates``."""
    work = x["memory_s"] / c["memory"] + x["compute_s"] / c.get("compute", np.inf)
    chain = x["tokens"] * (c.get("token_ns", 0.0) * 1e-9)
    launch_us = np.where(x["decode"] > 0, c["launch_us"], c.get("prefill_launch_us", c["launch_us"]))
    return np.asarray(np.maximum(work, chain) + launch_us * 1e-6)


SCAN = Formula(
    ("memory", "compute", "token_ns", "launch_us", "prefill_launch_us"),
    (0.5, 0.3, 30.0, 5.0, 15.0),
    seconds,
    frozenset({"memory", "compute"}),
)
CONVOLUTION = Formula(("memory", "launch_us"), (0.5, 4.0), seconds, frozenset({"memory"}))


def kernels(facts: Path, machines: Mapping[str, Machine]) -> Iterator[Kernels]:
    """Kernels of gated delta nets, of vLLM and SGLang, on each machine.

    Convolutions of other engines are left out: TensorRT-LLM's (the table of Mamba-2) and SGLang's take a time per
    sequence and channel, up to 70 times that of vLLM's for short sequences, which no formula here has.
    """
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows_of(facts, "gdn_linear_attention"):
        if machine_of(row) in machines:
            grouped[machine_of(row)].append(row)
    for name, rows in sorted(grouped.items()):
        convolutions = [row for row in rows if "conv1d" in row["kernel_source"] and row["backend"] == "vllm"]
        scans = [row for row in rows if "delta_rule" in row["kernel_source"]]
        if {row["phase"] for row in scans} == {"context", "generation"}:
            yield scans_of(machines[name], scans)
        if convolutions:
            yield convolutions_of(machines[name], convolutions)


def _sizes(rows: list[Row]) -> tuple[Array, ...]:
    return tuple(
        columns(rows, "batch_size", "seq_len", "num_k_heads", "head_k_dim", "num_v_heads", "head_v_dim", "d_conv")
    )


def scans_of(machine: Machine, rows: list[Row]) -> Kernels:
    """FLOPs and traffic as lowered: ``calculators.lowering.delta``."""
    batch, length, keys, k, values, v, _ = _sizes(rows)
    decode = np.array([row["phase"] == "generation" for row in rows])
    full, rest = length // CHUNK, length % CHUNK
    pairs = np.where(decode, 0.0, full * (CHUNK * (CHUNK + 1) / 2) + rest * (rest + 1) / 2)
    state = values * k * v
    flops = batch * (pairs * 2 * (2 * keys * k + values * (k + 2 * v)) + length * 6 * state)
    moved = 2 * batch * length * (2 * keys * k + 2 * values * v + 2 * values) + 2 * STATE_BYTES * batch * state
    compute_s = flops / (machine.peak_flops_per_s("bf16") or np.inf)
    memory_s = moved / machine.bandwidth_bytes_per_s
    return Kernels(
        machine.id,
        "scan",
        {
            "compute_s": compute_s,
            "memory_s": memory_s,
            "tokens": np.where(decode, 0.0, length),
            "decode": decode.astype(float),
        },
        columns(rows, "latency_ms")[0] * 1e-3,
        np.maximum(compute_s, memory_s),
        held_out(batch, length, keys, k, values, v),
        families(keys, k, values, v),
        SCAN,
        version(rows),
    )


def convolutions_of(machine: Machine, rows: list[Row]) -> Kernels:
    """Traffic of inputs, outputs and the few tokens kept."""
    batch, length, keys, k, values, v, width = _sizes(rows)
    return short_of(machine, rows, batch, length, 2 * keys * k + values * v, width)


def short_of(machine: Machine, rows: list[Row], batch: Array, length: Array, channels: Array, width: Array) -> Kernels:
    """Convolutions over a few tokens, one filter per channel."""
    moved = 2 * batch * channels * (2 * length + 2 * (width - 1))
    memory_s = moved / machine.bandwidth_bytes_per_s
    return Kernels(
        machine.id,
        "short convolution",
        {
            "compute_s": np.zeros(len(rows)),
            "memory_s": memory_s,
            "tokens": length,
            "decode": np.array([float(row["phase"] == "generation") for row in rows]),
        },
        columns(rows, "latency_ms")[0] * 1e-3,
        memory_s,
        held_out(batch, length, channels, width),
        families(channels),
        CONVOLUTION,
        version(rows),
    )
