"""How much power accelerators draw at work: measured constants."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from catalog.base import Identifier, Source, Spec
from catalog.machine import MachineKind

Share = Annotated[float, Field(ge=0)]


class PowerModel(Spec):
    """Constants of ``calculators.energy``, as shares of TDP."""

    id: Identifier
    vendor: str
    kinds: Annotated[tuple[MachineKind, ...], Field(min_length=1)]
    machines: tuple[Identifier, ...]
    """Those that were measured; others of the kinds get the constants as a class default."""
    static: Share
    per_flops: Share
    per_bytes: Share
    p10: Share
    """``measured / predicted`` power, each model on each machine left out in turn and weighing the same."""
    p50: Share
    p90: Share
    median_error: Share
    rows: Annotated[int, Field(gt=0)]
    source: Source


class PowerModels(Spec):
    """All of them."""

    models: Annotated[tuple[PowerModel, ...], Field(min_length=1)]
