"""NCCL's collectives inside a node: ``comm_nccl.csv``.

Constants of the catalog's rings are fitted on half of these message sizes (``whicharch fit``).
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.names import machine_of
from advisor.accuracy.readers.serving_end_to_end import number
from calculators.collectives import ring_of
from catalog.loader import load_machine
from catalog.machine import Machine

PASSES = {"all_reduce": 2, "all_gather": 1, "reduce_scatter": 1}


def ring_s(machine: Machine, passes: int, gpus: int, size: float) -> float:
    """Seconds of so many rounds of a message through a node's ring (``catalog.machine.Ring``)."""
    ring = ring_of(machine)
    return ring.launch_s + passes * (gpus - 1) * (ring.hop_s + size / gpus / ring.bus(gpus))


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    for line, row in enumerate(file.rows, 1):
        found = _one(line, row, given)
        yield Skipped(line, found) if isinstance(found, str) else found


def _one(line: int, row: Row, given: Given) -> Comparison | str:
    name = given.machine or machine_of(str(row["system"]))[0]
    op, gpus, size, measured = str(row["op_name"]), *(number(row, key) for key in ("num_gpus", "bytes", "latency_ms"))
    if name is None:
        return f"not in the catalog: {row['system']}"
    if op not in PASSES:
        return f"no ring: {op}"
    if not gpus or not size or not measured:
        return "devices, size or time missing"
    predicted = ring_s(load_machine(name), PASSES[op], int(gpus), size)
    keys = {"machine": name, "kernel": op, "gpus": f"{gpus:g}", "bytes": f"{size:g}"}
    return Comparison(line, "kernel", "s", measured * 1e-3, predicted, keys)


READER = Reader(
    layout="comm_nccl",
    about="NCCL's collectives inside a node",
    columns=frozenset({"system", "nccl_version", "op_name", "num_gpus", "bytes", "latency_ms"}),
    compare=_compare,
    by=("machine", "kernel"),
    fitted="machines' rings, on half of the sizes; `whicharch fit` prints the errors of the other half",
)
