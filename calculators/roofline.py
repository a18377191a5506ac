"""Time of operators by a smooth roofline.

    t = ((flops / (peak·η_c))^p + (bytes / (bandwidth·η_b))^p)^(1/p) + rows·t_row + launches·t_launch

η_c, η_b, p, t_row (quantizing a row of activations) and t_launch are measured per machine and data type
(``catalog/machines``). Attention has its own, with p = 1: its arithmetic and its traffic add up, and queries and
outputs stream more slowly than keys and values. Work without matrix products (norms, activations, scans, look-ups)
takes the longer of its traffic and its 32-bit arithmetic.

Axes: C settings (a machine with its formats), O operators, N workloads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calculators.collectives import cost_of
from calculators.efficiency import Efficiency
from calculators.operators import Exchange, Kind
from calculators.table import ACTIVATION_BYTES, Floats, Table
from calculators.workload import Workload
from catalog.machine import Machine
from catalog.weight_format import WeightFormat

PRODUCTS = (Kind.GEMM, Kind.EXPERTS)
SIXTEEN_BIT_SHARE = {"fp4": 0.25, "fp8": 0.5, "int8": 0.5, "tf32": 2.0}
"""Peak of 16-bit arithmetic over that of another type, where only the other is known."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A machine with the formats that run on it."""

    machine: Machine
    eff: Efficiency
    weights: WeightFormat
    cache_bits: float


class Settings:
    """Many settings as arrays, so that one model is timed on all of them at once."""

    def __init__(self, settings: Sequence[Setting]) -> None:
        self.settings = tuple(settings)
        self._traffic_keys = list(dict.fromkeys((s.weights.id, s.cache_bits) for s in self.settings))
        self._traffic_index = np.array([self._traffic_keys.index((s.weights.id, s.cache_bits)) for s in self.settings])
        self._links: dict[Exchange, Floats] = {}
        effs = [s.eff for s in self.settings]
        inf = float("inf")
        peak = np.array([e.peak_flops_per_s or inf for e in effs])
        sixteen = np.array(
            [e.sixteen_flops_per_s or (e.peak_flops_per_s or inf) * SIXTEEN_BIT_SHARE.get(e.dtype, 1.0) for e in effs]
        )
        bandwidth = np.array([e.bandwidth_bytes_per_s for e in effs])
        self._products = _columns(
            peak * [e.products.compute for e in effs],
            bandwidth * [e.products.memory for e in effs],
            [e.products.launch_us * 1e-6 for e in effs],
            [e.products.p for e in effs],
        )
        self._experts = _columns(
            peak * [e.products.compute for e in effs],
            bandwidth * [e.products.expert_memory or e.products.memory for e in effs],
            [e.products.launch_us * 1e-6 for e in effs],
            [e.products.p for e in effs],
        )
        self._light = _columns(
            sixteen * [e.plain.compute for e in effs],
            bandwidth * [e.plain.memory for e in effs],
            [e.plain.launch_us * 1e-6 for e in effs],
            np.full(len(effs), np.inf),
        )
        self._attention = _columns(
            sixteen * [e.attention.prefill_compute if e.attention else e.plain.compute for e in effs],
            bandwidth * [e.attention.decode_memory if e.attention else e.plain.memory for e in effs],
            [(e.attention.launch_us if e.attention else e.plain.launch_us) * 1e-6 for e in effs],
            np.ones(len(effs)),
        )
        self._row_s = np.array([e.products.row_ns * 1e-9 for e in effs])[:, None, None]
        self._vector = np.array([(e.vector_flops_per_s or inf) * e.plain.compute for e in effs])
        self._slower_queries = np.array(
            [
                e.attention.decode_memory / e.attention.query_memory - 1
                if e.attention and e.attention.query_memory
                else 0.0
                for e in effs
            ]
        )

    def __len__(self) -> int:
        return len(self.settings)

    def operator_seconds(self, table: Table, w: Workload) -> Floats:
        """Seconds that each operator takes in a pass, all repeats included.

        Args:
            table: The model's share on one device of a layout; the machine's links carry what they exchange.
            w: Flat workloads, shape (N,).

        Returns:
            Seconds, shape (C, O, N).
        """
        values = table.values(w)
        flops = table.coefficients["needed"] @ values
        pointwise = table.coefficients["pointwise"] @ values
        by_format = {s.weights.id: s.weights for s in self.settings}
        traffic = np.stack([table.traffic(by_format[name], bits) @ values for name, bits in self._traffic_keys])[
            self._traffic_index
        ]
        seconds = np.empty((len(self), len(table.operators), values.shape[1]))
        products, experts = table.of_kind(Kind.GEMM), table.of_kind(Kind.EXPERTS)
        attention = table.of_kind(Kind.ATTENTION)
        light = ~(products | experts | attention)
        groups = (
            (products, self._products), (experts, self._experts), (attention, self._attention), (light, self._light),
        )  # fmt: skip
        for mask, rates in groups:
            if not mask.any():
                continue
            peak, bandwidth, launch, p = rates
            compute = flops[mask] / peak
            if mask is light:
                compute = compute + pointwise[mask] / self._vector[:, None, None]
            moved = traffic[:, mask]
            if mask is attention and self._slower_queries.any():
                streamed = (table.coefficients["reads"] + table.coefficients["writes"])[mask] @ values
                moved = moved + self._slower_queries[:, None, None] * streamed * ACTIVATION_BYTES
            part = smooth_maximum(compute, moved / bandwidth, p)
            if mask is products and self._row_s.any():
                part += self._row_s * (table.coefficients["reads"][mask] @ values / table.row_width[mask, None])
            part += (part > 0) * (table.launches[mask, None] * launch)
            seconds[:, mask] = part
        if table.layout.devices > 1:
            self._collectives(table, values, seconds)
        return seconds

    def _collectives(self, table: Table, values: Floats, seconds: Floats) -> None:
        """Fill in the rows of what devices exchange; nothing is started where nothing is sent."""
        for row in np.flatnonzero(table.of_kind(Kind.COLLECTIVE)):
            exchange = table.operators[row].exchange
            if exchange is None:
                continue
            if exchange not in self._links:
                self._links[exchange] = np.array([cost_of(s.machine, exchange) for s in self.settings])
            alpha, per_byte = self._links[exchange].T[:, :, None]
            sent = table.coefficients["sent"][row] @ values * ACTIVATION_BYTES
            seconds[:, row] = np.where(sent > 0, table.launches[row] * alpha + per_byte * sent, 0.0)


def _columns(*columns: object) -> tuple[Floats, ...]:
    return tuple(np.asarray(column, dtype=np.float64)[:, None, None] for column in columns)


def smooth_maximum(a: Floats, b: Floats, p: Floats) -> Floats:
    """``(a^p + b^p)^(1/p)``: the larger of two times, rounded off where they are close.

    Computed as ``large·(1 + (small/large)^p)^(1/p)``, which neither overflows nor underflows.
    """
    large = np.maximum(a, b)
    if np.all(np.isinf(p)):
        return large
    if np.all(p == 1):
        return a + b
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.log(np.minimum(a, b) / large)
        exponent *= p
        result = np.exp(np.log1p(np.exp(exponent)) / p)
    result *= large
    return np.nan_to_num(result, nan=0.0, posinf=np.inf)
