"""What llama.cpp's kernels reach on machines on a desk: a few constants for all GPUs, each machine left out in turn.

Run from the repository root::

    python -m benchmarks.local_rates

prints the constants of ``catalog/engines/llama.cpp.yaml``, errors of machines that they were not fitted on, and the
bands. Nothing is written: the constants are kept by hand. MLX is fitted alike, with models left out (two machines).
Prompts on Apple's chips are fitted by ``benchmarks/local_prompts.py``.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from advisor.accuracy.errors import weighted_quantile
from advisor.accuracy.files import read
from advisor.accuracy.readers.decode_single_stream import streams
from advisor.accuracy.streams import Stream, predict
from benchmarks.engine_constants import FACTS
from benchmarks.published_kernels import FOLDER
from calculators.engine_rates import LANES, SHARPNESS, UNPACKED
from calculators.operators import Kind
from calculators.params import architecture_of
from calculators.table import compile_table
from calculators.workload import Workload
from catalog.loader import load, load_machine

Array = NDArray[np.float64]
NAMES = ("memory", "launch_us", "cache_memory", "unpack_lanes", "expert_memory", "clock_bytes", "large_launch_us")
START = (0.85, 6.0, 0.7, 8.0, 0.7, 8.0, 14.0)
LOWEST, HIGHEST = (0.3, 0.0, 0.2, 0.0, 0.2, 2.0, 0.0), (1.0, 40.0, 1.0, 40.0, 1.0, 60.0, 60.0)
SLOW_UNPACKERS = ("apple-m1",)
LARGE = re.compile(r"apple-m\d-(max|ultra)$")
"""Chips on which a kernel costs ``large_launch_us``."""
TABLES = (FACTS / "measured" / "decode_single_stream.csv", FOLDER / "apple_llama_cpp.csv")


@dataclass(frozen=True)
class Steps:
    """Steps of one token as arrays, one row for each setting (repeats as their median)."""

    machine: NDArray[np.str_]
    model: NDArray[np.str_]
    experts: NDArray[np.bool_]
    measured_s: Array
    plain_s: Array
    """Bytes of all but routed experts and cache over the nominal bandwidth; the next two likewise."""
    expert_s: Array
    cache_s: Array
    kernels: Array
    unpacked_s: Array
    """One lane operation for each quantized weight, where unpacking shows."""
    clock_ratio: Array
    """Bandwidth over the clocks of all multiprocessors, in bytes; 0 where it does not matter."""
    large_kernels: Array
    """The same as ``kernels`` on large chips of Apple's, 0 elsewhere."""

    @property
    def weights(self) -> Array:
        """Every pair of model and machine the same."""
        pairs = [f"{a} {b}" for a, b in zip(self.model, self.machine, strict=True)]
        counts = {pair: pairs.count(pair) for pair in pairs}
        return np.array([1 / counts[pair] for pair in pairs])

    def predicted_s(self, p: Sequence[float]) -> Array:
        """With constants in the order of ``NAMES``."""
        memory, launch, cache, lanes, expert, clock, large = p
        loads = (self.clock_ratio / clock) ** SHARPNESS
        slow, slow_expert = ((s**-SHARPNESS + loads) ** (1 / SHARPNESS) for s in (memory, expert))
        launches = (self.kernels - self.large_kernels) * launch + self.large_kernels * large
        return np.asarray(
            self.plain_s * slow + self.expert_s * slow_expert + self.cache_s / cache
            + launches * 1e-6 + self.unpacked_s * lanes
        )  # fmt: skip


def _features(stream: Stream) -> tuple[bool, list[float]]:
    table, machine, weights = compile_table(architecture_of(load(stream.model))), load_machine(stream.machine), None
    weights = stream.format
    values = table.values(Workload.of([1], 1, max(stream.past + stream.output_tokens / 2, 1)))
    moved = (table.traffic(weights, 16) @ values)[:, 0]
    cache, experts = moved[table.of_kind(Kind.ATTENTION)].sum(), moved[table.of_kind(Kind.EXPERTS)].sum()
    touched = (table.read_elements.sum(axis=1)[:, None] * table.touched @ values)[:, 0]
    quantized = touched[table.of_kind(Kind.GEMM, Kind.EXPERTS)].sum() if weights.bits < UNPACKED else 0.0
    bandwidth, lanes = machine.bandwidth_bytes_per_s, machine.peak_tflops["fp32"] * 1e12 / 2
    kernels = float((table.launches * (moved > 0)).sum())
    clocks = lanes / next((n for start, n in LANES.items() if machine.id.startswith(start)), 128)
    return bool(experts), [
        (moved.sum() - cache - experts) / bandwidth,
        experts / bandwidth,
        cache / bandwidth,
        kernels,
        quantized / lanes if machine.id.startswith(SLOW_UNPACKERS) and weights.in_long_blocks else 0.0,
        bandwidth / clocks if machine.vendor == "nvidia" else 0.0,
        kernels if LARGE.match(machine.id) else 0.0,
    ]


def steps_of(tables: Sequence[Path], engine: str) -> Steps:
    """The steps of one engine that fit their machine."""
    found = [s for path in tables for s in streams(read(path).rows) if isinstance(s, Stream)]
    found = [s for s in found if s.engine == engine and s.doubt is None and s.output_tokens]
    groups: dict[tuple[object, ...], list[Stream]] = defaultdict(list)
    for stream, predicted in zip(found, predict(found), strict=True):
        if predicted.fits:
            groups[(*stream.setting, stream.past)].append(stream)
    firsts = [members[0] for members in groups.values()]
    features = [_features(s) for s in firsts]
    columns = np.array([row for _, row in features]).T
    return Steps(
        np.array([s.machine for s in firsts]),
        np.array([s.model for s in firsts]),
        np.array([experts for experts, _ in features]),
        np.array([np.median([s.measured_s for s in members]) for members in groups.values()]),
        *columns,
    )


def fit(steps: Steps, mask: NDArray[np.bool_]) -> Array:
    """Constants by robust least squares on logarithms, every pair weighing the same."""
    from scipy.optimize import least_squares

    root = np.sqrt(steps.weights)

    def residuals(p: Array) -> Array:
        return np.asarray((np.log(steps.predicted_s(p) / steps.measured_s) * root)[mask])

    found = least_squares(residuals, START, loss="soft_l1", f_scale=0.1, bounds=(LOWEST, HIGHEST))
    return np.asarray(found.x)


def held_out(steps: Steps, by: NDArray[np.str_]) -> Array:
    """Predictions with the group's own rows left out of the fit."""
    predicted = np.zeros(len(by))
    for group in sorted(set(by)):
        own = by == group
        predicted[own] = steps.predicted_s(fit(steps, ~own))[own]
    return predicted


def _line(label: str, steps: Steps, error: Array, mask: NDArray[np.bool_]) -> str:
    if not mask.any():
        return f"  {label:30} none"
    w = steps.weights[mask]
    size = np.abs(error[mask])
    numbers = [weighted_quantile(size, w, 0.5), weighted_quantile(size, w, 0.9), weighted_quantile(error[mask], w, 0.5)]
    pairs = len({*zip(steps.model[mask], steps.machine[mask], strict=True)})
    shown = "".join(f"{100 * n:9.1f}" for n in numbers)
    return f"  {label:30} settings {mask.sum():4} pairs {pairs:4}   median, p90, bias in % {shown}"


def report(engine: str, steps: Steps, by: Callable[[Steps], NDArray[np.str_]], what: str) -> Iterator[str]:
    """Constants, errors and the band of one engine."""
    everything = np.ones(len(steps.model), dtype=bool)
    constants = ", ".join(f"{n} {v:.3g}" for n, v in zip(NAMES, fit(steps, everything), strict=True))
    yield f"{engine.upper()}: {constants}"
    predicted = held_out(steps, by(steps))
    error = predicted / steps.measured_s - 1
    yield f" {what} left out"
    yield _line("dense", steps, error, ~steps.experts)
    yield _line("mixtures of experts", steps, error, steps.experts)
    for machine in sorted(set(steps.machine)):
        yield _line(machine, steps, error, steps.machine == machine)
    ratio = 1 / (error + 1)
    band = [weighted_quantile(ratio, steps.weights, q) for q in (0.1, 0.5, 0.9)]
    yield f"  band of measured over predicted: p10 {band[0]:.3f}, p50 {band[1]:.3f}, p90 {band[2]:.3f}"
    yield ""


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path, nargs="*", default=TABLES)
    tables = parser.parse_args().tables
    for line in report("llama.cpp", steps_of(tables, "llama.cpp"), lambda s: s.machine, "each machine"):
        print(line)
    for line in report("mlx", steps_of(tables, "mlx"), lambda s: s.model, "each model"):
        print(line)


if __name__ == "__main__":
    main()
