"""Small random configurations of models in stages: windows, reduced keys, convolutions."""

from __future__ import annotations

from configs import Config, Draw, _flags, _one
from hypothesis import strategies as st


def _classes(draw: Draw, prefix: str) -> Config:
    end = _one(draw, "Model", "ForImageClassification")
    return {"architectures": [prefix + end], "id2label": {str(i): str(i) for i in range(_one(draw, 3, 7))}}


@st.composite
def swin(draw: Draw, model_type: str = "swin", prefix: str = "Swin") -> Config:
    stages, patch = _one(draw, 1, 2, 3), _one(draw, 2, 4)
    classes = _classes(draw, prefix)
    width = _one(draw, 8, 12)
    more = {"hidden_size": width * 2 ** (stages - 1)} if model_type == "donut-swin" else {}
    return {
        "model_type": model_type,
        **classes,
        **more,
        "image_size": patch * _one(draw, 12, 15),
        "patch_size": patch,
        "num_channels": _one(draw, 1, 3),
        "embed_dim": width,
        "depths": [_one(draw, 1, 2, 3) for _ in range(stages)],
        "num_heads": [_one(draw, 1, 2, 4) for _ in range(stages)],
        "window_size": _one(draw, 3, 4, 7),
        "mlp_ratio": _one(draw, 2.0, 4.0),
        **_flags(draw, "qkv_bias", *(["use_absolute_embeddings"] if model_type == "swin" else [])),
    }


def _stages(draw: Draw) -> Config:
    stages = _one(draw, 1, 2, 3)
    return {
        "num_channels": _one(draw, 1, 3),
        "hidden_sizes": [_one(draw, 8, 16, 24) for _ in range(stages)],
        "depths": [_one(draw, 1, 2, 3) for _ in range(stages)],
    }


@st.composite
def convnext(draw: Draw, model_type: str = "convnext", prefix: str = "ConvNext") -> Config:
    patch, sizes = _one(draw, 2, 4), _stages(draw)
    rest = {"layer_scale_init_value": _one(draw, 0.0, 1e-6)} if model_type == "convnext" else {}
    return {
        "model_type": model_type,
        **_classes(draw, prefix),
        **sizes,
        **rest,
        "num_stages": len(sizes["depths"]),
        "patch_size": patch,
        "image_size": patch * _one(draw, 8, 13) + _one(draw, 0, 1),
    }


@st.composite
def resnet(draw: Draw) -> Config:
    return {
        "model_type": "resnet",
        **_classes(draw, "ResNet"),
        **_stages(draw),
        "embedding_size": _one(draw, 8, 12),
        "layer_type": _one(draw, "basic", "bottleneck"),
        **_flags(draw, "downsample_in_first_stage", "downsample_in_bottleneck"),
    }


PYRAMIDS: dict[str, st.SearchStrategy[Config]] = {
    "convnext": convnext(),
    "convnextv2": convnext("convnextv2", "ConvNextV2"),
    "donut-swin": swin("donut-swin", "DonutSwin"),
    "resnet": resnet(),
    "swin": swin(),
    "swinv2": swin("swinv2", "Swinv2"),
}
