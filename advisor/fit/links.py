"""All-reduces inside a node, and what starting a kernel outside a captured graph adds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from advisor.fit.solve import Columns, Formula, Kernels
from advisor.fit.tables import Array, Row, columns, machine_of, rows_of, version
from catalog.machine import Machine

BAR = 0.08
ELEMENT_BYTES = 2
SMALL_BYTES = 2**16
"""Messages up to this size cost hardly more than being started."""


def seconds(x: Columns, c: Mapping[str, float]) -> Array:
    """As ``catalog.machine.AllReduce``: in one step every device reads all the others, in two it reads and shares."""
    bus = c["bus_gb_per_s"] * 1e9
    n, message = x["gpus"], x["bytes"]
    two = c["second_us"] * 1e-6 + 2 * (n - 1) / n * message / bus
    return np.asarray(c["alpha_us"] * 1e-6 + np.minimum((n - 1) * message / bus, two))


FORMULA = Formula(("alpha_us", "bus_gb_per_s", "second_us"), (6.0, 200.0, 5.0), seconds)


def _grouped(facts: Path, machines: Mapping[str, Machine], ending: str) -> dict[tuple[str, int], list[Row]]:
    grouped: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows_of(facts, "comm_custom_allreduce"):
        name, gpus = machine_of(row), int(row["num_gpus"])
        if row["kernel_source"].endswith(ending) and name in machines and gpus in (2, 4, 8):
            grouped[name, gpus].append(row)
    return dict(sorted(grouped.items()))


def kernels(facts: Path, machines: Mapping[str, Machine]) -> Iterator[Kernels]:
    """Custom all-reduces in a captured graph; vLLM and SGLang share them. Held out: odd powers of two of the size."""
    for (name, gpus), rows in _grouped(facts, machines, "_graph").items():
        elements, milliseconds = columns(rows, "message_elems", "latency_ms")
        message = elements * ELEMENT_BYTES
        rate = (machines[name].link.gb_per_s or machines[name].link.pcie_gb_per_s or np.inf) * 1e9
        yield Kernels(
            name,
            f"all-reduce x{gpus}",
            {"bytes": message, "gpus": np.full(len(rows), float(gpus))},
            milliseconds * 1e-3,
            np.maximum(2 * (gpus - 1) / gpus * message / rate, 1e-9),
            np.log2(elements).round().astype(int) % 2 == 1,
            [str(gpus)] * len(rows),
            FORMULA,
            f"{version(rows)} graph-captured",
            bars={"": BAR},
        )


def eager_launch_us(facts: Path, machines: Mapping[str, Machine]) -> dict[str, tuple[float, int]]:
    """What starting a small all-reduce by hand takes longer than in a graph: median in microseconds, and rows."""
    graph, eager = (_grouped(facts, machines, ending) for ending in ("_graph", "_eager"))
    found: dict[str, list[float]] = defaultdict(list)
    for key in set(graph) & set(eager):
        captured = _small(graph[key])
        found[key[0]] += [each - float(np.median(captured)) for each in _small(eager[key]) if captured]
    return {name: (float(np.median(extra)), len(extra)) for name, extra in sorted(found.items()) if extra}


def _small(rows: list[Row]) -> list[float]:
    return [float(r["latency_ms"]) * 1e3 for r in rows if int(r["message_elems"]) * ELEMENT_BYTES <= SMALL_BYTES]
