"""Dual encoders: a tower for images and one for text, whose vectors are compared."""

from __future__ import annotations

from typing import Any

from catalog.errors import BadInput
from catalog.image_heads import Alignment, AttentionPooler
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.importers.vit import labels, layer, patches, square, stack
from catalog.spec import Architecture, Classifier, PatchEmbedding, Stack, TokenEmbedding


def clip_vision(f: Fields, **rest: Any) -> Stack:
    """CLIP's image tower: a ViT with a norm before the first layer (arXiv:2103.00020, section 2.4)."""
    f.read.update(("projection_dim", "vocab_size"))
    crop = square(f, "image_size") % square(f, "patch_size") > 0
    embedding = patches(f, bias=False, extra_tokens=1, norm=True, crop=crop)
    return stack(f, layer(f), embedding, **rest)


def clip_text(f: Fields, **rest: Any) -> Stack:
    """CLIP's text tower: causal, read at the last token; nothing is kept, because it runs once."""
    f.read.add("projection_dim")
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), positions=f.size("max_position_embeddings"))
    return stack(f, layer(f, causal=True), embedding, **({"name": "text", "role": "encoder"} | rest))


def clip(f: Fields, class_name: str, prefix: str) -> Architecture:
    """CLIP: both towers, a linear layer each into the shared space, a temperature."""
    end = kinds.ending(f, class_name, prefix, ("Model", "ForImageClassification"))
    vision, text = f.child("vision_config"), f.child("text_config")
    if end == "ForImageClassification":
        return Architecture(stacks=(clip_vision(vision, heads=(Classifier(classes=labels(f)),)),))
    width = f.size("projection_dim")
    return Architecture(
        stacks=(
            clip_vision(vision, heads=(Alignment(width=width),)),
            clip_text(text, heads=(Alignment(width=width, scored=True, scalars=1),)),
        )
    )


def siglip_vision(f: Fields, *, packed: bool = False) -> Stack:
    """SigLIP's image tower: a ViT without class token, pooled by attention (arXiv:2303.15343)."""
    patch = f.size("patch_size")
    if packed:
        side = round(f.size("num_patches") ** 0.5)
        if side**2 != f.size("num_patches"):
            raise BadInput(f"{f.where}: num_patches={f.size('num_patches')} is no square number")
        size = side * patch
    else:
        size = square(f, "image_size")
    embedding = PatchEmbedding(size=size, patch=patch, channels=f.size("num_channels"), crop=size % patch > 0)
    heads = (AttentionPooler(heads=f.size("num_attention_heads"), width=f.size("intermediate_size")),)
    return stack(f, layer(f), embedding, heads=heads if f.flag("vision_use_head", True) else ())


def siglip_text(f: Fields) -> Stack:
    """SigLIP's text tower: every token sees all, read at the last one."""
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), positions=f.size("max_position_embeddings"))
    width = f.size("projection_size", default=f.size("hidden_size"))
    head = Alignment(width=width, bias=True, scored=True, scalars=2)
    return stack(f, layer(f), embedding, name="text", role="encoder", heads=(head,))


def siglip(f: Fields, class_name: str, prefix: str) -> Architecture:
    """SigLIP: two towers and a temperature and bias on their products."""
    end = kinds.ending(f, class_name, prefix, ("Model", "ForImageClassification"))
    vision = siglip_vision(f.child("vision_config"), packed=prefix == "Siglip2")
    if end == "ForImageClassification":
        heads = (*vision.heads, Classifier(classes=labels(f)))
        return Architecture(stacks=(vision.model_copy(update={"heads": heads}),))
    return Architecture(stacks=(vision, siglip_text(f.child("text_config"))))


TYPES: dict[str, kinds.Type] = {
    "clip": kinds.Type("dual-encoder", "CLIPModel", lambda f, name: clip(f, name, "CLIP")),
    "metaclip_2": kinds.Type("dual-encoder", "MetaClip2Model", lambda f, name: clip(f, name, "MetaClip2")),
    "siglip": kinds.Type("dual-encoder", "SiglipModel", lambda f, name: siglip(f, name, "Siglip")),
    "siglip2": kinds.Type("dual-encoder", "Siglip2Model", lambda f, name: siglip(f, name, "Siglip2")),
}
