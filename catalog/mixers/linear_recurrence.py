"""Linear recurrences without a selective scan: one number per channel, or a fixed state space per channel."""

from __future__ import annotations

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
