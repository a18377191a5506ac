"""One model on one machine: parameters, FLOPs, memory, time and money, each with how it is known."""

from __future__ import annotations

from typing import Any

from advisor.answer import Estimate
from advisor.estimating.memory import memory_of
from advisor.estimating.resolve import resolve
from advisor.scenario import Scenario
from catalog.loader import checked
from catalog.spec import ModelSpec


def estimate(scenario: Scenario | None = None, /, *, spec: ModelSpec | None = None, **fields: Any) -> Estimate:
    """Estimate one scenario, given whole or as its fields: ``estimate(model="llama-3-8b", machine="h100-sxm")``.

    A model that no catalog holds is given as ``spec``.

    Raises:
        BadInput: If a name is unknown (with the nearest), the model is undisclosed, or the layout is impossible.
    """
    case = resolve(scenario if scenario is not None else checked(Scenario, fields, "scenario"), spec)
    memory = memory_of(case)
    if case.scenario.host:
        from advisor.estimating.offloaded import offloaded

        return offloaded(case, memory)
    if case.generates:
        from advisor.estimating.generating import generating

        return generating(case, memory)
    from advisor.estimating.single_pass import single_pass

    return single_pass(case, memory)
