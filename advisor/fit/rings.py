"""NCCL inside a node: what starting it costs, what each hop costs, and what a device gets through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from advisor.fit.solve import Columns, Formula, Kernels
from advisor.fit.tables import Array, Row, machine_of, rows_of
from catalog.machine import Machine

NAMES = ("launch_us", "hop_us")
PASSES = {"all_reduce": 2, "all_gather": 1, "reduce_scatter": 1}
"""Times the ring is gone round; an all-to-all is no ring."""


def seconds(x: Columns, c: Mapping[str, float]) -> Array:
    """``launch + passes·((n-1)·hop + (n-1)/n·bytes/bus)``."""
    n, bus = x["gpus"], np.zeros(len(x["gpus"]))
    for name, rate in c.items():
        if name.startswith("bus_"):
            bus[n == int(name[4])] = rate * 1e9
    hops = x["passes"] * (n - 1)
    return np.asarray(c["launch_us"] * 1e-6 + hops * (c["hop_us"] * 1e-6 + x["bytes"] / n / bus))


def kernels(facts: Path, machines: Mapping[str, Machine]) -> Iterator[Kernels]:
    """All-reduces, all-gathers and reduce-scatters over 2, 4 and 8 devices. Held out: odd powers of two of the size."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows_of(facts, "comm_nccl"):
        if row["op_name"] in PASSES and machine_of(row) in machines:
            grouped[machine_of(row)].append(row)
    for name, rows in sorted(grouped.items()):
        gpus = np.array([float(row["num_gpus"]) for row in rows])
        message = np.array([float(row["bytes"]) for row in rows])
        passes = np.array([float(PASSES[row["op_name"]]) for row in rows])
        peers = sorted({int(n) for n in gpus})
        rate = (machines[name].link.gb_per_s or machines[name].link.pcie_gb_per_s or np.inf) * 1e9
        yield Kernels(
            name,
            "ring",
            {"bytes": message, "gpus": gpus, "passes": passes},
            np.array([float(row["latency_ms"]) for row in rows]) * 1e-3,
            np.maximum(passes * (gpus - 1) / gpus * message / rate, 1e-9),
            np.log2(message).round().astype(int) % 2 == 1,
            [f"{row['op_name']} {row['num_gpus']}" for row in rows],
            Formula((*NAMES, *(f"bus_{n}_gb_per_s" for n in peers)), (8.0, 1.0, *(200.0 for _ in peers)), seconds),
            f"NCCL {rows[0]['nccl_version']}",
        )
