"""Attention: every kind that forms scores between tokens."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from catalog.base import Count, Size, Spec

Projection = Literal["q", "k", "v", "o"]


class Disentangled(Spec):
    """Scores of content against relative position beside those of content against content (arXiv:2006.03654, eq. 4)."""

    span: Size
    """Half of the rows of the stack's table of relative positions."""
    content_to_position: bool = True
    position_to_content: bool = True
    shared: bool = False
    """Whether positions pass through the content's own query and key projections (DeBERTa-v3)."""


class Attention(Spec):
    """Softmax attention; MHA, GQA and MQA differ only in ``kv_heads`` (arXiv:2305.13245)."""

    kind: Literal["attention"] = "attention"
    heads: Size
    kv_heads: Size
    head_dim: Size
    causal: bool = True
    """Whether a token sees only itself and what came before."""
    window: Size | None = None
    """Causal: how many tokens a query sees, itself included. Bidirectional: how far to each side.
    ``None`` is the whole context."""
    bias: tuple[Projection, ...] = ()
    """Which projections add a bias."""
    qk_norm: Literal["head", "full"] | None = None
    """RMS norms on queries and keys: one weight vector per ``head_dim`` or over the whole width."""
    qk_norm_bias: bool = False
    """Whether these norms subtract the mean and add a bias (Phi, Persimmon)."""
    sinks: bool = False
    """One learned logit per head that attends to nothing (gpt-oss)."""
    softcap: bool = False
    """Whether attention logits pass through a tanh (Gemma 2)."""
    position: Literal["rotary", "alibi", "relative", "absolute", "none"] = "rotary"
    relative_buckets: Count = 0
    """Buckets of a relative-position bias of this layer's own (UMT5); a stack's common one stands in the stack."""
    disentangled: Disentangled | None = None

    @model_validator(mode="after")
    def _groups_are_equal(self) -> Self:
        if self.heads % self.kv_heads:
            raise ValueError(
                f"heads={self.heads} is not a multiple of kv_heads={self.kv_heads}; "
                f"each key-value head must serve the same number of query heads"
            )
        return self


class CrossAttention(Spec):
    """Attention whose keys and values come from another stack (arXiv:1706.03762, section 3.2.3)."""

    kind: Literal["cross"] = "cross"
    heads: Size
    head_dim: Size
    source: str
    """Name of the stack, or ``caption`` for an outside text encoder, that keys and values read."""
    source_width: Size | None = None
    """Width of what is read; ``None`` means the stack's own hidden width."""
    bias: tuple[Projection, ...] = ()


class LatentAttention(Spec):
    """Multi-head latent attention, MLA (arXiv:2405.04434, section 2.1)."""

    kind: Literal["mla"] = "mla"
    heads: Size
    q_rank: Size | None = None
    """Rank of the query compression; ``None`` projects queries directly (DeepSeek-V2-Lite)."""
    kv_rank: Size
    nope_dim: Size
    """Per-head width without position."""
    rope_dim: Size
    """Width of the rotary part, shared by all heads on the key side."""
    v_dim: Size
