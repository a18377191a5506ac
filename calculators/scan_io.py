"""Traffic of selective scans between a GPU's memory and its on-chip memory, fused and step by step.

Symbols: L tokens, D inner width, N state per channel.
"""

from __future__ import annotations

from typing import Literal

from calculators.params import architecture_of
from catalog.errors import BadInput
from catalog.mixers import Mamba
from catalog.spec import ModelSpec

STREAM_BYTES = 2
STATE_BYTES = 4
"""Scans keep 32 bits."""


def scan_traffic(spec: ModelSpec, tokens: int, kernel: Literal["stepwise", "fused"] = "fused") -> int:
    """Bytes that all Mamba-1 scans move to read ``tokens`` tokens of one sequence.

    Fused: the input, the step sizes and the output of ``L·D``, B and C of ``L·N``, the matrix of ``D·N`` and the last
    state. Stepwise: besides, the two discretised factors and the states of every token, ``3·L·D·N``, are each written
    and read once.

    Source: arXiv:2312.00752, section 3.3.2 and appendix D: O(BLDN) against O(BLD + DN).

    Raises:
        BadInput: If the architecture is undisclosed or has no Mamba-1 layers.
        ValueError: If ``tokens`` is not positive.
    """
    if tokens < 1:
        raise ValueError(f"tokens must be positive, got {tokens}")
    total = 0
    for stack in architecture_of(spec).stacks:
        for group in stack.groups:
            for mixer in (mixer for layer in group.layers for mixer in layer.mixers):
                if isinstance(mixer, Mamba):
                    streams = (3 * mixer.inner + 2 * mixer.state) * tokens * STREAM_BYTES
                    states = 2 * mixer.inner * mixer.state * STATE_BYTES
                    if kernel == "stepwise":
                        states += 6 * tokens * mixer.inner * mixer.state * STATE_BYTES
                    total += group.repeat * (streams + states)
    if not total:
        raise BadInput(f"{spec.id}: has no selective scan of Mamba's first kind")
    return total
