"""Attention that scores how far apart tokens are with vectors of its own."""

from typing import Literal

from catalog.base import Size, Spec


class ProjectedDistances(Spec):
    """Sines of each distance through a projection of the layer's, scored by the query (arXiv:1901.02860, section 3.3).

    Queries get two learned biases per head, one for content and one for distance.
    """

    kind: Literal["projected"] = "projected"
    per_sequence: bool = False
    """Whether the PyTorch class projects the same distances again for each sequence of a batch."""
    even: bool = False
    """Whether it projects 2·S distances instead of 2·S-1 (XLNet)."""


class TableDistances(Spec):
    """A learned vector per distance, as wide as a head and common to all heads (arXiv:1803.02155, section 3.2)."""

    kind: Literal["table"] = "table"
    rows: Size
    own: bool = True
    """Whether the layer holds the table; else its stack does, for all layers."""
