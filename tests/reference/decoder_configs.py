"""Small random configurations of decoder-only types, beyond those in ``configs``."""

from __future__ import annotations

from typing import Any

from configs import VOCAB, Config, Draw, _decoder, _flags, _one
from hypothesis import strategies as st


def _square(draw: Draw, model_type: str, *absent: str, **rest: Any) -> Config:
    """Heads that share the width; without the fields that the type does not have."""
    heads = _one(draw, 1, 2, 4)
    sizes = {"num_attention_heads": heads, "num_key_value_heads": heads, "hidden_size": heads * _one(draw, 8, 16)}
    config = _decoder(draw, model_type) | sizes | rest
    return {key: value for key, value in config.items() if key not in absent}


def _gpt(draw: Draw, model_type: str, **rest: Any) -> Config:
    """GPT-2's names."""
    heads = _one(draw, 1, 2, 4)
    return {
        "model_type": model_type,
        "vocab_size": VOCAB,
        "n_positions": 512,
        "n_embd": heads * _one(draw, 8, 12),
        "n_head": heads,
        "n_layer": _one(draw, 1, 3),
        **_flags(draw, "tie_word_embeddings"),
        **rest,
    }


@st.composite
def apertus(draw: Draw) -> Config:
    return _decoder(draw, "apertus", **_flags(draw, "attention_bias"))


@st.composite
def arcee(draw: Draw) -> Config:
    return _decoder(draw, "arcee", head_dim=_one(draw, 8, 20), **_flags(draw, "attention_bias", "mlp_bias"))


@st.composite
def biogpt(draw: Draw) -> Config:
    return _square(draw, "biogpt", "num_key_value_heads")


@st.composite
def bloom(draw: Draw) -> Config:
    heads = _one(draw, 1, 2, 4)
    return {
        "model_type": "bloom",
        "vocab_size": VOCAB,
        "hidden_size": heads * _one(draw, 8, 12),
        "n_head": heads,
        "n_layer": _one(draw, 1, 3),
        **_flags(draw, "apply_residual_connection_post_layernorm", "tie_word_embeddings"),
    }


@st.composite
def codegen(draw: Draw) -> Config:
    heads = _one(draw, 4, 8)
    return _gpt(draw, "codegen", n_head=heads, n_embd=heads * 8, rotary_dim=4, n_inner=_one(draw, None, 20))


@st.composite
def cohere(draw: Draw) -> Config:
    return _decoder(draw, "cohere", **_flags(draw, "attention_bias", "use_qk_norm"))


@st.composite
def cohere2(draw: Draw) -> Config:
    return _decoder(draw, "cohere2", sliding_window=_one(draw, 5, 9), **_flags(draw, "attention_bias"))


@st.composite
def ctrl(draw: Draw) -> Config:
    return _gpt(draw, "ctrl", dff=_one(draw, 20, 36))


@st.composite
def cwm(draw: Draw) -> Config:
    sizes = {"head_dim": _one(draw, 8, 20), "sliding_window": _one(draw, 5, 9)}
    return _decoder(draw, "cwm", **sizes, **_flags(draw, "mlp_bias"))


def _routed(draw: Draw) -> Config:
    return {
        "first_k_dense_replace": _one(draw, 0, 1, 2),
        "moe_intermediate_size": _one(draw, 9, 20),
        "n_routed_experts": 8,
        "n_group": 2,
        "topk_group": 1,
        "num_experts_per_tok": _one(draw, 1, 3),
        "n_shared_experts": _one(draw, 1, 2),
    }


@st.composite
def dots1(draw: Draw) -> Config:
    window = {"sliding_window": 7, "max_window_layers": _one(draw, 0, 1)}
    return _decoder(draw, "dots1", head_dim=_one(draw, 8, 20), **window, **_routed(draw))


@st.composite
def ernie4_5(draw: Draw) -> Config:
    return _decoder(draw, "ernie4_5", head_dim=_one(draw, 8, 20), **_flags(draw, "use_bias"))


@st.composite
def ernie4_5_moe(draw: Draw) -> Config:
    return _decoder(
        draw,
        "ernie4_5_moe",
        moe_intermediate_size=_one(draw, 9, 20),
        moe_k=_one(draw, 1, 3),
        moe_num_experts=_one(draw, 4, 6),
        moe_num_shared_experts=_one(draw, 0, 1, 2),
        moe_layer_start_index=_one(draw, 0, 1),
        moe_layer_interval=_one(draw, 1, 2),
        moe_layer_end_index=_one(draw, -1, 2),
        **_flags(draw, "use_bias"),
    )


@st.composite
def exaone4(draw: Draw) -> Config:
    window = {"sliding_window": _one(draw, 5, 9), "sliding_window_pattern": _one(draw, 2, 4)}
    return _decoder(draw, "exaone4", head_dim=_one(draw, 8, 20), **window)


@st.composite
def falcon(draw: Draw) -> Config:
    """Without the 40B style: its class caches keys and values once per query head."""
    heads = _one(draw, 2, 4)
    return {
        "model_type": "falcon",
        "vocab_size": VOCAB,
        "hidden_size": heads * _one(draw, 8, 16),
        "num_attention_heads": heads,
        "num_hidden_layers": _one(draw, 1, 3),
        "ffn_hidden_size": _one(draw, None, 40),
        "num_ln_in_parallel_attn": _one(draw, None, 1),
        **_flags(draw, "alibi", "bias", "multi_query", "parallel_attn", "tie_word_embeddings"),
    }


@st.composite
def gemma(draw: Draw) -> Config:
    return _decoder(draw, "gemma", head_dim=_one(draw, 8, 20), **_flags(draw, "attention_bias"))


@st.composite
def gemma3_text(draw: Draw) -> Config:
    sizes = {"head_dim": _one(draw, 8, 20), "sliding_window": _one(draw, 5, 9), "query_pre_attn_scalar": 8}
    sizes["sliding_window_pattern"] = _one(draw, 2, 6)
    return _decoder(draw, "gemma3_text", **sizes, **_flags(draw, "attention_bias"))


@st.composite
def glm(draw: Draw) -> Config:
    return _decoder(draw, "glm", head_dim=_one(draw, 8, 20), **_flags(draw, "attention_bias"))


@st.composite
def glm4(draw: Draw) -> Config:
    return _decoder(draw, "glm4", head_dim=_one(draw, 8, 20), **_flags(draw, "attention_bias"))


@st.composite
def glm4_moe(draw: Draw) -> Config:
    flags = _flags(draw, "attention_bias", "use_qk_norm")
    return _decoder(draw, "glm4_moe", head_dim=_one(draw, 8, 20), **flags, **_routed(draw))


@st.composite
def gpt_bigcode(draw: Draw) -> Config:
    return _gpt(draw, "gpt_bigcode", n_inner=_one(draw, None, 20), **_flags(draw, "multi_query"))


@st.composite
def gpt_neox(draw: Draw) -> Config:
    return _square(draw, "gpt_neox", "num_key_value_heads", **_flags(draw, "attention_bias", "use_parallel_residual"))


@st.composite
def gptj(draw: Draw) -> Config:
    return _gpt(draw, "gptj", rotary_dim=4, n_inner=_one(draw, None, 20))


@st.composite
def granite(draw: Draw) -> Config:
    return _decoder(draw, "granite", **_flags(draw, "attention_bias", "mlp_bias"))


@st.composite
def granitemoe(draw: Draw) -> Config:
    kind = _one(draw, "granitemoe", "granitemoeshared")
    shared = {"shared_intermediate_size": _one(draw, 0, 20)} if kind == "granitemoeshared" else {}
    experts = {"num_local_experts": _one(draw, 3, 4), "num_experts_per_tok": _one(draw, 1, 2)}
    return _decoder(draw, kind, **experts, **shared, **_flags(draw, "attention_bias"))


@st.composite
def helium(draw: Draw) -> Config:
    config = _square(draw, "helium", **_flags(draw, "attention_bias", "mlp_bias"))
    return config | {"head_dim": config["hidden_size"] // config["num_attention_heads"]}


@st.composite
def hunyuan_v1_dense(draw: Draw) -> Config:
    return _decoder(draw, "hunyuan_v1_dense", head_dim=_one(draw, 8, 20), **_flags(draw, "attention_bias"))


@st.composite
def hunyuan_v1_moe(draw: Draw) -> Config:
    experts = {"num_experts": _one(draw, 3, 5), "moe_topk": _one(draw, 1, 2, [1, 2, 1, 2, 1])}
    return _decoder(draw, "hunyuan_v1_moe", head_dim=_one(draw, 8, 20), **experts, **_flags(draw, "attention_bias"))


@st.composite
def minimax_m2(draw: Draw) -> Config:
    experts = {"num_local_experts": _one(draw, 3, 5), "num_experts_per_tok": _one(draw, 1, 2)}
    return _decoder(draw, "minimax_m2", head_dim=_one(draw, 8, 20), **experts)


@st.composite
def ministral(draw: Draw) -> Config:
    kind = _one(draw, "ministral", "ministral3")
    windows = (5, 9) if kind == "ministral" else (None, 5, 9)  # without one the class cannot run
    return _decoder(draw, kind, head_dim=_one(draw, 8, 20), sliding_window=_one(draw, *windows))


@st.composite
def mpt(draw: Draw) -> Config:
    heads = _one(draw, 1, 2, 4)
    return {
        "model_type": "mpt",
        "vocab_size": VOCAB,
        "d_model": heads * _one(draw, 8, 12),
        "n_heads": heads,
        "n_layers": _one(draw, 1, 3),
        **_flags(draw, "tie_word_embeddings"),
    }


@st.composite
def nemotron(draw: Draw) -> Config:
    return _decoder(draw, "nemotron", head_dim=_one(draw, 8, 20), **_flags(draw, "attention_bias", "mlp_bias"))


@st.composite
def olmo(draw: Draw) -> Config:
    return _decoder(draw, "olmo", **_flags(draw, "attention_bias"))


@st.composite
def olmo3(draw: Draw) -> Config:
    return _decoder(draw, "olmo3", sliding_window=_one(draw, 5, 9), **_flags(draw, "attention_bias"))


@st.composite
def opt(draw: Draw) -> Config:
    flags = _flags(draw, "do_layer_norm_before", "_remove_final_layer_norm", "enable_bias")
    flags |= _flags(draw, "layer_norm_elementwise_affine")
    sizes = {"ffn_dim": _one(draw, 20, 36), "hidden_size": 32, "word_embed_proj_dim": _one(draw, 20, 32)}
    return _square(draw, "opt", "num_key_value_heads", "intermediate_size", **sizes, **flags)


@st.composite
def persimmon(draw: Draw) -> Config:
    return _square(draw, "persimmon", "num_key_value_heads", **_flags(draw, "qk_layernorm"))


@st.composite
def phi(draw: Draw) -> Config:
    return _decoder(draw, "phi", **_flags(draw, "qk_layernorm"))


@st.composite
def phimoe(draw: Draw) -> Config:
    experts = {"num_local_experts": _one(draw, 3, 4), "num_experts_per_tok": 2}
    flags = _flags(draw, "attention_bias", "lm_head_bias")
    return _decoder(draw, "phimoe", sliding_window=_one(draw, None, 9), **experts, **flags)


@st.composite
def qwen2_moe(draw: Draw) -> Config:
    experts = {"num_experts": 5, "num_experts_per_tok": _one(draw, 1, 3), "moe_intermediate_size": _one(draw, 8, 24)}
    where = {"decoder_sparse_step": _one(draw, 1, 2), "mlp_only_layers": _one(draw, [], [0])}
    window = {"sliding_window": 7, "max_window_layers": _one(draw, 1, 4)}
    flags = _flags(draw, "qkv_bias", "use_sliding_window")
    return _decoder(draw, "qwen2_moe", shared_expert_intermediate_size=28, **experts, **where, **window, **flags)


@st.composite
def seed_oss(draw: Draw) -> Config:
    flags = _flags(draw, "attention_bias", "attention_out_bias", "mlp_bias")
    return _decoder(draw, "seed_oss", head_dim=_one(draw, 8, 20), **flags)


@st.composite
def stablelm(draw: Draw) -> Config:
    return _decoder(draw, "stablelm", **_flags(draw, "use_qkv_bias", "qk_layernorm", "use_parallel_residual"))


@st.composite
def starcoder2(draw: Draw) -> Config:
    return _decoder(draw, "starcoder2", sliding_window=_one(draw, None, 9), **_flags(draw, "use_bias"))


@st.composite
def xglm(draw: Draw) -> Config:
    heads = _one(draw, 1, 2, 4)
    return {
        "model_type": "xglm",
        "vocab_size": VOCAB,
        "d_model": heads * _one(draw, 8, 12),
        "attention_heads": heads,
        "ffn_dim": _one(draw, 20, 36),
        "num_layers": _one(draw, 1, 3),
        **_flags(draw, "tie_word_embeddings"),
    }


DECODERS: dict[str, st.SearchStrategy[Config]] = {
    build.__name__: build()
    for build in (
        apertus, arcee, biogpt, bloom, codegen, cohere, cohere2, ctrl, cwm, dots1, ernie4_5, ernie4_5_moe, exaone4,
        falcon, gemma, gemma3_text, glm, glm4, glm4_moe, gpt_bigcode, gpt_neox, gptj, granite, granitemoe, helium,
        hunyuan_v1_dense, hunyuan_v1_moe, minimax_m2, ministral, mpt, nemotron, olmo, olmo3, opt, persimmon, phi,
        phimoe, qwen2_moe, seed_oss, stablelm, starcoder2, xglm,
    )
}  # fmt: skip
"""One strategy per type."""
