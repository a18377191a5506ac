"""Two mixers in one layer: side by side, or a shared attention block in front of a scan."""

from typing import Literal

from catalog.base import Count, Spec
from catalog.channels import Dense
from catalog.mixers.attention import Attention
from catalog.mixers.state_space import Mamba2


class ParallelHeads(Spec):
    """Attention heads and a scan read the same normed input and are added (Falcon-H1, arXiv:2507.22448)."""

    kind: Literal["parallel-heads"] = "parallel-heads"
    attention: Attention
    scan: Mamba2


class SharedBlock(Spec):
    """A transformer block that several layers run with one set of weights (Zamba, arXiv:2405.16712, figure 2).

    It reads the stream beside the token embeddings, twice the stack's width, and has no residual of its own; a linear
    map that each use owns leads to what the layer's first norm reads.
    """

    attention: Attention
    channel: Dense
    again: bool = False
    """Whether an earlier layer owns the weights, so that this one only runs them."""
    adapter: Count = 0
    """Rank of the low-rank map that each use adds to the feed-forward's gate and up matrices, 0 without
    (Zamba2, arXiv:2411.15242, figure 2)."""
    attention_adapter: Count = 0
    """The same for queries, keys and values."""
