"""Small learned things beside mixers and feed-forwards: a model with one oddity needs no layer kind of its own."""

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Count, Size, Spec
from catalog.hyper import HyperConnections
from catalog.residual import AltUp, LayerInput, LowRank, PatchAttention


class Learned(Spec):
    """Numbers that take part in no matrix product: gates, scales, temperatures, learned queries."""

    kind: Literal["learned"] = "learned"
    name: str
    elements: Size
    table: bool = False
    """Whether rows are looked up (an embedding) rather than all of it read."""
    row: Count = 0
    """Of a table: how much of it each token looks up."""


class Linear(Spec):
    """A linear map that is no part of a mixer or a feed-forward."""

    kind: Literal["linear"] = "linear"
    name: str
    inputs: Size
    outputs: Size
    bias: bool = False
    over: Literal["token", "sequence", "pass", "context"] = "token"
    """What it is applied to. ``pass`` is once, whatever the batch; ``context`` is each token, which the PyTorch class
    repeats for all that it has cached."""
    times: Size = 1
    """How many vectors each of these has."""


Extra = Annotated[
    Learned | Linear | AltUp | LowRank | LayerInput | PatchAttention | HyperConnections, Field(discriminator="kind")
]
