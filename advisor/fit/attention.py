"""Attention kernels: causal over a cache of 16 or 8 bits, bidirectional, and latent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from advisor.fit.solve import Columns, Formula, Kernels
from advisor.fit.tables import Array, Mask, Row, columns, families, held_out, machine_of, rows_of, version
from catalog.machine import Machine

EXPONENTIALS = 5
"""Elementwise operations per pair and head: ``calculators.lowering.attention.SOFTMAX_FLOPS``."""
HEAD_WIDTHS = (64.0, 128.0, 192.0, 256.0)
"""Fitted and judged; kernels for heads of 512 are another, slower kind."""
BARS = {"prefill": 0.09, "decode": 0.08}
LATENT_BAR = 0.12
RANK, ROPE, NOPE, VALUE = 512, 64, 128, 128
"""Widths of DeepSeek-V3's latent attention, which the tables hold."""
ABSORBED_PREFILL = {"flash_attention", "triton"}
"""Kernels that prefill with the expansion folded into queries and outputs, over 576 + 512 numbers per pair instead of
192 + 128: seen in their times, which would otherwise be a fifth of the peak."""


def seconds(x: Columns, c: Mapping[str, float]) -> Array:
    """As ``catalog.machine.AttentionRates``."""
    decode = x["decode"] > 0
    compute = np.hypot(x["compute_s"] / c["prefill_compute"], x["softmax_s"] / c.get("softmax", np.inf))
    chain = x["keys"] * np.where(decode, c.get("token_ns", 0.0), c.get("tile_ns", 0.0)) * 1e-9
    launch_us = np.where(decode, c["launch_us"], c.get("prefill_launch_us", c["launch_us"]))
    work = compute + x["cache_s"] / c["decode_memory"]
    return np.asarray(np.maximum(work, chain) + x["new_s"] / c["query_memory"] + launch_us * 1e-6)


SHARES = frozenset({"prefill_compute", "decode_memory"})
NAMES, START = ("prefill_compute", "decode_memory", "query_memory", "launch_us"), (0.6, 0.8, 0.4, 10.0)
CAUSAL = Formula((*NAMES, "softmax", "tile_ns"), (*START, 0.3, 5.0), seconds, SHARES)
BIDIRECTIONAL = Formula(("prefill_compute", "query_memory", "launch_us", "softmax", "tile_ns"),
                        (0.6, 0.4, 10.0, 0.3, 5.0),
                        lambda x, c: seconds(x, {"decode_memory": 1.0, **c}), SHARES)  # fmt: skip
LATENT = Formula((*NAMES, "token_ns"), (*START, 5.0), seconds, SHARES)
LATENT_NARROW = Formula((*LATENT.constants, "prefill_launch_us"), (*LATENT.start, 12.0), seconds, SHARES)


def kernels(facts: Path, machines: Mapping[str, Machine]) -> Iterator[Kernels]:
    """All kinds of attention on each machine."""
    yield from _causal(facts, machines)
    yield from _bidirectional(facts, machines)
    yield from _latent(facts, machines)


def _by_machine(facts: Path, name: str, machines: Mapping[str, Machine]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows_of(facts, name):
        if machine_of(row) in machines:
            grouped[machine_of(row)].append(row)
    return grouped


def _vector(machine: Machine) -> float:
    return machine.peak_flops_per_s("fp32") or np.inf


def _sixteen(machine: Machine) -> float:
    return machine.peak_flops_per_s("bf16") or machine.peak_flops_per_s("fp16") or np.inf


def _joined(
    parts: Sequence[Mapping[str, Array]], rows: Sequence[Row], machine: Machine, kind: str, formula: Formula,
    family: list[str], bars: Mapping[str, float], keep: Mask,
) -> Kernels:  # fmt: skip
    """Prefill and decode together, with what the plain roofline says."""
    x = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    raw = np.maximum(x["compute_s"], x["cache_s"] + x["new_s"])
    phase = ["decode" if d else "prefill" for d in x["decode"]]
    all_of_them = Kernels(
        machine.id, kind, x, x.pop("seconds"), raw, x.pop("held") > 0, family, formula, version(rows), phase, bars
    )
    return all_of_them.only(keep)


def _causal(facts: Path, machines: Mapping[str, Machine]) -> Iterator[Kernels]:
    """Needed FLOPs: ``2 B H d S (S+1)`` for a prefill (the triangle), ``4 B H d L`` for a decode step.

    Left out are windows, heads of 512, one-token prefills, contexts under 32 tokens, and steps whose keys and values
    stay in twice the L2 (from 4 MB on): they run at cache speed in a loop over one kernel, and would not between the
    layers of a model.
    """
    context, generation = (_by_machine(facts, f"attention_{name}", machines) for name in ("context", "generation"))
    for name in sorted(set(context) & set(generation)):
        for cache, kind in (("bfloat16", "attention"), ("fp8", "attention cache8")):
            phases = [
                [row for row in table[name] if row["kv_cache_dtype"] == cache and row["window_size"] == "0"]
                for table in (context, generation)
            ]
            if all(phases):
                yield _causal_of(machines[name], kind, cache, phases)


def _causal_of(machine: Machine, kind: str, cache: str, phases: Sequence[list[Row]]) -> Kernels:
    parts, keeps, family = [], [], []
    for rows, is_decode in zip(phases, (False, True), strict=True):
        batch, heads, kv, d = columns(rows, "batch_size", "num_heads", "num_key_value_heads", "head_dim")
        length = columns(rows, "kv_len" if is_decode else "isl")[0] + is_decode
        new = np.ones_like(length) if is_decode else length
        pairs = length if is_decode else length * (length + 1) / 2
        cached = (1 if cache == "fp8" else 2) * 2 * d * batch * kv
        added, read = cached * new, cached * length
        l2 = (machine.l2_mb or 0) * 1e6
        hot = is_decode & (read > 4e6) & (read < 2 * l2)
        keeps.append(~hot & (length >= (32 if is_decode else 16)) & np.isin(d, HEAD_WIDTHS))
        bandwidth = machine.bandwidth_bytes_per_s
        parts.append({
            "compute_s": 4 * d * batch * heads * pairs / _sixteen(machine),
            "softmax_s": EXPONENTIALS * batch * heads * pairs / _vector(machine),
            "cache_s": read / bandwidth,
            "new_s": (2 * 2 * d * batch * heads * new + added) / bandwidth,
            "keys": pairs / new,
            "decode": np.full(len(rows), float(is_decode)),
            "seconds": columns(rows, "latency_ms")[0] * 1e-3,
            "held": held_out(batch, heads, kv, length).astype(float),
        })  # fmt: skip
        family += [f"{phase} {f}" for f in families(heads, kv, d) for phase in [is_decode]]
    rows = [*phases[0], *phases[1]]
    return _joined(parts, rows, machine, kind, CAUSAL, family, BARS, np.concatenate(keeps))


def _bidirectional(facts: Path, machines: Mapping[str, Machine]) -> Iterator[Kernels]:
    """Encoders: ``4 B H d S^2`` FLOPs; queries, keys, values and outputs are all new."""
    for name, rows in sorted(_by_machine(facts, "attention_encoder_noncausal", machines).items()):
        yield bidirectional_of(machines[name], rows)


def bidirectional_of(machine: Machine, rows: Sequence[Row]) -> Kernels:
    """Those of one machine."""
    batch, length, heads, d, milliseconds = columns(
        rows, "batch_size", "seq_len", "num_heads", "head_dim", "latency_ms"
    )
    pairs, bandwidth = batch * heads * length**2, machine.bandwidth_bytes_per_s
    compute_s, new_s = 4 * d * pairs / _sixteen(machine), 2 * 4 * d * batch * heads * length / bandwidth
    x = {
        "compute_s": compute_s,
        "softmax_s": EXPONENTIALS * pairs / _vector(machine),
        "cache_s": np.zeros(len(rows)),
        "new_s": new_s,
        "keys": length,
        "decode": np.zeros(len(rows)),
    }
    return Kernels(
        machine.id, "attention bidirectional", x, milliseconds * 1e-3, np.maximum(compute_s, new_s),
        held_out(batch, length, heads, d), families(heads, d), BIDIRECTIONAL, version(rows),
        bars={"": BARS["prefill"]},
    )  # fmt: skip


def _latent(facts: Path, machines: Mapping[str, Machine]) -> Iterator[Kernels]:
    """Latent attention of DeepSeek-V3's widths; a step runs absorbed: 576 numbers for scores and 512 for values."""
    context, generation = (_by_machine(facts, f"mla_{name}", machines) for name in ("context", "generation"))
    for name in sorted(set(context) & set(generation)):
        for cache, kind in (("bfloat16", "attention latent"), ("fp8", "attention latent_cache8")):
            phases = [
                [row for row in table[name] if row["kv_cache_dtype"] == cache and row["mla_dtype"] == "bfloat16"]
                for table in (context, generation)
            ]
            if all(phases):
                yield _latent_of(machines[name], kind, cache, phases)


def _latent_of(machine: Machine, kind: str, cache: str, phases: Sequence[list[Row]]) -> Kernels:
    parts, keeps, family = [], [], []
    for rows, is_decode in zip(phases, (False, True), strict=True):
        batch, heads, new = columns(rows, "batch_size", "num_heads", "isl")
        length = columns(rows, "step")[0] + 1 if is_decode else new
        absorbed = is_decode or rows[0]["kernel_source"] in ABSORBED_PREFILL
        score, value = (RANK + ROPE, RANK) if absorbed else (NOPE + ROPE, VALUE)
        pairs = length if is_decode else length * (length + 1) / 2
        wide = (1 if cache == "fp8" else 2) * (RANK + ROPE) * batch
        # expanded keys and values are read and written in 16 bits by a prefill that is not absorbed
        brought = wide * new if absorbed else 2 * (score + value) * batch * heads * new
        bandwidth = machine.bandwidth_bytes_per_s
        parts.append({
            "compute_s": 2 * heads * (score + value) * batch * pairs / _sixteen(machine),
            "softmax_s": np.zeros(len(rows)),
            "cache_s": wide * length / bandwidth,
            "new_s": (2 * (score + value) * batch * heads * new + brought) / bandwidth,
            "keys": pairs / new,
            "decode": np.full(len(rows), float(is_decode)),
            "seconds": columns(rows, "latency_ms")[0] * 1e-3,
            "held": held_out(heads, batch, new, columns(rows, "step")[0]).astype(float),
        })  # fmt: skip
        keeps.append(length >= (1 if is_decode else 16))
        family += [f"{is_decode} {f}" for f in families(heads)]
    formula = LATENT_NARROW if cache == "fp8" else LATENT
    bars = dict.fromkeys(("prefill", "decode"), LATENT_BAR)
    rows = [*phases[0], *phases[1]]
    return _joined(parts, rows, machine, kind, formula, family, bars, np.concatenate(keeps))
