"""Small random vision-language models: towers, connectors and decoders of odd sizes."""

from __future__ import annotations

from typing import Any

from configs import Config, Draw, _decoder, _flags, _one, deepseek_v3, llama, mistral, qwen2, qwen3, qwen3_moe
from decoder_configs import cohere2
from hypothesis import strategies as st
from linear_configs import qwen3_5_moe_text, qwen3_5_text
from routed_configs import llama4_text


def _clip(draw: Draw, model_type: str = "clip_vision_model", patch: int = 14, **rest: Any) -> Config:
    return {
        "model_type": model_type,
        "hidden_size": 24,
        "intermediate_size": _one(draw, 30, 40),
        "num_attention_heads": _one(draw, 2, 3),
        "num_hidden_layers": _one(draw, 2, 3),
        "image_size": 4 * patch,
        "patch_size": patch,
        **rest,
    }


def _siglip(draw: Draw, **rest: Any) -> Config:
    return _clip(draw, "siglip_vision_model", **_flags(draw, "vision_use_head"), **rest)


def _around(draw: Draw, model_type: str, text: Config, vision: Config, **rest: Any) -> Config:
    tied = draw(st.booleans())
    return {
        "model_type": model_type,
        "text_config": text | {"tie_word_embeddings": tied},
        "tie_word_embeddings": tied,
        "image_token_id": 1,
        "vision_config": vision,
        **rest,
    }


@st.composite
def gemma3(draw: Draw) -> Config:
    sizes = {"head_dim": _one(draw, 8, 20), "sliding_window": _one(draw, 5, 9), "query_pre_attn_scalar": 8}
    text = _decoder(draw, "gemma3_text", **sizes)
    return _around(draw, "gemma3", text, _siglip(draw), mm_tokens_per_image=_one(draw, 4, 16))


@st.composite
def paligemma(draw: Draw) -> Config:
    text = _decoder(draw, "gemma", head_dim=_one(draw, 8, 20))
    vision = _siglip(draw, projection_dim=text["hidden_size"])
    return _around(draw, "paligemma", text, vision, projection_dim=text["hidden_size"])


@st.composite
def mistral3(draw: Draw) -> Config:
    vision = _clip(draw, "pixtral", num_attention_heads=_one(draw, 2, 3), head_dim=None, hidden_size=24)
    vision |= {"head_dim": 24 // vision["num_attention_heads"]}
    return _around(draw, "mistral3", draw(mistral()), vision, **_flags(draw, "multimodal_projector_bias"))


@st.composite
def internvl(draw: Draw) -> Config:
    vision = _clip(draw, "internvl_vision", **_flags(draw, "attention_bias", "use_qk_norm", "use_mean_pooling"))
    return _around(draw, "internvl", draw(qwen2()), vision | {"image_size": [56, 56], "patch_size": [14, 14]})


@st.composite
def idefics3(draw: Draw) -> Config:
    kind = _one(draw, "idefics3", "smolvlm")
    return _around(draw, kind, draw(llama()), _clip(draw, f"{kind}_vision"), scale_factor=_one(draw, 2, 4))


@st.composite
def idefics2(draw: Draw) -> Config:
    text = draw(mistral())
    perceiver = {
        "hidden_size": text["hidden_size"],
        "resampler_n_latents": _one(draw, 3, 5),
        "resampler_depth": _one(draw, 1, 2),
        "resampler_n_heads": 4,
        "resampler_head_dim": _one(draw, 6, 8),
        "num_key_value_heads": _one(draw, 1, 2),
    }
    return _around(draw, "idefics2", text, _clip(draw, "idefics2_vision"), perceiver_config=perceiver)


@st.composite
def vipllava(draw: Draw) -> Config:
    return _around(draw, "vipllava", draw(llama()), _clip(draw), vision_feature_layer=_one(draw, [-2], [-1, 0]))


def _mrope(text: Config) -> Config:
    d = text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"]
    eighth = d // 8
    section = [d // 2 - 2 * eighth, eighth, eighth]
    return {"rope_type": "default", "mrope_section": section, "rope_theta": 10_000.0}


@st.composite
def qwen2_5_vl(draw: Draw) -> Config:
    text, heads = draw(qwen2()), _one(draw, 1, 2)
    text |= {"model_type": "qwen2_5_vl_text", "rope_parameters": _mrope(text), "use_sliding_window": False}
    depth = _one(draw, 1, 3)
    vision = {
        "depth": depth,
        "hidden_size": heads * 16,
        "num_heads": heads,
        "intermediate_size": _one(draw, 20, 28),
        "out_hidden_size": text["hidden_size"],
        "fullatt_block_indexes": _one(draw, [], [0]),
        "window_size": _one(draw, 56, 112),
    }
    return _around(draw, "qwen2_5_vl", text, vision)


def _qwen3_tower(draw: Draw, out: int, **rest: Any) -> Config:
    heads = _one(draw, 1, 2)
    return {
        "depth": 3,
        "hidden_size": heads * 16,
        "num_heads": heads,
        "intermediate_size": _one(draw, 20, 28),
        "out_hidden_size": out,
        "num_position_embeddings": _one(draw, 16, 36),
        "patch_size": _one(draw, 16, 32),
        **rest,
    }


@st.composite
def qwen3_vl(draw: Draw) -> Config:
    text = draw(qwen3()) | {"head_dim": 16, "model_type": "qwen3_vl_text"}
    for key in ("sliding_window", "max_window_layers", "use_sliding_window"):
        del text[key]  # the class has no windows, and the cache would believe such a field
    text |= {"rope_parameters": _mrope(text), "num_hidden_layers": 5}
    tower = _qwen3_tower(draw, text["hidden_size"], deepstack_visual_indexes=_one(draw, [1], [0, 2]))
    return _around(draw, "qwen3_vl", text, tower)


@st.composite
def qwen3_vl_moe(draw: Draw) -> Config:
    text = draw(qwen3_moe()) | {"model_type": "qwen3_vl_moe_text", "num_hidden_layers": 5}
    text |= {"rope_parameters": _mrope(text)}
    tower = _qwen3_tower(draw, text["hidden_size"], deepstack_visual_indexes=_one(draw, [1], [0, 2]))
    return _around(draw, "qwen3_vl_moe", text, tower)


@st.composite
def llama4(draw: Draw) -> Config:
    text = draw(llama4_text())
    hidden = 24
    vision = _clip(draw, "llama4_vision_model", num_attention_heads=3, vision_output_dim=20)
    vision |= {"hidden_size": hidden, "intermediate_size": 4 * hidden, "projector_input_dim": 20}
    config = _around(draw, "llama4", text, vision | {"projector_output_dim": 20})
    return config | {"image_token_index": 1, "boi_token_index": 2, "eoi_token_index": 3}


@st.composite
def qwen3_5(draw: Draw) -> Config:
    text = draw(qwen3_5_text())
    return _around(draw, "qwen3_5", text, _qwen3_tower(draw, text["hidden_size"]))


@st.composite
def qwen3_5_moe(draw: Draw) -> Config:
    text = draw(qwen3_5_moe_text())
    return _around(draw, "qwen3_5_moe", text, _qwen3_tower(draw, text["hidden_size"]))


@st.composite
def kimi_k25(draw: Draw) -> Config:
    text, heads = draw(deepseek_v3()) | {"model_type": "deepseek_v3"}, _one(draw, 1, 2)
    vision = {
        "hidden_size": 16 * heads,
        "num_attention_heads": heads,
        "num_hidden_layers": _one(draw, 1, 3),
        "intermediate_size": _one(draw, 20, 28),
        "patch_size": _one(draw, 14, 16),
        "pos_emb_height": 8,
        "pos_emb_width": 8,
    }
    return _around(draw, "kimi_k25", text, vision, projection_hidden_size=16 * heads)


@st.composite
def cohere2_vision(draw: Draw) -> Config:
    text = draw(cohere2()) | {"model_type": "cohere2"}
    return _around(
        draw, "cohere2_vision", text, _siglip(draw), downsample_factor=2, alignment_intermediate_size=_one(draw, 20, 36)
    )


@st.composite
def deepseek_vl(draw: Draw) -> Config:
    return _around(draw, "deepseek_vl", draw(llama()), _siglip(draw))


@st.composite
def mllama(draw: Draw) -> Config:
    text = _decoder(draw, "mllama_text_model", cross_attention_layers=_one(draw, [1], [2, 3]), num_hidden_layers=5)
    text |= {"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0}}
    taken = _one(draw, [0], [0, 1])
    vision = {
        "hidden_size": 24,
        "attention_heads": _one(draw, 2, 3),
        "intermediate_size": _one(draw, 30, 40),
        "num_hidden_layers": 3,
        "num_global_layers": _one(draw, 1, 2),
        "max_num_tiles": _one(draw, 2, 4),
        "supported_aspect_ratios": [[1, 1], [1, 2], [2, 1]],
        "image_size": 56,
        "patch_size": 14,
        "intermediate_layers_indices": taken,
        "vision_output_dim": 24 * (1 + len(taken)),
    }
    config = _around(draw, "mllama", text, vision)
    return config | {"tie_word_embeddings": False, "text_config": text | {"tie_word_embeddings": False}}


VISION_LANGUAGE: dict[str, st.SearchStrategy[Config]] = {
    build.__name__: build()
    for build in (
        cohere2_vision, deepseek_vl, gemma3, idefics2, idefics3, internvl, kimi_k25, llama4, mistral3, mllama,
        paligemma, qwen2_5_vl, qwen3_5, qwen3_5_moe, qwen3_vl, qwen3_vl_moe, vipllava,
    )
}  # fmt: skip
"""One strategy per type."""
