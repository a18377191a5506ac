"""Published tables of single streams: llama.cpp, Ollama, MLX, gpt-fast and others, one request at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.local_names import engine_of, format_of, host_of, model_of
from advisor.accuracy.readers.serving_end_to_end import number
from advisor.accuracy.streams import Stream, compare_streams

PROMPTS = (128, 4096)
"""Shorter prompts are start-up time, longer ones are read in several passes."""
SLOWEST = 0.3
"""Tokens per second below which a model was read from disk."""
AT_ONCE = ("optimum-habana", "transformers", "autoawq")
"""Whose speed of writing is that of an answer to a prompt of the printed length."""
DEPTH = re.compile(r"@ ?d(\d+)|depth\(existing KV\)=(\d+)|at depth (\d+)")


def streams(rows: Sequence[Row]) -> Iterator[Stream | Skipped]:
    """Up to two streams a row: its prompt and its answer."""
    for line, row in enumerate(rows, 1):
        stream = _named(line, row)
        if isinstance(stream, Skipped):
            yield stream
            continue
        yield from _streams(line, row, *stream)


Names = tuple[str, str, int, str, str, float | None]


def _named(line: int, row: Row) -> Names | Skipped:
    """Engine, machine, devices, model, format and size of the file."""
    engine, (machine, devices), model = engine_of(row["engine"]), host_of(row["hardware"]), model_of(row["model"])
    if engine is None:
        return Skipped(line, f"unknown engine {row['engine']}")
    if machine is None:
        return Skipped(line, "machine not in the catalog, or a CPU shared the work")
    if model is None:
        return Skipped(line, "model not in the catalog")
    weights, size = format_of(row["model"], row["quant"], engine), number(row, "file_size_gb")
    unit = 1e9 if "GB (1e9)" in row["notes"] else 2**30
    if weights is None or (not weights and size is None):
        return Skipped(line, "format not known, nor the size of its file")
    return engine, machine, devices, model, weights, None if weights or size is None else size * unit


def _streams(
    line: int, row: Row, engine: str, machine: str, devices: int, model: str, weights: str, size: float | None
) -> Iterator[Stream | Skipped]:
    found = DEPTH.search(row["notes"])
    past = float(next((g for g in found.groups() if g), 0)) if found else 0.0
    prompt, speed = number(row, "prompt_len") or 0.0, number(row, "prompt_tok_s")
    written, pace = number(row, "gen_len") or 128.0, number(row, "gen_tok_s")
    if speed and prompt:
        doubt = None
        if not PROMPTS[0] <= prompt <= PROMPTS[1] or past:
            doubt = f"prompts only of {PROMPTS[0]} to {PROMPTS[1]} tokens from an empty cache"
        elif devices > 1:
            doubt = "prompts pass several devices like a pipeline"
        yield Stream(line, engine, machine, devices, model, weights, size, past, prompt_tokens=prompt,
                     measured_s=prompt / speed, doubt=doubt)  # fmt: skip
    if pace:
        if engine in AT_ONCE:
            past = prompt
        doubt = None if pace >= SLOWEST else "slower than memory: read from disk"
        yield Stream(line, engine, machine, devices, model, weights, size, past, output_tokens=written,
                     measured_s=1 / pace, doubt=doubt)  # fmt: skip
    if not speed and not pace:
        yield Skipped(line, "no speed")


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    return compare_streams(streams(file.rows))


READER = Reader(
    layout="decode_single_stream",
    about="time of a bare prompt and per token of one stream on one machine",
    columns=frozenset({"model", "quant", "hardware", "prompt_len", "prompt_tok_s", "gen_len", "gen_tok_s", "engine"}),
    compare=_compare,
    by=("quantity", "experts", "engine", "machine"),
    fitted="rates of llama.cpp's and MLX's kernels; benchmarks/local_rates.py prints machines left out",
)
