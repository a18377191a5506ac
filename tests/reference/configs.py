"""Small random configurations of each type: defaults hide mistakes, odd sizes show them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from configs_text import TEXT_TYPES
from hypothesis import strategies as st

Config = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

VOCAB = 97


def _one(draw: Draw, *options: Any) -> Any:
    return draw(st.sampled_from(options))


def _flags(draw: Draw, *names: str) -> Config:
    return {name: draw(st.booleans()) for name in names}


def _decoder(draw: Draw, model_type: str, **rest: Any) -> Config:
    """A decoder whose sizes are all different, so that none can stand in for another."""
    kv, group, d = _one(draw, 1, 2, 3), _one(draw, 1, 2, 4), _one(draw, 8, 16, 24)
    return {
        "model_type": model_type,
        "vocab_size": VOCAB,
        "pad_token_id": 0,
        "hidden_size": kv * group * d,
        "intermediate_size": _one(draw, 40, 52),
        "num_hidden_layers": _one(draw, 1, 2, 5),
        "num_attention_heads": kv * group,
        "num_key_value_heads": kv,
        "max_position_embeddings": 512,
        **_flags(draw, "tie_word_embeddings"),
        **rest,
    }


@st.composite
def llama(draw: Draw) -> Config:
    return _decoder(draw, "llama", head_dim=_one(draw, 8, 20), **_flags(draw, "attention_bias", "mlp_bias"))


@st.composite
def mistral(draw: Draw) -> Config:
    return _decoder(draw, "mistral", head_dim=_one(draw, 8, 20), sliding_window=_one(draw, None, 5, 9))


@st.composite
def phi3(draw: Draw) -> Config:
    return _decoder(draw, "phi3", sliding_window=_one(draw, None, 5, 9))


@st.composite
def qwen2(draw: Draw) -> Config:
    window = {"sliding_window": _one(draw, 7, 12), "max_window_layers": _one(draw, 0, 1, 2)}
    return _decoder(draw, "qwen2", **window, **_flags(draw, "use_sliding_window"))


@st.composite
def qwen3(draw: Draw) -> Config:
    window = {"sliding_window": 7, "max_window_layers": 1}
    return _decoder(
        draw, "qwen3", head_dim=_one(draw, 8, 20), **window, **_flags(draw, "use_sliding_window", "attention_bias")
    )


@st.composite
def qwen3_moe(draw: Draw) -> Config:
    experts = {"num_experts": 5, "num_experts_per_tok": _one(draw, 1, 3), "moe_intermediate_size": _one(draw, 8, 24)}
    where = {"decoder_sparse_step": _one(draw, 1, 2), "mlp_only_layers": _one(draw, [], [0])}
    return _decoder(draw, "qwen3_moe", head_dim=16, **experts, **where)


@st.composite
def gemma2(draw: Draw) -> Config:
    sizes = {"head_dim": _one(draw, 8, 20), "sliding_window": _one(draw, 5, 9), "query_pre_attn_scalar": 8}
    return _decoder(draw, "gemma2", **sizes, **_flags(draw, "attention_bias"))


@st.composite
def olmo2(draw: Draw) -> Config:
    return _decoder(draw, "olmo2", **_flags(draw, "attention_bias"))


@st.composite
def olmoe(draw: Draw) -> Config:
    return _decoder(draw, "olmoe", num_experts=5, num_experts_per_tok=_one(draw, 1, 3))


@st.composite
def smollm3(draw: Draw) -> Config:
    flags = _flags(draw, "attention_bias", "mlp_bias")
    return _decoder(draw, "smollm3", no_rope_layer_interval=_one(draw, 2, 4), **flags)


@st.composite
def mixtral(draw: Draw) -> Config:
    experts = {"num_local_experts": _one(draw, 3, 4), "num_experts_per_tok": _one(draw, 1, 2)}
    return _decoder(draw, "mixtral", sliding_window=_one(draw, None, 9), **experts)


@st.composite
def gpt_oss(draw: Draw) -> Config:
    experts = {"num_local_experts": _one(draw, 3, 6), "num_experts_per_tok": _one(draw, 1, 3)}
    sizes = {"head_dim": _one(draw, 8, 16), "sliding_window": _one(draw, 5, 9)}
    return _decoder(draw, "gpt_oss", **sizes, **experts, **_flags(draw, "attention_bias"))


@st.composite
def deepseek_v3(draw: Draw) -> Config:
    heads = _one(draw, 2, 4)
    return _decoder(
        draw,
        _one(draw, "deepseek_v3", "kimi_k2"),
        num_attention_heads=heads,
        num_key_value_heads=heads,
        hidden_size=_one(draw, 32, 48),
        q_lora_rank=_one(draw, 12, None),
        kv_lora_rank=_one(draw, 10, 16),
        qk_nope_head_dim=_one(draw, 8, 12),
        qk_rope_head_dim=_one(draw, 4, 6),
        v_head_dim=_one(draw, 6, 14),
        first_k_dense_replace=_one(draw, 0, 1, 2),
        moe_intermediate_size=_one(draw, 9, 20),
        n_routed_experts=8,
        n_group=2,
        topk_group=1,
        num_experts_per_tok=_one(draw, 1, 3),
        n_shared_experts=_one(draw, 1, 2),
    )


@st.composite
def deepseek_v2(draw: Draw) -> Config:
    config = draw(deepseek_v3()) | {"model_type": "deepseek_v2", "topk_method": "greedy"}
    return {key: value for key, value in config.items() if key not in ("n_group", "topk_group")}


@st.composite
def gpt2(draw: Draw) -> Config:
    heads = _one(draw, 1, 2, 4)
    return {
        "model_type": "gpt2",
        "vocab_size": VOCAB,
        "n_positions": 512,
        "n_embd": heads * _one(draw, 8, 12),
        "n_head": heads,
        "n_layer": _one(draw, 1, 3),
        "n_inner": _one(draw, None, 20),
        **_flags(draw, "tie_word_embeddings"),
    }


@st.composite
def mamba(draw: Draw) -> Config:
    hidden = _one(draw, 24, 40)
    kind = _one(draw, "mamba", "falcon_mamba")
    expand = _one(draw, 2, 3)
    return {
        "model_type": kind,
        "vocab_size": VOCAB,
        "hidden_size": hidden,
        "expand": expand,
        "intermediate_size": expand * hidden,
        "num_hidden_layers": _one(draw, 1, 3),
        "state_size": _one(draw, 4, 8),
        "conv_kernel": _one(draw, 3, 4),
        "time_step_rank": _one(draw, "auto", 5),
        **_flags(draw, "use_bias", "use_conv_bias", "tie_word_embeddings"),
    }


@st.composite
def mamba2(draw: Draw) -> Config:
    heads, d = _one(draw, 2, 4), _one(draw, 8, 12)
    return {
        "model_type": "mamba2",
        "vocab_size": VOCAB,
        "hidden_size": heads * d // 2,
        "expand": 2,
        "num_heads": heads,
        "head_dim": d,
        "n_groups": _one(draw, 1, 2),
        "num_hidden_layers": _one(draw, 1, 3),
        "state_size": _one(draw, 4, 6),
        "conv_kernel": _one(draw, 3, 4),
        "chunk_size": _one(draw, 8, 16),
        **_flags(draw, "use_bias", "use_conv_bias", "tie_word_embeddings"),
    }


@st.composite
def jamba(draw: Draw) -> Config:
    return _decoder(
        draw,
        "jamba",
        num_hidden_layers=_one(draw, 2, 5),
        mamba_d_state=_one(draw, 4, 8),
        mamba_d_conv=_one(draw, 3, 4),
        mamba_expand=_one(draw, 1, 2),
        mamba_dt_rank=_one(draw, "auto", 5),
        attn_layer_period=_one(draw, 2, 3),
        attn_layer_offset=_one(draw, 0, 1),
        expert_layer_period=2,
        expert_layer_offset=_one(draw, 0, 1),
        num_experts=_one(draw, 1, 4),
        num_experts_per_tok=1,
        **_flags(draw, "mamba_conv_bias", "mamba_proj_bias"),
    )


@st.composite
def bamba(draw: Draw) -> Config:
    config, heads = _decoder(draw, "bamba"), _one(draw, 2, 4)
    return config | {
        "num_hidden_layers": _one(draw, 2, 4),
        "mamba_n_heads": heads,
        "mamba_expand": 2,
        "mamba_d_head": 2 * config["hidden_size"] // heads,
        "mamba_n_groups": _one(draw, 1, 2),
        "mamba_d_state": _one(draw, 4, 6),
        "mamba_d_conv": _one(draw, 3, 4),
        "mamba_chunk_size": _one(draw, 8, 16),
        "attn_layer_indices": _one(draw, [0], [1], [0, 1]),
        **_flags(draw, "mamba_conv_bias", "mamba_proj_bias", "attention_bias", "mlp_bias"),
    }


@st.composite
def nemotron_h(draw: Draw) -> Config:
    pattern = _one(draw, "M-*-", "M*E", "-M*M", "EM-M*-", "ME*")
    experts = {
        "n_routed_experts": 8,
        "num_experts_per_tok": _one(draw, 1, 3),
        "moe_intermediate_size": _one(draw, 9, 20),
        "moe_shared_expert_intermediate_size": _one(draw, 12, 28),
        "moe_latent_size": _one(draw, None, 10),
    }
    return _decoder(
        draw,
        "nemotron_h",
        hybrid_override_pattern=pattern,
        num_hidden_layers=len(pattern),
        head_dim=_one(draw, 8, 16),
        mamba_num_heads=_one(draw, 2, 4),
        mamba_head_dim=_one(draw, 8, 12),
        n_groups=_one(draw, 1, 2),
        ssm_state_size=_one(draw, 4, 6),
        conv_kernel=_one(draw, 3, 4),
        chunk_size=_one(draw, 8, 16),
        **experts,
        **_flags(draw, "use_bias", "mamba_proj_bias", "use_conv_bias", "attention_bias", "mlp_bias"),
    )


@st.composite
def vit(draw: Draw) -> Config:
    return {
        "model_type": "vit",
        "hidden_size": 24,
        "num_attention_heads": _one(draw, 2, 3),
        "num_hidden_layers": _one(draw, 1, 3),
        "intermediate_size": _one(draw, 30, 40),
        "image_size": _one(draw, 32, 48),
        "patch_size": _one(draw, 8, 16),
        "num_channels": _one(draw, 1, 3),
        "num_labels": _one(draw, 3, 7),
    }


@st.composite
def dinov2(draw: Draw) -> Config:
    return {
        "model_type": "dinov2",
        "hidden_size": 24,
        "num_attention_heads": _one(draw, 2, 3),
        "num_hidden_layers": _one(draw, 1, 3),
        "mlp_ratio": _one(draw, 2, 4),
        "image_size": _one(draw, 32, 48),
        "patch_size": _one(draw, 8, 16),
        **_flags(draw, "use_mask_token"),
    }


@st.composite
def llava(draw: Draw) -> Config:
    text = draw(llama())
    return {
        "model_type": "llava",
        "text_config": text | {"tie_word_embeddings": False},
        "tie_word_embeddings": False,
        "image_token_id": 1,
        "vision_config": {
            "model_type": "clip_vision_model",
            "hidden_size": 24,
            "intermediate_size": _one(draw, 30, 40),
            "num_attention_heads": _one(draw, 2, 3),
            "num_hidden_layers": _one(draw, 2, 3),
            "image_size": _one(draw, 28, 42),
            "patch_size": 14,
        },
    }


@st.composite
def qwen2_vl(draw: Draw) -> Config:
    text, heads = draw(qwen2()), _one(draw, 1, 2)
    eighth = text["hidden_size"] // text["num_attention_heads"] // 8
    rope = {"rope_type": "default", "mrope_section": [2 * eighth, eighth, eighth], "rope_theta": 10_000.0}
    text |= {"model_type": "qwen2_vl_text", "rope_parameters": rope, "use_sliding_window": False}
    return {
        "model_type": "qwen2_vl",
        "text_config": text,
        "tie_word_embeddings": text["tie_word_embeddings"],
        "image_token_id": 1,
        "vision_config": {
            "depth": _one(draw, 1, 3),
            "embed_dim": heads * 16,
            "num_heads": heads,
            "hidden_size": text["hidden_size"],
            "mlp_ratio": _one(draw, 2, 4),
        },
    }


@st.composite
def dit(draw: Draw) -> Config:
    return {
        "_class_name": "DiTTransformer2DModel",
        "num_attention_heads": _one(draw, 2, 3),
        "attention_head_dim": _one(draw, 8, 16),
        "num_layers": _one(draw, 1, 3),
        "sample_size": _one(draw, 8, 16),
        "patch_size": _one(draw, 2, 4),
        "in_channels": 4,
        "out_channels": _one(draw, 4, 8),
        "num_embeds_ada_norm": _one(draw, 10, 20),
        "norm_type": "ada_norm_zero",
        "norm_elementwise_affine": False,
        "attention_bias": True,
        "activation_fn": "gelu-approximate",
    }


@st.composite
def pixart(draw: Draw) -> Config:
    heads, d = _one(draw, 2, 3), _one(draw, 8, 16)
    return {
        "_class_name": "PixArtTransformer2DModel",
        "num_attention_heads": heads,
        "attention_head_dim": d,
        "cross_attention_dim": heads * d,
        "caption_channels": _one(draw, 20, 36),
        "num_layers": _one(draw, 1, 3),
        "sample_size": _one(draw, 8, 16),
        "patch_size": _one(draw, 2, 4),
        "in_channels": 4,
        "out_channels": _one(draw, 4, 8),
        "num_embeds_ada_norm": 1000,
        "norm_type": "ada_norm_single",
        "norm_elementwise_affine": False,
        "attention_bias": True,
        "activation_fn": "gelu-approximate",
    }


TYPES: dict[str, st.SearchStrategy[Config]] = {
    build.__name__: build()
    for build in (
        bamba, deepseek_v2, deepseek_v3, dinov2, dit, gemma2, gpt2, gpt_oss, jamba, llama, llava, mamba, mamba2,
        mistral, mixtral, nemotron_h, olmo2, olmoe, phi3, pixart, qwen2, qwen2_vl, qwen3, qwen3_moe, smollm3,
        vit,
    )
} | TEXT_TYPES  # fmt: skip
"""One strategy per type that the importer reads."""
