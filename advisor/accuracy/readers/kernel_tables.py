"""Kernels of NVIDIA aiconfigurator's tables: matrix products, experts, attention and latent attention.

Each row is predicted with the machine's constants, or its class's, by the formula that they were fitted with
(``advisor/fit``); whole tables hold rows that the fit has seen. Other engines' kernels are passed over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.names import machine_of
from advisor.fit import attention, experts, products
from advisor.fit.entries import place
from advisor.fit.solve import Kernels
from advisor.fit.tables import columns, newest
from calculators.efficiency import EXPERT_TYPES, class_of, efficiency
from catalog.loader import load_format, load_machine, machine_classes
from catalog.machine import Machine

Numbered = list[tuple[int, Row]]
OTHER_ENGINE = "another engine's kernels, or an older version's: constants are those of one engine"
NO_CONSTANTS = "no constants for this kind of kernel on the machine or its class"
NOT_JUDGED = "not a kernel that models in service run: windows, heads of 512, or keys that stay in the cache"


def constants_of(machine: Machine, kernels: Kernels) -> dict[str, float] | None:
    """The machine's own constants of a kind of kernels, or its class's; ``None`` where neither has any."""
    block, key = place(kernels.kind)
    for owner in (machine, class_of(machine, machine_classes())):
        entry = getattr(owner, block, None)
        if isinstance(entry, Mapping):
            entry = entry.get(key)
        if entry is None:
            continue
        found = {name: getattr(entry, name, None) for name in kernels.formula.constants}
        if found.get("query_memory", 0.0) is None:
            found["query_memory"] = found.get("decode_memory")
        if all(v is not None for name, v in found.items() if name in ("compute", "memory", "prefill_compute")):
            return {name: float(value) for name, value in found.items() if value is not None}
    return None


def compared(lines: Sequence[int], kernels: Kernels, whose: str = "") -> Iterator[Comparison | Skipped]:
    """Measured kernels beside the formula with the machine's constants, or why there are none."""
    machine = load_machine(kernels.machine)
    constants = constants_of(machine, kernels)
    try:
        predicted = None if constants is None else kernels.formula.seconds(kernels.columns, constants)
    except KeyError:  # the class has fewer constants than the formula needs
        predicted = None
    if predicted is None:
        yield from (Skipped(line, NO_CONSTANTS) for line in lines)
        return
    for position, line in enumerate(lines):
        phase = kernels.phase[position] if kernels.phase else ""
        kernel = " ".join(filter(None, (kernels.kind, phase, whose)))
        keys = {"machine": kernels.machine, "kernel": kernel, "version": kernels.version}
        measured = float(kernels.seconds[position])
        if measured > 0:
            yield Comparison(line, "kernel", "s", measured, float(predicted[position]), keys)


def by_machine(file: File, *names: str) -> Iterator[tuple[Machine | str, tuple[str, ...], Numbered]]:
    """Rows with their numbers by machine and further columns; for machines nobody knows the reason in words."""
    grouped: dict[tuple[str, ...], Numbered] = defaultdict(list)
    for line, row in enumerate(file.rows, 1):
        grouped[row["system"], *(row[name] for name in names)].append((line, row))
    for (system, *rest), rows in grouped.items():
        found = machine_of(system)[0]
        yield (load_machine(found) if found else f"not in the catalog: {system}"), tuple(rest), rows


def _newest(rows: Numbered, backend: str) -> tuple[Numbered, Numbered]:
    """Those of one engine's newest version, and the rest."""
    own = {id(row) for row in newest([row for _, row in rows], backend)}
    return [r for r in rows if id(r[1]) in own], [r for r in rows if id(r[1]) not in own]


def skip(rows: Numbered, why: str) -> Iterator[Skipped]:
    """All of them, for one reason."""
    return (Skipped(line, why) for line, _ in rows)


def _gemm(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    for machine, (raw,), rows in by_machine(file, "dtype"):
        dtype = products.TYPES.get(raw)
        peak = machine.peak_flops_per_s(dtype) if isinstance(machine, Machine) and dtype else None
        if isinstance(machine, str) or dtype is None or peak is None:
            yield from skip(rows, machine if isinstance(machine, str) else f"no products in {raw} on {machine.id}")
            continue
        own, rest = _newest(rows, "vllm")
        yield from skip(rest, OTHER_ENGINE)
        m, n, k, milliseconds = columns([row for _, row in own], "m", "n", "k", "latency_ms")
        bandwidth = machine.bandwidth_bytes_per_s
        compute_s = 2 * m * n * k / peak
        memory_s = (products.WEIGHT_BYTES[dtype] * k * n + 2 * (m * k + m * n)) / bandwidth
        x = {"compute_s": compute_s, "memory_s": memory_s, "inner": k, "rows": m, "input_s": 2 * m * k / bandwidth}
        formula = products.PLAIN if dtype == "bf16" else products.QUANTISED
        found = Kernels(
            machine.id, f"gemm {dtype}", x, milliseconds * 1e-3, memory_s, m > 0, [""] * len(own), formula, ""
        )
        yield from compared([line for line, _ in own], found)


def _moe(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    for machine, (raw,), rows in by_machine(file, "moe_dtype"):
        kernel = experts.KERNELS.get(raw)
        peak = machine.peak_flops_per_s(EXPERT_TYPES[kernel]) if isinstance(machine, Machine) and kernel else None
        if isinstance(machine, str) or kernel is None or peak is None:
            yield from skip(rows, machine if isinstance(machine, str) else f"no experts in {raw} on {machine.id}")
            continue
        own, rest = _newest(rows, experts.ENGINES.get((machine.id, kernel), "vllm"))
        yield from skip(rest, OTHER_ENGINE)
        if own:
            plain = efficiency(machine, load_format("bf16"), machine_classes()).plain
            found = experts._kernels(machine.id, machine, kernel, peak, [row for _, row in own], plain)
            yield from compared([line for line, _ in own], found)


Maker = Callable[[Machine, str, str, Sequence[list[Row]]], Kernels]


def _attention(
    kinds: Mapping[str, str], make: Maker, wanted: Callable[[Row], bool], decode: bool
) -> Callable[[File, Given], Iterator[Comparison | Skipped]]:
    """A reader of one phase: row by row, for the fit keeps only some of them."""

    def compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
        for machine, (cache,), rows in by_machine(file, "kv_cache_dtype"):
            if isinstance(machine, str) or cache not in kinds:
                yield from skip(rows, machine if isinstance(machine, str) else f"no constants for caches in {cache}")
                continue
            for line, row in rows:
                found = _one(make, machine, kinds[cache], cache, row, decode) if wanted(row) else None
                if found is None or not len(found.seconds):
                    yield Skipped(line, NOT_JUDGED)
                else:
                    yield from compared([line], found)

    return compare


def _one(make: Maker, machine: Machine, kind: str, cache: str, row: Row, decode: bool) -> Kernels:
    """The row with itself in the other phase, which is then left out: both phases are made at once."""
    as_prefill = {**row, "isl": row["isl"] if not decode else "32"}
    as_decode = {"kv_len": "32", "step": "32", **row} if decode else {**row, "kv_len": "32", "step": "32"}
    both = make(machine, kind, cache, [[as_prefill], [as_decode]])
    return both.only(np.array([phase == ("decode" if decode else "prefill") for phase in both.phase], dtype=bool))


CAUSAL = {"bfloat16": "attention", "fp8": "attention cache8"}
LATENT = {"bfloat16": "attention latent", "fp8": "attention latent_cache8"}
HEADS = frozenset({"system", "num_heads", "num_key_value_heads", "head_dim", "window_size", "kv_cache_dtype"})
MLA = frozenset({"system", "mla_dtype", "kv_cache_dtype", "num_heads", "batch_size", "step"})


def _plain(row: Row) -> bool:
    return bool(row["window_size"] == "0")


def _sixteen(row: Row) -> bool:
    return bool(row["mla_dtype"] == "bfloat16")


def _latent(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    """Prefill and generation have the same columns: a prefill has no step behind it."""
    decode = any(float(row["step"] or 0) > 0 for row in file.rows)
    yield from _attention(LATENT, attention._latent_of, _sixteen, decode)(file, given)


BY = ("kernel", "machine")
FITTED = "the machine's constants, on half of the shapes; `whicharch fit` prints the errors of the other half"
READERS = (
    Reader("gemm", "matrix products", frozenset({"system", "dtype", "m", "n", "k", "latency_ms"}),
           _gemm, BY, FITTED),
    Reader("moe", "fused experts", frozenset({"system", "moe_dtype", "num_tokens", "topk", "moe_tp_size"}),
           _moe, BY, FITTED),
    Reader("attention_context", "attention over prompts", HEADS | {"past_kv"},
           _attention(CAUSAL, attention._causal_of, _plain, False), BY, FITTED),
    Reader("attention_generation", "attention of steps", HEADS | {"kv_len"},
           _attention(CAUSAL, attention._causal_of, _plain, True), BY, FITTED),
    Reader("mla_context, mla_generation", "latent attention", MLA, _latent, BY, FITTED),
)  # fmt: skip
