"""Seconds that a call takes on a device: processor, CUDA, ROCm (which is CUDA to torch) or Metal."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, thread_time

import torch

Call = Callable[[], object]
QUIET = 0.25
"""Which quantile of repeats counts on a processor: other programs only ever make a call slower."""


def devices() -> list[str]:
    """What torch can run on here, the fastest kind first."""
    found = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def device_name(device: str) -> str:
    """As its driver calls it; of a processor, as the system does."""
    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    if device != "cpu":
        return "Apple GPU (Metal)"
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return named or platform.processor() or platform.machine()


def software(device: str) -> str:
    """Versions of what runs kernels."""
    parts = [f"torch {torch.__version__}"]
    if device.startswith("cuda"):
        hip = getattr(torch.version, "hip", None)
        parts.append(f"ROCm {hip}" if hip else f"CUDA {torch.version.cuda}")
    if device == "cpu":
        parts.append(f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}")
    return ", ".join(parts)


def use_threads(count: int) -> None:
    """How many threads operators use on the processor."""
    torch.set_num_threads(count)


def memory_bytes(device: str) -> float | None:
    """Free memory of a device; ``None`` where torch does not know."""
    return float(torch.cuda.mem_get_info(device)[0]) if device.startswith("cuda") else None


def cache_bytes(device: str) -> float:
    """How much a rotation of inputs must exceed so that none is found in a cache."""
    if device.startswith("cuda"):
        return float(getattr(torch.cuda.get_device_properties(device), "L2_cache_size", 50e6))
    return 32e6  # of one core complex or a chip's system cache; more on some servers, shared by many cores


class Timer:
    """Times calls on one device.

    Args:
        device: As torch names it.
        target_s: How long to repeat one call.
        least: Repeats at least.
    """

    def __init__(self, device: str, target_s: float = 0.05, least: int = 3) -> None:
        self.device = device
        self.target_s = target_s
        self.least = least

    @property
    def captures(self) -> bool:
        """Whether the device replays captured graphs."""
        return self.device.startswith("cuda")

    def wait(self) -> None:
        """Until the device is done."""
        if self.device.startswith("cuda"):
            torch.cuda.synchronize(self.device)
        elif self.device == "mps":
            torch.mps.synchronize()

    def seconds(self, calls: Sequence[Call], *, captured: bool = False) -> float:
        """Seconds per call of several like ones, run round and round.

        On a processor the fastest quarter counts, and of a single thread only the time that it runs, so that other
        programs matter little; on a GPU, where calls queue up, whole rounds are timed and the median round counts.

        Args:
            calls: The same work on different data, together larger than the caches.
            captured: Replay a CUDA graph of one round.
        """
        with torch.inference_mode():
            for call in calls[:2]:
                call()
            self.wait()
            if captured:
                return self._captured(calls)
            return self._queued(calls) if self.device != "cpu" else self._direct(calls)

    def _direct(self, calls: Sequence[Call]) -> float:
        times: list[float] = []
        clock = thread_time if torch.get_num_threads() == 1 else perf_counter
        end = perf_counter() + self.target_s
        while len(times) < self.least or (perf_counter() < end and len(times) < 1000):
            call = calls[len(times) % len(calls)]
            start = clock()
            call()
            times.append(clock() - start)
        return sorted(times)[int(QUIET * (len(times) - 1))]

    def _queued(self, calls: Sequence[Call]) -> float:
        rounds: list[float] = []
        end = perf_counter() + self.target_s
        each = max(1, 16 // len(calls))
        while len(rounds) < self.least or (perf_counter() < end and len(rounds) < 200):
            start = perf_counter()
            for _ in range(each):
                for call in calls:
                    call()
            self.wait()
            rounds.append(perf_counter() - start)
        return sorted(rounds)[len(rounds) // 2] / (each * len(calls))

    def _captured(self, calls: Sequence[Call]) -> float:
        side = torch.cuda.Stream(self.device)
        side.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(side):
            for call in calls:
                call()
        torch.cuda.current_stream(self.device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(each := max(1, 16 // len(calls))):
                for call in calls:
                    call()
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        rounds: list[float] = []
        end = perf_counter() + self.target_s
        graph.replay()
        while len(rounds) < self.least or (perf_counter() < end and len(rounds) < 200):
            start.record()
            graph.replay()
            stop.record()
            stop.synchronize()
            rounds.append(start.elapsed_time(stop) / 1e3)
        del graph
        return sorted(rounds)[len(rounds) // 2] / (each * len(calls))
