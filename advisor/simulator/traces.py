"""Recorded traffic: arrival, prompt, answer and prefix blocks, in the layouts in which traces are published."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from advisor.simulator.jobs import Jobs, Prefix
from catalog.errors import BadInput

LAYOUTS: dict[str, tuple[str, str, str, str]] = {
    "plain": ("arrival_s", "input_tokens", "output_tokens", "prefix_hash_blocks"),
    "azure": ("TIMESTAMP", "ContextTokens", "GeneratedTokens", ""),
    "mooncake": ("timestamp", "input_length", "output_length", "hash_ids"),
    "burstgpt": ("Timestamp", "Request tokens", "Response tokens", ""),
}
"""By name: the columns of arrival, prompt tokens, answer tokens and prefix blocks. ``plain`` is in seconds; ``azure``
(AzurePublicDataset) has dates; ``mooncake`` (JSON lines, arXiv:2407.00079) milliseconds and blocks of 512 tokens;
``burstgpt`` seconds."""
BLOCK_TOKENS = 512
"""Tokens per prefix block in Mooncake's traces."""


def load_trace(path: str | Path, *, most: int | None = None, faster: float = 1.0) -> Jobs:
    """Requests of a CSV or JSON-lines file.

    Args:
        path: The file; its columns tell its layout.
        most: Only so many requests from the start.
        faster: Times by which arrivals are compressed.

    Raises:
        BadInput: If the file is unreadable, in no known layout, or a value is impossible (with file and line).
    """
    if not faster > 0:
        raise BadInput(f"a trace can be played at a positive speed, got {faster:g}")
    path = Path(path)
    arrivals: list[float] = []
    inputs: list[int] = []
    outputs: list[int] = []
    prefixes: list[Prefix] = []
    layout = ""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in _rows(path, file):
                if most is not None and len(arrivals) >= most:
                    break
                layout = layout or _layout(path, row)
                when, given, written, blocks = LAYOUTS[layout]
                try:
                    arrivals.append(_TIMES[layout](row[when]))
                    inputs.append(max(1, int(row[given])))
                    outputs.append(max(1, int(row[written])))
                    prefixes.append(_blocks(row.get(blocks)))
                except (KeyError, TypeError, ValueError) as error:
                    raise BadInput(f"{path}:{number}: {_problem(error)}") from None
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not text in UTF-8") from None
    if not arrivals:
        raise BadInput(f"{path} holds no requests")
    start = min(arrivals)
    times = [(a - start) / faster for a in arrivals]
    order = sorted(range(len(times)), key=times.__getitem__)
    return Jobs(
        arrival=[times[i] for i in order],
        input=[inputs[i] for i in order],
        output=[outputs[i] for i in order],
        prefix=[prefixes[i] for i in order] if any(len(p) for p in prefixes) else None,
        prefix_tokens=BLOCK_TOKENS,
    )


def _problem(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"column {error} is missing"
    return f"{error}" if str(error) else "a value is missing"


def _rows(path: Path, file: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if path.suffix.lower() in (".jsonl", ".json", ".ndjson"):
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                raise BadInput(f"{path}:{number}: not a line of JSON") from None
            if not isinstance(row, dict):
                raise BadInput(f"{path}:{number}: should be an object with {', '.join(LAYOUTS['mooncake'])}")
            yield number, row
    else:
        yield from enumerate(csv.DictReader(file), 2)


def _layout(path: Path, row: Mapping[str, Any]) -> str:
    for name, (when, given, written, _) in LAYOUTS.items():
        if {when, given, written} <= set(row):
            return name
    wanted = "; ".join(f"{name}: {', '.join(c for c in columns if c)}" for name, columns in LAYOUTS.items())
    raise BadInput(f"{path}: columns {', '.join(map(str, row))} are no known layout ({wanted})")


def _seconds(value: Any) -> float:
    seconds = float(value)
    if not 0 <= seconds < 1e12:
        raise ValueError(f"arrival {value!r} is not a time from 0 on")
    return seconds


def _date(value: Any) -> float:
    text = str(value)
    whole, _, fraction = text.partition(".")
    digits = fraction[: next((k for k, c in enumerate(fraction) if not c.isdigit()), len(fraction))]
    return datetime.fromisoformat(whole[:19]).timestamp() + (float(f"0.{digits}") if digits else 0.0)


_TIMES: dict[str, Callable[[Any], float]] = {
    "plain": _seconds,
    "azure": _date,
    "mooncake": lambda value: _seconds(value) * 1e-3,
    "burstgpt": _seconds,
}


def _blocks(value: Any) -> Prefix:
    """A list of block names, or runs of them: ``0-13 27``."""
    if not value:
        return range(0)
    if isinstance(value, list):
        return [int(name) for name in value]
    runs = []
    for part in str(value).split():
        first, dash, last = part.partition("-")
        runs.append(range(int(first), int(last if dash else first) + 1))
    return runs[0] if len(runs) == 1 else [name for run in runs for name in run]
