"""Widths at which everything that must follow a stack's width does so exactly."""

from __future__ import annotations

from math import gcd, lcm

from advisor.design.parts import FOLLOWS
from advisor.design.shape import chosen
from catalog.mixers import Attention
from catalog.spec import ModelSpec

ROUND = 128
"""Widths are multiples of it where the model's own is."""


def width_step(model: ModelSpec, stack: str | None) -> int:
    """Widths at which heads, kv heads and scans all follow exactly; rounded as the model's own width is."""
    one = chosen(model, stack)
    values = []
    for group in one.groups:
        for mixer in (m for layer in group.layers for m in layer.mixers):
            heads = getattr(mixer, "heads", None)
            if isinstance(mixer, Attention):
                values.append(heads if mixer.kv_heads == 1 else mixer.kv_heads)
            elif mixer.kind in ("mla", "compressed") or (mixer.kind.startswith("rwkv") and heads):
                values.append(heads)
            values += [getattr(mixer, name) for name in FOLLOWS.get(type(mixer), ())]
    exact = one.hidden // gcd(one.hidden, *[v for v in values if v])
    return lcm(exact, gcd(one.hidden, ROUND))
