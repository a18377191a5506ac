"""Which catalogued machine a device is: by the words of its name, then by its memory."""

from __future__ import annotations

import re
from collections.abc import Sequence

from advisor.detect.device import Device, Match
from catalog.machine import Machine

NOISE = frozenset(
    "nvidia geforce tesla quadro amd radeon instinct intel corporation apple gpu graphics generation edition series "
    "tm r cpu processor core cores grace hopper per card oam ac workstation".split()
)
"""Words that say nothing about which machine it is."""
FORMS = {"hbm3": "sxm", "sxm2": "sxm", "sxm4": "sxm", "sxm5": "sxm", "sxm6": "sxm"}
"""What the driver calls a form factor, and we do."""
OPTIONAL = frozenset("sxm pcie nvl server nvl72 blackwell ultra spark dgx hbm3e family entry".split())
"""Words that one side may leave out; among several machines they still decide."""
MEMORY = re.compile(r"^\d+(gb|gib|g)$")
MEMORY_TOLERANCE = 0.08
"""Between the size on the box and what a driver reports."""


def words(name: str) -> frozenset[str]:
    """The telling words of a name: ``NVIDIA H100 80GB HBM3`` is ``h100`` and ``sxm``."""
    plain = re.sub(r"\([^)]*\)|@.*$|w/.*$|\b\d+-core\b", " ", name.lower().replace("max-q", "maxq"))
    plain = re.sub(r"\b\d+(th|rd|nd|st) gen\b", " ", plain)
    parts = re.findall(r"[a-z0-9]+\+?", plain)
    kept = (FORMS.get(part, part) for part in parts)
    return frozenset(part for part in kept if part not in NOISE and not MEMORY.match(part) and not part.isspace())


def matches(device: Device, machines: Sequence[Machine], limit: int = 4) -> tuple[Match, ...]:
    """Catalogued machines that a device is (one, exact) or is like, best first."""
    mine = words(device.name)
    if device.vendor == "nvidia" and not mine & {"pcie", "nvl", "sxm"}:
        mine |= {"sxm"}  # NVIDIA H200 and NVIDIA H200 NVL: what is not named otherwise sits on a board
    rated = []
    for machine in machines:
        unified = "unified" in (machine.memory_type or "")
        if machine.vendor != device.vendor or ((machine.kind == "cpu") != (device.kind == "cpu") and not unified):
            continue
        theirs = words(machine.name)
        same_name = (mine ^ theirs) <= OPTIONAL and any(re.search(r"\d", word) for word in (mine & theirs) - OPTIONAL)
        shared = _likeness(mine - OPTIONAL, theirs - OPTIONAL) + 0.1 * _likeness(mine, theirs)
        distance = _memory_distance(device, machine)
        whole = distance < MEMORY_TOLERANCE and (device.cores or 0) >= (_cores(machine) if device.cores else 0)
        rated.append((same_name and whole, same_name, shared, -distance, machine))
    rated.sort(key=lambda entry: entry[:4], reverse=True)
    exact = [entry for entry in rated if entry[0]]
    alone = len(exact) == 1 or (len(exact) > 1 and exact[0][2] > exact[1][2])
    found = []
    for _, same_name, shared, distance, machine in rated:
        is_it = alone and machine is exact[0][4]
        if is_it:
            found.append(Match(machine.id, True, "same name" + (" and memory" if device.memory_bytes else "")))
        elif same_name:
            found.append(Match(machine.id, False, _difference(device, machine, -distance)))
        elif shared >= 0.35:
            found.append(Match(machine.id, False, "similar name"))
    if device.family and not any(match.exact for match in found):
        found = [Match(device.family, False, "same generation"), *(m for m in found if m.machine != device.family)]
    return tuple(found[: 1 if alone else limit])


def _likeness(mine: frozenset[str], theirs: frozenset[str]) -> float:
    return len(mine & theirs) / max(1, len(mine | theirs))


def _difference(device: Device, machine: Machine, distance: float) -> str:
    """Why the same name is not the same machine."""
    if device.cores and device.cores < _cores(machine):
        return f"same name, {device.cores} of its {_cores(machine)} cores"
    return "same name, other memory" if distance >= MEMORY_TOLERANCE else "same name, other form"


def _cores(machine: Machine) -> int:
    """Cores that the name of a catalogued CPU says; 0 where it says none."""
    said = re.search(r"(\d+) cores", machine.name)
    return int(said[1]) if said else 0


def _memory_distance(device: Device, machine: Machine) -> float:
    """Relative difference of memory; zero where either is unknown or a matter of what was fitted."""
    if not device.memory_bytes or not machine.memory_bytes or device.kind in ("cpu", "apple"):
        return 0.0
    return abs(device.memory_bytes / machine.memory_bytes - 1)
