"""Attention of long encoders: each token sees neighbours and a few others; work grows with length alone."""

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Count, Size, Spec
from catalog.mixers.attention import Projection


class SlidingChunks(Spec):
    """A band of neighbours, computed in overlapping squares, and some tokens that see and are seen by all
    (arXiv:2004.05150, section 3.1)."""

    kind: Literal["sliding-chunks"] = "sliding-chunks"
    reach: Size
    """How far to each side a token sees."""
    globals: Count = 0
    """Tokens that see all, through projections of their own; which ones they are is the task's choice."""


class RandomBlocks(Spec):
    """Each block of tokens sees its neighbours, the first and last block, and blocks drawn at random
    (arXiv:2007.14062, section 2)."""

    kind: Literal["random-blocks"] = "random-blocks"
    block: Size
    random: Size
    """Blocks drawn for each block."""

    @property
    def shortest(self) -> int:
        """Longest text that is still attended in full."""
        return (5 + 2 * self.random) * self.block


class LocalBlocks(Spec):
    """Each block of tokens sees itself, the blocks before and after, and perhaps sums over stretches of the whole text
    (LongT5, arXiv:2112.07916, section 3.1)."""

    kind: Literal["local-blocks"] = "local-blocks"
    reach: Size
    """How far to each side a token sees; blocks are one longer."""
    stretch: Size | None = None
    """Tokens that make one sum (transient global attention)."""


Pattern = Annotated[SlidingChunks | RandomBlocks | LocalBlocks, Field(discriminator="kind")]


class LongAttention(Spec):
    """Bidirectional attention to a pattern of tokens.

    The classes first fill texts up to whole blocks; counts are exact for lengths that need no filling.
    """

    kind: Literal["long-attention"] = "long-attention"
    heads: Size
    head_dim: Size
    pattern: Pattern
    bias: tuple[Projection, ...] = ()
