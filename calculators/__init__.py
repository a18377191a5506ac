"""Arithmetic over specs: pure functions without input or output.

The public names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calculators.flops import count_flops as count_flops
    from calculators.memory import cache_bytes as cache_bytes
    from calculators.memory import weight_bytes as weight_bytes
    from calculators.params import count_params as count_params

_HOMES = {
    "cache_bytes": "calculators.memory",
    "count_flops": "calculators.flops",
    "count_params": "calculators.params",
    "weight_bytes": "calculators.memory",
}
__all__ = ["cache_bytes", "count_flops", "count_params", "weight_bytes"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'calculators' has no attribute {name!r}")
