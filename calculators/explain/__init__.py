"""Every number can explain itself: formula, numbers put in, unit and source, from the same graph as the number."""

from __future__ import annotations

from collections.abc import Callable

from calculators.explain.counts import adapters, flops, parameters
from calculators.explain.explanation import Explanation, Part
from calculators.explain.growth import growth, shapes
from calculators.explain.memory import activations, held, intensity, io, weights
from calculators.explain.question import Question
from catalog.errors import unknown

__all__ = ["QUANTITIES", "Explanation", "Part", "Question", "explain"]

QUANTITIES: dict[str, Callable[[Question], Explanation]] = {
    "parameters": parameters,
    "active-parameters": lambda q: parameters(q, kind="active"),
    "embedding-parameters": lambda q: parameters(q, kind="embedding"),
    "flops": flops,
    "executed-flops": lambda q: flops(q, count="executed"),
    "training-flops": lambda q: flops(q, training=True),
    "adapters": adapters,
    "weights": weights,
    "kv-cache": lambda q: held(q, recurrent=False),
    "state": lambda q: held(q, recurrent=True),
    "activations": activations,
    "eager-activations": lambda q: activations(q, eager=True),
    "intensity": intensity,
    "attention-traffic": io,
    "growth": growth,
    "depth-width": shapes,
}
"""What can be explained."""


def explain(question: Question, quantity: str) -> Explanation:
    """Where a number comes from.

    Raises:
        BadInput: If the quantity is unknown, or the model's architecture undisclosed.
    """
    if quantity not in QUANTITIES:
        raise unknown("quantity", quantity, QUANTITIES)
    return QUANTITIES[quantity](question)
