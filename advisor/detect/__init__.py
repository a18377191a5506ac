"""Recognise the machines at hand; whatever cannot be read is said in a sentence and left out."""

from __future__ import annotations

from advisor.detect.device import Detection, Device, Found, Match, Reading

__all__ = ["Detection", "Device", "Found", "Match", "Reading", "detect"]


def detect(*, probe: bool = True) -> Detection:
    """The accelerators and the CPU of this host, each with the catalogued machines it matches.

    Args:
        probe: Whether to measure the CPU's bandwidth and arithmetic, in about half a second.
    """
    from advisor.detect.amd import amd_devices
    from advisor.detect.apple import apple_devices
    from advisor.detect.cpu import cpu_device
    from advisor.detect.matching import matches
    from advisor.detect.nvidia import nvidia_devices
    from catalog.loader import all_machines

    devices: list[Device] = []
    notes: list[str] = []
    for look in (nvidia_devices, amd_devices, apple_devices):
        own, unread = look()
        devices += own
        notes += unread
    cpu, unread = cpu_device(probe=probe)
    devices.append(cpu)
    notes += unread
    machines = all_machines()
    groups: dict[tuple[str, str, float | None], list[Device]] = {}
    for device in devices:
        groups.setdefault((device.vendor, device.name, device.memory_bytes), []).append(device)
    found = [Found(own[0], len(own), matches(own[0], machines)) for own in groups.values()]
    return Detection(tuple(found), tuple(notes))
