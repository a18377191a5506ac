"""Vision-language models published with code of their own that a class of transformers builds exactly, in its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.errors import BadInput

WORDS = {"qkv_bias": "attention_bias", "qk_normalization": "use_qk_norm"}
DROPPED = ("use_flash_attn", "drop_path_rate", "architectures", "torch_dtype", "dropout", "attention_dropout")


def internvl_chat(config: Mapping[str, Any], where: str, inner: Mapping[str, Any]) -> dict[str, Any]:
    """InternVL 1.5 to 2.5 (arXiv:2404.16821, section 3.1): InternViT, pixel shuffle and two linear layers, any decoder.

    ``inner`` is the decoder's configuration in known words.

    Raises:
        BadInput: If a nested configuration is missing, or asks for what ``InternVLForConditionalGeneration`` lacks.
    """
    vision = config.get("vision_config")
    if not isinstance(vision, Mapping):
        raise BadInput(f"{where}: field 'vision_config' is missing; expected an object")
    for key, expected in {"ps_version": "v2", "select_layer": -1}.items():
        if config.get(key, expected) != expected:
            raise BadInput(f"{where}: field {key!r} is {config[key]!r}; only {expected!r} is built by transformers")
    own = {WORDS.get(key, key): value for key, value in vision.items() if key not in DROPPED}
    text = {key: value for key, value in inner.items() if key not in ("architectures", "torch_dtype")}
    return {
        "model_type": "internvl",
        "architectures": ["InternVLForConditionalGeneration"],
        "downsample_ratio": config.get("downsample_ratio", 0.5),
        "tie_word_embeddings": bool(inner.get("tie_word_embeddings", False)),
        "text_config": text,
        "vision_config": {**own, "model_type": "internvl_vision", "use_mean_pooling": True},
    }
