"""Fit the time constants of the machine catalog to measured kernel tables and report held-out errors.

Every shape falls into one of two halves by a hash of its sizes. Constants are fitted on one half, by the mean absolute
logarithm of predicted over measured time, and judged on the other; no shape is in both.

Run from the repository root, with NumPy, SciPy and PyYAML installed::

    python -m benchmarks.fit_rooflines            # print the tables
    python -m benchmarks.fit_rooflines --write    # also rewrite the blocks in catalog/machines and machine_classes.yaml

Tables: NVIDIA aiconfigurator 0.12 (Apache-2.0), as laid down in ``facts/measured``.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]

from catalog.machine import AllReduce, AttentionRates, MachineClass, Roofline

Array = NDArray[np.float64]
Row = Mapping[str, str]

REPOSITORY = Path(__file__).resolve().parents[1]
SCRIPT = "fitted by benchmarks/fit_rooflines.py"
TABLES = "NVIDIA aiconfigurator 0.12 {} table (Apache-2.0)"
MACHINES = {
    "a100_sxm": "a100-sxm4-80gb",
    "h100_sxm": "h100-sxm",
    "h200_sxm": "h200-sxm",
    "b200_sxm": "b200-sxm",
    "b300_sxm": "b300-sxm",
    "gb200": "gb200-nvl72",
    "gb300": "gb300-nvl72",
    "l40s": "l40s",
    "rtx_pro_6000_server": "rtx-pro-6000-blackwell-server",
    "b60": "arc-pro-b60",
}
"""Names in the measured tables and ids in ``hardware.csv``."""

GEMM_TYPES = {"bfloat16": "bf16", "fp8": "fp8"}
ELEMENT_BYTES = {"bf16": 2.0, "fp8": 1.0, "fp8_block": 1.0, "nvfp4": 0.5625}
P_GRID = np.round(np.arange(1.0, 4.1, 0.2), 1)
LARGEST_SHARE = 1.0
"""No share of a peak or bandwidth is fitted above this."""

LAYER_US = 46.0
"""Fixed time of one layer in local single-stream decoding, in microseconds (755 rows; see shared/lessons.md)."""
LAYER_KERNELS = 7
"""Kernels that such a layer is taken to start: two norms, QKV, attention, output, gate-up, down."""

LOCAL_MEMORY = 0.77
"""Share of nominal bandwidth over all local single-stream rows (shared/lessons.md: 755 rows, 14.8 % median error)."""

# --- reading -----------------------------------------------------------------------------------------------------


def read(path: Path) -> list[Row]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def column(rows: Iterable[Row], name: str) -> Array:
    """One column as numbers."""
    return np.array([float(row[name]) for row in rows])


def is_held_out(*sizes: object) -> bool:
    """Which half a shape belongs to: stable across runs, machines and backends."""
    return bool(zlib.crc32(",".join(map(str, sizes)).encode()) & 1)


def newest(rows: Sequence[Row], backend: str) -> list[Row]:
    """Rows of one backend in its highest version."""
    own = [row for row in rows if row["backend"] == backend]
    top = max((row["version"] for row in own), default="", key=lambda v: [int(n) for n in re.findall(r"\d+", v)])
    return [row for row in own if row["version"] == top]


@dataclass(frozen=True)
class Hardware:
    """Nominal figures of one machine from ``hardware.csv``, in SI units."""

    id: str
    vendor: str
    kind: str
    bandwidth: float
    peaks: Mapping[str, float]
    l2_bytes: float
    achievable: float | None

    @classmethod
    def of(cls, row: Row) -> Hardware:
        """From a row of the file."""
        peaks = {
            dtype: float(row[f"{dtype}_tflops"]) * 1e12 for dtype in ("fp16", "bf16", "fp8") if row[f"{dtype}_tflops"]
        }
        achievable = float(row["achievable_bf16_tflops"]) * 1e12 if row["achievable_bf16_tflops"] else None
        bandwidth = float(row["mem_bandwidth_gbps"] or 0) * 1e9
        return cls(row["id"], row["vendor"], row["kind"], bandwidth, peaks, float(row["l2_mb"] or 0) * 1e6, achievable)


# --- fitting -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Errors:
    """How predictions differ from measurements, as fractions."""

    n: int
    median: float
    p90: float
    bias: float

    @classmethod
    def of(cls, predicted: Array, measured: Array) -> Errors:
        """Median and 90th percentile of the absolute relative error, and the median of the signed one."""
        if not len(measured):
            return cls(0, float("nan"), float("nan"), float("nan"))
        error = predicted / measured - 1.0
        size = np.abs(error)
        return cls(len(error), float(np.median(size)), float(np.quantile(size, 0.9)), float(np.median(error)))

    def __str__(self) -> str:
        """Median, 90th percentile and bias, in percent."""
        return f"{100 * self.median:5.1f} {100 * self.p90:6.1f} {100 * self.bias:+6.1f}"


def fit(
    predict: Callable[[Array], Array],
    seconds: Array,
    start: Sequence[float],
    *,
    shares: Sequence[int] = (0, 1),
    weights: Array | None = None,
) -> tuple[Array, float]:
    """Constants that minimise the mean absolute logarithm of predicted over measured time.

    Args:
        predict: Seconds from the constants.
        seconds: Measured seconds.
        start: Where to begin; constants stay positive.
        shares: Which constants are shares, kept below ``LARGEST_SHARE``.
        weights: Weight of each row; equal by default.

    Returns:
        The constants and the loss.
    """

    def loss(logs: Array) -> float:
        excess = sum(max(0.0, logs[i] - np.log(LARGEST_SHARE)) for i in shares)
        off = np.abs(np.log(predict(np.exp(logs)) / seconds))
        return float(np.average(off, weights=weights)) + 10 * excess

    options = {"xatol": 1e-4, "fatol": 1e-6, "maxiter": 8000, "maxfev": 8000}
    first = np.log(np.array(start, dtype=np.float64))
    best = min(
        (minimize(loss, first + shift, method="Nelder-Mead", options=options) for shift in (0.0, 0.3)),
        key=lambda result: result.fun,
    )
    return np.exp(best.x), float(best.fun)


def rounded(constants: Array) -> Array:
    """Three significant digits: what is written is what is judged."""
    return np.array([float(f"{value:.3g}") for value in constants])


# --- matrix products ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Products:
    """Matrix products of one machine and data type: arrays over shapes."""

    flops: Array
    bytes: Array
    rows: Array
    seconds: Array
    held: NDArray[np.bool_]
    large: NDArray[np.bool_]
    """Shapes with n and k of at least 1,024: weights of models rather than corners of the table."""
    peak: float
    bandwidth: float
    version: str

    def half(self, held: bool) -> Products:
        """The rows that a fit sees, or those held out of it."""
        keep = self.held == held
        names = ("flops", "bytes", "rows", "seconds", "held", "large")
        return replace(self, **{name: getattr(self, name)[keep] for name in names})

    def predict(self, constants: Sequence[float] | Array, p: float) -> Array:
        """Seconds of the smooth roofline; a fourth constant is nanoseconds per row of the left operand."""
        compute = self.flops / (self.peak * constants[0])
        memory = self.bytes / (self.bandwidth * constants[1])
        per_row = constants[3] * 1e-9 * self.rows if len(constants) > 3 else 0.0
        return np.asarray((compute**p + memory**p) ** (1 / p) + constants[2] * 1e-6 + per_row)


def products(rows: Sequence[Row], machine: Hardware, dtype: str) -> Products:
    """Arrays of ``m n k`` products: ``2mnk`` FLOPs; both operands in the data type, a 16-bit output."""
    m, n, k = (column(rows, name) for name in "mnk")
    return Products(
        flops=2 * m * n * k,
        bytes=ELEMENT_BYTES[dtype] * (m * k + k * n) + 2 * m * n,
        rows=m,
        seconds=column(rows, "latency_ms") * 1e-3,
        held=np.array([is_held_out(row["m"], row["n"], row["k"]) for row in rows]),
        large=(n >= 1024) & (k >= 1024),
        peak=machine.peaks[dtype],
        bandwidth=machine.bandwidth,
        version=f"{rows[0]['backend']} {rows[0]['version']}",
    )


@dataclass(frozen=True)
class ProductFit:
    """Constants of one machine and data type with what they are worth."""

    constants: Array
    p: float
    train_rows: int
    held: Errors
    large: Errors
    version: str

    def roofline(self) -> Roofline:
        """As the catalog holds it."""
        extra = {"row_ns": float(self.constants[3])} if len(self.constants) > 3 else {}
        return Roofline.model_validate(
            {
                "compute": float(self.constants[0]),
                "memory": float(self.constants[1]),
                "launch_us": float(self.constants[2]),
                "p": self.p,
                **extra,
                "median_error": round(self.held.median, 4),
                "rows": self.train_rows,
                "source": f"{TABLES.format('gemm')}, {self.version}, {SCRIPT}",
            }
        )


def fit_products(data: Products, p: float, *, row_term: bool) -> ProductFit:
    """Fit one machine and data type at a given p."""
    train, held = data.half(False), data.half(True)
    start = (0.7, 0.8, 4.0, 5.0) if row_term else (0.7, 0.8, 4.0)
    constants = rounded(fit(lambda c: train.predict(c, p), train.seconds, start)[0])
    predicted = held.predict(constants, p)
    return ProductFit(
        constants,
        p,
        len(train.seconds),
        Errors.of(predicted, held.seconds),
        Errors.of(predicted[held.large], held.seconds[held.large]),
        data.version,
    )


def shared_p(tables: Mapping[str, Products], *, row_term: bool) -> tuple[float, dict[str, float]]:
    """The p with the least mean training loss over machines, and each machine's own best."""
    start = (0.7, 0.8, 4.0, 5.0) if row_term else (0.7, 0.8, 4.0)
    losses: dict[str, list[float]] = {}
    for name, table in tables.items():
        train = table.half(False)
        losses[name] = [
            fit(lambda c, p=p, t=train: t.predict(c, p), train.seconds, start)[1]  # type: ignore[misc]
            for p in P_GRID
        ]
    mean = np.mean(list(losses.values()), axis=0)
    return float(P_GRID[np.argmin(mean)]), {name: float(P_GRID[np.argmin(own)]) for name, own in losses.items()}


def gemm_tables(facts: Path, hardware: Mapping[str, Hardware]) -> dict[str, dict[str, Products]]:
    """``{dtype: {machine: products}}``, the newest vLLM rows of each machine."""
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in read(facts / "measured" / "gemm.csv"):
        grouped[row["dtype"], row["system"]].append(row)
    tables: dict[str, dict[str, Products]] = defaultdict(dict)
    for (raw, system), rows in grouped.items():
        dtype, own = GEMM_TYPES[raw], newest(rows, "vllm")
        if own:
            tables[dtype][MACHINES[system]] = products(own, hardware[MACHINES[system]], dtype)
    return tables


# --- attention ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kernels:
    """Attention kernels of one machine: prefill and decode together."""

    flops: Array
    cache: Array
    queries: Array
    seconds: Array
    held: NDArray[np.bool_]
    decode: NDArray[np.bool_]
    peak: float
    bandwidth: float
    version: str

    def predict(self, constants: Sequence[float] | Array) -> Array:
        """Seconds: compute, K/V traffic, query and output traffic and launch, one after another."""
        compute, decode_memory, launch_us, query_memory = constants
        traffic = self.cache / decode_memory + self.queries / query_memory
        return np.asarray(self.flops / (self.peak * compute) + traffic / self.bandwidth + launch_us * 1e-6)

    def only(self, keep: NDArray[np.bool_]) -> Kernels:
        """Some of the rows."""
        names = ("flops", "cache", "queries", "seconds", "held", "decode")
        return replace(self, **{name: getattr(self, name)[keep] for name in names})


def kernels(prefill: Sequence[Row], decode: Sequence[Row], machine: Hardware) -> Kernels:
    """Arrays of head_dim 128, bf16, full attention.

    Needed FLOPs: ``2 B H d S (S+1)`` for a causal prefill (the triangle), ``4 B H d L`` for a decode step. Left out are
    one-token prefills, contexts under 32 tokens, and decode rows whose K/V stays in twice the L2 (from 4 MB on): they
    run at cache speed in a loop over one kernel, and would not between the layers of a model.
    """
    d, size = 128.0, 2.0
    parts = []
    for rows, is_decode in ((prefill, False), (decode, True)):
        batch, heads, kv_heads = (column(rows, n) for n in ("batch_size", "num_heads", "num_key_value_heads"))
        length = column(rows, "kv_len") + 1 if is_decode else column(rows, "isl")
        new = np.ones_like(length) if is_decode else length
        pairs = length if is_decode else length * (length + 1) / 2
        cache = size * 2 * d * batch * kv_heads * length
        hot = is_decode & (cache > 4e6) & (cache < 2 * machine.l2_bytes)
        keep = ~hot & (length >= (32 if is_decode else 16))
        shapes = zip(batch, heads, kv_heads, length, strict=True)
        held = np.array([is_held_out(*map(int, shape)) for shape in shapes], dtype=bool)
        fields = (
            4 * d * batch * heads * pairs,
            cache,
            size * 2 * d * batch * heads * new,
            column(rows, "latency_ms") * 1e-3,
            held,
            np.full(len(rows), is_decode),
        )
        parts.append([field[keep] for field in fields])
    joined = (np.concatenate(pair) for pair in zip(*parts, strict=True))
    version = f"{decode[0]['backend']} {decode[0]['version']}"
    return Kernels(*joined, peak=machine.peaks["bf16"], bandwidth=machine.bandwidth, version=version)


@dataclass(frozen=True)
class AttentionFit:
    """Constants of a machine's attention kernels with what they are worth."""

    constants: Array
    rows: int
    prefill: Errors
    decode: Errors
    version: str

    def rates(self) -> AttentionRates:
        """As the catalog holds it."""
        compute, decode_memory, launch_us, query_memory = map(float, self.constants)
        return AttentionRates.model_validate(
            {
                "prefill_compute": compute,
                "decode_memory": decode_memory,
                "query_memory": query_memory,
                "launch_us": launch_us,
                "prefill_median_error": round(self.prefill.median, 4),
                "decode_median_error": round(self.decode.median, 4),
                "rows": self.rows,
                "source": f"{TABLES.format('attention')}, {self.version}, {SCRIPT}",
            }
        )


def judge_attention(data: Kernels, constants: Array, rows: int = 0) -> AttentionFit:
    """Errors of given constants, prefill and decode apart."""
    errors = []
    for is_decode in (False, True):
        part = data.only(data.decode == is_decode)
        errors.append(Errors.of(part.predict(constants), part.seconds))
    return AttentionFit(constants, rows, errors[0], errors[1], data.version)


def fit_attention(data: Kernels) -> AttentionFit:
    """Four constants for prefill and decode together, both phases weighing the same."""
    train = data.only(~data.held)
    share = float(np.mean(train.decode))
    weights = np.where(train.decode, 1 / share, 1 / (1 - share))
    start = (0.6, 0.8, 10.0, 0.4)
    constants, _ = fit(train.predict, train.seconds, start, shares=(0, 1, 3), weights=weights)
    return judge_attention(data.only(data.held), rounded(constants), len(train.seconds))


def attention_tables(facts: Path, hardware: Mapping[str, Hardware]) -> dict[str, Kernels]:
    """Attention kernels by machine."""
    grouped: dict[str, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for phase, name in enumerate(("attention_context", "attention_generation")):
        for row in read(facts / "measured" / f"{name}.csv"):
            if row["head_dim"] == "128" and row["window_size"] == "0" and row["kv_cache_dtype"] == "bfloat16":
                grouped[MACHINES[row["system"]]][phase].append(row)
    return {name: kernels(*phases, hardware[name]) for name, phases in grouped.items()}


# --- all-reduce --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AllReduceFit:
    """Latency in microseconds, bus bandwidth in GB/s, and what they are worth."""

    gpus: int
    alpha_us: float
    bus_gb_per_s: float
    rows: int
    held: Errors
    version: str

    def entry(self) -> AllReduce:
        """As the catalog holds it."""
        return AllReduce.model_validate(
            {
                "gpus": self.gpus,
                "alpha_us": self.alpha_us,
                "bus_gb_per_s": self.bus_gb_per_s,
                "median_error": round(self.held.median, 4),
                "rows": self.rows,
                "source": f"{TABLES.format('custom all-reduce')}, {self.version}, {SCRIPT}",
            }
        )


def fit_allreduce(rows: Sequence[Row], gpus: int, version: str) -> AllReduceFit:
    """``t = alpha + 2(n-1)/n * bytes / bandwidth`` over message sizes; two bytes per element.

    A group has some twenty sizes, all powers of two, so the halves are the even and the odd powers: each is judged by
    the fit on the other, and the constants are those of all rows.
    """
    elements = column(rows, "message_elems")
    moved = 2 * (gpus - 1) / gpus * 2 * elements
    seconds = column(rows, "latency_ms") * 1e-3
    odd = np.log2(elements).round().astype(int) % 2 == 1

    def predict(constants: Array, moved: Array) -> Array:
        return np.asarray(constants[0] * 1e-6 + moved / (constants[1] * 1e9))

    def constants_of(keep: NDArray[np.bool_]) -> Array:
        return rounded(fit(lambda c: predict(c, moved[keep]), seconds[keep], (8.0, 100.0), shares=())[0])

    crossed = np.where(odd, predict(constants_of(~odd), moved), predict(constants_of(odd), moved))
    found = constants_of(np.ones_like(odd))
    return AllReduceFit(gpus, float(found[0]), float(found[1]), len(rows), Errors.of(crossed, seconds), version)


def allreduce_fits(facts: Path) -> dict[str, list[AllReduceFit]]:
    """Graph-captured custom all-reduce (vLLM and SGLang share the algorithm) by machine and number of GPUs."""
    grouped: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in read(facts / "measured" / "comm_custom_allreduce.csv"):
        if row["kernel_source"].endswith("_graph") and int(row["num_gpus"]) in (2, 4, 8):
            grouped[MACHINES[row["system"]], int(row["num_gpus"])].append(row)
    fits: dict[str, list[AllReduceFit]] = defaultdict(list)
    for (name, gpus), rows in sorted(grouped.items()):
        versions = sorted({f"{row['backend']} {row['version']}" for row in rows})
        fits[name].append(fit_allreduce(rows, gpus, " and ".join(versions) + " graph-captured"))
    return fits


def nccl_fits(facts: Path) -> dict[str, list[AllReduceFit]]:
    """NCCL's all-reduce in the same form, for comparison."""
    grouped: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in read(facts / "measured" / "comm_nccl.csv"):
        if row["op_name"] == "all_reduce" and row["nccl_dtype"] == "half":
            grouped[MACHINES[row["system"]], int(row["num_gpus"])].append(row)
    fits: dict[str, list[AllReduceFit]] = defaultdict(list)
    for (name, gpus), rows in sorted(grouped.items()):
        fits[name].append(fit_allreduce(rows, gpus, f"NCCL {rows[0]['nccl_version']}"))
    return fits


# --- experts -----------------------------------------------------------------------------------------------------


def moe_ratios(rows: Sequence[Row], machine: Hardware, dtype: str, found: ProductFit) -> tuple[Array, Array]:
    """Measured over predicted time of fused gated experts under balanced routing, and tokens.

    Weights read: the expected distinct experts ``E(1-(1-k/E)^T)`` of three matrices, over the ranks of expert
    parallelism; ``2 T k 3 h f`` FLOPs, likewise.
    """
    tokens, hidden, inner, top_k, experts, tp, ep, milliseconds = (
        column(rows, name)
        for name in (
            "num_tokens",
            "hidden_size",
            "inter_size",
            "topk",
            "num_experts",
            "moe_tp_size",
            "moe_ep_size",
            "latency_ms",
        )
    )
    weight = 3 * hidden * inner / tp / ep
    distinct = experts * (1 - (1 - top_k / experts) ** tokens)
    speedup = 2.0 if dtype == "nvfp4" else 1.0  # judged against the fp8 constants at twice the fp8 peak
    task = Products(
        flops=2 * tokens * top_k * weight,
        bytes=distinct * weight * ELEMENT_BYTES[dtype],
        rows=tokens,
        seconds=milliseconds * 1e-3,
        held=np.zeros(len(tokens), dtype=bool),
        large=np.zeros(len(tokens), dtype=bool),
        peak=machine.peaks["bf16" if dtype == "bf16" else "fp8"] * speedup,
        bandwidth=machine.bandwidth,
        version="",
    )
    return task.seconds / task.predict(found.constants, found.p), tokens


def moe_lines(
    facts: Path, hardware: Mapping[str, Hardware], fits: Mapping[str, Mapping[str, ProductFit]]
) -> Iterator[str]:
    """How well the constants of matrix products predict experts, and by which factor they fall short."""
    edges = (1, 17, 257, 2049, 10**9)
    grouped: dict[tuple[str, str, bool], list[Row]] = defaultdict(list)
    for row in read(facts / "measured" / "moe.csv"):
        if row["backend"] == "vllm" and row["distribution"] == "balanced" and row["system"] != "b60":
            grouped[MACHINES[row["system"]], row["moe_dtype"], row["moe_ep_size"] != "1"].append(row)
    yield f"{'machine':30} {'dtype':9} {'EP':3} {'n':>3} {'err %':>6} factor   T<=16 17-256 257-2k  >2k (by tokens)"
    pooled: dict[tuple[str, bool], list[tuple[Array, Array]]] = defaultdict(list)
    for (name, raw, spread), rows in sorted(grouped.items()):
        dtype = "bf16" if raw == "bfloat16" else raw
        found = fits["bf16" if dtype == "bf16" else "fp8"].get(name)
        if found is None:
            continue
        pooled[dtype, spread].append(moe_ratios(rows, hardware[name], dtype, found))
        yield _moe_line(name, dtype, spread, [pooled[dtype, spread][-1]], edges)
    for (dtype, spread), parts in sorted(pooled.items()):
        yield _moe_line("all", dtype, spread, parts, edges)


def _moe_line(name: str, dtype: str, spread: bool, parts: Sequence[tuple[Array, Array]], edges: Sequence[int]) -> str:
    ratio = np.concatenate([part[0] for part in parts])
    tokens = np.concatenate([part[1] for part in parts])
    error = np.median(np.abs(1 / ratio - 1))
    cells = []
    for low, high in pairwise(edges):
        inside = ratio[(tokens >= low) & (tokens < high)]
        cells.append(f"{np.median(inside):6.2f}" if len(inside) else "     -")
    head = f"{name:30} {dtype:9} {'>1' if spread else '1':3} {len(ratio):3} {100 * error:6.0f} {np.median(ratio):6.2f}"
    return f"{head}  {' '.join(cells)}"


# --- single-stream decoding, for machines without kernel tables ----------------------------------------------------

STREAM_MACHINES = {
    "3080 10GB": "rtx-3080-10gb",
    "4090 24GB": "rtx-4090",
    "RTX 6000 Ada 48GB": "rtx-6000-ada",
    "DGX Spark (GB10)": "gb10-dgx-spark",
    "1x NVIDIA GB10 (121.63 GB, linux)": "gb10-dgx-spark",
    "A40 48GB": "a40",
    "A100 PCIe 80GB": "a100-pcie-80gb",
    "AMD Ryzen AI MAX+ 395 (Radeon 8060S)": "ryzen-ai-max-395",
    "1x AMD Radeon RX 7900 XT (19.98 GB, linux)": "rx-7900-xt",
    "M1 Max 32\u2011Core GPU 64GB": "apple-m1-max",
    "1x Apple M4 Pro (24.0 GB, macos)": "apple-m4-pro",
    "CPU 48-core Sapphire Rapids Xeon": "xeon-8480plus",
}
"""Hardware as printed by the sources and ids in ``hardware.csv``."""

STREAM_BITS = {"Q4_K_M": 4.8944, "AWQ-INT4": 4.16}
"""Bits per weight where no file size is printed (``quantization.csv``: gguf-Q4_K_M, awq-int4 g128)."""

STREAM_MODELS = {"llama-2-7b": "llama-2-7b", "mistral-7b": "mistral-7b-v0.1", "vicuna-7b": "llama-2-7b"}
"""Names that differ from the slug of their configuration."""

XEON_CORES_SHARE = 48 / 56
"""The Xeon of the tables has 48 cores, the one in ``hardware.csv`` 56, with the same eight DDR5-4800 channels."""


@dataclass(frozen=True)
class Stream:
    """One batch-1 measurement of a dense model."""

    machine: str
    model: str
    quant: str
    bytes_read: float
    layers: int
    params: float
    prompt: float
    decode_s: float | None
    prompt_tok_s: float | None


def dense_models(facts: Path) -> dict[str, tuple[float, float, int]]:
    """``{slug: (parameters, share that decoding reads, layers)}`` of dense text models with a checked count."""
    models = {}
    for path in (facts / "hf_configs").glob("*.json"):
        entry = json.loads(path.read_text(encoding="utf-8"))
        config, params = entry["config"], (entry.get("check") or {}).get("meta_params")
        layers, vocabulary, hidden = (config.get(key) for key in ("num_hidden_layers", "vocab_size", "hidden_size"))
        if not (params and layers and vocabulary and hidden) or any("expert" in key for key in config):
            continue
        table = 0 if config.get("tie_word_embeddings") else vocabulary * hidden
        models[path.stem] = (float(params), 1 - table / params, int(layers))
    return models


def slug_of(name: str, known: Mapping[str, object]) -> str | None:
    """The configuration a printed model name means, or ``None``."""
    text = re.sub(r"\(.*?\)|\.gguf$", "", name).strip().lower().replace(" ", "-")
    text = re.sub(r"^(meta-|[a-z]+ai_|shisa-v2-)|[-.](ud-)?(i1-)?(q\d\w*|bf16|f16|fp16|iq\w+)$", "", text)
    text = re.sub(r"-(instruct|it|chat)(?=-|$)", "", re.sub(r"[-.](ud-)?(i1-)?(q\d\w*)$", "", text))
    text = STREAM_MODELS.get(text, re.sub(r"^llama(\d)", r"llama-\1", text))
    return text if text in known else None


def streams(facts: Path) -> Iterator[Stream]:
    """Clean rows: one machine of ``hardware.csv``, a dense model, an empty or short context."""
    models = dense_models(facts)
    for row in read(facts / "measured" / "decode_single_stream.csv"):
        machine, slug = STREAM_MACHINES.get(row["hardware"]), slug_of(row["model"], models)
        notes, quant = row["notes"], row["quant"]
        if machine is None or slug is None or re.search(r"@ ?d|depth [1-9]|depth\(existing KV\)=[1-9]", notes):
            continue
        params, read_share, layers = models[slug]
        if "Q4_K_M" in row["model"]:
            quant = "Q4_K_M"
        if row["file_size_gb"]:
            unit = 1e9 if "GB (1e9)" in notes else 2**30
            size = float(row["file_size_gb"]) * unit
        elif quant in STREAM_BITS:
            size = params * STREAM_BITS[quant] / 8
        else:
            continue
        prompt = float(row["prompt_len"] or 0)
        speed, prompt_speed = float(row["gen_tok_s"] or 0), float(row["prompt_tok_s"] or 0)
        yield Stream(
            machine,
            slug,
            quant,
            size * read_share,
            layers,
            params,
            prompt,
            1 / speed if speed and prompt <= 1024 else None,
            prompt_speed if prompt_speed and 512 <= prompt <= 2048 else None,
        )


@dataclass(frozen=True)
class StreamRates:
    """What single-stream measurements say of one machine: best backend of each model, then the median of models."""

    machine: str
    models: int
    memory: float
    """Share of the bandwidth after ``LAYER_US`` per layer."""
    compute: float | None
    """Whole-prompt FLOPs over the peak of 16-bit products: attention, norms and dequantisation are in it."""
    errors: Errors
    """Of decode times under the class default."""


def stream_rates(facts: Path, hardware: Mapping[str, Hardware]) -> dict[str, StreamRates]:
    """Memory and compute shares that a whole model reaches, by machine, at ``LAYER_US`` per layer."""
    memory: dict[str, dict[tuple[str, str], list[tuple[float, Stream]]]] = defaultdict(lambda: defaultdict(list))
    compute: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for s in streams(facts):
        machine = hardware[s.machine]
        if s.decode_s is not None and s.decode_s > s.layers * LAYER_US * 1e-6:
            share = s.bytes_read / machine.bandwidth / (s.decode_s - s.layers * LAYER_US * 1e-6)
            memory[s.machine][s.model, s.quant].append((share, s))
        if s.prompt_tok_s is not None:
            peak = machine.peaks.get("bf16") or machine.peaks["fp16"]
            peak *= XEON_CORES_SHARE if s.machine == "xeon-8480plus" else 1.0
            compute[s.machine][s.model, s.quant].append(2 * s.params * s.prompt_tok_s / peak)
    rates = {}
    for name, by_model in sorted(memory.items()):
        best = [max(found, key=lambda pair: pair[0]) for found in by_model.values()]
        share = median(pair[0] for pair in best)
        seconds = np.array([pair[1].decode_s for pair in best], dtype=np.float64)
        assumed = share if hardware[name].kind == "cpu" else LOCAL_MEMORY
        predicted = np.array(
            [p[1].bytes_read / (hardware[name].bandwidth * assumed) + p[1].layers * LAYER_US * 1e-6 for p in best]
        )
        peaks = [max(found) for found in compute[name].values()]
        rates[name] = StreamRates(
            name, len(best), share, median(peaks) if peaks else None, Errors.of(predicted, seconds)
        )
    return rates


# --- class defaults ----------------------------------------------------------------------------------------------


def class_roofline(
    fits: Mapping[str, ProductFit], tables: Mapping[str, Products], members: Sequence[str], note: str
) -> Roofline:
    """Medians of the members' constants; the error is each member's under the medians of the others."""
    own = [name for name in members if name in fits]
    p = fits[own[0]].p

    def medians(names: Sequence[str]) -> Array:
        return rounded(np.median([fits[name].constants for name in names], axis=0))

    left_out = []
    for name in own:
        others = [other for other in own if other != name]
        if others:
            table = tables[name]
            left_out.append(Errors.of(table.predict(medians(others), p), table.seconds).median)
    constants = medians(own)
    row_ns = {"row_ns": float(constants[3])} if len(constants) > 3 else {}
    rows = sum(fits[name].train_rows for name in own)
    return Roofline.model_validate(
        {
            "compute": float(constants[0]),
            "memory": float(constants[1]),
            "launch_us": float(constants[2]),
            "p": p,
            **row_ns,
            "median_error": round(median(left_out), 4) if left_out else None,
            "rows": rows,
            "source": note,
        }
    )


def class_attention(
    fits: Mapping[str, AttentionFit], tables: Mapping[str, Kernels], members: Sequence[str], note: str
) -> AttentionRates:
    """Like ``class_roofline``, for attention."""
    own = [name for name in members if name in fits]

    def medians(names: Sequence[str]) -> Array:
        return rounded(np.median([fits[name].constants for name in names], axis=0))

    judged = []
    for name in own:
        others = [other for other in own if other != name]
        if others:
            judged.append(judge_attention(tables[name], medians(others)))
    whole = AttentionFit(
        medians(own),
        sum(fits[name].rows for name in own),
        Errors(0, median(j.prefill.median for j in judged), 0, 0) if judged else Errors(0, 0, 0, 0),
        Errors(0, median(j.decode.median for j in judged), 0, 0) if judged else Errors(0, 0, 0, 0),
        "",
    )
    values = whole.rates().model_dump(exclude_none=True) | {"source": note}
    if not judged:
        del values["prefill_median_error"], values["decode_median_error"]
    return AttentionRates.model_validate(values)


def streamed_roofline(compute: float, memory: float, p: float, source: str) -> Roofline:
    """Constants from whole-model speeds: a layer's fixed time is shared out over its kernels."""
    return Roofline.model_validate(
        {
            "compute": round(compute, 3),
            "memory": round(memory, 3),
            "launch_us": round(LAYER_US / LAYER_KERNELS, 1),
            "p": p,
            "source": source,
        }
    )


@dataclass(frozen=True)
class Results:
    """Everything that a run fits."""

    hardware: Mapping[str, Hardware]
    tables: Mapping[str, Mapping[str, Products]]
    products: Mapping[str, Mapping[str, ProductFit]]
    best_p: Mapping[str, tuple[float, Mapping[str, float]]]
    kernels: Mapping[str, Kernels]
    attention: Mapping[str, AttentionFit]
    allreduce: Mapping[str, Sequence[AllReduceFit]]
    streams: Mapping[str, StreamRates]


def classes(r: Results) -> list[MachineClass]:
    """Defaults for machines that nobody measured kernel by kernel."""
    p = r.best_p["bf16"][0]
    measured = [name for name in r.products["bf16"] if r.hardware[name].vendor == "nvidia"]
    groups = {
        "nvidia-datacenter": (["datacenter gpu"], measured, "median of {} measured NVIDIA datacenter GPUs"),
        "nvidia-workstation": (
            ["workstation gpu"],
            ["l40s", "rtx-pro-6000-blackwell-server"],
            "median of L40S and RTX PRO 6000 server ({} measured), which share their dies with this class",
        ),
        "nvidia-consumer": (
            ["consumer gpu"],
            ["rtx-pro-6000-blackwell-server"],
            "RTX PRO 6000 server ({} measured), same die as the RTX 5090",
        ),
    }
    found = []
    for name, (kinds, members, note) in groups.items():
        text = f"{note.format(len(members))}; aiconfigurator 0.12 tables (Apache-2.0), {SCRIPT}"
        rooflines = {d: class_roofline(r.products[d], r.tables[d], members, text) for d in ("bf16", "fp8")}
        attention = class_attention(r.attention, r.kernels, members, text)
        found.append(_class(name, "nvidia", kinds, rooflines, attention, [text]))
    found += [_amd_datacenter(r, p), _streamed(r, "amd-consumer", "amd", "consumer gpu", p)]
    found += [_streamed(r, "apple", "apple", "apple", p), _streamed(r, "cpu", None, "cpu", p)]
    return found


def _class(
    name: str,
    vendor: str | None,
    kinds: Sequence[str],
    rooflines: Mapping[str, Roofline],
    attention: AttentionRates | None,
    sources: Sequence[str],
) -> MachineClass:
    return MachineClass.model_validate(
        {
            "id": name,
            "vendor": vendor,
            "kinds": list(kinds),
            "roofline": {d: value.model_dump() for d, value in rooflines.items()},
            "attention": attention.model_dump() if attention else None,
            "sources": list(sources),
        }
    )


def _amd_datacenter(r: Results, p: float) -> MachineClass:
    shares = [
        h.achievable / h.peaks["bf16"]
        for h in r.hardware.values()
        if h.vendor == "amd" and h.kind == "datacenter gpu" and h.achievable
    ]
    text = (
        f"compute: median of achievable over nominal bf16 peak of {len(shares)} Instinct GPUs (ml-engineering, in "
        f"hardware.csv); memory {LOCAL_MEMORY} and {LAYER_US:g} us a layer over {LAYER_KERNELS} kernels: single-stream "
        "fit of shared/lessons.md, no kernel of this class was measured"
    )
    roofline = streamed_roofline(median(shares), LOCAL_MEMORY, p, text)
    return _class("amd-datacenter", "amd", ["datacenter gpu"], {"bf16": roofline, "fp16": roofline}, None, [text])


def _streamed(r: Results, name: str, vendor: str | None, kind: str, p: float) -> MachineClass:
    members = [
        s
        for s in r.streams.values()
        if r.hardware[s.machine].kind == kind and vendor in (None, r.hardware[s.machine].vendor)
    ]
    seen = ", ".join(f"{s.machine} {s.memory:.2f} ({s.models} dense models)" for s in members)
    # One Xeon says clearly less than the fit over all local machines, which has hardly any CPUs in it.
    memory = median(s.memory for s in members) if kind == "cpu" else LOCAL_MEMORY
    text = (
        f"memory {memory:.2f} and {LAYER_US:g} us a layer over {LAYER_KERNELS} kernels: single-stream fit of "
        f"shared/lessons.md; shares seen in decode_single_stream.csv: {seen}; compute: whole prompts there, a floor"
    )
    compute = median(s.compute for s in members if s.compute is not None)
    dtypes = ("bf16",) if kind == "cpu" else ("bf16", "fp16")
    return _class(
        name, vendor, [kind], dict.fromkeys(dtypes, streamed_roofline(compute, memory, p, text)), None, [text]
    )


def achievable_rooflines(r: Results) -> dict[str, dict[str, Roofline]]:
    """Machines without tables but with a published reachable bf16 peak: only the compute share is their own."""
    found = {}
    p = r.best_p["bf16"][0]
    for name, machine in r.hardware.items():
        if machine.vendor == "amd" and machine.achievable and name not in r.products["bf16"]:
            text = (
                f"compute: {machine.achievable / 1e12:g} of {machine.peaks['bf16'] / 1e12:g} TFLOP/s reachable in bf16 "
                "(ml-engineering, in hardware.csv); memory and launch: class amd-datacenter"
            )
            roofline = streamed_roofline(machine.achievable / machine.peaks["bf16"], LOCAL_MEMORY, p, text)
            found[name] = {"bf16": roofline}
    return found


# --- the run -----------------------------------------------------------------------------------------------------


def run(facts: Path, *, row_term: bool) -> Results:
    """Fit everything."""
    hardware = {row["id"]: Hardware.of(row) for row in read(facts / "hardware.csv")}
    tables = gemm_tables(facts, hardware)
    terms = {dtype: row_term and dtype == "fp8" for dtype in tables}
    best_p = {dtype: shared_p(own, row_term=terms[dtype]) for dtype, own in tables.items()}
    found = {
        dtype: {name: fit_products(table, best_p[dtype][0], row_term=terms[dtype]) for name, table in own.items()}
        for dtype, own in tables.items()
    }
    attention = attention_tables(facts, hardware)
    fits = {name: fit_attention(data) for name, data in attention.items()}
    reduce = allreduce_fits(facts)
    return Results(hardware, tables, found, best_p, attention, fits, reduce, stream_rates(facts, hardware))


def report(r: Results, facts: Path) -> Iterator[str]:
    """The tables, line by line."""
    yield "MATRIX PRODUCTS (fit on one half; errors in % on the other: median, p90, bias; 'large' has n, k >= 1024)"
    columns = "compute memory launch   p row_ns    med    p90   bias   large: med ..."
    yield f"{'machine':30} {'dtype':5} {'fit':>4} {'held':>4} {columns}"
    for dtype, own in r.products.items():
        for name, f in own.items():
            row_ns = f"{f.constants[3]:6.2f}" if len(f.constants) > 3 else "     -"
            yield (
                f"{name:30} {dtype:5} {f.train_rows:4} {f.held.n:4} {f.constants[0]:7.3f} {f.constants[1]:6.3f} "
                f"{f.constants[2]:6.2f} {f.p:3.1f} {row_ns}  {f.held}   {f.large}   {f.version}"
            )
    yield ""
    yield "WOULD MORE PARAMETERS EARN THEIR PLACE? (held-out median error, %)"
    for dtype, own_tables in r.tables.items():
        shared, best = r.best_p[dtype]
        with_term = shared_p(own_tables, row_term=True)[0]
        for name, table in own_tables.items():
            own = fit_products(table, best[name], row_term=False).held
            term = fit_products(table, with_term, row_term=True).held
            four = fit_products(table, 4.0, row_term=False).held
            plain = fit_products(table, shared, row_term=False).held
            yield (
                f"{name:30} {dtype:5} p=4 {four} | p={shared} {plain} | own p={best[name]} {own} | "
                f"p={with_term} + ns per row {term}"
            )
    yield ""
    yield "ATTENTION (bf16, head_dim 128, full; needed causal FLOPs)"
    columns = "compute kv_mem query_mem launch  prefill: n  med    p90   bias  decode: n  med    p90   bias"
    yield f"{'machine':30} {'fit':>4} {columns}"
    for name, a in r.attention.items():
        c = a.constants
        yield (
            f"{name:30} {a.rows:4} {c[0]:7.3f} {c[1]:6.3f} {c[3]:9.3f} {c[2]:6.2f} {a.prefill.n:9} "
            f"{a.prefill} {a.decode.n:9} {a.decode}   {a.version}"
        )
    yield ""
    yield "ALL-REDUCE (custom kernels in a captured graph; NCCL for comparison)"
    nccl = nccl_fits(facts)
    for name, reductions in r.allreduce.items():
        for f in reductions:
            other = next((o for o in nccl.get(name, ()) if o.gpus == f.gpus), None)
            tail = f"   NCCL {other.alpha_us:6.2f} us {other.bus_gb_per_s:7.2f} GB/s {other.held}" if other else ""
            yield f"{name:30} x{f.gpus} {f.rows:3}  {f.alpha_us:6.2f} us {f.bus_gb_per_s:7.2f} GB/s {f.held}{tail}"
    yield ""
    yield "EXPERTS under the constants of matrix products (vLLM kernels, balanced routing)"
    yield from moe_lines(facts, r.hardware, r.products)
    yield ""
    yield f"SINGLE STREAM (dense; share of bandwidth after {LAYER_US:g} us a layer; errors under the class default, %)"
    for s in r.streams.values():
        compute = f"{s.compute:.3f}" if s.compute is not None else "    -"
        kind = r.hardware[s.machine].kind
        yield f"{s.machine:30} {kind:16} models {s.models:3} memory {s.memory:.3f} prompt {compute}  {s.errors}"
    yield ""
    yield "CLASS DEFAULTS"
    for c in classes(r):
        for dtype, roofline in c.roofline.items():
            error = "-" if roofline.median_error is None else f"{100 * roofline.median_error:.1f} %"
            yield (
                f"{c.id:20} {dtype:5} compute {roofline.compute:.3f} memory {roofline.memory:.3f} "
                f"launch {roofline.launch_us:.2f} us p {roofline.p:.1f}  leave-one-machine-out {error}"
            )


# --- writing -----------------------------------------------------------------------------------------------------

BLOCKS = ("roofline", "attention", "allreduce")


def dump(value: object) -> str:
    """YAML as the catalog writes it."""
    return yaml.safe_dump(value, sort_keys=False, width=110, allow_unicode=True)


def plain(value: Any) -> Any:
    """A model as YAML holds it: without empty fields, a source as its text."""
    data = value.model_dump(mode="json", exclude_none=True) if hasattr(value, "model_dump") else value
    if isinstance(data, dict):
        if set(data) == {"where"}:
            return data["where"]
        return {key: plain(item) for key, item in data.items() if not (key == "row_ns" and item == 0)}
    return [plain(item) for item in data] if isinstance(data, list | tuple) else data


def with_blocks(text: str, blocks: Mapping[str, object]) -> str:
    """A machine's YAML with these top-level blocks replaced or appended; every other line stays as it is."""
    for key, value in blocks.items():
        block = dump({key: value})
        pattern = re.compile(rf"^{key}:.*\n(?:(?:[ \t]+.*|- .*|-)?\n)*?(?=\S|\Z)", re.MULTILINE)
        text = text if text.endswith("\n") or not text else text + "\n"
        text = pattern.sub(lambda _, block=block: block, text, count=1) if pattern.search(text) else text + block  # type: ignore[misc]
    return text


def machine_blocks(r: Results) -> dict[str, dict[str, object]]:
    """What each machine's file gets."""
    blocks: dict[str, dict[str, object]] = defaultdict(dict)
    for dtype, own in r.products.items():
        for name, found in own.items():
            blocks[name].setdefault("roofline", {})[dtype] = plain(found.roofline())  # type: ignore[index]
    for name, rooflines in achievable_rooflines(r).items():
        blocks[name]["roofline"] = {dtype: plain(value) for dtype, value in rooflines.items()}
    for name, rates in r.attention.items():
        blocks[name]["attention"] = plain(rates.rates())
    for name, reductions in r.allreduce.items():
        blocks[name]["allreduce"] = [plain(found.entry()) for found in reductions]
    return {name: {key: own[key] for key in BLOCKS if key in own} for name, own in blocks.items()}


def write(r: Results, catalog: Path) -> Iterator[str]:
    """Rewrite the blocks of every machine that has a file, and the class defaults."""
    for name, blocks in sorted(machine_blocks(r).items()):
        path = catalog / "machines" / f"{name}.yaml"
        if path.exists():
            path.write_text(with_blocks(path.read_text(encoding="utf-8"), blocks), encoding="utf-8")
            yield f"wrote {', '.join(blocks)} of {path}"
        else:
            yield f"no {path.name}: {', '.join(blocks)} left out"
    path = catalog / "machine_classes.yaml"
    head = "# Defaults for machines without measured kernels. Written by benchmarks/fit_rooflines.py --write.\n"
    path.write_text(head + dump({"classes": [plain(c) for c in classes(r)]}), encoding="utf-8")
    yield f"wrote {path}"


def main() -> int:
    """Print the tables; with ``--write``, update the catalog."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=Path, default=REPOSITORY.parent / "shared" / "facts", help="folder of facts")
    parser.add_argument("--catalog", type=Path, default=REPOSITORY / "catalog", help="folder of the catalog")
    parser.add_argument("--write", action="store_true", help="update the catalog's YAML")
    parser.add_argument("--row-term", action="store_true", help="fit fp8 products with a time per row (row_ns)")
    args = parser.parse_args()
    if not (args.facts / "hardware.csv").exists():
        print(f"no hardware.csv in {args.facts}", file=sys.stderr)
        return 2
    results = run(args.facts, row_term=args.row_term)
    for line in report(results, args.facts):
        print(line)
    if args.write:
        for line in write(results, args.catalog):
            print(line, file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
