"""Traffic of attention between a GPU's memory and its on-chip memory, with and without FlashAttention.

Symbols: N new tokens (nothing cached), d head width, M elements that on-chip memory holds, H query heads, K key-value
heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

from calculators.params import architecture_of
from catalog.errors import BadInput
from catalog.mixers import Attention
from catalog.spec import ModelSpec

Kernel = Literal["standard", "flash"]
ON_CHIP_BYTES = 192 * 1024
"""On-chip memory of one streaming multiprocessor of an A100 (arXiv:2205.14135, section 2.1)."""
ELEMENT_BYTES = 2
STATISTIC_BYTES = 4
"""Row maxima and sums are kept in 32 bits."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes of all attention layers in one forward pass of one sequence."""

    read_bytes: int
    written_bytes: int

    @property
    def total_bytes(self) -> int:
        """Both directions."""
        return self.read_bytes + self.written_bytes


def head_traffic(n: int, head_dim: int, kernel: Kernel, on_chip_bytes: int = ON_CHIP_BYTES) -> Traffic:
    """Bytes of one head over ``n`` tokens, no mask.

    Standard: reads Q, K and writes scores; reads scores and writes probabilities; reads probabilities and V and
    writes the output: ``4Nd + 4N²`` elements. FlashAttention: K and V once, and for each of its ``ceil(N/B_c)``
    blocks, ``B_c = floor(M/4d)``, Q and the output with their statistics.

    Source: arXiv:2205.14135, algorithms 0 and 1, and theorem 2: Θ(Nd + N²) against Θ(N²d²/M).

    Raises:
        ValueError: If a size is not positive, or on-chip memory holds no block.
    """
    if n < 1 or head_dim < 1:
        raise ValueError(f"tokens and head_dim must be positive, got {n} and {head_dim}")
    plane, square = n * head_dim * ELEMENT_BYTES, n * n * ELEMENT_BYTES
    if kernel == "standard":
        return Traffic(3 * plane + 2 * square, plane + 2 * square)
    block = on_chip_bytes // ELEMENT_BYTES // (4 * head_dim)
    if block < 1:
        raise ValueError(f"{on_chip_bytes} bytes on chip hold no block of width {head_dim}")
    rounds, statistics = ceil(n / block), 2 * n * STATISTIC_BYTES
    return Traffic(2 * plane + rounds * (2 * plane + statistics), rounds * (plane + statistics))


def attention_traffic(
    spec: ModelSpec, tokens: int, kernel: Kernel = "flash", on_chip_bytes: int = ON_CHIP_BYTES
) -> Traffic:
    """Bytes that all softmax attention layers move to read ``tokens`` tokens of one sequence, masks not used.

    Grouped heads read the keys and values of their group each, as the papers' kernels do.

    Raises:
        BadInput: If the architecture is undisclosed or has no softmax attention of plain heads.
    """
    read = written = 0
    for stack in architecture_of(spec).stacks:
        for group in stack.groups:
            for layer in group.layers:
                if isinstance(layer.mixer, Attention):
                    one = head_traffic(tokens, layer.mixer.head_dim, kernel, on_chip_bytes)
                    read += group.repeat * layer.mixer.heads * one.read_bytes
                    written += group.repeat * layer.mixer.heads * one.written_bytes
    if not read:
        raise BadInput(f"{spec.id} has no softmax attention over plain heads, so its traffic is not modelled")
    return Traffic(read, written)
