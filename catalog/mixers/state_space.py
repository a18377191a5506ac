"""State-space mixers: a state of constant size instead of a growing cache."""

from typing import Literal, Self

from pydantic import model_validator

from catalog.base import Size, Spec


class Mamba(Spec):
    """Selective state space, Mamba-1 (arXiv:2312.00752, section 3)."""

    kind: Literal["mamba"] = "mamba"
    inner: Size
    state: Size
    conv: Size = 4
    dt_rank: Size
    bias: bool = False
    conv_bias: bool = True
    inner_norms: bool = False
    """RMS norms on dt, B and C (Jamba)."""
    heads: Size = 1
    """Parts of the inner width with their own dt, B and C (Zamba)."""


class Mamba2(Spec):
    """State-space duality, Mamba-2 (arXiv:2405.21060, section 7)."""

    kind: Literal["mamba2"] = "mamba2"
    heads: Size
    head_dim: Size
    state: Size
    groups: Size = 1
    conv: Size = 4
    chunk: Size = 256
    """Tokens per block of the chunked scan."""
    bias: bool = False
    out_bias: bool | None = None
    """A bias of the output projection, where it does not follow ``bias`` (Falcon-H1)."""
    conv_bias: bool = True
    norm: bool = True
    """A gated norm before the output projection (Falcon-H1: only the gate)."""

    @model_validator(mode="after")
    def _groups_are_equal(self) -> Self:
        if self.heads % self.groups:
            raise ValueError(f"heads={self.heads} is not a multiple of groups={self.groups}")
        return self

    @property
    def inner(self) -> int:
        """Width of the expanded stream, in elements."""
        return self.heads * self.head_dim
