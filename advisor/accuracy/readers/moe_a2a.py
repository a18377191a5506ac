"""All-to-alls of tokens to the devices of their experts and back: ``moe_a2a.csv``.

One latency and one rate for each way stand for all machines and libraries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.names import machine_of
from advisor.accuracy.readers.serving_end_to_end import number
from calculators.collectives import cost_of
from calculators.operators import Exchange
from calculators.shares import copies_of
from catalog.loader import load_machine

BITS = {"default": 16.0, "bfloat16": 16.0, "fp8": 8.25, "fp4": 4.5, "nvfp4": 4.5}
"""Bits per number sent, scales included; times of high-throughput kernels do not depend on the type."""


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    for line, row in enumerate(file.rows, 1):
        found = _one(line, row, given)
        yield Skipped(line, found) if isinstance(found, str) else found


def _one(line: int, row: Row, given: Given) -> Comparison | str:
    name = given.machine or machine_of(str(row["system"]))[0]
    parts, width, visits, tokens, measured = (
        number(row, key) for key in ("ep_size", "hidden_size", "topk", "num_tokens", "latency_us")
    )
    if name is None:
        return f"not in the catalog: {row['system']}"
    if row["phase"] not in ("dispatch", "combine") or row["comm_dtype"] not in BITS:
        return f"unknown phase or type: {row['phase']}, {row['comm_dtype']}"
    bits = BITS["bfloat16" if str(row["comm_backend"]).endswith("_ht") else row["comm_dtype"]]
    if not (parts and width and visits and tokens and measured):
        return "sizes or time missing"
    way: Literal["dispatch", "combine"] = "dispatch" if row["phase"] == "dispatch" else "combine"
    size = tokens * copies_of(int(visits), int(parts)) * width * bits / 8
    latency, per_byte = cost_of(load_machine(name), Exchange(way, int(parts), int(parts)))
    keys = {
        "machine": name, "kernel": f"{row['comm_backend']} {way}", "gpus": f"{parts:g}", "type": str(row["comm_dtype"]),
        "tokens": f"{tokens:g}",
    }  # fmt: skip
    return Comparison(line, "kernel", "s", measured * 1e-6, latency + per_byte * size, keys)


READER = Reader(
    layout="moe_a2a",
    about="all-to-alls of tokens between devices that hold experts",
    columns=frozenset({"system", "comm_backend", "phase", "comm_dtype", "ep_size", "num_tokens", "latency_us"}),
    compare=_compare,
    by=("machine", "kernel"),
    fitted="two latencies and two rates for all machines, medians of some of these rows",
)
