"""Machines as if nobody had measured them: their class's constants, recomputed from the other members.

Only the class of NVIDIA's data-centre cards is recomputed; all machines with measured servers belong to it. Its members
are the NVIDIA machines with constants of their own, and its constants the members' medians, one data type at a time
(``benchmarks/fit_rooflines.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from math import isclose
from statistics import median

from catalog.base import Source
from catalog.loader import all_machines, load_machine, machine_classes
from catalog.machine import AttentionRates, ComputeType, Machine, MachineClass, Roofline

CLASS = "nvidia-datacenter"
HERE = Source(where="benchmarks/left_out.py")
PRODUCTS = ("compute", "memory", "launch_us", "p", "row_ns")
ATTENTION = ("prefill_compute", "decode_memory", "query_memory", "launch_us")
GENERATIONS = (
    ("a100-sxm4-80gb",),
    ("l40s",),
    ("h100-sxm", "h200-sxm"),
    ("b200-sxm", "b300-sxm", "gb200-nvl72", "rtx-pro-6000-blackwell-server"),
)
"""Members of the class with the same architecture: Ampere, Ada, Hopper, Blackwell."""


def members() -> list[Machine]:
    """Whose constants the class is made of."""
    return [machine for machine in all_machines() if machine.vendor == "nvidia" and machine.roofline]


def _medians(entries: Sequence[Roofline | AttentionRates], names: Iterable[str]) -> dict[str, float]:
    return {name: median(getattr(entry, name) for entry in entries) for name in names}


def class_without(left_out: Collection[str]) -> MachineClass:
    """The class from all members but these."""
    whole = next(c for c in machine_classes() if c.id == CLASS)
    others = [machine for machine in members() if machine.id not in left_out]
    rooflines: dict[ComputeType, Roofline] = {}
    for dtype in whole.roofline:
        own = [machine.roofline[dtype] for machine in others if dtype in machine.roofline]
        rooflines[dtype] = Roofline.model_validate(_medians(own, PRODUCTS) | {"source": HERE})
    rates = [machine.attention for machine in others if machine.attention]
    attention = AttentionRates.model_validate(_medians(rates, ATTENTION) | {"source": HERE})
    return whole.model_copy(update={"roofline": rooflines, "attention": attention})


@lru_cache(maxsize=1)
def _check() -> None:
    """Raise unless all members together give the catalog's class (which has the medians before rounding)."""
    whole, again = next(c for c in machine_classes() if c.id == CLASS), class_without(())
    assert whole.attention is not None
    assert again.attention is not None
    pairs = [(whole.attention, again.attention, ATTENTION)]
    for dtype, roofline in whole.roofline.items():
        pairs.append((roofline, again.roofline[dtype], PRODUCTS))  # type: ignore[arg-type]
    for before, after, names in pairs:
        for name in names:
            if not isclose(getattr(before, name), getattr(after, name), rel_tol=0.005):
                raise ValueError(f"the members do not give {CLASS}'s {name}: run benchmarks/fit_rooflines.py --write")


def without(machine: str, left_out: Collection[str]) -> tuple[Machine, list[MachineClass]]:
    """A machine with nothing fitted on it, and the classes without the machines that are left out."""
    _check()
    bare = load_machine(machine).model_copy(update={"roofline": {}, "attention": None, "allreduce": ()})
    return bare, [class_without(left_out) if c.id == CLASS else c for c in machine_classes()]


def machine_left_out(machine: str) -> tuple[Machine, list[MachineClass]]:
    """Without this machine's own measurements."""
    return without(machine, (machine,))


def generation_left_out(machine: str) -> tuple[Machine, list[MachineClass]]:
    """Without those of any machine of the same architecture."""
    return without(machine, next(group for group in GENERATIONS if machine in group))
