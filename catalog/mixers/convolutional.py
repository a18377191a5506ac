"""Mixers whose tokens meet in a convolution: short ones that keep a few columns, long ones that keep everything."""

from __future__ import annotations

from typing import Literal

from catalog.base import Size, Spec


class ShortConvolution(Spec):
    """A depthwise causal convolution of a few columns between two gates (LFM2, arXiv:2511.23404).

    One projection to three times the width gives both gates and what is convolved; another leads back.
    """

    kind: Literal["short-conv"] = "short-conv"
    kernel: Size
    bias: bool = False
    """Biases of the convolution and of both projections."""
