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
    windows = (3, 4, 7) if stages == 1 or model_type == "swinv2" else (3, 5) if stages == 2 else (2, 3)
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
        "window_size": _one(draw, *windows),
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


@st.composite
def regnet(draw: Draw) -> Config:
    config = _stages(draw) | {"groups_width": 8, "layer_type": _one(draw, "x", "y")}
    return config | {
        "model_type": "regnet",
        **_classes(draw, "RegNet"),
        "embedding_size": _one(draw, 8, 12),
        **_flags(draw, "downsample_in_first_stage"),
    }


@st.composite
def bit(draw: Draw) -> Config:
    sizes = _stages(draw) | {"hidden_sizes": [64, 96, 128][: _one(draw, 1, 2, 3)]}
    return sizes | {
        "model_type": "bit",
        **_classes(draw, "Bit"),
        "depths": [_one(draw, 1, 2) for _ in sizes["hidden_sizes"]],
        "embedding_size": _one(draw, 8, 16),
        "num_groups": 8,
        **_one(draw, {"layer_type": "preactivation"}, {"layer_type": "bottleneck", "width_factor": _one(draw, 1, 2)}),
    }


@st.composite
def mobilenet(draw: Draw, model_type: str, prefix: str) -> Config:
    more = (
        {"expand_ratio": _one(draw, 4.0, 6.0), **_flags(draw, "finegrained_output", "first_layer_is_expansion")}
        if model_type == "mobilenet_v2"
        else {}
    )
    return {
        "model_type": model_type,
        **_classes(draw, prefix),
        "image_size": _one(draw, 64, 97),
        "num_channels": _one(draw, 1, 3),
        "depth_multiplier": _one(draw, 0.25, 0.7, 1.3),
        "min_depth": _one(draw, 4, 8),
        **_flags(draw, "tf_padding"),
        **more,
    }


@st.composite
def pp_lcnet(draw: Draw) -> Config:
    wide = _one(draw, 16, 24)
    blocks = [[[3, 16, wide, 1, False]], [[_one(draw, 3, 5), wide, 32, 2, True], [3, 32, 32, 1, draw(st.booleans())]]]
    blocks += [[[3, 32, 32, 2, draw(st.booleans())]]] * 3
    return {
        "model_type": "pp_lcnet",
        "id2label": {"0": "0", "1": "1", "2": "2"},
        "block_configs": blocks,
        "scale": _one(draw, 0.5, 1.0, 1.5),
        "class_expand": _one(draw, 40, 56),
        "reduction": _one(draw, 2, 4),
    }


@st.composite
def textnet(draw: Draw) -> Config:
    kernels = [[[3, 3], [1, 3]], [[3, 1], [3, 3], [3, 3]]]
    return {
        "model_type": "textnet",
        **_classes(draw, "TextNet"),
        "image_size": _one(draw, 64, 80),
        "stem_out_channels": 16,
        "hidden_sizes": [16, _one(draw, 16, 24), _one(draw, 24, 32)],
        "conv_layer_kernel_sizes": kernels,
        "conv_layer_strides": [[1, 2], [1, 2, 1]],
    }


def _cut(draw: Draw, count: int) -> Config:
    return {
        "num_encoder_blocks": count,
        "depths": [_one(draw, 1, 2) for _ in range(count)],
        "hidden_sizes": [_one(draw, 8, 16, 24) for _ in range(count)],
        "num_channels": _one(draw, 1, 3),
    }


@st.composite
def poolformer(draw: Draw) -> Config:
    count = _one(draw, 1, 2, 3)
    return _cut(draw, count) | {
        "model_type": "poolformer",
        **_classes(draw, "PoolFormer"),
        "patch_sizes": [7, 3, 3][:count],
        "strides": [4, 2, 2][:count],
        "padding": [2, 1, 1][:count],
        "pool_size": _one(draw, 3, 5),
        "mlp_ratio": _one(draw, 2.0, 4.0),
        **_flags(draw, "use_layer_scale"),
    }


@st.composite
def pvt(draw: Draw, model_type: str, prefix: str, ratios: str) -> Config:
    count, first = _one(draw, 2, 3), model_type == "pvt"
    more = {} if model_type == "segformer" else {"qkv_bias": draw(st.booleans()), "image_size": 64}
    if model_type == "pvt_v2":
        more |= _flags(draw, "linear_attention") | {"image_size": [64, 64]}
    classes = _classes(draw, prefix)
    if first:  # the class takes its own default over the names of the labels
        more["num_labels"] = len(classes["id2label"])
    return _cut(draw, count) | {
        "model_type": model_type,
        **classes,
        "patch_sizes": ([4, 2, 2] if first else [7, 3, 3])[:count],
        "strides": [4, 2, 2][:count],
        "num_attention_heads": [_one(draw, 1, 2, 4) for _ in range(count)],
        ratios: [[4, 1], [4, 2, 1]][count - 2],
        "mlp_ratios": [_one(draw, 2, 3) for _ in range(count)],
        **more,
    }


@st.composite
def cvt(draw: Draw) -> Config:
    count = _one(draw, 1, 2)
    kernels = [_one(draw, 3, 5) for _ in range(count)]
    pads = [(kernel - 1) // 2 for kernel in kernels]
    return {
        "model_type": "cvt",
        **_classes(draw, "Cvt"),
        "num_channels": _one(draw, 1, 3),
        "patch_sizes": [7, 3][:count],
        "patch_stride": [4, 2][:count],
        "patch_padding": [2, 1][:count],
        "embed_dim": [_one(draw, 8, 16) for _ in range(count)],
        "num_heads": [_one(draw, 1, 2) for _ in range(count)],
        "depth": [stage + _one(draw, 1, 2) for stage in range(count)],  # the class looks up rates by stage, not layer
        "mlp_ratio": [_one(draw, 2.0, 4.0) for _ in range(count)],
        "drop_rate": [0.0] * count,
        "drop_path_rate": [0.0] * count,
        "attention_drop_rate": [0.0] * count,
        "qkv_bias": [draw(st.booleans()) for _ in range(count)],
        "cls_token": [False, True][-count:],
        "qkv_projection_method": ["dw_bn"] * count,
        "kernel_qkv": kernels,
        "padding_kv": pads,
        "padding_q": pads,
        "stride_kv": [_one(draw, 1, 2) for _ in range(count)],
        "stride_q": [1] * count,
    }


@st.composite
def efficientnet(draw: Draw) -> Config:
    width = _one(draw, 0.5, 1.0)
    return {
        "model_type": "efficientnet",
        **_classes(draw, "EfficientNet"),
        "image_size": _one(draw, 64, 79),
        "num_channels": _one(draw, 1, 3),
        "width_coefficient": width,
        "depth_coefficient": _one(draw, 1.0, 1.6),
        "hidden_dim": int(1280 * width),
        "in_channels": [32, 16, 24],
        "out_channels": [16, 24, 40],
        "kernel_sizes": [_one(draw, 3, 5) for _ in range(3)],
        "strides": [1, 2, _one(draw, 1, 2)],
        "num_block_repeats": [_one(draw, 1, 2) for _ in range(3)],
        "expand_ratios": [_one(draw, 1, 2) for _ in range(3)],
        "squeeze_expansion_ratio": _one(draw, 0.25, 0.5),
        "depthwise_padding": _one(draw, [], [1]),
        "pooling_type": "mean",
    }


@st.composite
def hgnet(draw: Draw) -> Config:
    outs = [_one(draw, 16, 24), _one(draw, 32, 40)]
    return {
        "model_type": "hgnet_v2",
        "architectures": ["HGNetV2ForImageClassification"],
        "id2label": {"0": "0", "1": "1", "2": "2"},
        "stem_channels": [3, 8, 12],
        "hidden_sizes": outs,
        "depths": [1, 1],
        "stage_in_channels": [12, outs[0]],
        "stage_mid_channels": [_one(draw, 6, 8), 10],
        "stage_out_channels": outs,
        "stage_num_blocks": [_one(draw, 1, 2), _one(draw, 1, 3)],
        "stage_downsample": [draw(st.booleans()), True],
        "stage_light_block": [draw(st.booleans()), draw(st.booleans())],
        "stage_kernel_size": [3, _one(draw, 3, 5)],
        "stage_numb_of_layers": [_one(draw, 1, 2), _one(draw, 1, 3)],
        "stage_downsample_strides": [2, 2],
        **_flags(draw, "use_learnable_affine_block"),
    }


@st.composite
def mobilevit(draw: Draw) -> Config:
    heads = _one(draw, 1, 2)
    return {
        "model_type": "mobilevit",
        "architectures": ["MobileViT" + _one(draw, "Model", "ForImageClassification")],
        "image_size": _one(draw, 64, 128),
        "num_channels": _one(draw, 1, 3),
        "num_attention_heads": heads,
        "hidden_sizes": [heads * _one(draw, 8, 10) for _ in range(3)],
        "neck_hidden_sizes": [8, 16, _one(draw, 16, 24), 24, _one(draw, 24, 32), 32, 40],
        "mlp_ratio": _one(draw, 1.5, 2.0),
        "expand_ratio": _one(draw, 2.0, 4.0),
        **_flags(draw, "qkv_bias"),
    }


@st.composite
def mobilevitv2(draw: Draw) -> Config:
    return {
        "model_type": "mobilevitv2",
        "architectures": ["MobileViTV2" + _one(draw, "Model", "ForImageClassification")],
        "image_size": _one(draw, 64, 128),
        "num_channels": _one(draw, 1, 3),
        "width_multiplier": _one(draw, 0.25, 0.4),
        "base_attn_unit_dims": [_one(draw, 32, 64) for _ in range(3)],
        "n_attn_blocks": [_one(draw, 1, 2) for _ in range(3)],
        "ffn_multiplier": _one(draw, 2, 3),
        "expand_ratio": _one(draw, 1.5, 2.0),
    }


@st.composite
def swiftformer(draw: Draw) -> Config:
    stages = _one(draw, 2, 3)
    return {
        "model_type": "swiftformer",
        **_classes(draw, "SwiftFormer"),
        "image_size": _one(draw, 32, 48),
        "num_channels": _one(draw, 1, 3),
        "embed_dims": [_one(draw, 8, 16) for _ in range(stages)],
        "depths": [_one(draw, 1, 2, 3) for _ in range(stages)],
        "downsamples": [draw(st.booleans()) for _ in range(stages)],
        "mlp_ratio": _one(draw, 2, 4),
        **_flags(draw, "use_layer_scale"),
    }


@st.composite
def focalnet(draw: Draw) -> Config:
    stages, patch = _one(draw, 1, 2, 3), _one(draw, 2, 4)
    flags = ("use_conv_embed", "use_layerscale", "use_post_layernorm", "use_post_layernorm_in_modulation")
    return {
        "model_type": "focalnet",
        **_classes(draw, "FocalNet"),
        "image_size": 4 * patch * _one(draw, 2, 3),
        "patch_size": patch,
        "num_channels": _one(draw, 1, 3),
        "embed_dim": _one(draw, 8, 12),
        "depths": [_one(draw, 1, 2) for _ in range(stages)],
        "hidden_sizes": [16] * stages,
        "focal_levels": [_one(draw, 1, 2, 3) for _ in range(stages)],
        "focal_windows": [_one(draw, 3, 5) for _ in range(stages)],
        "mlp_ratio": _one(draw, 2.0, 4.0),
        **_flags(draw, *flags),
    }


@st.composite
def hiera(draw: Draw) -> Config:
    stages = _one(draw, 2, 3)
    return {
        "model_type": "hiera",
        **_classes(draw, "Hiera"),
        "image_size": [64, 64],
        "num_channels": _one(draw, 1, 3),
        "embed_dim": _one(draw, 8, 16),
        "depths": [_one(draw, 1, 2, 3) for _ in range(stages)],
        "num_heads": [1, 2, 4][:stages],
        "masked_unit_size": [4, 4],
        "num_query_pool": stages - 1,
        "masked_unit_attention": [draw(st.booleans()) for _ in range(stages)],
        "mlp_ratio": _one(draw, 2.0, 4.0),
    }


PYRAMIDS: dict[str, st.SearchStrategy[Config]] = {
    "bit": bit(),
    "convnext": convnext(),
    "convnextv2": convnext("convnextv2", "ConvNextV2"),
    "cvt": cvt(),
    "donut-swin": swin("donut-swin", "DonutSwin"),
    "efficientnet": efficientnet(),
    "focalnet": focalnet(),
    "mobilevitv2": mobilevitv2(),
    "swiftformer": swiftformer(),
    "hgnet_v2": hgnet(),
    "hiera": hiera(),
    "mobilevit": mobilevit(),
    "mobilenet_v1": mobilenet("mobilenet_v1", "MobileNetV1"),
    "mobilenet_v2": mobilenet("mobilenet_v2", "MobileNetV2"),
    "poolformer": poolformer(),
    "pp_lcnet": pp_lcnet(),
    "pvt": pvt("pvt", "Pvt", "sequence_reduction_ratios"),
    "pvt_v2": pvt("pvt_v2", "PvtV2", "sr_ratios"),
    "regnet": regnet(),
    "resnet": resnet(),
    "segformer": pvt("segformer", "Segformer", "sr_ratios"),
    "swin": swin(),
    "swinv2": swin("swinv2", "Swinv2"),
    "textnet": textnet(),
}
