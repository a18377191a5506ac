"""Configurations of linear models as their publishers write them."""

from __future__ import annotations

from typing import Any

import pytest

from calculators import count_params
from catalog import BadInput, from_hf_config
from catalog.loader import load

GOOSE = {
    "a_low_rank_dim": 64, "architectures": ["RWKV7ForCausalLM"], "attn": None, "attn_mode": "chunk",
    "decay_low_rank_dim": 64, "fuse_cross_entropy": True, "fuse_norm": True, "gate_low_rank_dim": 128, "head_dim": 64,
    "hidden_act": "sqrelu", "hidden_ratio": 4.0, "hidden_size": 768, "intermediate_size": None, "model_type": "rwkv7",
    "norm_bias": True, "norm_eps": 1e-05, "norm_first": True, "num_hidden_layers": 12, "tie_word_embeddings": False,
    "v_low_rank_dim": 32, "value_dim": [768] * 12, "vocab_size": 65536,
}  # fmt: skip

EAGLE = {
    "architectures": ["RwkvForCausalLM"], "attention_hidden_size": 4096, "context_length": 4096, "head_size": 64,
    "hidden_size": 4096, "intermediate_size": None, "layer_norm_epsilon": 1e-05, "model_type": "rwkv5",
    "num_hidden_layers": 32, "rescale_every": 6, "tie_word_embeddings": False, "use_cache": True, "vocab_size": 65536,
}  # fmt: skip

KIMI = {
    "architectures": ["KimiLinearForCausalLM"], "first_k_dense_replace": 1, "head_dim": 72, "hidden_act": "silu",
    "hidden_size": 2304, "intermediate_size": 9216, "kv_lora_rank": 512, "mla_use_nope": True,
    "linear_attn_config": {
        "full_attn_layers": [4, 8, 12, 16, 20, 24, 27], "head_dim": 128, "num_heads": 32, "short_conv_kernel_size": 4,
        "kda_layers": [1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23, 25, 26],
    },
    "model_max_length": 1048576, "model_type": "kimi_linear", "moe_intermediate_size": 1024, "moe_layer_freq": 1,
    "moe_renormalize": True, "moe_router_activation_func": "sigmoid", "num_attention_heads": 32, "num_experts": 256,
    "num_expert_group": 1, "num_experts_per_token": 8, "num_hidden_layers": 27, "num_key_value_heads": 32,
    "num_nextn_predict_layers": 0, "num_shared_experts": 1, "q_lora_rank": None, "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64, "tie_word_embeddings": False, "v_head_dim": 128, "vocab_size": 163840,
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "entry"), [(GOOSE, "rwkv-7-goose-0.1b"), (EAGLE, "rwkv-5-eagle-7b"), (KIMI, "kimi-linear-48b-a3b")]
)
def test_a_published_file_is_understood_whole(config: dict[str, Any], entry: str) -> None:
    spec, known = from_hf_config(config), load(entry)
    assert spec.notes is None, "every field is read or harmless"
    assert spec.architecture == known.architecture
    assert spec.reference is not None
    assert known.reference is not None
    assert (spec.reference.library, spec.reference.class_name) == (
        known.reference.library,
        known.reference.class_name,
    )


@pytest.mark.parametrize(
    ("config", "change", "named"),
    [
        (GOOSE, {"attn": {"layers": [1]}}, "attn"),
        (GOOSE, {"norm_first": False}, "norm_first"),
        (GOOSE, {"value_dim": 1024}, "value_dim"),
        (GOOSE, {"head_dim": 60}, "heads of 60"),
        (KIMI, {"num_key_value_heads": 8}, "num_key_value_heads"),
        (KIMI, {"attention_bias": True}, "attention_bias"),
        (KIMI, {"mlp_layer_types": ["sparse"]}, "mlp_layer_types"),
        (KIMI, {"layer_types": ["sliding_attention"] * 27}, "sliding_attention"),
        ({"model_type": "minimax"}, {"sliding_window": 100}, "sliding_window"),
        ({"model_type": "minimax_m1"}, {"shared_intermediate_size": 64}, "shared_intermediate_size"),
        ({"model_type": "qwen3_next"}, {"attention_bias": True}, "attention_bias"),
        ({"model_type": "rwkv"}, {"attention_hidden_size": 2048}, "attention_hidden_size"),
        ({"model_type": "xlstm"}, {"mode": "train"}, "mode"),
        ({"model_type": "xlstm"}, {"use_bias": True}, "use_bias"),
        ({"model_type": "xlstm"}, {"qk_dim_factor": 0.3}, "num_heads"),
        ({"model_type": "xlstm"}, {"ffn_proj_factor": -1}, "ffn_proj_factor"),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(config: dict[str, Any], change: dict[str, Any], named: str) -> None:
    from_hf_config(config)
    with pytest.raises(BadInput, match=named):
        from_hf_config({**config, **change})


def test_kinds_of_layers_by_number_and_by_name_are_one_model() -> None:
    numbers = {"model_type": "minimax_text_01", "num_hidden_layers": 4, "attn_type_list": [0, 0, 1, 0]}
    names = ["linear_attention", "linear_attention", "full_attention", "linear_attention"]
    named = {"model_type": "minimax", "num_hidden_layers": 4, "layer_types": names}
    first, second = from_hf_config(numbers), from_hf_config(named)
    assert first.architecture == second.architecture
    assert first.reference is not None
    assert first.reference.config["layer_types"] == names


def test_a_delta_net_counts_as_its_paper_s_layer() -> None:
    """Per layer of h=64, 2 key heads and 4 value heads of 8: projections, convolution, gates, norm."""
    config = {
        "model_type": "qwen3_5_text", "vocab_size": 10, "hidden_size": 64, "intermediate_size": 32,
        "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
        "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 8,
        "layer_types": ["linear_attention"],
    }  # fmt: skip
    keys, values = 2 * 8, 4 * 8
    mixer = 64 * (2 * keys + 2 * values + 2 * 4) + 4 * (2 * keys + values) + 2 * 4 + 8 + values * 64
    assert count_params(from_hf_config(config)).total == 2 * 10 * 64 + mixer + 3 * 64 * 32 + 3 * 64
