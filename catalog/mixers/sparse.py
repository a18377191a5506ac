"""Sparse attention: parts that choose which tokens a query may see."""

from catalog.base import Size, Spec


class Indexer(Spec):
    """A light scorer that picks the ``top_k`` tokens a query attends to (DeepSeek-V3.2, arXiv:2512.02556, equation 1).

    Its queries come from the compressed query of latent attention, its one key per token from the hidden state; both
    are narrower than the attention's own, and only its keys are cached for every token.
    """

    heads: Size
    head_dim: Size
    top_k: Size
    borrowed: bool = False
    """Whether this layer attends to what an earlier layer's indexer chose, and has none of its own (GLM-5.x, Hunyuan 4;
    arXiv:2603.12201)."""


class BlockIndexer(Spec):
    """A light scorer that picks, per group of heads, the ``top_k`` blocks of tokens that a query attends to; its own
    block is always among them (MiniMax M3)."""

    heads: Size
    """One per key-value head of the attention."""
    head_dim: Size
    block: Size
    """Tokens of a block."""
    top_k: Size
