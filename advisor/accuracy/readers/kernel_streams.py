"""Kernels of bidirectional attention, gated delta nets and short convolutions, and all-reduces of engines.

Read as ``kernel_tables`` reads the others. Convolutions of TensorRT-LLM and SGLang are compared with the constants of
vLLM's, by which every model is timed: they take a time per sequence and channel that no formula here has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.names import machine_of
from advisor.accuracy.readers.kernel_tables import BY, FITTED, by_machine, compared, skip
from advisor.fit import attention, streams
from advisor.fit.links import ELEMENT_BYTES
from advisor.fit.solve import Kernels
from advisor.fit.tables import columns
from calculators.collectives import cost_of, one_step_of
from calculators.operators import Exchange
from catalog.loader import load_machine
from catalog.machine import Machine

Make = Callable[[Machine, list[Row]], Kernels]


def _tables(makers: Mapping[str, Make]) -> Callable[[File, Given], Iterator[Comparison | Skipped]]:
    """A reader of rows of several kinds of kernels, by a word in their ``kernel_source``."""

    def compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
        for machine, (source, backend), rows in by_machine(file, "kernel_source", "backend"):
            make = next((maker for word, maker in makers.items() if word in source), None)
            if isinstance(machine, str) or make is None:
                yield from skip(rows, machine if isinstance(machine, str) else f"no formula for kernels of {source}")
                continue
            yield from compared([line for line, _ in rows], make(machine, [row for _, row in rows]), backend)

    return compare


def _mamba(machine: Machine, rows: list[Row]) -> Kernels:
    """Convolutions over the inputs of Mamba-2, and over keys and queries of all groups."""
    batch, length, heads, width, groups, state, taps = columns(
        rows, "batch_size", "seq_len", "nheads", "head_dim", "n_groups", "d_state", "d_conv"
    )
    return streams.short_of(machine, rows, batch, length, heads * width + 2 * groups * state, taps)


def _reduces(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    for line, row in enumerate(file.rows, 1):
        found = _reduce(line, row, given)
        yield Skipped(line, found) if isinstance(found, str) else found


def _reduce(line: int, row: Row, given: Given) -> Comparison | str:
    name = given.machine or machine_of(str(row["system"]))[0]
    if name is None:
        return f"not in the catalog: {row['system']}"
    machine, gpus = load_machine(name), int(row["num_gpus"])
    started = row["kernel_source"].endswith("_eager")
    if started and machine.eager is None:
        return "started by hand, on a machine of which nobody measured what that costs"
    size = float(row["message_elems"]) * ELEMENT_BYTES
    exchange = Exchange("all_reduce", gpus, gpus)
    try:
        (alpha, per_byte), (second, one_step) = cost_of(machine, exchange), one_step_of(machine, exchange)
    except ValueError:
        return "devices of several nodes without a network"
    predicted = alpha + min(one_step * size, second + per_byte * size)
    if started and machine.eager is not None:
        predicted += machine.eager.launch_us * 1e-6
    how = "started by hand" if started else "captured" if row["kernel_source"].endswith("_graph") else "not said how"
    keys = {"machine": name, "kernel": f"all-reduce {row['backend']}, {how}", "gpus": str(gpus), "bytes": f"{size:g}",
            "version": row["version"]}  # fmt: skip
    return Comparison(line, "kernel", "s", float(row["latency_ms"]) * 1e-3, predicted, keys)


SHAPE = frozenset({"system", "kernel_source", "phase", "batch_size", "seq_len", "d_conv", "latency_ms"})
READERS = (
    Reader("attention_encoder_noncausal", "bidirectional attention",
           frozenset({"system", "kernel_source", "batch_size", "seq_len", "num_heads", "head_dim", "latency_ms"}),
           _tables({"": attention.bidirectional_of}), BY, FITTED),
    Reader("gdn_linear_attention", "scans and convolutions of gated delta nets", SHAPE | {"num_k_heads", "head_v_dim"},
           _tables({"conv1d": streams.convolutions_of, "delta_rule": streams.scans_of}), BY, FITTED),
    Reader("mamba2", "convolutions of Mamba-2", SHAPE | {"nheads", "n_groups", "d_state"},
           _tables({"conv1d": _mamba}), BY),
    Reader("comm_custom_allreduce", "engines' own all-reduces",
           frozenset({"system", "kernel_source", "num_gpus", "message_elems", "latency_ms"}), _reduces, BY, FITTED),
)  # fmt: skip
