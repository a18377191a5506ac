"""Small random configurations of decoders that add to LLaMA's layer, and of GPT-1 and its time."""

from __future__ import annotations

from typing import Any

from configs import VOCAB, Config, Draw, _decoder, _flags, _one
from decoder_configs import _gpt, _square
from hypothesis import strategies as st


def _layer_types(draw: Draw, n: int) -> list[str]:
    return [_one(draw, "sliding_attention", "full_attention") for _ in range(n)]


def _typed(draw: Draw, model_type: str, **rest: Any) -> Config:
    """With windows in layers drawn one by one, or where the type itself puts them."""
    config = _decoder(draw, model_type, head_dim=_one(draw, 8, 20), sliding_window=_one(draw, 5, 9)) | rest
    return config | _one(draw, {}, {"layer_types": _layer_types(draw, config["num_hidden_layers"])})


def _experts(draw: Draw) -> Config:
    return {"num_experts": 8, "num_experts_per_tok": _one(draw, 1, 3), "moe_intermediate_size": _one(draw, 9, 20)}


@st.composite
def beam(draw: Draw) -> Config:
    groups = {"n_group": 2, "topk_group": 1}
    config = _typed(draw, "beam", **_experts(draw), **groups, **_flags(draw, "attention_bias"))
    n = config["num_hidden_layers"]
    return config | _one(draw, {}, {"mlp_layer_types": [_one(draw, "dense", "sparse") for _ in range(n)]})


@st.composite
def bitnet(draw: Draw) -> Config:
    return _decoder(draw, "bitnet", **_flags(draw, "attention_bias"))


@st.composite
def diffllama(draw: Draw) -> Config:
    kv = _one(draw, 2, 4)
    heads = kv * _one(draw, 1, 2)
    sizes = {"num_key_value_heads": kv, "num_attention_heads": heads, "hidden_size": heads * 12}
    return _decoder(draw, "diffllama") | sizes | {"head_dim": _one(draw, 12, 16)} | _flags(draw, "attention_bias")


@st.composite
def emu3(draw: Draw) -> Config:
    text = _decoder(draw, "emu3_text_model")
    del text["model_type"]
    return {"model_type": "emu3", "architectures": ["Emu3ForCausalLM"], "text_config": text}


@st.composite
def flint(draw: Draw) -> Config:
    where = {"decoder_sparse_step": _one(draw, 1, 2), "mlp_only_layers": _one(draw, None, [], [0])}
    shared = {"shared_expert_intermediate_size": 28}
    return _typed(draw, "flint", **_experts(draw), **where, **shared, **_flags(draw, "attention_bias"))


@st.composite
def gpt_neo(draw: Draw) -> Config:
    heads = _one(draw, 1, 2, 4)
    pattern = _one(draw, ["global"], ["global", "local"], ["local"])
    times = _one(draw, 1, 2)
    return {
        "model_type": "gpt_neo",
        "vocab_size": VOCAB,
        "max_position_embeddings": 128,
        "hidden_size": heads * _one(draw, 8, 12),
        "num_heads": heads,
        "num_layers": len(pattern) * times,
        "attention_types": [[pattern, times]],
        "window_size": _one(draw, 5, 9),
        "intermediate_size": _one(draw, None, 20),
        **_flags(draw, "tie_word_embeddings"),
    }


@st.composite
def gpt_neox_japanese(draw: Draw) -> Config:
    times = {"intermediate_multiple_size": _one(draw, 2, 4)}
    return _square(draw, "gpt_neox_japanese", "num_key_value_heads", "intermediate_size", **times)


@st.composite
def hrm_text(draw: Draw) -> Config:
    cycles = {"H_cycles": _one(draw, 1, 2), "L_cycles": _one(draw, 1, 3), "num_hidden_layers": _one(draw, 1, 2)}
    flags = _flags(draw, "attention_bias", "mlp_bias", "prefix_lm")
    return _square(draw, "hrm_text", "num_key_value_heads", head_dim=_one(draw, 8, 20), **cycles, **flags)


@st.composite
def hyperclovax(draw: Draw) -> Config:
    return _decoder(draw, "hyperclovax", **_flags(draw, "attention_bias", "mlp_bias", "use_post_norm"))


@st.composite
def internlm3(draw: Draw) -> Config:
    names = _one(draw, ("attention_bias", "mlp_bias"), ("qkv_bias", "bias"))
    return _decoder(draw, "internlm3", head_dim=_one(draw, 8, 20)) | dict.fromkeys(names, _one(draw, False, True))


@st.composite
def iquestcoder(draw: Draw) -> Config:
    return _decoder(draw, "iquestcoder", head_dim=_one(draw, 8, 20), **_flags(draw, "attention_bias", "mlp_bias"))


@st.composite
def jais2(draw: Draw) -> Config:
    return _decoder(draw, "jais2", head_dim=_one(draw, 8, 20), **_flags(draw, "attention_bias", "mlp_bias"))


@st.composite
def kolibri1(draw: Draw) -> Config:
    return _typed(draw, "kolibri1", **_experts(draw), shared_expert_intermediate_size=28)


@st.composite
def modernbert_decoder(draw: Draw) -> Config:
    flags = _flags(draw, "attention_bias", "mlp_bias", "norm_bias", "decoder_bias", "classifier_bias")
    config = _square(draw, "modernbert-decoder", "num_key_value_heads", local_attention=_one(draw, 10, 18), **flags)
    config |= _one(draw, {}, {"global_attn_every_n_layers": 2})
    return config | _one(draw, {}, {"layer_types": _layer_types(draw, config["num_hidden_layers"])})


@st.composite
def nanochat(draw: Draw) -> Config:
    return _decoder(draw, "nanochat", **_flags(draw, "attention_bias"))


@st.composite
def openai_gpt(draw: Draw) -> Config:
    return _gpt(draw, "openai-gpt")


@st.composite
def vaultgemma(draw: Draw) -> Config:
    config = _typed(draw, "vaultgemma", query_pre_attn_scalar=8)
    return config | {"attn_logit_softcapping": _one(draw, None, 50.0)} | _flags(draw, "attention_bias")


LLAMA_KIN: dict[str, st.SearchStrategy[Config]] = {
    build.__name__: build()
    for build in (
        beam, bitnet, diffllama, emu3, flint, gpt_neo, gpt_neox_japanese, hrm_text, hyperclovax, internlm3, iquestcoder,
        jais2, kolibri1, modernbert_decoder, nanochat, openai_gpt, vaultgemma,
    )
}  # fmt: skip
"""One strategy per type."""
