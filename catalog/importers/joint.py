"""Denoisers whose text and image tokens attend to each other: Stable Diffusion 3 and FLUX."""

from __future__ import annotations

from typing import Any

from catalog.channels import Dense
from catalog.embeddings import CaptionEmbedding, JoinedEmbedding
from catalog.errors import BadInput
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.mixers import Attention, JointAttention
from catalog.mixers.attention import Projection
from catalog.spec import Architecture, Conditioning, Group, Layer, Modulation, PatchEmbedding, Stack, Unpatch

QKVO: tuple[Projection, ...] = ("q", "k", "v", "o")

SD3_CAPTION = 77 + 256
"""Tokens of the two CLIP captions beside each other and of T5's behind them, as diffusers' pipeline has them."""

FLUX_CAPTION, FLUX_SIDE = 512, 64
"""Tokens of T5's caption, and patches along each edge of an image of 1,024 pixels (8 per latent cell, 2 cells)."""


def _joint(f: Fields, partner: str, normed: bool, position: str, *, chunks: int = 6, output: bool = True) -> Layer:
    heads, d = f.size("num_attention_heads"), f.size("attention_head_dim")
    mixer = JointAttention(
        heads=heads, head_dim=d, partners=(partner,), bias=QKVO if output else ("q", "k", "v"), qk_norm=normed,
        position=position, output=output,  # type: ignore[arg-type]
    )  # fmt: skip
    channel = _channel(heads * d) if output and chunks == 6 else None
    return Layer(mixer=mixer, channel=channel, modulation=Modulation(chunks=chunks))


def _channel(hidden: int) -> Dense:
    return Dense(width=4 * hidden, gated=False, bias=True, activation="gelu")


def _stack(name: str, hidden: int, **rest: Any) -> Stack:
    return Stack(**({"final_norm": False} | rest), name=name, role="denoiser", hidden=hidden, norm="plain")


def sd3(f: Fields) -> Architecture:
    """Stable Diffusion 3: joint blocks; the last one only reads the caption (arXiv:2403.03206, figure 2).

    In 3.5 medium the first blocks also attend among the image's tokens alone.
    """
    heads, d, depth = f.size("num_attention_heads"), f.size("attention_head_dim"), f.size("num_layers")
    hidden = heads * d
    if f.size("caption_projection_dim") != hidden:
        raise BadInput(f"{f.where}: caption_projection_dim differs from the hidden width {hidden}")
    norm = f.value("qk_norm")
    if norm not in (None, "rms_norm"):
        raise BadInput(f"{f.where}: qk_norm={norm!r} is not modelled; known: rms_norm")
    f.read.add("pos_embed_max_size")
    normed = norm is not None
    dual = f.value("dual_attention_layers", default=())
    alone = Layer(
        mixer=Attention(
            heads=heads, kv_heads=heads, head_dim=d, causal=False, bias=QKVO, qk_norm="head" if normed else None,
            position="absolute",
        ),
        channel=_channel(hidden),
    )  # fmt: skip
    image: list[Layer] = []
    for index in range(depth):
        if index in dual:
            image += [_joint(f, "caption", normed, "absolute", chunks=9), alone]
        else:
            image.append(_joint(f, "caption", normed, "absolute"))
    text = [_joint(f, "image", normed, "absolute")] * (depth - 1)
    text.append(_joint(f, "image", normed, "absolute", chunks=2, output=False))
    side, channels = f.size("sample_size"), f.size("in_channels")
    return Architecture(
        stacks=(
            _stack(
                "image", hidden, groups=fold(image), final_norm=True,
                embedding=PatchEmbedding(size=side, patch=f.size("patch_size"), channels=channels, positions=False),
                conditioning=Conditioning(pooled=f.size("pooled_projection_dim")),
                heads=(Unpatch(channels=f.size("out_channels", default=channels)),),
            ),
            _stack(
                "caption", hidden, groups=fold(text),
                embedding=CaptionEmbedding(width=f.size("joint_attention_dim"), tokens=SD3_CAPTION),
            ),
        )
    )  # fmt: skip


def flux(f: Fields) -> Architecture:
    """FLUX.1: joint blocks, then blocks over both streams in a row where attention and feed-forward run in parallel.

    Source: github.com/black-forest-labs/flux, ``src/flux/model.py``.
    """
    heads, d = f.size("num_attention_heads"), f.size("attention_head_dim")
    hidden, channels, patch = heads * d, f.size("in_channels"), f.size("patch_size", default=1)
    if patch != 1:
        raise BadInput(f"{f.where}: patch_size={patch} is not modelled for FLUX")
    f.read.add("axes_dims_rope")
    single = Layer(
        mixer=Attention(
            heads=heads, kv_heads=heads, head_dim=d, causal=False, bias=("q", "k", "v"), qk_norm="head"
        ),
        channel=_channel(hidden), norms="parallel-shared", modulation=Modulation(chunks=3),
    )  # fmt: skip
    depth = f.size("num_layers")
    return Architecture(
        stacks=(
            _stack(
                "image", hidden, groups=(Group(repeat=depth, layers=(_joint(f, "caption", True, "rotary"),)),),
                embedding=PatchEmbedding(size=FLUX_SIDE, patch=1, channels=channels, positions=False),
                conditioning=Conditioning(
                    pooled=f.size("pooled_projection_dim"), guidance=f.flag("guidance_embeds")
                ),
            ),
            _stack(
                "caption", hidden, groups=(Group(repeat=depth, layers=(_joint(f, "image", True, "rotary"),)),),
                embedding=CaptionEmbedding(width=f.size("joint_attention_dim"), tokens=FLUX_CAPTION),
            ),
            _stack(
                "both", hidden, groups=(Group(repeat=f.size("num_single_layers"), layers=(single,)),),
                embedding=JoinedEmbedding(sources=("caption", "image")), final_norm=True,
                heads=(Unpatch(channels=f.size("out_channels", default=channels), drop_tokens=FLUX_CAPTION),),
            ),
        )
    )  # fmt: skip
