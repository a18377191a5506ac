"""Serving engines: what they cost besides the model's own arithmetic."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Entry, Source, Spec

NonNegative = Annotated[float, Field(ge=0)]


class ErrorBand(Spec):
    """How measured times compare with predicted ones: quantiles of ``measured / predicted``."""

    quantity: str
    """``ttft`` or ``tpot``."""
    badge: Literal["calibrated", "class default"]
    """With which constants the times were predicted: the machines' own, or those of their class."""
    p10: Annotated[float, Field(gt=0)]
    p50: Annotated[float, Field(gt=0)]
    p90: Annotated[float, Field(gt=0)]
    rows: Annotated[int, Field(gt=0)]
    measured_on: str
    """Which runs, in words."""
    source: Source


class Engine(Entry):
    """An inference engine's fixed costs, each measured."""

    memory_gib: NonNegative
    """Per device, besides weights, cache and activations: context, graphs, workspaces."""
    activation_tokens: Annotated[int, Field(gt=0)]
    """Tokens that one pass holds at most (chunked prefill)."""
    step_overhead_us: NonNegative = 0.0
    """Per iteration, besides kernels."""
    idle_request_ms: NonNegative = 0.0
    """From request to first kernel and back for a single client."""
    busy_request_ms: NonNegative = 0.0
    """The same under load."""
    bands: tuple[ErrorBand, ...] = ()
    notes: str | None = None
