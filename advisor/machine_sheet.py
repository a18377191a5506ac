"""Everything known of one machine: each number with its meaning, its unit, how it is known and where it was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from advisor.machines import hourly_price
from calculators.efficiency import class_of
from catalog.base import Source, Spec
from catalog.loader import machine_classes
from catalog.machine import Badge, Machine, MachineClass, Roofline

MEANINGS: dict[str, tuple[str, str]] = {
    "memory_gib": ("nominal memory", "GiB"),
    "usable_gib": ("memory that a serving process may take", "GiB"),
    "bandwidth_gb_per_s": ("nominal memory bandwidth", "GB/s"),
    "l2_mb": ("last-level cache on the chip", "MB"),
    "peak_tflops": ("nominal dense peak", "TFLOP/s"),
    "reached_tflops": ("best product anybody measured", "TFLOP/s"),
    "tdp_w": ("power at full load", "W"),
    "gb_per_s": ("to peers, each way", "GB/s"),
    "bridge_gb_per_s": ("inside a bridged pair, each way", "GB/s"),
    "pcie_gb_per_s": ("to the host, each way", "GB/s"),
    "network_gb_per_s": ("to other nodes, each way", "GB/s"),
    "max_gpus": ("accelerators in a node", ""),
    "usd_per_hour": ("price", "$/h"),
    "compute": ("share of the peak that large products reach", ""),
    "memory": ("share of the bandwidth that streaming reaches", ""),
    "launch_us": ("fixed cost of one kernel", "µs"),
    "p": ("overlap of compute and memory: 1 adds, large is the larger", ""),
    "inner_ns": ("walking along one element of the inner dimension", "ns"),
    "row_ns": ("quantising one row of activations", "ns"),
    "input_memory": ("share of the bandwidth, quantising activations", ""),
    "expert_memory": ("share of the bandwidth, routed experts", ""),
    "expert_ns": ("each expert visited", "ns"),
    "prefill_compute": ("prefill, of the peak", ""),
    "decode_memory": ("cached, of bandwidth", ""),
    "query_memory": ("new, of bandwidth", ""),
    "softmax": ("softmax, of 32 bits", ""),
    "tile_ns": ("a tile, a key", "ns"),
    "token_ns": ("a chain, a token", "ns"),
    "prefill_launch_us": ("fixed, in prefill", "µs"),
    "second_us": ("second of two steps", "µs"),
    "gpus": ("peers", ""),
    "alpha_us": ("latency", "µs"),
    "bus_gb_per_s": ("bus bandwidth", "GB/s"),
    "hop_us": ("each hop from one peer to the next", "µs"),
    "bus_2_gb_per_s": ("bus bandwidth among 2 peers", "GB/s"),
    "bus_4_gb_per_s": ("bus bandwidth among 4 peers", "GB/s"),
    "bus_8_gb_per_s": ("bus bandwidth among 8 peers", "GB/s"),
    "median_error": ("median error, held out", "%"),
    "prefill_median_error": ("median error, prefill, held out", "%"),
    "decode_median_error": ("median error, decode, held out", "%"),
    "kernel_us": ("to each kernel", "µs"),
    "weight_copies": ("crossings of weights in products of several rows", ""),
    "recurrence_ns": ("recurrences, per token and number of state", "ns"),
    "recurrence_token_us": ("recurrences, per token of a sequence", "µs"),
    "chunked_ns": ("scans in chunks, per token and number of state", "ns"),
    "recurrence_us": ("recurrences, per layer", "µs"),
    "chunked_us": ("scans in chunks, per layer", "µs"),
    "rows": ("measurements behind it", ""),
}
"""What each constant means, in a phrase, and its unit."""
NOMINAL = ("memory_gib", "bandwidth_gb_per_s", "l2_mb", "tdp_w")
LINKS = ("gb_per_s", "bridge_gb_per_s", "pcie_gb_per_s", "network_gb_per_s", "max_gpus")
IDENTITY = frozenset(
    ("id", "name", "vendor", "kind", "released", "compute_capability", "memory_type", "usable_memory", "peak_tflops",
     "reached_tflops", "link", "calibration", "notes", "sources", "roofline", *NOMINAL)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of a machine."""

    block: str
    """``memory``, ``rates``, ``links``, ``price``, or the name of a block of constants."""
    of: str
    """A data type, a number of GPUs; empty where the block needs none."""
    name: str
    value: float
    meaning: str
    unit: str
    badge: Badge
    source: str


def facts(machine: Machine) -> list[Fact]:
    """All numbers of a machine, constants of its class included where it has none of its own."""
    return [*_nominal(machine), *_constants(machine)]


def _fact(block: str, of: str, name: str, value: float, badge: Badge, source: str) -> Fact:
    meaning, unit = MEANINGS.get(name, (name.replace("_", " "), ""))
    return Fact(block, of, name, 100 * value if unit == "%" else value, meaning, unit, badge, source)


OWN_WORDS = ("whicharch calibrate", "whicharch machine detect")
"""In the only source of a machine whose nominal rates nobody published."""


def nominal_badge(machine: Machine) -> Badge:
    """How memory, bandwidth and peaks are known: read or probed on the machine itself, or from a data sheet."""
    own = len(machine.sources) == 1 and any(words in machine.sources[0].where for words in OWN_WORDS)
    return "measured" if own else "spec sheet"


def _nominal(machine: Machine) -> Iterator[Fact]:
    where = "; ".join(str(source) for source in machine.sources)
    sheet = nominal_badge(machine)
    for name in NOMINAL:
        value = getattr(machine, name)
        if value is not None:
            yield _fact("memory" if name == "memory_gib" else "rates", "", name, value, sheet, where)
    if machine.usable_bytes:
        yield _fact("memory", "", "usable_gib", machine.usable_bytes / 2**30, sheet, where)
    for dtype, peak in machine.peak_tflops.items():
        yield _fact("rates", dtype, "peak_tflops", peak, sheet, where)
    for dtype, reached in machine.reached_tflops.items():
        yield _fact("rates", dtype, "reached_tflops", reached, "measured", where)
    for name in LINKS:
        value = getattr(machine.link, name, None)
        if value is not None:
            yield _fact("links", machine.link.name, name, value, sheet, where)
    price = hourly_price(machine)
    if price:
        yield _fact("price", "", "usd_per_hour", price.usd_per_hour, sheet, price.basis)


def _constants(machine: Machine) -> Iterator[Fact]:
    family = class_of(machine, machine_classes())
    for dtype, roofline, badge in rooflines(machine, family):
        yield from _fields("products", dtype, roofline, badge)
    for name in type(machine).model_fields:
        if name in IDENTITY:
            continue
        own = getattr(machine, name)
        value, borrowed = (own, False) if own else (getattr(family, name, None), True)
        for of, block in _blocks(value):
            yield from _fields(name, of, block, _badge(machine, block, borrowed))


def rooflines(machine: Machine, family: MachineClass | None) -> Iterator[tuple[str, Roofline, Badge]]:
    """Constants of products by data type: the machine's own, else its class's for types that the machine has."""
    for dtype in machine.peak_tflops:
        if dtype in machine.roofline:
            own = machine.roofline[dtype]
            yield dtype, own, _badge(machine, own, False)
        elif family and dtype in family.roofline:
            yield dtype, family.roofline[dtype], "class default"


def _badge(machine: Machine, block: Spec, borrowed: bool) -> Badge:
    if borrowed or getattr(block, "rows", 1) is None:
        return "class default"
    return "measured" if machine.calibration else "calibrated"


def _blocks(value: Any) -> Iterator[tuple[str, Spec]]:
    """The blocks of constants in a field: one, several by a key, or a list."""
    if isinstance(value, Spec):
        yield "", value
    elif isinstance(value, dict):
        yield from ((str(key), item) for key, item in value.items() if isinstance(item, Spec))
    elif isinstance(value, tuple | list):
        for item in value:
            if isinstance(item, Spec):
                yield f"{item.gpus} GPUs" if hasattr(item, "gpus") else "", item


def _fields(block: str, of: str, constants: Spec, badge: Badge) -> Iterator[Fact]:
    source = getattr(constants, "source", "")
    where = str(source) if isinstance(source, Source) else ""
    for name in type(constants).model_fields:
        value = getattr(constants, name)
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and name != "gpus"
            and (value or not name.endswith("_ns"))
        ):
            yield _fact(block, of, name, float(value), badge, where)
