"""Heads of image models: vectors that are compared, and attention that pools."""

from typing import Literal

from catalog.base import Count, Size, Spec


class AttentionPooler(Spec):
    """A learned query attends to all tokens; a norm and a feed-forward follow (SigLIP, arXiv:2303.15343)."""

    kind: Literal["attention-pooler"] = "attention-pooler"
    heads: Size
    width: Size
    """Inner width of the feed-forward."""


class Alignment(Spec):
    """One vector per sequence in the space that two stacks share, and the scores against the other's (CLIP).

    Source: arXiv:2103.00020, figure 3.
    """

    kind: Literal["alignment"] = "alignment"
    width: Size
    """Width of the shared space."""
    linear: bool = True
    """Whether a linear layer carries to it."""
    bias: bool = False
    scored: bool = False
    """Whether the scores of each sequence against each are formed here; one of the two stacks forms them."""
    scalars: Count = 0
    """Learned numbers on the scores: a temperature, and a bias where there is one."""
