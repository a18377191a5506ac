"""Decisions over the calculators: estimates, recommendations, scaling, proof.

The public names load on first use, so that ``import advisor`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.estimate import estimate as estimate
    from advisor.recommend import recommend as recommend
    from advisor.scaling import scale as scale
    from advisor.validate import validate as validate

_HOMES = {
    "estimate": "advisor.estimate",
    "recommend": "advisor.recommend",
    "scale": "advisor.scaling",
    "validate": "advisor.validate",
}
__all__ = ["estimate", "recommend", "scale", "validate"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value  # the function, not the submodule of the same name
        return value
    raise AttributeError(f"module 'advisor' has no attribute {name!r}")
