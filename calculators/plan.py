"""How a model is laid out on machines."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.mixers import (
    S4,
    Attention,
    BareAttention,
    CompressedAttention,
    ExpertAttention,
    Hyena,
    JointAttention,
    LatentAttention,
    LinearMixer,
    LongAttention,
    Mamba,
    Mamba2,
    ReducedAttention,
    RgLru,
    ShortConvolution,
    WindowAttention,
)
from catalog.spec import Architecture
from catalog.weight_format import WeightFormat


@dataclass(frozen=True, slots=True)
class Plan:
    """Formats and parallelism of one replica."""

    weights: WeightFormat
    cache: WeightFormat
    tp: int = 1
    """Devices that share each layer (tensor parallelism)."""


def tp_problem(architecture: Architecture, tp: int) -> str | None:
    """Why engines refuse to split this model over ``tp`` devices; ``None`` where they do not.

    Query heads and recurrent heads must divide evenly; key-value heads are replicated beyond their number.
    """
    if tp == 1:
        return None
    for stack in architecture.stacks:
        for mixer in (m for group in stack.groups for layer in group.layers for m in layer.mixers):
            match mixer:
                case (
                    Attention(heads=heads)
                    | BareAttention(heads=heads)
                    | CompressedAttention(heads=heads)
                    | ExpertAttention(kv_heads=heads)
                    | JointAttention(heads=heads)
                    | LatentAttention(heads=heads)
                    | LongAttention(heads=heads)
                    | Mamba2(heads=heads)
                    | ReducedAttention(heads=heads)
                    | WindowAttention(heads=heads)
                ) if heads % tp:
                    return f"{heads} heads of {stack.name} do not divide by {tp}"
                case LinearMixer(split=heads) if heads % tp:
                    return f"{heads} recurrent heads of {stack.name} do not divide by {tp}"
                case Mamba(inner=inner) if inner % tp:
                    return f"inner width {inner} of {stack.name} does not divide by {tp}"
                case RgLru(heads=heads) if heads % tp:
                    return f"{heads} blocks of the gates of {stack.name} do not divide by {tp}"
                case Hyena() | S4() | ShortConvolution() if stack.hidden % tp:
                    return f"width {stack.hidden} of {stack.name} does not divide by {tp}"
    return None
