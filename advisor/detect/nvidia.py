"""NVIDIA devices by NVML (nvidia-ml-py, in the extra ``detect``), else by ``nvidia-smi``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from advisor.detect.device import Device, Reading
from advisor.detect.system import output, sentence
from catalog.machine import MachineKind

T = TypeVar("T")

PCIE_GB_PER_S_PER_LANE = {1: 0.25, 2: 0.5, 3: 0.985, 4: 1.969, 5: 3.938, 6: 7.563}
"""One direction, after line coding (PCI-SIG: 2.5, 5, 8, 16, 32 and 64 GT/s)."""
NVLINK_GB_PER_S_PER_LINK = {1: 20.0, 2: 25.0, 3: 25.0, 4: 25.0, 5: 50.0}
"""One direction, by NVLink version: P100, V100, A100, H100 and B200 (18 links of 50 GB/s are 900)."""


def nvidia_devices(nvml: Any = None) -> tuple[list[Device], list[str]]:
    """NVIDIA devices and what could not be read.

    Args:
        nvml: The module ``pynvml``; by default it is imported.
    """
    if nvml is None:
        try:
            nvml = import_module("pynvml")
        except ImportError:
            devices = _by_smi()
            if devices:
                return devices, [
                    "NVIDIA: read by nvidia-smi; links and bandwidth need nvidia-ml-py "
                    "(pip install 'whicharch[detect]')."
                ]
            return [], ["NVIDIA: neither nvidia-ml-py (pip install 'whicharch[detect]') nor nvidia-smi is there."]
    try:
        nvml.nvmlInit()
    except Exception as error:
        return _by_smi(), [f"NVIDIA: no driver answers ({sentence(error)})."]
    try:
        count = nvml.nvmlDeviceGetCount()
        driver = _text(_try(nvml.nvmlSystemGetDriverVersion))
        return [_device(nvml, index, driver) for index in range(count)], []
    except Exception as error:
        return [], [f"NVIDIA: the driver answers but lists no devices ({sentence(error)})."]
    finally:
        _try(nvml.nvmlShutdown)


def _device(nvml: Any, index: int, driver: str | None) -> Device:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)

    def ask(name: str, *arguments: Any) -> Any:
        """What the driver answers; ``None`` where it cannot."""
        function = getattr(nvml, name, None)
        return None if function is None else _try(lambda: function(handle, *arguments))

    memory = ask("nvmlDeviceGetMemoryInfo")
    watts = ask("nvmlDeviceGetPowerManagementDefaultLimit") or ask("nvmlDeviceGetEnforcedPowerLimit")
    capability = ask("nvmlDeviceGetCudaComputeCapability")
    lanes, generation = ask("nvmlDeviceGetMaxPcieLinkWidth"), ask("nvmlDeviceGetMaxPcieLinkGeneration")
    per_lane = PCIE_GB_PER_S_PER_LANE.get(generation) if generation else None
    peers, peer_rate = _links(nvml, ask)
    name = _text(ask("nvmlDeviceGetName")) or "NVIDIA GPU"
    details = [f"compute capability {capability[0]}.{capability[1]}"] if capability else []
    details += [f"PCIe {generation}.0 x{lanes}"] if per_lane and lanes else []
    return Device(
        vendor="nvidia",
        kind=nvidia_kind(name),
        name=name,
        index=index,
        memory_bytes=float(memory.total) if memory else None,
        free_bytes=float(memory.free) if memory else None,
        driver=driver,
        tdp_w=watts / 1000 if watts else None,
        bandwidth_gb_per_s=_bandwidth(ask, getattr(nvml, "NVML_CLOCK_MEM", 2)),
        fp32_tflops=_fp32(ask, getattr(nvml, "NVML_CLOCK_SM", 1)),
        pcie_gb_per_s=round(per_lane * lanes, 1) if per_lane and lanes else None,
        peer_gb_per_s=peer_rate,
        peers=peers,
        details=tuple(details),
    )


def _bandwidth(ask: Callable[..., Any], clock: int) -> Reading | None:
    """Two transfers per clock over the width of the memory bus, as NVML reports them for HBM and GDDR alike."""
    mhz, bits = ask("nvmlDeviceGetMaxClockInfo", clock), ask("nvmlDeviceGetMemoryBusWidth")
    if not mhz or not bits:
        return None
    return Reading(2 * mhz * 1e6 * bits / 8 / 1e9, f"2 x {mhz} MHz x {bits} bit, from the driver")


def _fp32(ask: Callable[..., Any], clock: int) -> Reading | None:
    mhz, cores = ask("nvmlDeviceGetMaxClockInfo", clock), ask("nvmlDeviceGetNumGpuCores")
    if not mhz or not cores:
        return None
    return Reading(2 * cores * mhz * 1e6 / 1e12, f"2 x {cores} cores x {mhz} MHz, the highest clock")


def _links(nvml: Any, ask: Callable[..., Any]) -> tuple[str | None, float | None]:
    active = [
        link for link in range(getattr(nvml, "NVML_NVLINK_MAX_LINKS", 18)) if ask("nvmlDeviceGetNvLinkState", link)
    ]
    version = ask("nvmlDeviceGetNvLinkVersion", active[0]) if active else None
    rate = NVLINK_GB_PER_S_PER_LINK.get(version) if version else None
    return (f"NVLink {version}, {len(active)} links", rate * len(active)) if rate else (None, None)


def nvidia_kind(name: str) -> MachineKind:
    """The kind of machine that NVIDIA's naming says: GeForce, professional cards, Jetson, data centre."""
    words = name.lower()
    if "geforce" in words or "titan" in words:
        return "consumer gpu"
    if "orin" in words or "xavier" in words or "thor" in words:
        return "soc"
    return "workstation gpu" if "rtx" in words or "quadro" in words or "gb10" in words else "datacenter gpu"


FIELDS = "index,name,memory.total,memory.free,driver_version,power.default_limit,pcie.link.gen.max,pcie.link.width.max"


def _by_smi() -> list[Device]:
    text = output("nvidia-smi", f"--query-gpu={FIELDS}", "--format=csv,noheader,nounits")
    return [_from_row([cell.strip() for cell in line.split(",")]) for line in (text or "").splitlines() if "," in line]


def _from_row(cells: list[str]) -> Device:
    index, name, total, free, driver, watts, generation, lanes = (cells + [""] * 8)[:8]
    per_lane = PCIE_GB_PER_S_PER_LANE.get(int(_number(generation) or 0))
    width = _number(lanes)
    mib = 2**20
    total_mib, free_mib = _number(total), _number(free)
    return Device(
        vendor="nvidia",
        kind=nvidia_kind(name),
        name=name,
        index=int(_number(index) or 0),
        memory_bytes=total_mib * mib if total_mib else None,
        free_bytes=free_mib * mib if free_mib else None,
        driver=driver or None,
        tdp_w=_number(watts),
        pcie_gb_per_s=round(per_lane * width, 1) if per_lane and width else None,
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    return value.decode() if isinstance(value, bytes) else value


def _try(ask: Callable[[], T]) -> T | None:
    """What the driver answers, or nothing: NVML raises for each question that a device does not know."""
    try:
        return ask()
    except Exception:
        return None
