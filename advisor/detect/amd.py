"""AMD GPUs by amdsmi, else by ``rocm-smi``, else from ``/sys/class/drm``."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from advisor.detect.device import Device
from advisor.detect.system import output, sentence, text_of
from catalog.machine import MachineKind

DRM = Path("/sys/class/drm")
AMD_VENDOR_ID = "0x1002"


def amd_devices(smi: Any = None, drm: Path = DRM) -> tuple[list[Device], list[str]]:
    """AMD GPUs and what could not be read.

    Args:
        smi: The module ``amdsmi``; by default it is imported where it is installed.
        drm: Where the kernel lists graphics cards.
    """
    notes = []
    if smi is None:
        try:
            smi = import_module("amdsmi")
        except Exception as error:  # the package loads its library when imported
            if not isinstance(error, ImportError):
                notes.append(f"AMD: amdsmi does not load ({sentence(error)}).")
    if smi is not None:
        try:
            return _by_amdsmi(smi), notes
        except Exception as error:
            notes.append(f"AMD: amdsmi does not answer ({sentence(error)}).")
    devices = _by_rocm_smi(output("rocm-smi", "--showproductname", "--showmeminfo", "vram", "--json"))
    devices = devices or _by_sysfs(drm)
    return devices, notes or ([] if devices else ["AMD: no amdgpu device in /sys/class/drm, no amdsmi, no rocm-smi."])


def amd_kind(name: str) -> MachineKind:
    """The kind of machine that AMD's naming says."""
    words = name.lower()
    if "instinct" in words or " mi" in f" {words}":
        return "datacenter gpu"
    return "workstation gpu" if "pro w" in words or "pro v" in words else "consumer gpu"


def _by_amdsmi(smi: Any) -> list[Device]:
    smi.amdsmi_init()
    try:
        return [_from_handle(smi, index, handle) for index, handle in enumerate(smi.amdsmi_get_processor_handles())]
    finally:
        smi.amdsmi_shut_down()


def _from_handle(smi: Any, index: int, handle: Any) -> Device:
    def ask(function: str, *arguments: Any) -> Any:
        try:
            return getattr(smi, function)(handle, *arguments)
        except Exception:
            return None

    name = (ask("amdsmi_get_gpu_asic_info") or {}).get("market_name") or "AMD GPU"
    kind = getattr(getattr(smi, "AmdSmiMemoryType", None), "VRAM", 0)
    total, used = ask("amdsmi_get_gpu_memory_total", kind), ask("amdsmi_get_gpu_memory_usage", kind)
    return _device(name, index, total, used, (ask("amdsmi_get_gpu_driver_info") or {}).get("driver_version"))


def _by_rocm_smi(text: str | None) -> list[Device]:
    try:
        cards = json.loads(text or "{}")
    except ValueError:
        return []
    found = []
    for card, values in sorted(cards.items()):
        if not card.startswith("card") or not isinstance(values, dict):
            continue
        lower = {key.lower(): value for key, value in values.items()}
        name = lower.get("card series") or lower.get("device name") or lower.get("card model") or "AMD GPU"
        total, used = lower.get("vram total memory (b)"), lower.get("vram total used memory (b)")
        found.append(_device(str(name), int(card[4:] or 0), total, used, None))
    return found


def _by_sysfs(drm: Path) -> list[Device]:
    found: list[Device] = []
    for folder in sorted(drm.glob("card[0-9]*/device")) if drm.is_dir() else ():
        if text_of(folder / "vendor") == AMD_VENDOR_ID and "-" not in folder.parent.name:
            name = text_of(folder / "product_name") or f"AMD GPU {text_of(folder / 'device') or ''}".strip()
            total, used = text_of(folder / "mem_info_vram_total"), text_of(folder / "mem_info_vram_used")
            found.append(_device(name, len(found), total, used, None))
    return found


def _device(name: str, index: int, total: Any, used: Any, driver: str | None) -> Device:
    number: Callable[[Any], float | None] = lambda value: None if value in (None, "", "N/A") else float(value)  # noqa: E731
    memory, taken = number(total), number(used)
    free = memory - taken if memory is not None and taken is not None else None
    return Device("amd", amd_kind(name), name, index, memory, free, driver)
