"""What everything kept follows from, as one digest."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import calculators
from catalog.compiled import content_of
from catalog.loader import shipped_files

HERE = Path(__file__).parent
ARITHMETIC = Path(calculators.__file__).parent


@lru_cache(maxsize=1)
def code_and_catalog() -> bytes:
    """A digest of models, formats, the calculators' code, and the code here that says what is kept."""
    files = sorted((*ARITHMETIC.glob("*.py"), *ARITHMETIC.glob("lowering/*.py"), *HERE.glob("*.py")))
    return _digest([*(path.read_bytes() for path in files), *_facts()])


def with_code(*files: Path) -> bytes:
    """The same, and the content of further files of code."""
    return _digest([code_and_catalog(), *(path.read_bytes() for path in files)])


def _facts() -> list[bytes]:
    return [content_of(folder, shipped_files(folder)) for folder in ("models", "formats")]


def _digest(parts: list[bytes]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.digest()
