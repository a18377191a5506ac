"""What a Conformer adds to a layer: a convolution module between attention and feed-forward (arXiv:2005.08100)."""

from typing import Literal

from catalog.base import Size, Spec


class ConvolutionModule(Spec):
    """A gated linear map, a convolution of each channel over time, a norm, and a linear map back (section 2.2)."""

    kind: Literal["convolution-module"] = "convolution-module"
    kernel: Size
    width: Size | None = None
    """Channels of the convolution; ``None`` means the hidden width."""
    bias: bool = False
    """On both linear maps."""
    channel_bias: bool = False
    """On the convolution over time."""
