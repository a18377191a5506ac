"""Weights said as numbers: ``weighing quality 0.6, cost 0.3, latency 0.1``."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.asking.draft import Draft
from advisor.asking.words import Token


def weights_said(draft: Draft, found: Sequence[Token], taken: list[bool]) -> bool:
    """Read weights after the word ``weighing``; whether there were any."""
    at = next((i for i, token in enumerate(found) if token.raw in ("weighing", "weights", "weigh")), None)
    if at is None:
        return False
    said = False
    for here in range(at, min(at + 12, len(found) - 1)):
        name, number = found[here].raw, found[here + 1]
        if name in ("quality", "cost", "latency") and number.kind == "number":
            draft.fields[f"{name}_weight"] = number.value
            taken[here : here + 2] = [True, True]
            said = True
    if said:
        taken[at] = True
    return said
