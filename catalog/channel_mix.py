"""The feed-forward of RWKV, which also looks at the token before."""

from typing import Literal

from catalog.base import Size, Spec


class ChannelMix(Spec):
    """Two matrices with a squared ReLU between them, over a mix of this token and the last (arXiv:2305.13048)."""

    kind: Literal["channel-mix"] = "channel-mix"
    width: Size
    receptance: bool = True
    """A square matrix whose sigmoid gates the result; RWKV-7 has none."""
