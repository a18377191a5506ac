"""What an explanation is: a value, the formula it comes from, its parts with numbers put in, and sources."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Part:
    """One summand."""

    name: str
    repeat: int
    """How many times the model holds it."""
    formula: str
    """In symbols, such as ``2·h·(H + 2·K)·d per token``; the number itself where it has no symbols."""
    substituted: str
    """The same with numbers, such as ``2·4096·(32 + 2·8)·128 = 50,331,648 per token x 2,048 tokens``."""
    value: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A number that tells where it comes from."""

    model: str
    quantity: str
    title: str
    value: float | str
    """The number in its unit, or a word (a complexity class)."""
    unit: str
    formula: str
    """The sum in words and symbols."""
    setting: str
    """Batch, lengths and formats it holds for."""
    parts: tuple[Part, ...]
    symbols: dict[str, tuple[int, ...]]
    """Letters used in the parts, with the values they have in this model's layers."""
    sources: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)
