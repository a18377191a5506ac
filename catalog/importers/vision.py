"""Vision encoders, vision-language models and denoisers."""

from __future__ import annotations

from catalog.channels import Dense
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.mixers import Attention, CrossAttention
from catalog.spec import (
    Architecture,
    Classifier,
    Conditioning,
    Group,
    Head,
    Layer,
    Modulation,
    PatchEmbedding,
    Stack,
    Unpatch,
)

QKVO = ("q", "k", "v", "o")


def _tower(f: Fields, hidden: int, heads: int, width: int, **layer: object) -> Layer:
    if hidden % heads:
        raise BadInput(f"{f.where}: hidden_size={hidden} is not a multiple of num_attention_heads={heads}")
    mixer = Attention(
        heads=heads, kv_heads=heads, head_dim=hidden // heads, causal=False, bias=QKVO, position="absolute"
    )
    return Layer(mixer=mixer, channel=Dense(width=width, gated=False, bias=True, activation="gelu"), **layer)  # type: ignore[arg-type]


def _square(f: Fields, key: str, default: int) -> int:
    value = f.value(key, default=default)
    if isinstance(value, list) and len(set(map(str, value))) == 1:
        value = value[0]
    if isinstance(value, list):
        raise BadInput(f"{f.where}: {key}={value} is not square")
    return f.size(key, default=default) if not isinstance(f.value(key, default=default), list) else int(value)


def vit(f: Fields, classifies: bool) -> Architecture:
    """ViT: patches, a class token, learned positions."""
    hidden = f.size("hidden_size", default=768)
    embedding = PatchEmbedding(
        size=_square(f, "image_size", 224), patch=_square(f, "patch_size", 16),
        channels=f.size("num_channels", default=3), extra_tokens=1,
    )  # fmt: skip
    layer = _tower(f, hidden, f.size("num_attention_heads", default=12), f.size("intermediate_size", default=3072))
    if not f.flag("qkv_bias", True):
        raise BadInput(f"{f.where}: qkv_bias=false is not modelled for ViT")
    labels = f.value("num_labels") or len(f.value("id2label", default={})) or 2
    heads: tuple[Head, ...] = (Classifier(classes=labels),) if classifies else ()
    group = Group(repeat=f.size("num_hidden_layers", default=12), layers=(layer,))
    stack = Stack(
        name="vision", role="vision", hidden=hidden, norm="layer", embedding=embedding, groups=(group,), heads=heads
    )
    return Architecture(stacks=(stack,))


def dinov2(f: Fields) -> Architecture:
    """DINOv2: a ViT with layer scale and a mask token."""
    hidden = f.size("hidden_size", default=768)
    embedding = PatchEmbedding(
        size=_square(f, "image_size", 224), patch=_square(f, "patch_size", 14),
        channels=f.size("num_channels", default=3), extra_tokens=1, mask_token=f.flag("use_mask_token", True),
    )  # fmt: skip
    if f.flag("use_swiglu_ffn"):
        raise BadInput(f"{f.where}: use_swiglu_ffn=true is not modelled for DINOv2 yet")
    width = f.size("mlp_ratio", default=4) * hidden
    f.read.add("qkv_bias")
    layer = _tower(f, hidden, f.size("num_attention_heads", default=12), width, layer_scale=True)
    group = Group(repeat=f.size("num_hidden_layers", default=12), layers=(layer,))
    stack = Stack(name="vision", role="vision", hidden=hidden, norm="layer", embedding=embedding, groups=(group,))
    return Architecture(stacks=(stack,))


def dit(f: Fields) -> Architecture:
    """DiT: patches of a latent, blocks steered by timestep and class through adaptive norms."""
    heads, d = f.size("num_attention_heads"), f.size("attention_head_dim")
    hidden = heads * d
    layer = _tower(f, hidden, heads, 4 * hidden, modulation=Modulation(kind="own"))
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
    layer = _tower(f, hidden, heads, 4 * hidden, modulation=Modulation(kind="shared"))
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


def _vit(f: Fields, class_name: str) -> Architecture:
    return vit(f, kinds.ending(f, class_name, "ViT", ("Model", "ForImageClassification")) != "Model")


TYPES: dict[str, kinds.Type] = {
    "dinov2": kinds.only("Dinov2Model", "vision", dinov2),
    "vit": kinds.Type("vision", "ViTForImageClassification", _vit),
}
