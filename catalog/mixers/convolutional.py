"""Mixers whose tokens meet in a convolution: short ones that keep a few columns, long ones that keep everything."""

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Count, Size, Spec


class ShortConvolution(Spec):
    """A depthwise causal convolution of a few columns between two gates (LFM2, arXiv:2511.23404).

    One projection to three times the width gives both gates and what is convolved; another leads back.
    """

    kind: Literal["short-conv"] = "short-conv"
    kernel: Size
    bias: bool = False
    """Biases of the convolution and of both projections."""


class Hyena(Spec):
    """Long convolutions between gates, whose filters a small network computes from positions (arXiv:2302.10866).

    One projection gives ``order + 1`` streams, which a short convolution passes; then each of ``order - 1`` long
    convolutions is followed by a gate.
    """

    kind: Literal["hyena"] = "hyena"
    order: Annotated[int, Field(ge=2, le=64, strict=True)] = 2
    conv: Size = 3
    """Columns of the short convolution."""
    filter_inputs: Size
    """Features of a position: time, sines and cosines."""
    filter_width: Size = 64
    filter_layers: Count = 2
    """Square layers of the filter's network, between its first and its last."""
    learned_positions: Count = 0
    """Rows of learned features of positions, 0 where they are fixed."""
