"""xLSTM's matrix memory."""

from __future__ import annotations

from typing import Literal

from catalog.base import Size
from catalog.mixers.linear import LinearMixer


class MLstm(LinearMixer):
    """A matrix memory per head with exponential input gates (arXiv:2405.04517; the layer: arXiv:2503.13427)."""

    kind: Literal["mlstm"] = "mlstm"
    heads: Size
    key_dim: Size
    """Width of one head's query and key."""
    value_dim: Size
    chunk: Size = 64
    """Tokens per block of the chunked form."""

    @property
    def split(self) -> int:
        """Heads."""
        return self.heads
