"""Mixers without weights: attention over what maps beside it produce, and the Fourier transform."""

from typing import Literal

from catalog.base import Size, Spec


class BareAttention(Spec):
    """Bidirectional softmax attention over queries, keys and values that linear maps beside it (``extras``) produce.

    MobileBERT makes them from a bottleneck (arXiv:2004.02984, section 3.1), SqueezeBERT by grouped convolutions
    (arXiv:2006.11316, section 3.1).
    """

    kind: Literal["bare-attention"] = "bare-attention"
    heads: Size
    head_dim: Size
    kernel: Size | None = None
    """Neighbours that each token also mixes, with weights computed from itself (ConvBERT, arXiv:2008.02496, section
    3.2)."""


class Fourier(Spec):
    """A Fourier transform over tokens and channels, of which the real part is kept (FNet, arXiv:2105.03824, section
    3.2.1)."""

    kind: Literal["fourier"] = "fourier"
