"""Attention over the tokens of several stacks at once."""

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Size, Spec
from catalog.mixers.attention import Projection


class JointAttention(Spec):
    """A stack's own queries, keys and values; its queries also see the partners' keys (MMDiT, arXiv:2403.03206, 4).

    Each partner has a layer of the same kind at the same depth, with weights of its own, that sees this stack in turn.
    """

    kind: Literal["joint"] = "joint"
    heads: Size
    head_dim: Size
    partners: Annotated[tuple[str, ...], Field(min_length=1)]
    """The stacks whose tokens are seen besides its own."""
    bias: tuple[Projection, ...] = ()
    qk_norm: bool = False
    """RMS norms on queries and keys, one weight vector per ``head_dim`` each."""
    position: Literal["rotary", "absolute"] = "absolute"
    output: bool = True
    """Whether results are mixed and used; the last layer over a caption only serves its keys and values."""
