"""Machines as if nobody had measured them: their class's constants, recomputed from the other members.

A class's constants are the medians of its members' (``whicharch fit``), one constant at a time. Where all its members
are left out, those of all other NVIDIA machines with kernel constants of their own stand in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from statistics import median
from typing import Any

from pydantic import BaseModel

from catalog.loader import all_machines, load_machine, machine_classes
from catalog.machine import Machine, MachineClass

NOT_CONSTANTS = ("rows", "median_error", "prefill_median_error", "decode_median_error")
SHARED = tuple(
    name
    for name in MachineClass.model_fields
    if name in Machine.model_fields and name not in ("id", "vendor", "kinds", "sources", "notes", "memory")
)
"""Constants that a machine has or takes from its class."""


def members() -> list[Machine]:
    """Whose constants classes are made of."""
    return [
        m for m in all_machines() if m.vendor == "nvidia" and m.kind.startswith(("datacenter", "work"))
        and any(r.rows for r in m.roofline.values())
    ]  # fmt: skip


def _middle(template: Any, entries: Sequence[Any]) -> Any:
    """The template with each number replaced by the median over the entries that have it."""
    if isinstance(template, dict):
        return {key: _middle(value, [e[key] for e in entries if key in e]) for key, value in template.items()}
    if not isinstance(template, BaseModel) or not entries:
        return template
    numbers = {}
    for name in type(template).model_fields:
        values = [getattr(entry, name) for entry in entries]
        known = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        if known and name not in NOT_CONSTANTS and isinstance(getattr(template, name), int | float):
            numbers[name] = median(known)
    return template.model_copy(update=numbers)


def class_without(whole: MachineClass, left_out: Collection[str]) -> MachineClass:
    """A class from all its members but these."""
    if not set(whole.members) & set(left_out):
        return whole
    known = [machine for machine in members() if machine.id not in left_out]
    others = [machine for machine in known if machine.id in whole.members] or known
    fields = {name: [getattr(m, name) for m in others if getattr(m, name) is not None] for name in SHARED}
    return whole.model_copy(update={name: _middle(getattr(whole, name), own) for name, own in fields.items()})


def bare(machine: str) -> Machine:
    """A machine with nothing fitted on it."""
    empty = {name: Machine.model_fields[name].get_default(call_default_factory=True) for name in SHARED}
    return load_machine(machine).model_copy(update={**empty, "allreduce": ()})


def machine_left_out(machine: str) -> tuple[Machine, list[MachineClass]]:
    """Without this machine's own measurements."""
    return bare(machine), [class_without(c, (machine,)) for c in machine_classes()]


def nominal(machine: str) -> tuple[Machine, list[MachineClass]]:
    """As if nobody had measured anything like it: its data sheet alone."""
    return bare(machine), []
