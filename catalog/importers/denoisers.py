"""Denoisers of diffusers: transformers over latents, and U-Nets."""

from __future__ import annotations

from catalog.channels import Dense
from catalog.errors import BadInput
from catalog.importers.fields import Fields
from catalog.mixers import Attention, CrossAttention
from catalog.mixers.attention import Projection
from catalog.spec import Architecture, Conditioning, Group, Layer, Modulation, PatchEmbedding, Stack, Unpatch

QKVO: tuple[Projection, ...] = ("q", "k", "v", "o")


def _layer(hidden: int, heads: int, modulation: Modulation) -> Layer:
    mixer = Attention(
        heads=heads, kv_heads=heads, head_dim=hidden // heads, causal=False, bias=QKVO, position="absolute"
    )
    channel = Dense(width=4 * hidden, gated=False, bias=True, activation="gelu")
    return Layer(mixer=mixer, channel=channel, modulation=modulation)


def dit(f: Fields) -> Architecture:
    """DiT: patches of a latent, blocks steered by timestep and class through adaptive norms."""
    heads, d = f.size("num_attention_heads"), f.size("attention_head_dim")
    hidden = heads * d
    layer = _layer(hidden, heads, Modulation(kind="own"))
    stack = Stack(
        name="denoiser", role="denoiser", hidden=hidden, norm="plain",
        embedding=_latent(f),
        conditioning=Conditioning(classes=f.size("num_embeds_ada_norm") + 1),
        groups=(Group(repeat=f.size("num_layers"), layers=(layer,)),),
        heads=(Unpatch(channels=f.size("out_channels")),),
    )  # fmt: skip
    _expect(f, norm_type="ada_norm_zero", norm_elementwise_affine=False, attention_bias=True)
    return Architecture(stacks=(stack,))


def pixart(f: Fields) -> Architecture:
    """PixArt-alpha: DiT with cross-attention to a T5 caption and one modulation shared by all blocks."""
    heads, d = f.size("num_attention_heads"), f.size("attention_head_dim")
    hidden, size = heads * d, f.size("sample_size")
    layer = _layer(hidden, heads, Modulation(kind="shared"))
    layer = layer.model_copy(
        update={"cross": CrossAttention(heads=heads, head_dim=d, source="caption", bias=QKVO), "norms": "pre"}
    )
    if f.size("cross_attention_dim") != hidden:
        raise BadInput(f"{f.where}: cross_attention_dim differs from the hidden width {hidden}")
    f.read.add("num_embeds_ada_norm")
    conditioning = Conditioning(
        caption_width=f.size("caption_channels"), caption_tokens=120, sizes=3 if size == 128 else 0
    )
    stack = Stack(
        name="denoiser", role="denoiser", hidden=hidden, norm="plain", embedding=_latent(f), conditioning=conditioning,
        groups=(Group(repeat=f.size("num_layers"), layers=(layer,)),),
        heads=(Unpatch(channels=f.size("out_channels"), modulation="table"),),
    )  # fmt: skip
    _expect(f, norm_type="ada_norm_single", norm_elementwise_affine=False, attention_bias=True)
    return Architecture(stacks=(stack,))


def _latent(f: Fields) -> PatchEmbedding:
    return PatchEmbedding(
        size=f.size("sample_size"), patch=f.size("patch_size"), channels=f.size("in_channels"), positions=False
    )


def _expect(f: Fields, **expected: object) -> None:
    f.read.add("activation_fn")
    for key, value in expected.items():
        if f.value(key, default=value) != value:
            raise BadInput(f"{f.where}: {key}={f.value(key)!r} is not modelled; expected {value!r}")
