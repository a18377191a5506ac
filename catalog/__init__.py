"""Facts: what models, machines, formats, prices and tasks are. No arithmetic.

The public names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catalog.errors import BadInput as BadInput
    from catalog.importers.huggingface import from_hf_config as from_hf_config
    from catalog.loader import load as load
    from catalog.loader import load_machine as load_machine
    from catalog.spec import ModelSpec as ModelSpec

_HOMES = {
    "BadInput": "catalog.errors",
    "ModelSpec": "catalog.spec",
    "from_hf_config": "catalog.importers.huggingface",
    "load": "catalog.loader",
    "load_machine": "catalog.loader",
}
__all__ = ["BadInput", "ModelSpec", "from_hf_config", "load", "load_machine"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'catalog' has no attribute {name!r}")
