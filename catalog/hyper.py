"""Several residual streams in place of one."""

from typing import Literal

from catalog.base import Size, Spec


class HyperConnections(Spec):
    """Streams that are narrowed into each block and widened behind it, by weights that depend on the token
    (arXiv:2409.19606, section 2; with ``mixes`` and constraints arXiv:2512.24880)."""

    kind: Literal["hyper"] = "hyper"
    streams: Size = 4
    blocks: Size = 2
    """Blocks of the layer that it surrounds: attention and feed-forward."""
    mixes: bool = True
    """Whether streams are also mixed with each other behind a block (DeepSeek-V4); else they stay as they are."""
    ends: bool = False
    """The last step, which only narrows the streams into one before the final norm."""
