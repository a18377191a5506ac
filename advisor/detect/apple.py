"""Apple silicon by ``sysctl`` and ``system_profiler``."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable

from advisor.detect.device import Device
from advisor.detect.system import output

LIMIT = "iogpu.wired_limit_mb"
"""How much memory the GPU may wire, where the user has set it; 0 is the default share."""


def apple_devices(ask: Callable[..., str | None] = output, system: str | None = None) -> tuple[list[Device], list[str]]:
    """The GPU of an Apple chip with its unified memory, and what could not be read."""
    if (system or platform.system()) != "Darwin":
        return [], []
    brand = (ask("sysctl", "-n", "machdep.cpu.brand_string") or "").strip()
    if not brand.startswith("Apple"):
        return [], [f"Apple: the processor is {brand or 'unknown'}; only Apple silicon has a GPU that we know."]
    memory = _number(ask("sysctl", "-n", "hw.memsize"))
    cores = _gpu_cores(ask("system_profiler", "SPDisplaysDataType", "-json"))
    limit_mb = _number(ask("sysctl", "-n", LIMIT))
    details = [f"{cores} GPU cores"] if cores else []
    details += [f"GPU memory limit set to {limit_mb:.0f} MB"] if limit_mb else []
    notes = [] if memory else ["Apple: the size of memory could not be read (sysctl hw.memsize)."]
    driver = platform.mac_ver()[0] or None
    return [
        Device(
            "apple",
            "apple",
            brand,
            0,
            memory,
            _free(ask("vm_stat")),
            driver and f"macOS {driver}",
            details=tuple(details),
        )
    ], notes


def _gpu_cores(text: str | None) -> int | None:
    try:
        displays = json.loads(text or "{}").get("SPDisplaysDataType", [])
    except (ValueError, AttributeError):
        return None
    return next((int(d["sppci_cores"]) for d in displays if str(d.get("sppci_cores", "")).isdigit()), None)


def _free(text: str | None) -> float | None:
    """Free, inactive and speculative pages of ``vm_stat``, in bytes."""
    lines = (text or "").splitlines()
    if not lines or "page size of" not in lines[0]:
        return None
    size = _number(lines[0].partition("page size of")[2].split()[0])
    pages = [
        _number(value.strip().rstrip(".")) or 0.0
        for name, _, value in (line.partition(":") for line in lines[1:])
        if name in ("Pages free", "Pages inactive", "Pages speculative")
    ]
    return sum(pages) * size if size and pages else None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
