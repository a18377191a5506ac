"""A whole model as it was counted, for types whose layers nobody has described."""

from typing import Literal

from catalog.base import Count, Size, Spec


class Traced(Spec):
    """All layers of a real model together, counted on torch's meta device at several lengths (``import --trace``).

    It tells what the reference executes; which of that a better kernel could leave out, and which parameters one
    token uses, is not known.
    """

    kind: Literal["traced"] = "traced"
    parameters: Size
    """All but the token table."""
    flops_per_sequence: int = 0
    flops_per_token: Count
    flops_per_pair: Count = 0
    """Per query and key of the full square."""
    cache_per_token: Count = 0
    """Elements cached for each token."""
    state: Count = 0
    """Elements kept whatever the length."""
