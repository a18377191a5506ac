"""The host's CPU: name, cores and memory from the system, bandwidth and arithmetic by a short probe with NumPy."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from time import perf_counter

from advisor.detect.device import Device, Reading
from advisor.detect.system import output, text_of

GENERATIONS = {
    ("AuthenticAMD", 25, 1): "epyc-milan",
    ("GenuineIntel", 6, 106): "xeon-ice-lake",
    ("GenuineIntel", 6, 143): "xeon-8480plus",
}
"""Vendor, family and model in ``/proc/cpuinfo`` to a catalogued CPU of that generation: Zen 3 servers; Ice Lake and
Sapphire Rapids (names of Linux's arch/x86/include/asm/intel-family.h)."""
SIMD = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "sve")
COPY_BYTES = 64 * 2**20
"""Of a thread's source and target: many times a core's share of the caches, also where few cores have them all."""
LEAST_COPY_BYTES = 16 * 2**20
"""The same among many threads: still twice a core's share of the largest caches (12 MiB of L3 with stacked memory)."""
ALL_COPY_BYTES = 2**30
"""Of all threads' sources, as long as no thread copies less than the least."""


def cpu_device(proc: Path = Path("/proc"), *, probe: bool = True) -> tuple[Device, list[str]]:
    """The host's CPU and what could not be read.

    Args:
        proc: Where the kernel describes itself.
        probe: Whether to measure bandwidth and arithmetic, in about half a second.
    """
    notes = []
    info = _cpuinfo(text_of(proc / "cpuinfo") or "")
    total, free = _memory(text_of(proc / "meminfo") or "")
    if total is None:
        notes.append("CPU: the size of memory could not be read; psutil would (pip install 'whicharch[detect]').")
    name = info.get("model name") or (output("sysctl", "-n", "machdep.cpu.brand_string") or "").strip()
    name = name or platform.processor() or platform.machine() or "CPU"
    vendor = {"AuthenticAMD": "amd", "GenuineIntel": "intel"}.get(info.get("vendor_id", ""), "")
    vendor = vendor or ("apple" if name.startswith("Apple") else "unknown")
    cores = usable_cores()
    flags = set((info.get("flags") or info.get("Features") or "").split())
    simd = [flag for flag in SIMD if flag in flags]
    key = (info.get("vendor_id", ""), _integer(info.get("cpu family")), _integer(info.get("model")))
    return Device(
        vendor=vendor,
        kind="cpu",
        name=name,
        memory_bytes=total,
        free_bytes=free,
        bandwidth_gb_per_s=copy_probe(cores) if probe else None,
        fp32_tflops=product_probe(cores) if probe else None,
        cores=cores,
        details=(f"{cores} core{'s' * (cores > 1)}", *simd),
        family=GENERATIONS.get(key),
    ), notes


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpuinfo(text: str) -> Mapping[str, str]:
    """Fields of the first processor."""
    first = text.partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _memory(meminfo: str) -> tuple[float | None, float | None]:
    """Total and available memory in bytes, by psutil or from ``/proc/meminfo``."""
    try:
        memory = import_module("psutil").virtual_memory()
        return float(memory.total), float(memory.available)
    except Exception:
        rows = {name: value.split() for name, _, value in (line.partition(":") for line in meminfo.splitlines())}
        total, free = (float(rows[n][0]) * 1024 if n in rows else None for n in ("MemTotal", "MemAvailable"))
        return total, free


def _integer(text: str | None) -> int:
    return int(text) if text and text.isdigit() else -1


def copy_probe(threads: int, seconds: float = 0.25) -> Reading:
    """Memory bandwidth in GB/s: the best of repeated NumPy copies on all cores, bytes read plus bytes written."""
    import numpy as np

    share = min(COPY_BYTES, max(LEAST_COPY_BYTES, ALL_COPY_BYTES // threads))
    size = share // 8
    pairs = [(np.ones(size), np.ones(size)) for _ in range(threads)]  # written to, so that pages are there
    best, tries = float("inf"), 0
    with ThreadPoolExecutor(threads) as pool:
        end = perf_counter() + seconds
        while perf_counter() < end or tries < 3:
            tries += 1
            start = perf_counter()
            list(pool.map(lambda pair: np.copyto(pair[1], pair[0]), pairs))
            best = min(best, perf_counter() - start)
    how = f"probe: NumPy copies of {share >> 20} MiB on {threads} thread{'s' * (threads > 1)}, read plus written"
    return Reading(2 * threads * share / best / 1e9, how)


def product_probe(cores: int, seconds: float = 0.25, size: int = 1024) -> Reading:
    """Arithmetic in TFLOP/s: the best of repeated fp32 matrix products by NumPy's library, with its own threads."""
    import numpy as np

    a, b = (np.random.default_rng(seed).random((size, size), dtype=np.float32) for seed in (1, 2))
    best, tries = float("inf"), 0
    end = perf_counter() + seconds
    while perf_counter() < end or tries < 3:
        tries += 1
        start = perf_counter()
        a @ b
        best = min(best, perf_counter() - start)
    return Reading(2 * size**3 / best / 1e12, f"probe: NumPy fp32 products of {size}, {cores} cores allowed")
