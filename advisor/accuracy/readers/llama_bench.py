"""A user's own results of ``llama-bench -o json``, ``jsonl`` or ``csv``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.local_names import format_of, host_of, model_of
from advisor.accuracy.names import machine_of
from advisor.accuracy.readers.serving_end_to_end import number
from advisor.accuracy.streams import Stream, compare_streams
from catalog.loader import load, load_format, load_machine

ALL_LAYERS = 99
"""From so many layers asked for on the GPU, or from the model's own depth, all of it is there."""


def streams(rows: Sequence[Row], given: Given) -> Iterator[Stream | Skipped]:
    """One stream a test: a prompt of ``n_prompt`` tokens or an answer of ``n_gen``.

    Source:
        ggml-org/llama.cpp tools/llama-bench/README.md (output formats).
    """
    for line, row in enumerate(rows, 1):
        name, printed = str(row["model_filename"]), str(row["gpu_info"] or row["cpu_info"])
        model = load(given.model).id if given.model else model_of(name) or model_of(str(row["model_type"]))
        machine, devices = _machine(printed, given)
        prompt, written, speed = (number(row, key) or 0.0 for key in ("n_prompt", "n_gen", "avg_ts"))
        size = number(row, "model_size")
        why = _why_not(row, prompt, written, speed)
        if machine is None:
            yield Skipped(line, f"machine not in the catalog: {printed}; say it with --machine")
        elif model is None:
            yield Skipped(line, f"model not in the catalog: {name}; say it with --model")
        elif why is not None:
            yield Skipped(line, why)
        else:
            weights = load_format(given.weights).id if given.weights else _format(name, row, size)
            if weights is None:
                yield Skipped(line, "neither the format nor the size of the file is known")
                continue
            yield Stream(
                line, "llama.cpp", machine, given.gpus or devices, model, weights, None if weights else size,
                past=number(row, "n_depth") or 0.0, prompt_tokens=prompt, output_tokens=written,
                measured_s=prompt / speed if prompt else 1 / speed,
                keys={"build": str(row.get("build_number", "")), "backend": str(row.get("backends", ""))},
            )  # fmt: skip


def _machine(printed: str, given: Given) -> tuple[str | None, int]:
    if given.machine:
        return load_machine(given.machine).id, given.gpus or 1
    cards = [card.strip() for card in printed.split(",")]
    found, devices = machine_of(cards[0])
    return found or host_of(cards[0])[0], len(cards) if len(cards) > 1 else devices


def _format(name: str, row: Row, size: float | None) -> str | None:
    """The recipe that the file's name says, else its size."""
    quant = re.sub(r"^.* [\d.]+B(?:\.A[\d.]+B)? ", "", str(row["model_type"]))
    return format_of(name, quant, "llama.cpp") or ("" if size else None)


def _why_not(row: Row, prompt: float, written: float, speed: float) -> str | None:
    if prompt and written:
        return "a prompt and its answer timed together"
    if speed <= 0 or min(prompt, written) < 0 or not (prompt or written):
        return "no speed"
    layers = number(row, "n_gpu_layers")
    if row["gpu_info"] and layers is not None and 0 <= layers < ALL_LAYERS:
        return "part of the layers ran on the CPU"
    if any(str(row.get(key, "f16")) not in ("f16", "bf16") for key in ("type_k", "type_v")):
        return "a quantized cache"
    return None


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    return compare_streams(streams(file.rows, given))


READER = Reader(
    layout="llama-bench",
    about="time of a bare prompt and per token, as llama-bench prints them",
    columns=frozenset(
        {"model_filename", "model_type", "model_size", "cpu_info", "gpu_info", "n_prompt", "n_gen", "avg_ts"}
    ),
    compare=_compare,
    by=("quantity", "machine", "model", "weights"),
)
