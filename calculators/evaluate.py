"""FLOPs, traffic and memory of any number of workloads at once, operator by operator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calculators.measures import NEEDED, Policy
from calculators.params import architecture_of
from calculators.table import compile_table
from calculators.workload import Workload
from catalog.spec import ModelSpec
from catalog.weight_format import WeightFormat

Floats = NDArray[np.float64]
BLOCK = 2048
"""Workloads at a time: few enough for the processor's cache, and for BLAS to stay on one thread."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Costs of N workloads on one device; rows are operators, those of equal cost together."""

    operators: tuple[str, ...]
    flops: Floats
    """Needed FLOPs, shape (operators, N)."""
    traffic_bytes: Floats
    """Bytes read and written: weights, cache, activations; shape (operators, N)."""
    weights_bytes: float
    cache_bytes: Floats
    """KV cache and state after the pass, shape (N,)."""


def evaluate(
    spec: ModelSpec,
    w: Workload,
    weights: WeightFormat,
    *,
    cache_bits: float = 16,
    tp: int = 1,
    policy: Policy = NEEDED,
) -> Evaluation:
    """Evaluate a flat array of workloads: three matrix products, whatever their number.

    Args:
        spec: The model.
        w: The passes; fields of shape (N,).
        weights: Weight format.
        cache_bits: Bits per cached element.
        tp: Devices that share each layer; costs are one device's.
        policy: How the cache is kept.

    Raises:
        BadInput: If the architecture is undisclosed.
        ValueError: If ``w`` is not one-dimensional.
    """
    if len(w.shape) != 1:
        raise ValueError(f"workloads must be flat, got shape {w.shape}; reshape them to (N,)")
    table = compile_table(architecture_of(spec), tp)
    needed, traffic = table.coefficients["needed"], table.traffic(weights, cache_bits)
    held = table.held_row(cache_bits)
    rows, n = len(table.operators), w.shape[0]
    flops, moved, cached = np.empty((rows, n)), np.empty((rows, n)), np.empty(n)
    for start in range(0, n, BLOCK):
        block = slice(start, start + BLOCK)
        values = table.values(w.slice(block), policy)
        flops[:, block] = needed @ values
        moved[:, block] = traffic @ values
        cached[block] = held @ values
    return Evaluation(
        operators=tuple(operator.name for operator in table.operators),
        flops=flops,
        traffic_bytes=moved,
        weights_bytes=table.weight_bytes(weights),
        cache_bytes=cached,
    )
