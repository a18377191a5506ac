"""Attention: every kind that forms scores between tokens."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from catalog.base import Count, Size, Spec
from catalog.distances import ProjectedDistances, TableDistances
from catalog.mixers.sparse import BlockIndexer, Indexer

Projection = Literal["q", "k", "v", "o"]


class Disentangled(Spec):
    """Scores of content against relative position beside those of content against content (arXiv:2006.03654, eq. 4)."""

    span: Size
    """Half of the rows of the stack's table of relative positions."""
    content_to_position: bool = True
    position_to_content: bool = True
    shared: bool = False
    """Whether positions pass through the content's own query and key projections (DeBERTa-v3)."""
    near: bool = False
    """Whether only positions that a text's length allows are projected and scored (DeBERTa 1)."""
    key_bias: bool = True
    """Whether the projection of positions into keys has a bias."""


class Convolved(Spec):
    """Queries and keys pass two causal convolutions, one per channel and one within each head; half of the values are
    those of the token before (CCA, arXiv:2510.04476)."""

    depthwise: Size
    """Columns of the first."""
    grouped: Size
    """Columns of the second."""

    @property
    def kept(self) -> int:
        """Columns of queries and keys that a step needs."""
        return self.depthwise + self.grouped - 2


class Smoothed(Spec):
    """Keys and values pass causal convolutions that are added to them, and a small vector per token and head turns,
    through a learned table, into a score for each distance backwards (Inkling)."""

    kernel: Size
    """Columns of the convolutions, kept in 32 bits."""
    distance_width: Size
    reach: Size
    """Distances that are scored."""


class Attention(Spec):
    """Softmax attention; MHA, GQA and MQA differ only in ``kv_heads`` (arXiv:2305.13245)."""

    kind: Literal["attention"] = "attention"
    heads: Size
    kv_heads: Size
    head_dim: Size
    value_dim: Size | None = None
    """Width of a value head where it is not that of a key (MiMo V2)."""
    causal: bool = True
    """Whether a token sees only itself and what came before."""
    cached: bool = True
    """Whether causal attention keeps keys and values for later steps; a text tower runs once (CLIP)."""
    window: Size | None = None
    """Causal: how many tokens a query sees, itself included. Bidirectional: how far to each side.
    ``None`` is the whole context."""
    chunk: Size | None = None
    """Causal: tokens see only those of their own block of this length, themselves included (Llama 4)."""
    keeps_all: bool = False
    """Whether the PyTorch class caches and multiplies the whole context and only masks its window (GPT-Neo)."""
    prefix: bool = False
    """Causal: whether tokens of the first pass, the prompt, see each other in both directions (prefix LM,
    arXiv:1910.10683, section 3.2.1)."""
    shares_kv: bool = False
    """Whether keys and values are those of an earlier layer, cached there (YOCO, arXiv:2405.05254; Gemma 3n)."""
    value_is_key: bool = False
    """Whether one projection gives keys and values (Gemma 4); both are cached."""
    blocks: Size | None = None
    """Bidirectional: tokens see only those of their own block of so many (Qwen2.5-VL's windows)."""
    packed: bool = False
    """Whether the PyTorch class puts all images of a pass into one sequence and only masks (Pixtral)."""
    bias: tuple[Projection, ...] = ()
    """Which projections add a bias."""
    qk_norm: Literal["head", "full", "plain"] | None = None
    """RMS norms on queries and keys: one weight vector per ``head_dim``, over the whole width, or none at all."""
    qk_norm_bias: bool = False
    """Whether these norms subtract the mean and add a bias (Phi, Persimmon)."""
    gate: Literal["full", "head"] | None = None
    """A sigmoid of the layer's input on what attention returns, before the output projection: one number per channel
    or per head (arXiv:2505.06708)."""
    out_norm: bool = False
    """A norm on what attention returns, before the output projection (BitNet b1.58)."""
    differential: bool = False
    """Half of the heads are subtracted, with a learned factor, from the other half; each reads twice its width of
    values (arXiv:2410.05258, section 2.1)."""
    padded: Size | None = None
    """Width to which the PyTorch class fills heads with zeros before it scores them (Moonshine)."""
    sinks: bool = False
    """One learned logit per head that attends to nothing (gpt-oss)."""
    softcap: bool = False
    """Whether attention logits pass through a tanh (Gemma 2)."""
    position: Literal["rotary", "alibi", "relative", "absolute", "none"] = "rotary"
    relative_buckets: Count = 0
    """Buckets of a relative-position bias of this layer's own (UMT5); a stack's common one stands in the stack."""
    disentangled: Disentangled | None = None
    smoothed: Smoothed | None = None
    indexer: BlockIndexer | None = None
    """Chooses the blocks of tokens that a query sees; ``None`` is all of them."""
    convolved: Convolved | None = None
    """Convolutions of queries and keys, with a learned scale per key-value head behind them (ZAYA)."""
    reads: str | None = None
    """A stack whose tokens are read beside the own ones, through the same projections (T5Gemma 2)."""
    distances: Annotated[ProjectedDistances | TableDistances, Field(discriminator="kind")] | None = None
    """Bidirectional: vectors of distances that queries score beside keys (Conformers)."""

    @model_validator(mode="after")
    def _groups_are_equal(self) -> Self:
        if self.heads % self.kv_heads:
            raise ValueError(
                f"heads={self.heads} is not a multiple of kv_heads={self.kv_heads}; "
                f"each key-value head must serve the same number of query heads"
            )
        return self

    @property
    def v_dim(self) -> int:
        """Width of a value head."""
        return self.value_dim or self.head_dim

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.chunk is not None and (self.window is not None or not self.causal):
            raise ValueError(f"chunk={self.chunk} needs causal attention without a window")
        if self.blocks is not None and (self.window is not None or self.causal):
            raise ValueError(f"blocks={self.blocks} needs bidirectional attention without a window")
        if self.prefix and (self.window is not None or self.chunk is not None or not self.causal):
            raise ValueError("prefix needs causal attention without window and chunk")
        if self.indexer is not None and (self.window or self.chunk or not self.causal):
            raise ValueError("an indexer needs causal attention without window and chunk")
        if self.keeps_all and self.window is None:
            raise ValueError("keeps_all is about a window, and there is none")
        if self.shares_kv and self.value_is_key:
            raise ValueError("shares_kv leaves nothing to project, value_is_key projects keys")
        if self.v_dim != self.head_dim and (self.value_is_key or self.differential):
            raise ValueError(f"value_dim={self.value_dim} must be head_dim={self.head_dim} here")
        if self.differential and self.kv_heads % 2:
            raise ValueError(f"kv_heads={self.kv_heads} is odd; differential attention pairs heads")
        return self


class CrossAttention(Spec):
    """Attention whose keys and values come from another stack (arXiv:1706.03762, section 3.2.3)."""

    kind: Literal["cross"] = "cross"
    heads: Size
    head_dim: Size
    source: str
    """Name of the stack that keys and values read, ``caption`` for an outside text encoder, or ``picture`` for a tower
    that this model comes without (Llama 3.2's decoder alone); nothing reads it where there are no images."""
    source_width: Size | None = None
    """Width of what is read; ``None`` means the stack's own hidden width."""
    kv_heads: Size | None = None
    """Key-value heads where they are fewer than ``heads``."""
    own: bool = False
    """Whether queries also read each other, behind what they read of the source (perceiver, arXiv:2204.14198)."""
    qk_norm: bool = False
    """RMS norms on each head's queries and keys."""
    padded: Size | None = None
    """Width to which the PyTorch class fills heads with zeros before it scores them (Moonshine)."""
    norm_source: bool = False
    """A norm on what is read, of this layer's own."""
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
    bias: bool = False
    """Biases on the two compressions and on the output (none on the expansions)."""
    window: Size | None = None
    """How many tokens a query sees, itself included; ``None`` is the whole context (dots3 mixes both)."""
    sinks: bool = False
    """One learned logit per head that attends to nothing (Hunyuan 4)."""
    rope_norm: bool = False
    """An RMS norm on the rotary part of the key (dots3)."""
    gate: Literal["full", "head", "query"] | None = None
    """A gate on what attention returns, from the layer's input: one number per channel (``full``) or per ``head``.
    ``query``: one per channel, from the same matrix as the queries, which reads the compressed query twice, once normed
    and once not (A.X K2)."""
    indexer: Indexer | None = None
    """Chooses the tokens that a query sees; ``None`` is all of them."""

    @model_validator(mode="after")
    def _has_what_it_reads(self) -> Self:
        if self.q_rank is None and (self.gate == "query" or (self.indexer and not self.indexer.borrowed)):
            raise ValueError("q_rank is missing: an indexer and a gate of the queries read the compressed query")
        return self
