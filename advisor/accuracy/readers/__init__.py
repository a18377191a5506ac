"""Readers of measured tables, one module for each layout; a new module here is found without being listed."""

from __future__ import annotations

import pkgutil
from functools import lru_cache
from importlib import import_module

from advisor.accuracy.comparison import File, Reader
from catalog.errors import BadInput

NAMED = 3
"""So many missing columns are named."""


@lru_cache(maxsize=1)
def readers() -> tuple[Reader, ...]:
    """All of them, by layout."""
    modules = (import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    found = [each for module in modules for each in getattr(module, "READERS", (getattr(module, "READER", None),))]
    return tuple(sorted((reader for reader in found if reader is not None), key=lambda reader: reader.layout))


def reader_of(file: File) -> Reader:
    """The reader whose columns a file has.

    Raises:
        BadInput: If none has, with the nearest layout and the columns missing for it.
    """
    matching = [reader for reader in readers() if reader.columns <= file.columns]
    if matching:
        return max(matching, key=lambda reader: len(reader.columns))
    nearest = max(readers(), key=lambda reader: len(reader.columns & file.columns) / len(reader.columns))
    missing = sorted(nearest.columns - file.columns)
    named = ", ".join(missing[:NAMED]) + (f" and {len(missing) - NAMED} more" if len(missing) > NAMED else "")
    raise BadInput(f"{file.path}: no known layout; nearest: {nearest.layout}, but without {named}")
