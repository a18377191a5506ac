"""Time of operators by a smooth roofline.

    t = ((flops / (peak·η_c))^p + (bytes / (bandwidth·η_b))^p)^(1/p) + launches·t_launch

η_c, η_b, p and t_launch are measured per machine and data type (``catalog/machines``). Attention has its own, with
p = 1: its arithmetic and its traffic add up, and queries and outputs stream more slowly than keys and values. Work
without matrix products (norms, activations, scans, look-ups) is priced by its traffic and by 32-bit arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calculators.efficiency import Efficiency, allreduce_of
from calculators.operators import Kind
from calculators.table import ACTIVATION_BYTES, Floats, Table
from calculators.workload import Workload
from catalog.machine import Machine
from catalog.weight_format import WeightFormat

PRODUCTS = (Kind.GEMM, Kind.EXPERTS)


@dataclass(frozen=True, eq=False, slots=True)
class Rates:
    """Per operator of a table: effective peaks, bandwidth, launch cost and sharpness, shape (operators,)."""

    flops_per_s: Floats
    vector_flops_per_s: Floats
    bytes_per_s: Floats
    launch_s: Floats
    p: Floats


def rates_of(table: Table, eff: Efficiency) -> Rates:
    """Spread a machine's constants over the operators of a table."""
    n = len(table.operators)
    products, attention = table.of_kind(*PRODUCTS), table.of_kind(Kind.ATTENTION)
    peak = eff.peak_flops_per_s or np.inf
    vector = eff.vector_flops_per_s or np.inf
    sixteen = peak if eff.products is eff.plain or eff.dtype in ("bf16", "fp16", "fp32") else peak / _speedup(eff)
    flops = np.full(n, sixteen * eff.plain.compute)
    memory = np.full(n, eff.bandwidth_bytes_per_s * eff.plain.memory)
    launch = np.full(n, eff.plain.launch_us * 1e-6)
    p = np.full(n, eff.plain.p)
    flops[products] = peak * eff.products.compute
    memory[products] = eff.bandwidth_bytes_per_s * eff.products.memory
    launch[products] = eff.products.launch_us * 1e-6
    p[products] = eff.products.p
    if eff.attention:
        flops[attention] = sixteen * eff.attention.prefill_compute
        memory[attention] = eff.bandwidth_bytes_per_s * eff.attention.decode_memory
        launch[attention] = eff.attention.launch_us * 1e-6
        p[attention] = 1.0
    return Rates(flops, np.full(n, vector * eff.plain.compute), memory, launch, p)


def _speedup(eff: Efficiency) -> float:
    return {"fp8": 2.0, "int8": 2.0, "fp4": 4.0, "tf32": 0.5}.get(eff.dtype, 1.0)


def operator_seconds(
    table: Table, w: Workload, machine: Machine, eff: Efficiency, weights: WeightFormat, cache_bits: float, tp: int = 1
) -> Floats:
    """Seconds that each operator takes in a pass.

    Args:
        table: The model's share on one device.
        w: Flat workloads, shape (N,).
        machine: Where it runs; its links carry the all-reduces.
        eff: Its constants.
        weights: Format of the weights.
        cache_bits: Bits per cached element.
        tp: Devices that share the layers.

    Returns:
        Seconds, shape (operators, N), all repeats included.
    """
    values = table.values(w)
    rates = rates_of(table, eff)
    compute = (table.coefficients["needed"] @ values) / rates.flops_per_s[:, None]
    products, attention = table.of_kind(*PRODUCTS), table.of_kind(Kind.ATTENTION)
    light = ~(products | attention)
    compute[light] += (table.coefficients["pointwise"][light] @ values) / rates.vector_flops_per_s[light, None]
    traffic = table.traffic(weights, cache_bits)
    if eff.attention and eff.attention.query_memory:
        slower = eff.attention.decode_memory / eff.attention.query_memory - 1
        moved = table.coefficients["reads"][attention] + table.coefficients["writes"][attention]
        traffic[attention] += slower * moved * ACTIVATION_BYTES
    memory = (traffic @ values) / rates.bytes_per_s[:, None]
    seconds = smooth_maximum(compute, memory, rates.p)
    seconds += np.where(seconds > 0, table.launches[:, None] * rates.launch_s[:, None], 0.0)
    collective = table.of_kind(Kind.COLLECTIVE)
    if tp > 1 and collective.any():
        alpha, bus = allreduce_of(machine, tp)
        sent = (table.coefficients["sent"][collective] @ values) * ACTIVATION_BYTES
        seconds[collective] = table.launches[collective, None] * alpha + 2 * (tp - 1) / tp * sent / bus
    return seconds


def smooth_maximum(a: Floats, b: Floats, p: Floats) -> Floats:
    """``(a^p + b^p)^(1/p)`` row by row: the larger of two times, rounded off where they are close.

    Computed as ``large·(1 + (small/large)^p)^(1/p)``, which neither overflows nor underflows.
    """
    large = np.maximum(a, b)
    ratio = np.divide(np.minimum(a, b), large, out=np.zeros_like(large), where=large > 0)
    result = np.empty_like(large)
    for sharpness in np.unique(p):
        rows = p == sharpness
        r = ratio[rows]
        if sharpness == 1:
            result[rows] = large[rows] * (1 + r)
        elif sharpness == 4:
            r *= r
            result[rows] = large[rows] * np.sqrt(np.sqrt(1 + r * r))
        else:
            result[rows] = large[rows] * (1 + r**sharpness) ** (1 / sharpness)
    return result
