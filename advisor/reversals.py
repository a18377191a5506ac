"""When the usual answer to a task is wrong: the catalog's reversals against what is known of a case."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from catalog.task import Condition, Quantity, Reversal, Task, Trait


def holds(condition: Condition, quantities: Mapping[Quantity, float], traits: Collection[Trait]) -> bool:
    """Whether a condition holds; what is not known does not."""
    if condition.trait is not None:
        return condition.trait in traits
    assert condition.quantity is not None
    value = quantities.get(condition.quantity)
    if value is None:
        return False
    return not (
        (condition.at_least is not None and value < condition.at_least)
        or (condition.at_most is not None and value > condition.at_most)
    )


def reversals(
    task: Task, quantities: Mapping[Quantity, float] | None = None, traits: Collection[Trait] = ()
) -> tuple[Reversal, ...]:
    """The task's reversals that apply.

    Args:
        task: The task.
        quantities: What is known in numbers, such as ``{"requests_per_s": 5000}``; lengths in tokens, memory in GiB.
        traits: What else is asked for, such as ``{"private data"}``.
    """
    known = quantities or {}
    return tuple(r for r in task.reversals if all(holds(condition, known, traits) for condition in r.when))
