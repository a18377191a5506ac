"""Further ways into a stack: an outside encoder's output, and other stacks' tokens in a row."""

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Size, Spec


class CaptionEmbedding(Spec):
    """Vectors of an outside text encoder, carried to the stack's width by a linear layer with a bias."""

    kind: Literal["caption"] = "caption"
    width: Size
    """Width of the outside encoder's output."""
    tokens: Size
    """Length of the caption that the published model is run with."""


class JoinedEmbedding(Spec):
    """The tokens of other stacks of the same width, in a row."""

    kind: Literal["joined"] = "joined"
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
