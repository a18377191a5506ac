"""Attention to a window of tokens and, beyond it, to summaries of several tokens each (DeepSeek-V4)."""

from typing import Literal, Self

from pydantic import model_validator

from catalog.base import Size, Spec
from catalog.mixers.sparse import Indexer


class CompressedAttention(Spec):
    """Queries of many heads read one vector per token, key and value at once, inside a window, and one vector per
    ``rate`` tokens before it: all of them, or those that an indexer chooses."""

    kind: Literal["compressed"] = "compressed"
    heads: Size
    head_dim: Size
    q_rank: Size
    """Rank of the query compression."""
    window: Size
    """How many tokens a query sees one by one, itself included."""
    out_groups: Size
    """Groups of heads with an output projection of their own."""
    out_rank: Size
    """Width to which each group is narrowed before one matrix mixes them."""
    rate: Size | None = None
    """Tokens per summary; ``None`` is a layer with a window only."""
    overlaps: bool = False
    """Whether a summary also covers the ``rate`` tokens before its own."""
    indexer: Indexer | None = None
    """Chooses summaries; it makes summaries of its own width for that."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.heads * self.head_dim % self.out_groups:
            raise ValueError(f"out_groups={self.out_groups} does not divide heads * head_dim")
        if self.rate is None and (self.indexer is not None or self.overlaps):
            raise ValueError("rate is missing: without summaries there is nothing to index and nothing that overlaps")
        return self
