"""Attention over a grid of cells that does not look at all of them alike."""

from typing import Literal

from catalog.base import Count, Size, Spec
from catalog.mixers.attention import Projection


class WindowAttention(Spec):
    """Attention inside square windows of a grid; layers may shift them at no cost (Swin, arXiv:2103.14030, 3.2)."""

    kind: Literal["window"] = "window"
    heads: Size
    head_dim: Size
    window: Size
    """Side of a window in cells; a grid that is no multiple is padded, a smaller one is a single window."""
    bias: tuple[Projection, ...] = ()
    table: Count = 0
    """Side of the windows that the table of relative positions is made for; 0 where there is none."""
    network: Count = 0
    """Inner width of a network that makes that table from coordinates (Swin v2, arXiv:2111.09883, equation 3)."""
    scale: bool = False
    """A learned temperature per head on cosines instead of products (Swin v2, equation 2)."""


class ReducedAttention(Spec):
    """Attention to keys and values of a grid made smaller by a convolution (PVT, arXiv:2102.12122, equation 3)."""

    kind: Literal["reduced"] = "reduced"
    heads: Size
    head_dim: Size
    ratio: Size = 1
    """Cells along each edge that become one; 1 keeps all, without the convolution."""
    pool: Count = 0
    """Side to which keys and values are pooled instead, before a convolution of kernel 1 (PVT v2, linear)."""
    depthwise: Count = 0
    """Kernel of a depthwise convolution with a norm before each projection; it makes the grid of keys and values
    smaller by ``ratio`` instead of the full one (CvT, arXiv:2103.15808, section 3.2)."""
    bias: tuple[Projection, ...] = ()
    extra_tokens: Count = 0
    """Class tokens before the grid, which are not reduced."""
