"""Which function lowers which kind of spec. Modules load when a model needs them: most models need three."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module

from catalog.audio import AudioEmbedding
from catalog.base import Spec
from catalog.channel_mix import ChannelMix
from catalog.channels import Dense, Experts
from catalog.conformer import ConvolutionModule
from catalog.convolutions import Convolutions, ConvolvedEmbedding
from catalog.embeddings import CaptionEmbedding, JoinedEmbedding
from catalog.mixers import (
    S4,
    Attention,
    BareAttention,
    CompressedAttention,
    CrossAttention,
    ExpertAttention,
    Fourier,
    GatedDeltaNet,
    Hyena,
    JointAttention,
    KimiDelta,
    LatentAttention,
    LightningAttention,
    LongAttention,
    Mamba,
    Mamba2,
    MLstm,
    ParallelHeads,
    ReducedAttention,
    RgLru,
    Rwkv4,
    Rwkv5,
    Rwkv6,
    Rwkv7,
    ShortConvolution,
    WindowAttention,
)
from catalog.mixers.traced import Traced
from catalog.spec import PatchEmbedding, QueryEmbedding, TokenEmbedding

LOWERINGS: dict[type[Spec], str] = {
    Attention: "attention.attention",
    BareAttention: "bare.bare_attention",
    ChannelMix: "rwkv.channel_mix",
    CompressedAttention: "compressed.compressed_attention",
    ConvolutionModule: "conformer.convolution_module",
    Convolutions: "convolutions.convolutions",
    CrossAttention: "attention.cross_attention",
    Dense: "channels.dense",
    ExpertAttention: "expert_heads.expert_attention",
    Experts: "channels.experts",
    Fourier: "bare.fourier",
    GatedDeltaNet: "delta.gated_delta_net",
    Hyena: "causal_convolutions.hyena",
    JointAttention: "image_attention.joint_attention",
    KimiDelta: "delta.kimi_delta",
    LatentAttention: "latent.latent_attention",
    LightningAttention: "linear.lightning",
    LongAttention: "long.long_attention",
    MLstm: "xlstm.mlstm",
    Mamba: "recurrent.mamba",
    Mamba2: "recurrent.mamba2",
    ParallelHeads: "hybrids.parallel_heads",
    ReducedAttention: "image_attention.reduced_attention",
    RgLru: "linear_recurrence.rg_lru",
    Rwkv4: "rwkv.rwkv4",
    Rwkv5: "rwkv.rwkv5",
    Rwkv6: "rwkv.rwkv6",
    Rwkv7: "rwkv.rwkv7",
    S4: "linear_recurrence.s4",
    ShortConvolution: "causal_convolutions.short_convolution",
    Traced: "traced.traced",
    WindowAttention: "image_attention.window_attention",
}
"""Mixers and feed-forwards: a function of (scope, spec, producer) that returns the last operator's index."""

EMBEDDINGS: dict[type[Spec], str] = {
    AudioEmbedding: "audio.audio_embedding",
    CaptionEmbedding: "ends.caption_embedding",
    ConvolvedEmbedding: "convolutions.convolved_embedding",
    JoinedEmbedding: "ends.joined_embedding",
    PatchEmbedding: "ends.patch_embedding",
    QueryEmbedding: "ends.query_embedding",
    TokenEmbedding: "ends.token_embedding",
}
"""What leads into a stack: a function of (scope, spec)."""


def lowering_of(kind: type[Spec]) -> Callable[..., int]:
    """The function that appends the operators of a kind of spec."""
    return _function(LOWERINGS.get(kind) or EMBEDDINGS[kind])


@lru_cache(maxsize=256)
def _function(place: str) -> Callable[..., int]:
    module, name = place.split(".")
    function: Callable[..., int] = getattr(import_module(f"calculators.lowering.{module}"), name)
    return function
