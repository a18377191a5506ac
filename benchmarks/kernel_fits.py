"""Constants of kernels from measured tables: matrix products, attention, all-reduce, experts.

Every shape falls into one of two halves by a hash of its sizes. Constants are fitted on one half, by the mean absolute
logarithm of predicted over measured time, and judged on the other; no shape is in both.

Tables: NVIDIA aiconfigurator 0.12 (Apache-2.0), as laid down in ``facts/measured``.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]

from catalog.machine import AllReduce, AttentionRates, Roofline

Array = NDArray[np.float64]
Row = Mapping[str, str]

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
        excess = sum(max(0.0, float(logs[i]) - float(np.log(LARGEST_SHARE))) for i in shares)
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
    flops, kv, queries, seconds, held_out, decoding = (np.concatenate(pair) for pair in zip(*parts, strict=True))
    return Kernels(
        flops,
        kv,
        queries,
        seconds,
        held_out,
        decoding,
        peak=machine.peaks["bf16"],
        bandwidth=machine.bandwidth,
        version=f"{decode[0]['backend']} {decode[0]['version']}",
    )


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
