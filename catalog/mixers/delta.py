"""Delta-rule mixers: a matrix of constant size that each token corrects where its key points."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from catalog.base import Size
from catalog.mixers.linear import LinearMixer


class GatedDeltaNet(LinearMixer):
    """The gated delta rule: one decay per head and token (arXiv:2412.06464)."""

    kind: Literal["gated-delta-net"] = "gated-delta-net"
    key_heads: Size
    """Heads of queries and keys; each serves the same number of value heads."""
    value_heads: Size
    key_dim: Size
    """Width of one query or key head."""
    value_dim: Size
    """Width of one value head."""
    conv: Size = 4
    """Columns that the causal convolution over queries, keys and values sees."""
    chunk: Size = 64
    """Tokens per block of the chunked form."""

    @model_validator(mode="after")
    def _groups_are_equal(self) -> Self:
        if self.value_heads % self.key_heads:
            raise ValueError(f"value_heads={self.value_heads} is not a multiple of key_heads={self.key_heads}")
        return self

    @property
    def split(self) -> int:
        """Key heads, each with its value heads."""
        return self.key_heads


class KimiDelta(LinearMixer):
    """Kimi delta attention: the gated delta rule with one decay per channel (arXiv:2510.26692)."""

    kind: Literal["kimi-delta"] = "kimi-delta"
    heads: Size
    head_dim: Size
    """Width of one head of queries, keys and values alike."""
    rank: Size | None = None
    """Inner width of the two projections that make decay and output gate; ``None`` where each is one full matrix."""
    conv: Size = 4
    """Columns that the causal convolution over queries, keys and values sees."""
    chunk: Size = 64
    """Tokens per block of the chunked form."""

    @property
    def split(self) -> int:
        """Heads."""
        return self.heads
