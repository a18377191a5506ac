"""Small random configurations of mixtures of experts, latent and sparse attention."""

from __future__ import annotations

from typing import Any

from configs import Config, Draw, _decoder, _flags, _one
from hypothesis import strategies as st


def _experts(draw: Draw, **rest: Any) -> Config:
    return {
        "moe_intermediate_size": _one(draw, 9, 20),
        "num_experts": _one(draw, 4, 6),
        "num_experts_per_tok": _one(draw, 1, 3),
        "num_shared_experts": _one(draw, 1, 2),
        **rest,
    }


def _types(draw: Draw, config: Config, *names: str) -> list[str]:
    return [_one(draw, *names) for _ in range(config["num_hidden_layers"])]


@st.composite
def afmoe(draw: Draw) -> Config:
    sizes = {"head_dim": _one(draw, 8, 20), "sliding_window": _one(draw, 5, 9)}
    sizes |= {"global_attn_every_n_layers": _one(draw, 2, 4), "num_dense_layers": _one(draw, 0, 1)}
    return _decoder(draw, "afmoe", **sizes, **_experts(draw), **_flags(draw, "attention_bias"))


@st.composite
def aria_text(draw: Draw) -> Config:
    experts = {"moe_num_experts": 5, "moe_topk": _one(draw, 1, 3), "moe_num_shared_experts": _one(draw, 1, 2)}
    return _decoder(
        draw, "aria_text", head_dim=_one(draw, 8, 20), **experts, **_flags(draw, "attention_bias", "mlp_bias")
    )


@st.composite
def cohere2_moe(draw: Draw) -> Config:
    experts = {"num_experts": 5, "num_experts_per_tok": _one(draw, 1, 3), "num_shared_experts": _one(draw, 0, 2)}
    where = {"first_k_dense_replace": _one(draw, 0, 1), "prefix_dense_intermediate_size": _one(draw, None, 30)}
    where |= {"prefix_dense_sliding_window_pattern": _one(draw, 1, 2), "rms_norm_eps": _one(draw, None, 1e-6)}
    sizes = {"head_dim": _one(draw, 8, 20), "sliding_window": _one(draw, 5, 9)}
    return _decoder(draw, "cohere2_moe", **sizes, **where, **experts, **_flags(draw, "attention_bias"))


@st.composite
def exaone_moe(draw: Draw) -> Config:
    sizes = {
        "head_dim": _one(draw, 8, 20),
        "sliding_window": _one(draw, 5, 9),
        "sliding_window_pattern": _one(draw, 2, 4),
    }
    return _decoder(draw, "exaone_moe", **sizes, **_experts(draw), first_k_dense_replace=_one(draw, 0, 1, 2))


@st.composite
def flex_olmo(draw: Draw) -> Config:
    experts = {"num_experts": 5, "num_experts_per_tok": _one(draw, 1, 3)}
    return _decoder(draw, "flex_olmo", **experts, **_flags(draw, "attention_bias"))


@st.composite
def hy_v3(draw: Draw) -> Config:
    sizes = {"head_dim": _one(draw, 8, 20)}
    return _decoder(draw, "hy_v3", **sizes, **_experts(draw), **_flags(draw, "attention_bias", "mlp_bias"))


@st.composite
def laguna(draw: Draw) -> Config:
    config = _decoder(draw, "laguna", head_dim=_one(draw, 8, 20), sliding_window=_one(draw, 5, 9))
    kv = config["num_key_value_heads"]
    config |= _experts(draw, shared_expert_intermediate_size=_one(draw, 12, 18))
    config["num_attention_heads_per_layer"] = [kv * _one(draw, 1, 2) for _ in range(config["num_hidden_layers"])]
    config |= {"layer_types": _types(draw, config, "full_attention", "sliding_attention")}
    config |= {"mlp_layer_types": _types(draw, config, "dense", "sparse"), "gating": _one(draw, True, "per-element")}
    return config | _flags(draw, "attention_bias")


@st.composite
def llama4_text(draw: Draw) -> Config:
    sizes = {"head_dim": _one(draw, 8, 20), "attention_chunk_size": _one(draw, 5, 9), "intermediate_size_mlp": 30}
    experts = {"num_local_experts": _one(draw, 3, 4), "num_experts_per_tok": _one(draw, 1, 2)}
    where = {"interleave_moe_layer_step": _one(draw, 1, 2), "no_rope_layer_interval": _one(draw, 2, 4)}
    return _decoder(draw, "llama4_text", **sizes, **experts, **where, **_flags(draw, "attention_bias"))


@st.composite
def mellum(draw: Draw) -> Config:
    config = _decoder(draw, "mellum", head_dim=_one(draw, 8, 20), sliding_window=_one(draw, 5, 9), **_experts(draw))
    config |= {"layer_types": _types(draw, config, "full_attention", "sliding_attention")}
    return config | {"mlp_layer_types": _types(draw, config, "dense", "sparse")} | _flags(draw, "attention_bias")


@st.composite
def mimo_v2_flash(draw: Draw) -> Config:
    kv = _one(draw, 1, 2)
    sizes = {"head_dim": _one(draw, 12, 20), "v_head_dim": _one(draw, 8, 24), "sliding_window": _one(draw, 5, 9)}
    heads = {"num_key_value_heads": kv, "num_attention_heads": 4 * kv, "hidden_size": 40}
    experts = {"moe_intermediate_size": 12, "n_routed_experts": 5, "num_experts_per_tok": _one(draw, 1, 3)}
    experts |= {"n_group": 1, "topk_group": 1}
    return _decoder(draw, "mimo_v2_flash", **heads, **sizes, **experts, **_flags(draw, "attention_bias"))


def _grouped(draw: Draw, **rest: Any) -> Config:
    return {
        "moe_intermediate_size": _one(draw, 9, 20),
        "n_routed_experts": 8,
        "n_group": 2,
        "topk_group": 1,
        "num_experts_per_tok": _one(draw, 1, 3),
        "n_shared_experts": _one(draw, 1, 2),
        **rest,
    }


@st.composite
def solar_open(draw: Draw) -> Config:
    return _decoder(draw, "solar_open", head_dim=_one(draw, 8, 20), **_grouped(draw), **_flags(draw, "attention_bias"))


def _latent(draw: Draw, model_type: str, *ranks: int | None, **rest: Any) -> Config:
    heads = _one(draw, 2, 4)
    return _decoder(
        draw,
        model_type,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        hidden_size=_one(draw, 32, 48),
        q_lora_rank=_one(draw, *(ranks or (12,))),
        kv_lora_rank=_one(draw, 10, 16),
        qk_nope_head_dim=_one(draw, 8, 12),
        qk_rope_head_dim=_one(draw, 4, 6),
        v_head_dim=_one(draw, 6, 14),
        **_flags(draw, "attention_bias"),
        **rest,
    )


def _index(draw: Draw) -> Config:
    return {"index_head_dim": _one(draw, 8, 10), "index_n_heads": _one(draw, 2, 3), "index_topk": _one(draw, 4, 9)}


@st.composite
def glm4_moe_lite(draw: Draw) -> Config:
    return _latent(draw, "glm4_moe_lite", 12, None, **_grouped(draw))


@st.composite
def minicpm3(draw: Draw) -> Config:
    return _latent(draw, "minicpm3", 12, None, **_flags(draw, "mlp_bias"))


@st.composite
def mistral4(draw: Draw) -> Config:
    return _latent(draw, "mistral4", 12, None, first_k_dense_replace=_one(draw, 0, 1), **_grouped(draw))


@st.composite
def dots3_note(draw: Draw) -> Config:
    config = draw(dots3_note_text())
    fits = {"adapter_out_dim": config["hidden_size"]}
    towers = {"vision_config": fits, "audio_config": fits}
    return {"model_type": "dots3_note", "architectures": ["Dots3NoteForCausalLM"], "text_config": config, **towers}


@st.composite
def youtu(draw: Draw) -> Config:
    return _latent(draw, "youtu", 12, None)


@st.composite
def axk1(draw: Draw) -> Config:
    where = {"first_k_dense_replace": _one(draw, 0, 1), "moe_layer_freq": _one(draw, 1, 2)}
    return _latent(draw, "axk1", **where, **_grouped(draw))


@st.composite
def axk2(draw: Draw) -> Config:
    where = {"first_k_dense_replace": _one(draw, 0, 1), "gated_norm_rank": _one(draw, 3, 5)}
    return _latent(draw, "axk2", **where, **_grouped(draw), **_index(draw))


@st.composite
def deepseek_v32(draw: Draw) -> Config:
    return _latent(draw, "deepseek_v32", first_k_dense_replace=_one(draw, 0, 1), **_grouped(draw), **_index(draw))


@st.composite
def glm_moe_dsa(draw: Draw) -> Config:
    skip = {"index_topk_freq": _one(draw, 1, 2, 3), "index_skip_topk_offset": _one(draw, 1, 2)}
    where = {"first_k_dense_replace": _one(draw, 0, 1)}
    return _latent(draw, "glm_moe_dsa", **where, **skip, **_grouped(draw), **_index(draw))


@st.composite
def dots3_note_text(draw: Draw) -> Config:
    config = _latent(draw, "dots3_note_text", **_grouped(draw), **_index(draw))
    config |= {"layer_types": _types(draw, config, "indexed_attention", "sliding_attention"), "mlp_bias": False}
    config |= {"sliding_window": _one(draw, 5, 9), "shared_experts_intermediate_size": _one(draw, 9, 14)}
    other = {"num_attention_heads": 3, "num_key_value_heads": 3, "kv_lora_rank": 14, "qk_nope_head_dim": 18}
    slides = [i for i, name in enumerate(config["layer_types"]) if name == "sliding_attention"]
    config |= {"head_dim": 18 + config["qk_rope_head_dim"]}
    return config | {"per_layer_config": {f"{i:02}": other for i in slides}}


@st.composite
def longcat_flash(draw: Draw) -> Config:
    config = _latent(draw, "longcat_flash")
    for key in ("num_hidden_layers", "intermediate_size"):
        del config[key]
    experts = {"n_routed_experts": 6, "zero_expert_num": _one(draw, 0, 3), "moe_topk": _one(draw, 2, 3)}
    sizes = {
        "head_dim": config["qk_rope_head_dim"],
        "num_layers": _one(draw, 1, 2),
        "ffn_hidden_size": 36,
        "expert_ffn_hidden_size": _one(draw, 9, 20),
    }
    return config | experts | sizes


@st.composite
def jetmoe(draw: Draw) -> Config:
    config = _decoder(draw, "jetmoe", kv_channels=_one(draw, 8, 12), num_local_experts=_one(draw, 3, 4))
    del config["num_attention_heads"]
    return config | {"num_experts_per_tok": _one(draw, 1, 2, 3)}


@st.composite
def doge(draw: Draw) -> Config:
    return _decoder(draw, "doge", keep_window_size=_one(draw, 5, 9), **_flags(draw, "attention_bias", "mlp_bias"))


@st.composite
def hy_v4(draw: Draw) -> Config:
    return _latent(draw, "hy_v4", hc_mult=_one(draw, 2, 3), **_grouped(draw), **_index(draw))


@st.composite
def deepseek_v4(draw: Draw) -> Config:
    config = _decoder(draw, "deepseek_v4", num_key_value_heads=1, **_index(draw))
    for key in ("intermediate_size", "attention_bias"):
        config.pop(key, None)
    heads = 2 * config["num_attention_heads"]
    config |= {"num_attention_heads": heads, "head_dim": _one(draw, 8, 16), "qk_rope_head_dim": 4, "q_lora_rank": 12}
    config |= {"o_groups": 2, "o_lora_rank": _one(draw, 5, 6), "sliding_window": _one(draw, 5, 9)}
    config |= {"compress_rate_csa": _one(draw, 3, 4), "compress_rate_hca": _one(draw, 5, 6)}
    config |= {"compress_ratios": [_one(draw, 0, 4, 128) for _ in range(config["num_hidden_layers"])]}
    config |= {"moe_intermediate_size": 9, "n_routed_experts": 5, "num_experts_per_tok": _one(draw, 1, 3)}
    return config | {"hc_mult": _one(draw, 2, 3), "index_head_dim": 8, "num_hash_layers": _one(draw, 0, 1)}


@st.composite
def arctic(draw: Draw) -> Config:
    experts = {"num_local_experts": _one(draw, 3, 4), "num_experts_per_tok": _one(draw, 1, 2)}
    flags = {"parallel_attn_mlp_res": True, "use_residual": True, "moe_layer_frequency": _one(draw, 1, 2)}
    return _decoder(draw, "arctic", **experts, **flags)


@st.composite
def grok(draw: Draw) -> Config:
    experts = {"num_experts": _one(draw, 3, 4), "num_experts_per_tok": _one(draw, 1, 2)}
    return _decoder(draw, "grok-1", head_dim=_one(draw, 8, 20), **experts)


@st.composite
def dbrx(draw: Draw) -> Config:
    config = _decoder(draw, "dbrx")
    kv = config.pop("num_key_value_heads")
    names = {"hidden_size": "d_model", "num_attention_heads": "n_heads", "num_hidden_layers": "n_layers"}
    names |= {"max_position_embeddings": "max_seq_len"}
    config = {names.get(key, key): value for key, value in config.items() if key != "intermediate_size"}
    ffn = {"ffn_hidden_size": _one(draw, 9, 20), "moe_num_experts": _one(draw, 3, 4), "moe_top_k": _one(draw, 1, 2)}
    attn = {"kv_n_heads": kv, "rope_theta": 10000, "clip_qkv": 8}
    return config | {"attn_config": attn, "ffn_config": ffn, "tie_word_embeddings": False}


@st.composite
def deepseek(draw: Draw) -> Config:
    """DeepSeekMoE, in its own words."""
    where = {"first_k_dense_replace": _one(draw, 0, 1), "moe_layer_freq": 1, "scoring_func": "softmax"}
    routed = {"moe_intermediate_size": 9, "n_routed_experts": 5, "num_experts_per_tok": _one(draw, 1, 3)}
    return _decoder(
        draw,
        "deepseek",
        architectures=["DeepseekForCausalLM"],
        **where,
        **routed,
        n_shared_experts=_one(draw, 1, 2),
        attention_bias=False,
    )


@st.composite
def minimax_m3_vl_text(draw: Draw) -> Config:
    config = _decoder(draw, "minimax_m3_vl_text", head_dim=_one(draw, 8, 20), rotary_dim=4)
    kv = config["num_key_value_heads"]
    config |= {"index_n_heads": kv, "index_head_dim": 8, "index_block_size": _one(draw, 3, 5)}
    config |= {"index_topk_blocks": _one(draw, 2, 3), "layer_types": _types(draw, config, "full_attention", SPARSE)}
    config |= {"mlp_layer_types": _types(draw, config, "dense", "sparse"), "dense_intermediate_size": 36}
    experts = {"num_local_experts": 4, "num_experts_per_tok": _one(draw, 1, 2), "shared_intermediate_size": 12}
    return config | experts


SPARSE = "minimax_m3_sparse"

ROUTED = {
    "afmoe": afmoe(),
    "arctic": arctic(),
    "aria_text": aria_text(),
    "dbrx": dbrx(),
    "grok-1": grok(),
    "axk1": axk1(),
    "axk2": axk2(),
    "cohere2_moe": cohere2_moe(),
    "deepseek": deepseek(),
    "deepseek_v4": deepseek_v4(),
    "doge": doge(),
    "hy_v4": hy_v4(),
    "jetmoe": jetmoe(),
    "deepseek_v32": deepseek_v32(),
    "dots3_note": dots3_note(),
    "dots3_note_text": dots3_note_text(),
    "exaone_moe": exaone_moe(),
    "flex_olmo": flex_olmo(),
    "glm4_moe_lite": glm4_moe_lite(),
    "glm_moe_dsa": glm_moe_dsa(),
    "hy_v3": hy_v3(),
    "laguna": laguna(),
    "llama4_text": llama4_text(),
    "longcat_flash": longcat_flash(),
    "mellum": mellum(),
    "mistral4": mistral4(),
    "mimo_v2_flash": mimo_v2_flash(),
    "minicpm3": minicpm3(),
    "minimax_m3_vl_text": minimax_m3_vl_text(),
    "solar_open": solar_open(),
    "youtu": youtu(),
}
