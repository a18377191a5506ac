"""Kernels, as ``benchmarks/measure.py`` and ``whicharch calibrate --timings`` write them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.own_machines import machine_beside
from calculators.efficiency import Efficiency, efficiency
from calculators.roofline import smooth_maximum
from catalog.loader import load_format, machine_classes
from catalog.machine import AttentionRates, Machine, PlainTorch

LIGHT = frozenset(("add", "gelu", "swiglu", "rms_norm", "layer_norm", "softmax", "argmax", "embedding", "copy"))


def sizes_of(row: Row) -> dict[str, int]:
    """``m=8 n=1024`` as numbers."""
    return {name: int(value) for name, _, value in (cell.partition("=") for cell in row["sizes"].split())}


def predicted_s(row: Row, eff: Efficiency, plain_torch: PlainTorch | None) -> float | None:
    """Seconds of a kernel under a machine's constants; ``None`` where there are none for it."""
    flops, moved = float(row["flops"]), float(row["bytes"])
    kernel, plain, bandwidth = row["kernel"], eff.plain, eff.bandwidth_bytes_per_s
    peak = eff.peak_flops_per_s or np.inf
    if kernel == "gemm":
        own = eff.products
        a, b = flops / (peak * own.compute), moved / (bandwidth * own.memory)
        root = float(smooth_maximum(np.array([a]), np.array([b]), np.array([own.p]))[0])
        return root + b * _copied(sizes_of(row), plain_torch) + own.launch_us * 1e-6
    if kernel.startswith("attention") and eff.attention:
        return _attention_s(sizes_of(row), flops / (eff.sixteen_flops_per_s or peak), moved / bandwidth, eff.attention)
    if kernel == "convolution":
        compute = flops / ((eff.sixteen_flops_per_s or peak) * plain.compute)
        return max(compute, moved / (bandwidth * plain.memory)) + plain.launch_us * 1e-6
    if kernel in LIGHT:
        return moved / (bandwidth * plain.memory) + plain.launch_us * 1e-6
    return None


def _copied(sizes: dict[str, int], plain_torch: PlainTorch | None) -> float:
    """Traffic of repacking weights, as a share of the product's own."""
    m, n, k = (sizes[name] for name in "mnk")
    return (plain_torch.weight_copies if plain_torch and m > 1 else 0.0) * n * k / (m * k + n * k + m * n)


def _attention_s(sizes: dict[str, int], compute: float, traffic: float, own: AttentionRates) -> float:
    cache, queries = sizes["kv_heads"] * sizes["length"], sizes["heads"] * sizes["new"]
    read, new = (traffic * part / (cache + queries) for part in (cache, queries))
    slow = own.query_memory or own.decode_memory
    return compute / own.prefill_compute + read / own.decode_memory + new / slow + own.launch_us * 1e-6


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    known: dict[str, Machine | str] = {}
    constants: dict[tuple[str, str], Efficiency] = {}
    for line, row in enumerate(file.rows, 1):
        machine = machine_beside(file, row, given, known)
        if isinstance(machine, str):
            yield Skipped(line, machine)
            continue
        key = (machine.id, row["dtype"])
        if key not in constants:
            constants[key] = efficiency(machine, load_format(row["dtype"]), machine_classes())
        predicted = predicted_s(row, constants[key], machine.plain_torch)
        if predicted is None:
            yield Skipped(line, f"no constants for {row['kernel']}")
            continue
        yield Comparison(
            line=line,
            quantity="kernel",
            unit="s",
            measured=float(row["seconds"]),
            predicted=predicted,
            keys={"kernel": row["kernel"], "machine": machine.id, "dtype": row["dtype"], "mode": row["mode"]},
        )


READER = Reader(
    layout="measured_kernels",
    about="kernels in PyTorch, measured by benchmarks/measure.py or whicharch calibrate --timings",
    columns=frozenset(("machine", "kernel", "dtype", "mode", "sizes", "flops", "bytes", "seconds")),
    compare=_compare,
    by=("quantity", "kernel", "machine"),
)
