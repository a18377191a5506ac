"""A user's own machine file from what was detected."""

from __future__ import annotations

import datetime
from typing import Any

from advisor.detect.device import Device, Found
from catalog.base import Source
from catalog.errors import BadInput
from catalog.loader import load_machine
from catalog.machine import NO_KERNELS, Link, Machine, Roofline

PROBE_LAUNCH_US = 5.1
"""Launch cost of machines that nobody measured, as in the class defaults of ``machine_classes.yaml``."""


def own_machine(found: Found, name: str, *, like: str | None = None) -> Machine:
    """A machine with what was read from a device; the rest from the catalogued one that it is, or is said to be like.

    Args:
        found: The device with its matches.
        name: The id of the new machine.
        like: A catalogued machine whose constants to take.

    Raises:
        BadInput: If the device matches none and too little of it could be read.
    """
    device = found.device
    base = like or (found.exact.machine if found.exact else None)
    read = Source(where=f"{device.name}, read by whicharch machine detect", as_of=_today())
    if base is None:
        return _from_readings(found, name, read)
    machine = load_machine(base)
    said: dict[str, Any] = {"id": name, "name": device.name}
    if not (found.exact and found.exact.machine == base):
        said |= {"name": f"{device.name} (like {base})", **_borrowed(machine)}
        if device.bandwidth_gb_per_s:
            said["bandwidth_gb_per_s"] = round(device.bandwidth_gb_per_s.value, 1)
    if device.memory_bytes:
        said["memory_gib"] = round(device.memory_bytes / 2**30, 2)
    link = machine.link.model_dump() | {"max_gpus": found.count}
    if device.pcie_gb_per_s:
        link["pcie_gb_per_s"] = device.pcie_gb_per_s
    if device.peer_gb_per_s:
        link |= {"gb_per_s": device.peer_gb_per_s, "name": device.peers}
    return machine.model_copy(update={**said, "link": Link(**link), "sources": (read, *machine.sources)})


def _borrowed(machine: Machine) -> dict[str, Any]:
    """Constants of another machine: no evidence about this one, so without rows and errors."""
    unknown = {"rows": None, "source": Source(where=f"taken from {machine.id} by --like")}
    attention = machine.attention
    return {
        "roofline": {d: r.model_copy(update={**unknown, "median_error": None}) for d, r in machine.roofline.items()},
        "attention": attention.model_copy(update={**unknown, "prefill_median_error": None, "decode_median_error": None})
        if attention
        else None,
        **NO_KERNELS,
        "reached_tflops": {},
    }


def _from_readings(found: Found, name: str, read: Source) -> Machine:
    device = found.device
    if device.bandwidth_gb_per_s is None or device.fp32_tflops is None:
        unread = "bandwidth" if device.bandwidth_gb_per_s is None else "arithmetic"
        near = ", ".join(match.machine for match in found.matches)
        raise BadInput(
            f"{device.name}: its {unread} could not be read and it is no catalogued machine; --like ID takes the "
            f"constants of one" + (f" (similar: {near})" if near else "")
        )
    bandwidth, fp32 = device.bandwidth_gb_per_s, device.fp32_tflops
    roofline = {}
    if device.kind == "cpu":  # probes are what was reached, so that no share is taken of them
        how = Source(where=f"{fp32.how}; {bandwidth.how}; launch cost of the class defaults", as_of=_today())
        roofline = {"fp32": Roofline(compute=1.0, memory=1.0, launch_us=PROBE_LAUNCH_US, p=2.2, source=how)}
    return Machine(
        id=name,
        name=device.name,
        vendor=device.vendor,
        kind=device.kind,
        memory_gib=round(device.memory_bytes / 2**30, 2) if device.memory_bytes else None,
        bandwidth_gb_per_s=round(bandwidth.value, 1),
        peak_tflops={"fp32": round(fp32.value, 4)},
        tdp_w=device.tdp_w,
        link=Link(
            name=device.peers or "PCIe",
            gb_per_s=device.peer_gb_per_s,
            pcie_gb_per_s=device.pcie_gb_per_s,
            max_gpus=found.count if device.kind != "cpu" else 1,
        ),
        roofline=roofline,  # type: ignore[arg-type]
        notes=f"Bandwidth: {bandwidth.how}. fp32: {fp32.how}.",
        sources=(read,),
    )


def default_id(device: Device) -> str:
    """An id from the name that the driver gives: ``my-amd-epyc``."""
    plain = "".join(c if c.isalnum() else "-" for c in device.name.lower())
    return "my-" + "-".join(part for part in plain.split("-") if part)[:70]


def _today() -> str:
    return datetime.date.today().isoformat()
