"""What everything kept follows from, as one digest."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import calculators
from catalog.compiled import cache_folder, code_of, content_of
from catalog.contents import content_digest
from catalog.loader import shipped_files

HERE = Path(__file__).parent
ARITHMETIC = Path(calculators.__file__).parent


@lru_cache(maxsize=1)
def code_and_catalog() -> bytes:
    """A digest of models, formats, the calculators' code, and the code here that says what is kept."""
    facts = b"".join(content_of(folder, shipped_files(folder)) for folder in ("models", "formats"))
    return content_digest("kept", code_of(ARITHMETIC, ARITHMETIC / "lowering", HERE), cache_folder(), facts)


def with_code(*files: Path, start: bytes = b"") -> bytes:
    """The same, and the content of further files, and what else is said."""
    own = {f"{path.parent.name}/{path.name}": path for path in sorted(files)}
    return content_digest(", ".join(own), own, cache_folder(), code_and_catalog() + start)
