"""A user's own ``llama-bench`` results, as JSON, JSON lines or CSV (``-o json``)."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.local_names import format_of
from advisor.accuracy.own import machine_id, model_id
from advisor.accuracy.readers.serving_end_to_end import number
from advisor.accuracy.streams import Stream, compare_streams
from catalog.errors import BadInput


def streams(file: File, given: Given) -> Iterator[Stream | Skipped]:
    """One stream a row: a prompt (``n_prompt``) or an answer (``n_gen``)."""
    for line, row in enumerate(file.rows, 1):
        prompt, written = number(row, "n_prompt") or 0.0, number(row, "n_gen") or 0.0
        speed = number(row, "avg_ts") or 0.0
        if speed <= 0 or (prompt > 0) == (written > 0):
            yield Skipped(line, "neither a prompt nor an answer alone, or no speed")
            continue
        name, kind = str(row.get("model_filename") or ""), str(row.get("model_type") or "")
        model = model_id(file, given, _known(name) or kind)
        machine, devices = _machine(file, given, row)
        weights = given.weights or format_of(name, kind.rsplit(" - ", 1)[0].rsplit(" ", 1)[-1], "llama.cpp") or ""
        yield Stream(
            line=line,
            engine=given.engine or "llama.cpp",
            machine=machine,
            devices=devices,
            model=model,
            weights=weights,
            file_bytes=None if weights else number(row, "model_size"),
            past=number(row, "n_depth") or 0.0,
            prompt_tokens=prompt,
            output_tokens=written,
            measured_s=prompt / speed if prompt else 1 / speed,
        )


def _known(name: str) -> str:
    """The file's name where it names a model, else nothing: the type is vaguer but shorter."""
    from advisor.accuracy.names import model_of

    stem = name.rsplit("/", 1)[-1]
    return stem if model_of(stem) else ""


def _machine(file: File, given: Given, row: Row) -> tuple[str, int]:
    printed = str(row.get("gpu_info") or row.get("cpu_info") or "")
    if number(row, "n_gpu_layers") == 0 and not given.machine:
        raise BadInput(f"{file.path}: ran on the CPU {row.get('cpu_info')!r}; add --machine ID")
    return machine_id(file, given, printed)


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    return compare_streams(streams(file, given))


READER = Reader(
    layout="llama-bench",
    about="time of a bare prompt and per token of your own machine",
    columns=frozenset({"model_filename", "n_prompt", "n_gen", "avg_ts"}),
    compare=_compare,
)
