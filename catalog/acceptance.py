"""How many drafted tokens real models accept: measured curves for speculative decoding."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Source, Spec

Drafting = Literal["mtp", "eagle3", "dspark"]


class AcceptanceCurve(Spec):
    """Mean tokens per verification pass, the target's own included, when 1, 2, 3 ... tokens are drafted."""

    model: str
    """Whose tokens were guessed; not every one is in the catalog."""
    method: Drafting
    thinking: bool
    variant: str | None = None
    lengths: Annotated[tuple[Annotated[float, Field(ge=1)], ...], Field(min_length=1)]
    source: Source


class AcceptanceCurves(Spec):
    """All of them, with what they were measured on."""

    description: str
    curves: Annotated[tuple[AcceptanceCurve, ...], Field(min_length=1)]
