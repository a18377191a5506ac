"""Measured tables from CSV and JSON files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from advisor.accuracy.comparison import File
from catalog.errors import BadInput

ENDINGS = (".csv", ".json", ".jsonl")


def files(path: Path) -> Iterator[Path]:
    """The file itself, or every table in a folder.

    Raises:
        BadInput: If there is nothing to read.
    """
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise BadInput(f"{path}: no such file or folder")
    found = sorted(each for each in path.rglob("*") if each.suffix in ENDINGS and each.is_file())
    if not found:
        raise BadInput(f"{path}: holds no {', '.join(ENDINGS)} file")
    yield from found


def read(path: Path) -> File:
    """A CSV file with a header, a JSON object or list of objects, or one JSON object a line.

    Raises:
        BadInput: With file and line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = f"is no UTF-8 text (byte {error.start})" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise BadInput(f"{path}: {why}") from error
    if path.suffix == ".csv":
        table = csv.DictReader(text.splitlines(keepends=True))
        try:
            rows = list(table)
        except csv.Error as error:
            raise BadInput(f"{path}:{table.line_num}: {error}") from error
        if not table.fieldnames:
            raise BadInput(f"{path}: is empty; expected a CSV table with a header")
        return File(path, rows, frozenset(name for name in table.fieldnames if name))
    objects = list(_objects(path, text))
    return File(path, objects, frozenset(objects[0]) if objects else frozenset())


def _objects(path: Path, text: str) -> Iterator[dict[str, Any]]:
    """Objects of all values in the text, which may follow each other: JSON lines, or results that a tool appended."""
    decoder, end = json.JSONDecoder(), len(text.rstrip())
    at = end - len(text[:end].lstrip())
    while at < end:
        try:
            data, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise BadInput(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
        except RecursionError as error:
            raise BadInput(f"{path}: not JSON that can be read: nested too deeply") from error
        for each in data if isinstance(data, list) else [data]:
            if not isinstance(each, dict):
                raise BadInput(f"{path}: holds {type(each).__name__}; expected objects with named values")
            yield each
        while at < end and text[at].isspace():
            at += 1
