"""Decisions over the calculators: estimates, recommendations, scaling, proof.

The public names load on first use, so that ``import advisor`` costs nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.accuracy.report import accuracy as accuracy
    from advisor.asking.ask import ask as ask
    from advisor.breakdown import breakdown as breakdown
    from advisor.comparing import compare as compare
    from advisor.design.design import design as design
    from advisor.estimate import estimate as estimate
    from advisor.explain import explain as explain
    from advisor.learn import learn as learn
    from advisor.levers import levers as levers
    from advisor.planning.plan import plan as plan
    from advisor.recommend import recommend as recommend
    from advisor.scaling import scale as scale
    from advisor.simulator.service_file import simulate_file as simulate_file
    from advisor.simulator.simulate import simulate as simulate
    from advisor.sweep import sweep as sweep
    from advisor.validate import validate as validate

_HOMES = {
    "compare": "advisor.comparing",
    "ask": "advisor.asking.ask",
    "breakdown": "advisor.breakdown",
    "accuracy": "advisor.accuracy.report",
    "design": "advisor.design.design",
    "estimate": "advisor.estimate",
    "explain": "advisor.explain",
    "learn": "advisor.learn",
    "levers": "advisor.levers",
    "plan": "advisor.planning.plan",
    "recommend": "advisor.recommend",
    "scale": "advisor.scaling",
    "simulate": "advisor.simulator.simulate",
    "simulate_file": "advisor.simulator.service_file",
    "sweep": "advisor.sweep",
    "validate": "advisor.validate",
}
__all__ = [
    "accuracy",
    "ask",
    "breakdown",
    "compare",
    "design",
    "estimate",
    "explain",
    "learn",
    "levers",
    "plan",
    "recommend",
    "scale",
    "simulate",
    "simulate_file",
    "sweep",
    "validate",
]


class _Package(ModuleType):
    """``advisor.estimate`` is the function, though its home is a module of the same name.

    The import system binds a submodule to its package's attribute; for the public names that binding is left out.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'advisor' has no attribute {name!r}")


sys.modules[__name__].__class__ = _Package
