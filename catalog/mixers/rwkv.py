"""Time mixing of RWKV: each generation forgets by a finer rule; all mix each token with the one before."""

from __future__ import annotations

from typing import Literal

from catalog.base import Size
from catalog.mixers.linear import LinearMixer


class Rwkv(LinearMixer):
    """What its generations share."""


class Rwkv4(Rwkv):
    """A weighted mean of all values per channel, with a learned decay (arXiv:2305.13048)."""

    kind: Literal["rwkv4"] = "rwkv4"
    inner: Size
    """Channels of key, value and receptance."""

    @property
    def split(self) -> int:
        """Channels."""
        return self.inner


class RwkvHeads(Rwkv):
    """Heads with a square matrix as state, from the fifth generation on."""

    kind: str
    heads: Size
    head_dim: Size

    @property
    def split(self) -> int:
        """Heads."""
        return self.heads

    @property
    def inner(self) -> int:
        """Width of all heads together, in elements."""
        return self.heads * self.head_dim


class Rwkv5(RwkvHeads):
    """Eagle: a learned decay per channel (arXiv:2404.05892)."""

    kind: Literal["rwkv5"] = "rwkv5"


class Rwkv6(RwkvHeads):
    """Finch: mix and decay depend on the token through narrow projections (arXiv:2404.05892)."""

    kind: Literal["rwkv6"] = "rwkv6"
    mix_rank: Size
    """Inner width of the five mixes' projections."""
    decay_rank: Size
    """Inner width of the decay's projections."""


class Rwkv7(RwkvHeads):
    """Goose: the delta rule with a vector of learning rates (arXiv:2503.14456)."""

    kind: Literal["rwkv7"] = "rwkv7"
    decay_rank: Size
    rate_rank: Size
    """Inner width of the projections to in-context learning rates."""
    value_rank: Size | None = None
    """The same to how much of the first layer's value is mixed in; the first layer has none."""
    gate_rank: Size
