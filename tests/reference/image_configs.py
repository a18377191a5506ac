"""Small random configurations of models that see images: towers of one width, dual encoders, pyramids."""

from __future__ import annotations

from configs import Config, Draw, _flags, _one
from hypothesis import strategies as st
from pyramid_configs import PYRAMIDS


def _tower(draw: Draw, model_type: str, **rest: object) -> Config:
    patch = _one(draw, 8, 16)
    return {
        "model_type": model_type,
        "hidden_size": 24,
        "num_attention_heads": _one(draw, 2, 3),
        "num_hidden_layers": _one(draw, 1, 3),
        "intermediate_size": _one(draw, 30, 40),
        "image_size": patch * _one(draw, 2, 3),
        "patch_size": patch,
        "num_channels": _one(draw, 1, 3),
        **rest,
    }


def _labelled(draw: Draw, model_type: str, prefix: str, **rest: object) -> Config:
    end = _one(draw, "Model", "ForImageClassification")
    labels = {"num_labels": _one(draw, 3, 7)} if end != "Model" else {}
    return _tower(draw, model_type, architectures=[prefix + end], **labels, **rest)


@st.composite
def vit(draw: Draw) -> Config:
    return _labelled(draw, "vit", "ViT", **_flags(draw, "qkv_bias"))


@st.composite
def deit(draw: Draw) -> Config:
    end = _one(draw, "Model", "ForImageClassification", "ForImageClassificationWithTeacher")
    return _tower(draw, "deit", architectures=["DeiT" + end], **_flags(draw, "qkv_bias"))


@st.composite
def vit_msn(draw: Draw) -> Config:
    return _labelled(draw, "vit_msn", "ViTMSN", **_flags(draw, "qkv_bias"))


@st.composite
def ijepa(draw: Draw) -> Config:
    return _labelled(draw, "ijepa", "IJepa")


@st.composite
def beit(draw: Draw, model_type: str = "beit", prefix: str = "Beit") -> Config:
    flags = ("use_mask_token", "use_absolute_position_embeddings", "use_relative_position_bias", "use_mean_pooling")
    scale = _one(draw, 0.0, 0.1)
    return _labelled(
        draw, model_type, prefix, layer_scale_init_value=scale,
        **_flags(draw, *flags, "use_shared_relative_position_bias"),
    )  # fmt: skip


@st.composite
def dinov2(draw: Draw, model_type: str = "dinov2", prefix: str = "Dinov2") -> Config:
    more = {"num_register_tokens": _one(draw, 1, 4)} if "registers" in model_type else {}
    config = _labelled(
        draw, model_type, prefix, mlp_ratio=_one(draw, 2, 4), **more, **_flags(draw, "use_swiglu_ffn", "qkv_bias")
    )
    del config["intermediate_size"]
    return config


def _text(draw: Draw, **rest: object) -> Config:
    return {
        "vocab_size": 97,
        "hidden_size": 32,
        "intermediate_size": _one(draw, 36, 44),
        "num_hidden_layers": _one(draw, 1, 2),
        "num_attention_heads": _one(draw, 2, 4),
        "max_position_embeddings": 40,
        **rest,
    }


@st.composite
def clip(draw: Draw, model_type: str = "clip", prefix: str = "CLIP") -> Config:
    return {
        "model_type": model_type,
        "architectures": [prefix + _one(draw, "Model", "ForImageClassification")],
        "projection_dim": _one(draw, 20, 28),
        "text_config": _text(draw),
        "vision_config": {k: v for k, v in _tower(draw, "").items() if k != "model_type"},
    }


@st.composite
def siglip(draw: Draw, model_type: str = "siglip", prefix: str = "Siglip") -> Config:
    vision = {k: v for k, v in _tower(draw, "").items() if k != "model_type"}
    if model_type == "siglip2":
        del vision["image_size"]
        vision["num_patches"] = _one(draw, 4, 9)
    else:
        vision["image_size"] += _one(draw, 0, 3)
    return {
        "model_type": model_type,
        "architectures": [prefix + _one(draw, "Model", "ForImageClassification")],
        "text_config": _text(draw, projection_size=24),
        "vision_config": vision | {"vision_use_head": True},
    }


IMAGE: dict[str, st.SearchStrategy[Config]] = {
    build.__name__: build() for build in (beit, clip, deit, dinov2, ijepa, siglip, vit, vit_msn)
} | {
    "data2vec-vision": beit("data2vec-vision", "Data2VecVision"),
    "dinov2_with_registers": dinov2("dinov2_with_registers", "Dinov2WithRegisters"),
    "metaclip_2": clip("metaclip_2", "MetaClip2"),
    "siglip2": siglip("siglip2", "Siglip2"),
    **PYRAMIDS,
}
