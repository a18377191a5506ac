"""What else changes the stream between layers: several streams in turn, a low-rank bypass, an input of each layer."""

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Size, Spec


class AltUp(Spec):
    """Alternating updates: a layer works on one of several streams, and the others are predicted from all of them
    before it and corrected by what it did (arXiv:2301.13310, section 3.1)."""

    kind: Literal["altup"] = "altup"
    streams: Annotated[int, Field(ge=2)] = 4


class LowRank(Spec):
    """A bypass of attention through a narrow linear map and back, normed (LAuReL, arXiv:2411.07501, section 2)."""

    kind: Literal["low-rank"] = "low-rank"
    rank: Size


class LayerInput(Spec):
    """A vector of each layer's own for each token, gated by the stream and added to it behind the feed-forward
    (Gemma 3n's per-layer embeddings)."""

    kind: Literal["layer-input"] = "layer-input"
    width: Size


class PatchAttention(Spec):
    """Attention between bytes and the patches that they form: a byte and the vectors of its own patch see each other
    (BLT, arXiv:2412.09871, sections 3.2 and 3.3)."""

    kind: Literal["patch-attention"] = "patch-attention"
    heads: Size
    head_dim: Size
    kv_heads: Size
    queries: Literal["patches", "bytes"]
    """Who asks: patches gather from bytes in the encoder, bytes from patches in the decoder."""
    vectors: Size = 2
    """Vectors of the stack's width per patch."""
    bytes: Size
    """Bytes per patch, on average."""
