"""Names of timm's image networks whose architecture a Hugging Face configuration can say.

Only plain members of a family: timm's suffixes (``resnet50d``, ``_gn``, ``_siglip``) change the architecture and are
left out. Whoever has a published parameter count should compare it.

Source:
    timm 1.0 (github.com/huggingface/pytorch-image-models), ``timm/models``: the entry points of each family.
"""

from __future__ import annotations

import re
from typing import Any

Config = dict[str, Any]

VITS = {  # width, layers, heads, feed-forward
    "tiny": (192, 12, 3, 768), "small": (384, 12, 6, 1536), "base": (768, 12, 12, 3072),
    "large": (1024, 24, 16, 4096), "huge": (1280, 32, 16, 5120), "giant": (1408, 40, 16, 6144),
    "gigantic": (1664, 48, 16, 8192), "medium": (512, 12, 8, 2048),
}  # fmt: skip
RESNETS = {
    18: ("basic", (2, 2, 2, 2)), 34: ("basic", (3, 4, 6, 3)), 26: ("bottleneck", (2, 2, 2, 2)),
    50: ("bottleneck", (3, 4, 6, 3)), 101: ("bottleneck", (3, 4, 23, 3)), 152: ("bottleneck", (3, 8, 36, 3)),
    200: ("bottleneck", (3, 24, 36, 3)),
}  # fmt: skip
CONVNEXTS = {
    "atto": ((2, 2, 6, 2), 40), "femto": ((2, 2, 6, 2), 48), "pico": ((2, 2, 6, 2), 64), "nano": ((2, 2, 8, 2), 80),
    "tiny": ((3, 3, 9, 3), 96), "small": ((3, 3, 27, 3), 96), "base": ((3, 3, 27, 3), 128),
    "large": ((3, 3, 27, 3), 192), "xlarge": ((3, 3, 27, 3), 256), "huge": ((3, 3, 27, 3), 352),
}  # fmt: skip
SWINS = {
    "tiny": (96, (2, 2, 6, 2), (3, 6, 12, 24)), "small": (96, (2, 2, 18, 2), (3, 6, 12, 24)),
    "base": (128, (2, 2, 18, 2), (4, 8, 16, 32)), "large": (192, (2, 2, 18, 2), (6, 12, 24, 48)),
}  # fmt: skip
EFFICIENTNETS = {
    0: (1.0, 1.0, 224), 1: (1.0, 1.1, 240), 2: (1.1, 1.2, 260), 3: (1.2, 1.4, 300), 4: (1.4, 1.8, 380),
    5: (1.6, 2.2, 456), 6: (1.8, 2.6, 528), 7: (2.0, 3.1, 600),
}  # fmt: skip
REGNETS = {  # depths, widths, group width (torchvision and pycls)
    "x_002": ((1, 1, 4, 7), (24, 56, 152, 368), 8), "x_004": ((1, 2, 7, 12), (32, 64, 160, 400), 16),
    "x_006": ((1, 3, 5, 7), (48, 96, 240, 528), 24), "x_008": ((1, 3, 7, 5), (64, 128, 288, 672), 16),
    "x_016": ((2, 4, 10, 2), (72, 168, 408, 912), 24), "x_032": ((2, 6, 15, 2), (96, 192, 432, 1008), 48),
    "x_040": ((2, 5, 14, 2), (80, 240, 560, 1360), 40), "x_064": ((2, 4, 10, 1), (168, 392, 784, 1624), 56),
    "x_080": ((2, 5, 15, 1), (80, 240, 720, 1920), 120), "x_120": ((2, 5, 11, 1), (224, 448, 896, 2240), 112),
    "x_160": ((2, 6, 13, 1), (256, 512, 896, 2048), 128), "x_320": ((2, 7, 13, 1), (336, 672, 1344, 2520), 168),
    "y_002": ((1, 1, 4, 7), (24, 56, 152, 368), 8), "y_004": ((1, 3, 6, 6), (48, 104, 208, 440), 8),
    "y_006": ((1, 3, 7, 4), (48, 112, 256, 608), 16), "y_008": ((1, 3, 8, 2), (64, 128, 320, 768), 16),
    "y_016": ((2, 6, 17, 2), (48, 120, 336, 888), 24), "y_032": ((2, 5, 13, 1), (72, 216, 576, 1512), 24),
    "y_040": ((2, 6, 12, 2), (128, 192, 512, 1088), 64), "y_064": ((2, 7, 14, 2), (144, 288, 576, 1296), 72),
    "y_080": ((2, 4, 10, 1), (168, 448, 896, 2016), 56), "y_120": ((2, 5, 11, 1), (224, 448, 896, 2240), 112),
    "y_160": ((2, 4, 11, 1), (224, 448, 1232, 3024), 112), "y_320": ((2, 5, 12, 1), (232, 696, 1392, 3712), 232),
}  # fmt: skip


def config_of(name: str, side: int | None = None) -> Config | None:
    """The configuration of a network by timm's name, for square images of ``side`` pixels; ``None`` if not plain.

    The name may carry a pretraining tag (``vit_base_patch16_224.augreg_in21k``), which changes nothing here.
    """
    name = name.lower().split(".")[0]
    for pattern, make in _MAKERS:
        if found := re.fullmatch(pattern, name):
            return make(found, side)
    return None


def _vit(found: re.Match[str], side: int | None) -> Config:
    hidden, layers, heads, width = VITS[found["size"]]
    image = side or int(found["side"] or 224)
    distilled = bool(found.groupdict().get("distilled"))
    head = "DeiTForImageClassificationWithTeacher" if distilled else "ViTForImageClassification"
    return {
        "model_type": "deit" if distilled else "vit", "hidden_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": heads, "intermediate_size": width, "image_size": image,
        "patch_size": int(found["patch"]), "num_labels": 1000, "architectures": [head],
    }  # fmt: skip


def _dinov2(found: re.Match[str], side: int | None) -> Config:
    hidden, layers, heads, _ = VITS[found["size"]]
    return {
        "model_type": "dinov2", "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
        "image_size": side or 518, "patch_size": 14, "architectures": ["Dinov2Model"],
    }  # fmt: skip


def _resnet(found: re.Match[str], side: int | None) -> Config | None:
    kind, depths = RESNETS[int(found["depth"])]
    if side not in (None, 224):
        return None
    widths = [64, 128, 256, 512] if kind == "basic" else [256, 512, 1024, 2048]
    return {
        "model_type": "resnet", "layer_type": kind, "depths": list(depths), "hidden_sizes": widths,
        "num_labels": 1000, "architectures": ["ResNetForImageClassification"],
    }  # fmt: skip


def _regnet(found: re.Match[str], side: int | None) -> Config | None:
    depths, widths, group = REGNETS[found["which"]]
    if side not in (None, 224):
        return None
    return {
        "model_type": "regnet", "layer_type": found["which"][0], "depths": list(depths), "hidden_sizes": list(widths),
        "groups_width": group, "num_labels": 1000, "architectures": ["RegNetForImageClassification"],
    }  # fmt: skip


def _convnext(found: re.Match[str], side: int | None) -> Config:
    depths, width = CONVNEXTS[found["size"]]
    kind = "convnextv2" if found["second"] else "convnext"
    return {
        "model_type": kind, "depths": list(depths), "hidden_sizes": [width, 2 * width, 4 * width, 8 * width],
        "image_size": side or 224, "num_labels": 1000,
        "architectures": [f"{'ConvNextV2' if found['second'] else 'ConvNext'}ForImageClassification"],
    }  # fmt: skip


def _swin(found: re.Match[str], side: int | None) -> Config:
    width, depths, heads = SWINS[found["size"]]
    return {
        "model_type": "swin", "embed_dim": width, "depths": list(depths), "num_heads": list(heads),
        "window_size": int(found["window"]), "image_size": side or int(found["side"]), "num_labels": 1000,
        "architectures": ["SwinForImageClassification"],
    }  # fmt: skip


def _efficientnet(found: re.Match[str], side: int | None) -> Config:
    wider, deeper, usual = EFFICIENTNETS[int(found["size"])]
    wide = 1280 * wider
    hidden = max(8, int(wide + 4) // 8 * 8)
    return {
        "model_type": "efficientnet", "width_coefficient": wider, "depth_coefficient": deeper,
        "hidden_dim": hidden, "image_size": side or usual, "num_labels": 1000,
        "architectures": ["EfficientNetForImageClassification"],
    }  # fmt: skip


_MAKERS = (
    (r"(?:vit|deit)_(?P<size>tiny|small|base|large|huge|giant|gigantic|medium)(?P<distilled>_distilled)?"
     r"_patch(?P<patch>\d+)(?:_gap)?_(?:clip_)?(?P<side>\d+)", _vit),
    (r"vit_(?P<size>small|base|large)_patch14_dinov2", _dinov2),
    (r"resnet(?P<depth>18|34|26|50|101|152|200)", _resnet),
    (r"regnet(?P<which>[xy]_\d{3})", _regnet),
    (r"convnext(?P<second>v2)?_(?P<size>[a-z]+)", lambda m, s: _convnext(m, s) if m["size"] in CONVNEXTS else None),
    (r"swin_(?P<size>tiny|small|base|large)_patch4_window(?P<window>\d+)_(?P<side>\d+)", _swin),
    (r"(?:tf_)?efficientnet_b(?P<size>[0-7])", _efficientnet),
)  # fmt: skip
