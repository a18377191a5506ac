"""Which models have room on one device of a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from advisor.estimating.memory import memory_of
from advisor.estimating.resolve import resolve
from advisor.families import served_weights
from advisor.scenario import Scenario
from catalog.errors import BadInput
from catalog.spec import ModelSpec


def fitting(specs: Iterable[ModelSpec], machine: str, stop: Callable[[], bool] = lambda: False) -> frozenset[str]:
    """Ids of the models that fit one device of a machine; undisclosed ones are left out.

    They run as published (16 bits where that is 32), with one request of 2,048 tokens and an answer of 500.

    Args:
        specs: Models of the catalog.
        machine: Machine id.
        stop: Asked between models; once true, what was found so far is returned.

    Raises:
        BadInput: If the machine is unknown, or nobody knows its memory.
    """
    found = set()
    for spec in specs:
        if stop():
            break
        if not spec.is_disclosed:
            continue
        try:
            memory = memory_of(resolve(Scenario(model=spec.id, machine=machine, weights=served_weights(spec))))
        except BadInput as error:
            if "machine" in str(error):
                raise
            continue
        if memory.usable_bytes is None:
            raise BadInput(f"fits:{machine}: the memory of {machine} is not known")
        if memory.fits:
            found.add(spec.id)
    return frozenset(found)
