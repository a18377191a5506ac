"""Small random configurations of hybrids of attention with scans, recurrences and short convolutions."""

from __future__ import annotations

from configs import VOCAB, Config, Draw, _decoder, _flags, _one
from hypothesis import strategies as st


def _mamba2(draw: Draw, inner: int) -> Config:
    """Mamba-2 under the names of Bamba's descendants."""
    heads = _one(draw, 2, 4)
    return {
        "mamba_n_heads": heads,
        "mamba_d_head": _one(draw, "auto", inner // heads),
        "mamba_n_groups": _one(draw, 1, 2),
        "mamba_d_state": _one(draw, 4, 6),
        "mamba_d_conv": _one(draw, 3, 4),
        "mamba_chunk_size": _one(draw, 8, 16),
        **_flags(draw, "mamba_conv_bias", "mamba_proj_bias"),
    }


@st.composite
def falcon_h1(draw: Draw) -> Config:
    config = _decoder(draw, "falcon_h1")
    own = _one(draw, None, 32)
    inner = own or 2 * config["hidden_size"]
    flags = _flags(draw, "mamba_rms_norm", "mamba_norm_before_gate", "projectors_bias", "attention_bias", "mlp_bias")
    return config | {"mamba_d_ssm": own, "mamba_expand": 2, **_mamba2(draw, inner), **flags}


@st.composite
def granitemoehybrid(draw: Draw) -> Config:
    config, n = _decoder(draw, "granitemoehybrid"), 3
    return config | {
        "num_hidden_layers": n,
        "layer_types": _one(draw, ["mamba", "attention", "mamba"], ["attention", "attention", "mamba"]),
        "num_local_experts": _one(draw, 0, 5),
        "num_experts_per_tok": _one(draw, 1, 3),
        "shared_intermediate_size": _one(draw, 28, 36),
        "position_embedding_type": _one(draw, None, "nope", "rope"),
        "mamba_expand": 2,
        **_mamba2(draw, 2 * config["hidden_size"]),
        **_flags(draw, "attention_bias"),
    }


def _swa(draw: Draw, model_type: str) -> Config:
    n = _one(draw, 2, 5)
    return _decoder(
        draw,
        model_type,
        num_hidden_layers=n,
        sliding_window=_one(draw, 5, 9),
        layer_rope_theta=_one(draw, None, [10000.0] * (n - 1) + [0]),
        **_flags(draw, "attention_bias"),
    )


@st.composite
def granite_swa(draw: Draw) -> Config:
    return _swa(draw, "granite_swa") | _flags(draw, "mlp_bias")


@st.composite
def granitemoe_swa(draw: Draw) -> Config:
    experts = {"num_local_experts": 5, "num_experts_per_tok": _one(draw, 1, 3)}
    return _swa(draw, "granitemoe_swa") | experts | {"shared_intermediate_size": _one(draw, 0, 28)}


def _convolutions(draw: Draw) -> Config:
    return {"conv_L_cache": _one(draw, 2, 3, 5), **_flags(draw, "conv_bias")}


@st.composite
def lfm2(draw: Draw) -> Config:
    adjust = {"block_multiple_of": _one(draw, 8, 32), "block_ffn_dim_multiplier": _one(draw, 1.0, 1.3)}
    where = _one(draw, {"full_attn_idxs": [1]}, {"layer_types": ["conv", "full_attention", "conv", "conv"]}, {})
    config = _decoder(draw, "lfm2", num_hidden_layers=4, **adjust, **where)
    return config | _convolutions(draw) | _flags(draw, "block_auto_adjust_ff_dim")


@st.composite
def lfm2_moe(draw: Draw) -> Config:
    experts = {"num_experts": 5, "num_experts_per_tok": _one(draw, 1, 3), "moe_intermediate_size": _one(draw, 9, 20)}
    config = _decoder(draw, "lfm2_moe", num_hidden_layers=3, layer_types=["conv", "full_attention", "conv"], **experts)
    return config | _convolutions(draw) | {"num_dense_layers": _one(draw, 0, 1, 3), **_flags(draw, "use_expert_bias")}


@st.composite
def lfm3(draw: Draw) -> Config:
    config = _decoder(draw, "lfm3", num_hidden_layers=_one(draw, 3, 5), head_dim=_one(draw, 8, 20))
    flags = _flags(draw, "use_sandwich_norm", "use_attention_gate", "attention_bias")
    return config | _convolutions(draw) | {"sliding_window": _one(draw, 5, 9), **flags}


@st.composite
def recurrent_gemma(draw: Draw) -> Config:
    config = _decoder(draw, "recurrent_gemma")
    return config | {
        "num_hidden_layers": _one(draw, 3, 4),
        "num_key_value_heads": _one(draw, None, 1),
        "lru_width": _one(draw, None, config["hidden_size"]),
        "conv1d_width": _one(draw, 3, 4),
        "attention_window_size": _one(draw, 5, 9),
        "block_types": _one(draw, ["recurrent", "recurrent", "attention"], ["attention", "recurrent"]),
        **_flags(draw, "attention_bias"),
    }


@st.composite
def zamba(draw: Draw) -> Config:
    config, n = _decoder(draw, "zamba", tie_word_embeddings=True), 6
    return config | {
        "num_hidden_layers": n,
        "layers_block_type": _one(draw, None, ["mamba", "hybrid", "mamba", "hybrid", "hybrid", "mamba"]),
        "attn_layer_period": _one(draw, 2, 3),
        "attn_layer_offset": _one(draw, 0, 1),
        "attention_head_dim": _one(draw, None, 12),
        "n_mamba_heads": _one(draw, 1, 2),
        "mamba_d_state": _one(draw, 4, 6),
        "mamba_d_conv": _one(draw, 3, 4),
        "mamba_dt_rank": _one(draw, "auto", 5),
        **_flags(draw, "mamba_conv_bias", "mamba_proj_bias"),
    }


@st.composite
def zamba2(draw: Draw) -> Config:
    config, adapts = _decoder(draw, "zamba2", tie_word_embeddings=True), _one(draw, False, True)
    heads = config["num_attention_heads"]
    names = ["linear_attention", "hybrid", "mamba", "hybrid", "hybrid", "mamba", "hybrid"]
    return config | {
        "vocab_size": VOCAB,
        "num_hidden_layers": len(names),
        "layers_block_type": names,
        "num_key_value_heads": heads if adapts else config["num_key_value_heads"],
        "use_shared_attention_adapter": adapts,
        "adapter_rank": _one(draw, 3, 5),
        "num_mem_blocks": _one(draw, 1, 2),
        "n_mamba_heads": _one(draw, 2, 4),
        "mamba_ngroups": _one(draw, 1, 2),
        "mamba_d_state": _one(draw, 4, 6),
        "mamba_d_conv": _one(draw, 3, 4),
        "chunk_size": _one(draw, 8, 16),
        **_flags(draw, "use_mem_rope", "add_bias_linear"),
    }


@st.composite
def samba(draw: Draw) -> Config:
    groups = _one(draw, 1, 2)
    heads = groups * _one(draw, 1, 2)
    return {
        "model_type": "samba",
        "vocab_size": VOCAB,
        "n_layer": _one(draw, 2, 5),
        "n_head": heads,
        "n_query_groups": _one(draw, None, groups),
        "n_embd": heads * _one(draw, 8, 12),
        "intermediate_size": _one(draw, 20, 28),
        "mb_per_layer": _one(draw, 2, 3),
        "local_window": _one(draw, 5, 9),
        "mamba_d_state": _one(draw, 4, 6),
        "mamba_d_conv": _one(draw, 3, 4),
        "mamba_expand": 2,
        **_flags(draw, "mamba_init"),
    }


@st.composite
def s4(draw: Draw) -> Config:
    return {
        "model_type": "s4",
        "vocab_size": VOCAB,
        "cutoffs": _one(draw, [40], [20, 60]),
        "div_val": _one(draw, 2, 4),
        "d_model": _one(draw, 16, 32),
        "n_layers": _one(draw, 1, 2),
        "s4_per_layer": _one(draw, 1, 2),
        "d_state": _one(draw, 4, 6),
        "expand": _one(draw, 2, 3),
        **_flags(draw, "tie_state"),
    }


@st.composite
def hyena(draw: Draw) -> Config:
    width = _one(draw, 8, 12)
    return {
        "model_type": "hyena",
        "vocab_size": VOCAB,
        "pad_vocab_size_multiple": 8,
        "d_model": width,
        "n_layer": _one(draw, 1, 2),
        "d_inner": _one(draw, 20, 28),
        "order": _one(draw, 2, 3),
        "short_filter_order": _one(draw, 2, 3),
        "emb_dim": _one(draw, 3, 5),
        "filter_order": _one(draw, 6, 10),
        "num_inner_mlps": _one(draw, 0, 1, 2),
        "l_max": 64,
        **_flags(draw, "learned_positions"),
    }


@st.composite
def zaya(draw: Draw) -> Config:
    config = _decoder(draw, "zaya", head_dim=_one(draw, 8, 12), num_hidden_layers=2)
    return config | {
        "num_experts": 5,
        "moe_intermediate_size": _one(draw, 9, 20),
        "router_hidden_size": _one(draw, 6, 10),
        "cca_time0": _one(draw, 2, 3),
        "cca_time1": _one(draw, 1, 2, 3),
        "sliding_window": 7,
        "layer_types": _one(draw, None, ["hybrid", "hybrid_sliding"]),
        **_flags(draw, "attention_bias", "lm_head_bias"),
    }


@st.composite
def inkling_text(draw: Draw) -> Config:
    n = _one(draw, 1, 2, 3)
    config = _decoder(draw, "inkling_text", num_hidden_layers=n, head_dim=_one(draw, 8, 12))
    del config["tie_word_embeddings"]
    return config | {
        "swa_num_attention_heads": 4,
        "swa_num_key_value_heads": _one(draw, 1, 2),
        "swa_head_dim": _one(draw, 8, 10),
        "sliding_window_size": 7,
        "local_layer_ids": _one(draw, [0], []),
        "d_rel": _one(draw, 4, 6),
        "rel_extent": _one(draw, 12, 40),
        "conv_kernel_size": _one(draw, 3, 4),
        "n_routed_experts": 5,
        "num_experts_per_tok": _one(draw, 1, 3),
        "n_shared_experts": _one(draw, 1, 2),
        "moe_intermediate_size": _one(draw, 9, 20),
        "mlp_layer_types": ["dense", "sparse", "sparse"][:n],
    }


HYBRIDS = {
    "falcon_h1": falcon_h1(),
    "granite_swa": granite_swa(),
    "granitemoe_swa": granitemoe_swa(),
    "granitemoehybrid": granitemoehybrid(),
    "hyena": hyena(),
    "inkling_text": inkling_text(),
    "lfm2": lfm2(),
    "lfm2_moe": lfm2_moe(),
    "lfm3": lfm3(),
    "recurrent_gemma": recurrent_gemma(),
    "s4": s4(),
    "samba": samba(),
    "zamba": zamba(),
    "zamba2": zamba2(),
    "zaya": zaya(),
}
