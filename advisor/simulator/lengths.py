"""How long prompts and answers are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.errors import BadInput, unknown

KINDS = {"fixed": 1, "normal": 2, "lognormal": 2, "uniform": 2, "exponential": 1, "empirical": 1}
"""Kinds with how many numbers each takes (``empirical``: a file)."""
MOST = 2**22


@dataclass(frozen=True)
class Lengths:
    """A distribution of whole numbers from 1 on.

    ``fixed:N``, ``normal:MEAN,SD``, ``lognormal:MEDIAN,SIGMA``, ``uniform:FROM,TO``, ``exponential:MEAN`` or
    ``empirical:FILE`` (one number a line); a bare number is fixed.
    """

    kind: str
    a: float = 0.0
    b: float = 0.0
    values: tuple[int, ...] = ()

    def sample(self, rng: np.random.Generator, n: int) -> NDArray[np.int64]:
        """Draw ``n`` of them."""
        match self.kind:
            case "fixed":
                drawn = np.full(n, self.a)
            case "normal":
                drawn = rng.normal(self.a, self.b, n)
            case "lognormal":
                drawn = self.a * np.exp(rng.normal(0.0, self.b, n))
            case "uniform":
                drawn = rng.uniform(self.a, self.b, n)
            case "exponential":
                drawn = rng.exponential(self.a, n)
            case _:
                drawn = rng.choice(np.array(self.values), n)
        return np.clip(np.round(drawn), 1, MOST).astype(np.int64)

    @property
    def mean(self) -> float:
        """Before rounding and cutting off."""
        match self.kind:
            case "lognormal":
                return float(self.a * np.exp(self.b**2 / 2))
            case "uniform":
                return (self.a + self.b) / 2
            case "empirical":
                return float(np.mean(self.values))
            case _:
                return self.a

    def __str__(self) -> str:
        if self.kind == "empirical":
            return f"empirical ({len(self.values):,} values)"
        return (
            f"{self.a:g}"
            if self.kind == "fixed"
            else f"{self.kind}:{self.a:g}" + f",{self.b:g}" * (KINDS[self.kind] == 2)
        )


def lengths(given: str | float | Lengths, name: str = "length") -> Lengths:
    """Read a distribution.

    Raises:
        BadInput: If the kind is unknown, its numbers are wrong, or its file is unreadable.
    """
    if isinstance(given, Lengths):
        return given
    kind, colon, rest = str(given).partition(":")
    if not colon:
        kind, rest = "fixed", str(given)
    kind = kind.strip().lower()
    if kind not in KINDS:
        raise unknown(f"distribution of {name}", kind, KINDS)
    if kind == "empirical":
        return Lengths(kind, values=_read(rest, name))
    parts = rest.split(",")
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) != KINDS[kind]:
        raise BadInput(f"{name}: {given!r} should be {kind}: and {KINDS[kind]} number(s), such as {_example(kind)}")
    a, b = numbers[0], numbers[-1] if len(numbers) > 1 else 0.0
    if not 1 <= a <= MOST or b < 0 or (kind == "uniform" and b < a) or (kind in ("lognormal",) and b > 10):
        raise BadInput(f"{name}: {given!r} is out of range; right would be {_example(kind)}")
    return Lengths(kind, a, b)


def _number(text: str) -> float:
    text = text.strip().lower()
    scale = {"k": 1024, "m": 2**20}.get(text[-1:], 1)
    value = float(text[:-1] if scale > 1 else text) * scale
    if value != value or abs(value) == float("inf"):
        raise ValueError(text)
    return value


def _example(kind: str) -> str:
    return {
        "fixed": "800", "normal": "normal:512,128", "lognormal": "lognormal:800,1.2", "uniform": "uniform:100,2000",
        "exponential": "exponential:300",
    }[kind]  # fmt: skip


def _read(path: str, name: str) -> tuple[int, ...]:
    try:
        lines = Path(path).read_text(encoding="utf-8").split()
        values = tuple(int(float(line)) for line in lines)
    except OSError as error:
        raise BadInput(f"{name}: cannot read {path}: {error.strerror or error}") from None
    except (ValueError, OverflowError):
        raise BadInput(f"{name}: {path} should hold one number a line") from None
    if not values or min(values) < 1 or max(values) > MOST:
        raise BadInput(f"{name}: {path} should hold numbers from 1 to {MOST:,}, at least one")
    return values
