"""Linear recurrences without a selective scan: one number per channel, or a fixed state space per channel."""

from typing import Literal, Self

from pydantic import model_validator

from catalog.base import Size, Spec


class RgLru(Spec):
    """Griffin's recurrent block: a convolution and a real-gated linear recurrent unit (arXiv:2402.19427, section 2.4).

    The gates are block-diagonal: one square matrix per head for each of the two.
    """

    kind: Literal["rg-lru"] = "rg-lru"
    width: Size
    """Channels of the recurrence; each keeps one number in 32 bits."""
    heads: Size
    """Blocks of the gates."""
    conv: Size = 4

    @model_validator(mode="after")
    def _blocks_are_equal(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width={self.width} is not a multiple of heads={self.heads}")
        return self


class S4(Spec):
    """A structured state space per channel: diagonal plus low rank, fixed in time (arXiv:2111.00396, section 3).

    It runs as a long convolution over a whole sequence, or token by token as a recurrence; behind it stands a gated
    linear layer that mixes channels.
    """

    kind: Literal["s4"] = "s4"
    state: Size
    """Numbers that each channel keeps: half as many conjugate pairs."""
    tied: bool = True
    """Whether all channels share the state matrix and its input vector."""

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if self.state % 2:
            raise ValueError(f"state={self.state} is odd; it holds conjugate pairs")
        return self
