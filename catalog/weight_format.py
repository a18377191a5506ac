"""Weight and cache formats: how many bits an element really takes, and what computes it."""

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Entry, Source, Spec
from catalog.gguf_blocks import BLOCKS, DEFAULTS
from catalog.machine import ComputeType, ExpertKernel

BY_SIZE = "file-"
"""Beginning of the ids of formats made from the size of a file, which mixes blocks as somebody saw fit."""
LONG_BLOCK = 256
"""Weights of a block whose scales are themselves quantized."""

Bits = Annotated[float, Field(gt=0, le=64)]


class QualityLoss(Spec):
    """What the format costs in quality, as measured by somebody."""

    metric: str
    value: float
    """Positive is worse."""
    model: str
    source: Source


class WeightFormat(Entry):
    """Bits per element by the role of a tensor, scales and zero points included."""

    bits: Bits
    """Effective bits per element of the matrices that are quantized."""
    expert_bits: Bits | None = None
    """Of routed experts, where they differ from other matrices (gpt-oss quantizes nothing else)."""
    embedding_bits: Bits = 16
    head_bits: Bits = 16
    vector_bits: Bits = 16
    """Norms, biases, convolutions, routers: what stays in higher precision."""
    nominal_bits: Bits
    gguf: str | None = None
    """llama.cpp's file type (``Q4_K_M``), where the bits of each tensor follow its rules; the bits above are then those
    of a Llama-3.1-8B."""
    compute: ComputeType
    """The data type in which products run where the machine has it; otherwise bf16 or fp16."""
    expert_kernel: ExpertKernel | None = None
    """Which kernels run routed experts where the machine has the type; ``None``: those of ``compute``."""
    unpacked_apart: bool = False
    """Whether a kernel of its own unpacks the weights before each product (bitsandbytes)."""
    use: tuple[Literal["weights", "cache"], ...] = ("weights",)
    engines: tuple[str, ...] = ()
    """Engines that read it; empty: all of them."""
    loss: tuple[QualityLoss, ...] = ()
    notes: str | None = None

    @property
    def in_long_blocks(self) -> bool:
        """Whether llama.cpp unpacks it in blocks with quantized scales (K- and IQ-quants), as mixes by size are."""
        if self.gguf is None:
            return self.id.startswith(BY_SIZE)
        return BLOCKS[DEFAULTS[self.gguf]].weights == LONG_BLOCK
