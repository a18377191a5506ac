"""Class defaults of transformers 5.23: what a ``config.json`` means where it leaves a field out.

The table is made by ``calculators.reference.config_defaults``; only the types asked for are parsed.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent / "defaults.json"


@lru_cache(maxsize=1)
def _lines() -> dict[str, str]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()[1:-1]
    return {line[1 : line.index('"', 1)]: line for line in lines}


@lru_cache(maxsize=256)
def defaults_of(model_type: str) -> dict[str, Any]:
    """The fields of a type with their defaults; nothing for a type that transformers does not know."""
    line = _lines().get(model_type)
    fields: dict[str, Any] = {} if line is None else json.loads(line[line.index('": ') + 3 :].rstrip(","))
    return fields
