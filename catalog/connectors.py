"""What carries image tokens from a tower into a language model: a chain of small steps."""

from math import prod
from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Size, Spec
from catalog.extras import Learned


class Map(Spec):
    """A linear map of every token; gated ones hold two matrices and return the product (arXiv:2002.05202)."""

    kind: Literal["map"] = "map"
    outputs: Size
    bias: bool = True
    gated: bool = False
    again: bool = False
    """Whether the PyTorch class maps a source anew in each step, although nothing has changed (Cohere ASR)."""
    inputs: Size | None = None
    """Width that a configuration gives it although another arrives: such a model can be built, not run."""


class Normalise(Spec):
    """A norm over the width at this place of the chain."""

    kind: Literal["norm"] = "norm"
    norm: Literal["rms", "layer", "layer-no-bias", "plain"] = "layer"


class Merge(Spec):
    """Neighbouring tokens concatenated into one (pixel shuffle: fewer tokens, wider ones)."""

    kind: Literal["merge"] = "merge"
    factor: Size


class Pool(Spec):
    """Neighbouring tokens averaged into one."""

    kind: Literal["pool"] = "pool"
    factor: Size
    product: bool = False
    """Whether the PyTorch class multiplies all tokens by a matrix of ones and zeros for it (Gemma 4)."""


class Drop(Spec):
    """Tokens left out per image: class tokens and padding."""

    kind: Literal["drop"] = "drop"
    tokens: Size


class Join(Spec):
    """Outputs of several layers of the tower concatenated for each token."""

    kind: Literal["join"] = "join"
    layers: Size


class Convolve(Spec):
    """A convolution over the grid of tokens; a stride leaves fewer of them."""

    kind: Literal["convolve"] = "convolve"
    outputs: Size
    kernel: Size = 3
    """Side of its square window."""
    stride: Size = 1
    groups: Size = 1
    bias: bool = True


Step = Annotated[Map | Normalise | Merge | Pool | Drop | Join | Convolve | Learned, Field(discriminator="kind")]


class Connector(Spec):
    """From a tower's tokens to the language model's, step by step."""

    kind: Literal["connector"] = "connector"
    name: str = "connector"
    repeat: Size = 1
    """Equal chains on the tower's layers, each with weights of its own (deepstack, arXiv:2406.04334)."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @property
    def narrowed(self) -> int:
        """How many tokens become one."""
        return prod(step.factor for step in self.steps if isinstance(step, Merge | Pool))

    def shape(self, tokens: int, width: int) -> tuple[int, int]:
        """Tokens per image and their width behind the chain."""
        for step in self.steps:
            tokens, width = after(step, tokens, width)
        return tokens, width


def after(step: Step, tokens: int, width: int) -> tuple[int, int]:
    """Tokens per image and their width behind one step."""
    match step:
        case Map(outputs=outputs):
            return tokens, outputs
        case Merge(factor=factor):
            return tokens // factor, width * factor
        case Pool(factor=factor):
            return tokens // factor, width
        case Drop(tokens=dropped):
            return tokens - dropped, width
        case Join(layers=layers):
            return tokens, width * layers
        case Convolve(outputs=outputs, stride=stride):
            return tokens // stride**2, outputs
        case _:
            return tokens, width


__all__ = [
    "Connector", "Convolve", "Drop", "Join", "Learned", "Map", "Merge", "Normalise", "Pool", "Step", "after",
]  # fmt: skip
