"""Configurations of hybrids that cannot be read say which field is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from catalog import from_hf_config
from catalog.errors import BadInput

MAMBA = {"mamba_expand": 2, "mamba_n_heads": 4, "mamba_d_head": 16, "hidden_size": 64}
S4 = {"vocab_size": 97, "cutoffs": [40], "div_val": 4, "d_model": 16, "n_layers": 1, "s4_per_layer": 2}
S4 |= {"d_state": 4, "expand": 2, "tie_state": True}
SAMBA = {"vocab_size": 97, "n_embd": 16, "n_layer": 2, "n_head": 2, "mb_per_layer": 2, "intermediate_size": 24}
SAMBA |= {"local_window": 4, "mamba_d_state": 4, "mamba_d_conv": 3, "mamba_expand": 2, "mamba_init": True}


@pytest.mark.parametrize(
    ("model_type", "fields", "says"),
    [
        ("granitemoehybrid", MAMBA, "mamba_n_heads·mamba_d_head=64"),
        ("granitemoehybrid", {"layer_types": ["mamba"] * 31 + ["mumble"]}, "layer_types.*mumble"),
        ("granitemoehybrid", {"layer_types": ["mamba"]}, "one for each of 32 layers"),
        ("granite_swa", {"layer_rope_theta": [1.0]}, "layer_rope_theta"),
        ("falcon_h1", {"mamba_d_head": 3}, "mamba_n_heads·mamba_d_head=384"),
        ("lfm2", {"layer_types": ["sliding_attention"] * 32}, "sliding_attention"),
        ("lfm2", {"block_ffn_dim_multiplier": "wide"}, "block_ffn_dim_multiplier"),
        ("lfm2", {"tie_embedding": False}, "tie_embedding"),
        ("recurrent_gemma", {"block_types": ["mamba"]}, "block_types"),
        ("recurrent_gemma", {"lru_width": 2561}, "not a multiple of heads"),
        ("zamba", {"tie_word_embeddings": False}, "tie_word_embeddings"),
        ("zamba", {"attention_hidden_size": 64}, "attention_hidden_size"),
        ("zamba", {"n_mamba_heads": 3}, "n_mamba_heads"),
        ("zamba2", {"num_hidden_layers": 12}, "layers_block_type"),
        ("zamba2", {"mamba_headdim": 3}, "mamba_headdim"),
        ("zamba2", {"use_shared_attention_adapter": True, "num_key_value_heads": 8}, "use_shared_attention_adapter"),
        ("zaya", {"cca_time0": 1, "cca_time1": 1}, "cca_time0"),
        ("inkling_text", {"mlp_layer_types": ["thin"] * 66}, "mlp_layer_types"),
        ("s4", S4 | {"cutoffs": [60, 40]}, "cutoffs"),
        ("s4", S4 | {"d_state": 5}, "state=5 is odd"),
        ("samba", SAMBA | {"bias": True}, "bias"),
        ("samba", SAMBA | {"n_head": 3}, "n_head"),
        ("samba", {key: value for key, value in SAMBA.items() if key != "mamba_d_state"}, "mamba_d_state"),
        ("hyena", {"d_model": 8}, "is missing"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(model_type: str, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        from_hf_config({"model_type": model_type, **fields})
