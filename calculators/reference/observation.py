"""What was measured on a real model, and how; plain values without torch, so that they can travel between processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from catalog.spec import ModelSpec

Quantity = Literal[
    "parameters",
    "prefill_flops",
    "decode_flops",
    "image_flops",
    "audio_flops",
    "fvcore_flops",
    "cache_bytes",
]


@dataclass(frozen=True, slots=True)
class Setting:
    """One forward pass; the fields mean what they mean in ``Workload``."""

    batch: int = 1
    new: int = 0
    past: int = 0
    source: int = 0
    images: int = 0

    def __str__(self) -> str:
        parts = [f"{self.new:,} new token{'s' * (self.new != 1)}"] if self.new else []
        parts += [f"{self.past:,} cached"] if self.past else []
        parts += [f"{self.source:,} source tokens"] if self.source else []
        parts += [f"{self.images} image{'s' * (self.images != 1)}"] if self.images else []
        return f"batch {self.batch}" + (f", {', '.join(parts)}" if parts else "")


@dataclass(frozen=True, slots=True)
class Observation:
    """One number from a real model, or why there is none."""

    quantity: Quantity
    witness: str
    """Who counted: tool, library with version, class."""
    setting: Setting
    value: int | None
    note: str = ""
    failed: bool = False
    """The reference could not be run; an observation without value that did not fail does not apply to this model."""
    rounding: int = 1
    """The unit of the last digit, where the value is a published figure."""


def excess(spec: ModelSpec, quantity: Quantity, setting: Setting) -> int:
    """By how much the reference class is known to exceed the published model in a quantity of one pass."""
    known = spec.reference.departure if spec.reference else None
    if known is None:
        return 0
    match quantity:
        case "parameters":
            return known.parameters
        case "cache_bytes":
            return 2 * known.cache_elements_per_token * setting.batch * (setting.past + setting.new)
        case _:
            return setting.batch * (known.flops_per_sequence + known.flops_per_token * setting.new)
