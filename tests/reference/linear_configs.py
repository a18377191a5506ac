"""Small random configurations of models with linear attention."""

from __future__ import annotations

from typing import Any

from configs import VOCAB, Config, Draw, _decoder, _flags, _one
from hypothesis import strategies as st


def _mixed(draw: Draw, n: int) -> list[str]:
    """A list of layers that holds both kinds."""
    return [
        "linear_attention",
        *(_one(draw, "linear_attention", "full_attention") for _ in range(n - 2)),
        "full_attention",
    ]


def _delta(draw: Draw) -> Config:
    keys = _one(draw, 1, 2)
    return {
        "linear_num_key_heads": keys,
        "linear_num_value_heads": keys * _one(draw, 1, 3),
        "linear_key_head_dim": _one(draw, 8, 12),
        "linear_value_head_dim": _one(draw, 6, 16),
        "linear_conv_kernel_dim": _one(draw, 3, 4),
    }


def _layers(draw: Draw, **rest: Any) -> Config:
    """Layers listed one by one, or left to the class; the real cache wants an attention layer among them."""
    n = _one(draw, 4, 5)
    return {"num_hidden_layers": n, **rest, **({"layer_types": _mixed(draw, n)} if draw(st.booleans()) else {})}


@st.composite
def qwen3_next(draw: Draw) -> Config:
    moe = {"num_experts": _one(draw, 0, 6), "num_experts_per_tok": 2, "moe_intermediate_size": _one(draw, 10, 18)}
    where = {"decoder_sparse_step": _one(draw, 1, 2), "mlp_only_layers": _one(draw, [], [0])}
    rest = {"shared_expert_intermediate_size": 28, "full_attention_interval": _one(draw, 2, 4)}
    return _decoder(draw, "qwen3_next", head_dim=16) | _delta(draw) | _layers(draw, **moe, **where, **rest)


@st.composite
def qwen3_5_text(draw: Draw) -> Config:
    return _decoder(draw, "qwen3_5_text", head_dim=16) | _delta(draw) | _layers(draw)


@st.composite
def qwen3_5_moe_text(draw: Draw) -> Config:
    moe = {"num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": _one(draw, 10, 18)}
    config = _decoder(draw, "qwen3_5_moe_text", head_dim=16, shared_expert_intermediate_size=28, **moe)
    del config["intermediate_size"]
    return config | _delta(draw) | _layers(draw)


@st.composite
def olmo_hybrid(draw: Draw) -> Config:
    sizes = _one(draw, {}, _delta(draw))
    return _decoder(draw, "olmo_hybrid") | {"num_hidden_layers": _one(draw, 2, 5), "pad_token_id": 0} | sizes


def _latent(draw: Draw, experts: str, **rest: Any) -> Config:
    heads = _one(draw, 2, 4)
    return {
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "hidden_size": _one(draw, 32, 48),
        "kv_lora_rank": _one(draw, 10, 16),
        "qk_nope_head_dim": _one(draw, 8, 12),
        "qk_rope_head_dim": _one(draw, 4, 6),
        "v_head_dim": _one(draw, 6, 14),
        "first_k_dense_replace": _one(draw, 0, 1, 2),
        "moe_intermediate_size": _one(draw, 9, 20),
        experts: 8,
        "n_group": 2,
        "topk_group": 1,
        "num_experts_per_tok": _one(draw, 1, 3),
        "n_shared_experts": _one(draw, 1, 2),
        **rest,
    }


@st.composite
def kimi_linear(draw: Draw) -> Config:
    config = _decoder(draw, "kimi_linear") | _latent(draw, "num_local_experts", q_lora_rank=_one(draw, 12, None))
    linear = {"head_dim": _one(draw, 8, 12), "num_heads": _one(draw, 2, 3), "short_conv_kernel_size": 3}
    own = {"linear_head_dim": 6, "linear_num_heads": 3, "linear_conv_kernel_dim": 4}
    split = {"kda_layers": [1, 3], "full_attn_layers": [2]}
    published = {"num_hidden_layers": 3, "linear_attn_config": linear | split}
    return config | _one(draw, {"num_hidden_layers": 5, **own}, published)


GROUPS = ((2, 2), (2, 3), (2, 4), (3, 3), (3, 4))
"""At least one layer attends: the class asks the first such layer for the length of the cache."""


@st.composite
def bailing_hybrid(draw: Draw) -> Config:
    config = _decoder(draw, "bailing_hybrid") | _latent(draw, "num_local_experts")
    own = {"head_dim": _one(draw, 8, 12), "short_conv_kernel_size": _one(draw, 3, 4)}
    return config | own | _one(draw, *({"layer_group_size": g, "num_hidden_layers": n} for g, n in GROUPS))


@st.composite
def minimax(draw: Draw) -> Config:
    """The first layer attends: where it does not, the class fails on several tokens behind cached ones, because it
    sizes their mask by what layer 0 caches."""
    block = {"block_size": _one(draw, 4, 7, 16), "head_dim": _one(draw, 8, 12)}
    moe = {"num_local_experts": 5, "num_experts_per_tok": _one(draw, 1, 2)}
    config = _decoder(draw, "minimax", num_hidden_layers=_one(draw, 2, 3), **block, **moe)
    if draw(st.booleans()):
        n = config["num_hidden_layers"]
        config |= {"model_type": "minimax_m1", "attn_type_list": [1, *(_one(draw, 0, 1) for _ in range(n - 1))]}
        config |= {"shared_intermediate_size": 0, "postnorm": True, "architectures": ["MiniMaxM1ForCausalLM"]}
    return config


@st.composite
def rwkv(draw: Draw) -> Config:
    """Beyond one layer: the class scales initial values by the depth less one."""
    return {
        "model_type": "rwkv",
        "vocab_size": VOCAB,
        "hidden_size": _one(draw, 24, 40),
        "intermediate_size": _one(draw, None, 52),
        "num_hidden_layers": _one(draw, 2, 5),
        "rescale_every": _one(draw, 0, 2),
        **_flags(draw, "tie_word_embeddings"),
    }


def _goose_and_kin(draw: Draw, model_type: str, head: str) -> Config:
    d = _one(draw, 8, 12)
    return {
        "model_type": model_type,
        "vocab_size": VOCAB,
        "hidden_size": d * _one(draw, 2, 3),
        "intermediate_size": _one(draw, 52, 96),
        "num_hidden_layers": _one(draw, 1, 3),
        head: d,
        **_flags(draw, "tie_word_embeddings"),
    }


@st.composite
def rwkv5(draw: Draw) -> Config:
    config = _goose_and_kin(draw, "rwkv5", "head_size")
    return config | {"attention_hidden_size": config["head_size"] * _one(draw, 2, 4)}


@st.composite
def rwkv6(draw: Draw) -> Config:
    config = _goose_and_kin(draw, "rwkv6", "head_size")
    return config | {"attention_hidden_size": config["head_size"] * _one(draw, 2, 4)}


@st.composite
def rwkv7(draw: Draw) -> Config:
    ranks = {f"{name}_low_rank_dim": _one(draw, 4, 6, 9) for name in ("decay", "a", "v", "gate")}
    return _goose_and_kin(draw, "rwkv7", "head_dim") | ranks


@st.composite
def xlstm(draw: Draw) -> Config:
    hidden = _one(draw, 128, 192)
    return {
        "model_type": "xlstm",
        "vocab_size": VOCAB,
        "hidden_size": hidden,
        "embedding_dim": hidden,
        "num_hidden_layers": _one(draw, 1, 3),
        "num_heads": _one(draw, 2, 4),
        "qk_dim_factor": _one(draw, 1.0, 2.0),
        "chunk_size": _one(draw, 4, 16, 64),
        "ffn_proj_factor": _one(draw, 1.5, 2.667),
        "weight_mode": _one(draw, "single", "fused"),
    }


LINEAR = {
    strategy.__name__: strategy()
    for strategy in (
        bailing_hybrid, kimi_linear, minimax, olmo_hybrid, qwen3_5_moe_text, qwen3_5_text, qwen3_next, rwkv, rwkv5,
        rwkv6, rwkv7, xlstm,
    )
}  # fmt: skip
