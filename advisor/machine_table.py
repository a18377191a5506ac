"""The catalogued machines as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from advisor.machine_sheet import rooflines
from advisor.machines import hourly_price
from calculators.efficiency import class_of
from catalog.errors import unknown
from catalog.loader import all_machines, machine_classes
from catalog.machine import ComputeType, Machine

HEADERS = (
    "id", "kind", "memory_gib", "bandwidth_gb_per_s", "fp32_tflops", "sixteen_bit_tflops", "eight_bit_tflops",
    "four_bit_tflops", "usd_per_hour", "badge",
)  # fmt: skip
SIXTEEN: tuple[ComputeType, ...] = ("bf16", "fp16")
EIGHT: tuple[ComputeType, ...] = ("fp8", "int8")


def rows(
    *, vendor: str | None = None, kind: str | None = None, words: Sequence[str] = ()
) -> list[list[str | float | None]]:
    """One row per machine; ``badge`` says how the times of 16-bit products are known.

    Raises:
        BadInput: If no machine has this vendor or kind; the message names the nearest.
    """
    machines = all_machines()
    for what, given, known in (
        ("vendor", vendor, {m.vendor for m in machines}),
        ("kind", kind, {str(m.kind) for m in machines}),
    ):
        if given is not None and given.lower() not in known:
            raise unknown(what, given, known)
    machines = [m for m in machines if vendor in (None, m.vendor) or (vendor or "").lower() == m.vendor]
    machines = [m for m in machines if kind is None or kind.lower() == m.kind]
    found = [cells_of(row_of(machine)) for machine in machines]
    return [row for row in found if all(word.lower() in " ".join(map(str, row)).lower() for word in words)]


@dataclass(frozen=True, slots=True)
class Row:
    """A machine as lists show it; peaks are dense, in TFLOP/s, of the widest type of that many bits."""

    machine: Machine
    fp32_tflops: float | None
    sixteen_bit_tflops: float | None
    eight_bit_tflops: float | None
    four_bit_tflops: float | None
    usd_per_hour: float | None
    badge: str
    """How the times of its products are known."""


def row_of(machine: Machine) -> Row:
    """A machine as lists show it."""
    price = hourly_price(machine)
    return Row(
        machine, _peak(machine, ("fp32",)), _peak(machine, SIXTEEN), _peak(machine, EIGHT), _peak(machine, ("fp4",)),
        price.usd_per_hour if price else None, badge(machine),
    )  # fmt: skip


def cells_of(r: Row) -> list[str | float | None]:
    """A machine in the columns of ``HEADERS``."""
    m = r.machine
    return [
        m.id, m.kind, m.memory_gib, m.bandwidth_gb_per_s, r.fp32_tflops, r.sixteen_bit_tflops,
        r.eight_bit_tflops, r.four_bit_tflops, r.usd_per_hour, r.badge,
    ]  # fmt: skip


def _peak(machine: Machine, dtypes: Sequence[ComputeType]) -> float | None:
    return next((float(machine.peak_tflops[dtype]) for dtype in dtypes if dtype in machine.peak_tflops), None)


def badge(machine: Machine) -> str:
    """How the times of a machine's products are known: by its 16-bit type, else by any."""
    known = {dtype: how for dtype, _, how in rooflines(machine, class_of(machine, machine_classes()))}
    return next((known[dtype] for dtype in (*SIXTEEN, *known) if dtype in known), "spec sheet")
