"""Constants of the RTX 4090 from kernels that others measured on one and published.

Run from the repository root::

    python -m benchmarks.published_kernels

``benchmarks/published`` holds every second power of two, and a few sizes between, of LLMServingSim's profile of one
layer of Llama-3.1-8B under vLLM 0.19 in bf16 (github.com/casys-kaist/LLMServingSim, profiler/perf/RTX4090, MIT; read
2026-11): its projections by tokens, and attention of a step by sequences and cached tokens. Of products all four
constants are fitted, of attention those of a step; the profile tells too little about prefills, which keep the class's.
One half of the shapes is fitted, the other judged, as ``whicharch fit`` does. Nothing is written: the constants are
kept by hand in ``catalog/machines/rtx-4090.yaml``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from advisor.fit.attention import seconds as attention_seconds
from advisor.fit.products import PLAIN
from advisor.fit.solve import Formula, Kernels, solve
from advisor.fit.tables import columns, held_out
from benchmarks.kernel_fits import read
from calculators.efficiency import class_of
from catalog.loader import load_machine, machine_classes

FOLDER = Path(__file__).parent / "published"
HEADS, KV_HEADS, WIDTH = 32, 8, 128


def products() -> Kernels:
    """Projections: 16-bit weights, inputs and outputs."""
    machine = load_machine("rtx-4090")
    rows = read(FOLDER / "rtx-4090_products.csv")
    m, n, k, us = columns(rows, "m", "n", "k", "time_us")
    compute_s = 2 * m * n * k / (machine.peak_flops_per_s("bf16") or np.inf)
    memory_s = 2 * (k * n + m * k + m * n) / machine.bandwidth_bytes_per_s
    return Kernels(
        machine.id, "gemm bf16", {"compute_s": compute_s, "memory_s": memory_s, "inner": k}, us * 1e-6,
        np.maximum(compute_s, memory_s), held_out(m, n, k), [row["layer"] for row in rows], PLAIN, "vllm 0.19.0",
    )  # fmt: skip


def steps() -> Kernels:
    """Attention of a step, keys and values that stay in twice the L2 left out, as ``whicharch fit`` leaves them."""
    machine = load_machine("rtx-4090")
    family = class_of(machine, machine_classes())
    fixed = family.attention if family else None
    assert fixed is not None
    batch, length, us = columns(read(FOLDER / "rtx-4090_attention.csv"), "sequences", "cached_tokens", "time_us")
    read_bytes = 4 * WIDTH * KV_HEADS * batch * length
    bandwidth = machine.bandwidth_bytes_per_s
    x = {
        "compute_s": 4 * WIDTH * batch * HEADS * length / (machine.peak_flops_per_s("bf16") or np.inf),
        "softmax_s": np.zeros_like(batch),
        "cache_s": read_bytes / bandwidth,
        "new_s": (4 * WIDTH * batch * HEADS + 4 * WIDTH * KV_HEADS * batch) / bandwidth,
        "keys": length,
        "decode": np.ones_like(batch),
    }
    known = {"prefill_compute": fixed.prefill_compute, "query_memory": fixed.query_memory or 1.0}
    formula = Formula(
        ("decode_memory", "launch_us"), (0.8, 10.0), lambda x, c: attention_seconds(x, {**known, **c}),
        frozenset({"decode_memory"}),
    )  # fmt: skip
    hot = (read_bytes > 4e6) & (read_bytes < 2 * (machine.l2_mb or 0) * 1e6)
    return Kernels(
        machine.id, "attention of a step", x, us * 1e-6, x["cache_s"], held_out(batch, length), ["step"] * len(us),
        formula, "vllm 0.19.0",
    ).only(~hot)  # fmt: skip


def main() -> None:
    """Print constants and their errors on the half that was held out."""
    for kernels in (products(), steps()):
        fit = solve(kernels)
        held = fit.held[""]
        print(f"{kernels.kind}: {fit.values}, {fit.rows} rows")
        print(f"    held out: {held.n} rows, median error {100 * held.median:.1f} %, bias {100 * held.bias:+.1f} %")


if __name__ == "__main__":
    main()
