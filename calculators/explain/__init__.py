"""Every number can explain itself: formula, numbers put in, unit and source, from the same graph as the number."""

from __future__ import annotations

from calculators.explain.explanation import Explanation, Part
from calculators.explain.quantities import QUANTITIES, Question
from catalog.errors import unknown

__all__ = ["QUANTITIES", "Explanation", "Part", "Question", "explain"]


def explain(question: Question, quantity: str) -> Explanation:
    """Where a number comes from.

    Raises:
        BadInput: If the quantity is unknown, or the model's architecture undisclosed.
    """
    if quantity not in QUANTITIES:
        raise unknown("quantity", quantity, QUANTITIES)
    return QUANTITIES[quantity](question)
