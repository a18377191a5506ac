"""Attention whose query and output projections are experts."""

from typing import Literal, Self

from pydantic import model_validator

from catalog.base import Size, Spec


class ExpertAttention(Spec):
    """Mixture of attention heads (arXiv:2210.05144; JetMoE, arXiv:2404.07413): a router gives each token
    ``top_k`` of ``experts`` pairs of query and output projection; all read the same keys and values."""

    kind: Literal["expert-attention"] = "expert-attention"
    experts: Size
    top_k: Size
    kv_heads: Size
    """Heads of keys and values, and of the queries of one expert."""
    head_dim: Size
    bias_out: bool = True
    """One bias on the sum of what the experts return."""

    @property
    def heads(self) -> int:
        """Query heads of a token."""
        return self.top_k * self.kv_heads

    @model_validator(mode="after")
    def _picks_what_exists(self) -> Self:
        if self.top_k > self.experts:
            raise ValueError(f"top_k={self.top_k} is more than experts={self.experts}")
        return self
