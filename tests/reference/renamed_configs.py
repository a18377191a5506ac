"""Small random configurations of types published with code of their own, in their own words."""

from __future__ import annotations

from configs import VOCAB, Config, Draw, _decoder, _flags, _one
from hypothesis import strategies as st


def _told(config: Config, **names: str) -> Config:
    return {names.get(key, key): value for key, value in config.items()}


@st.composite
def chatglm(draw: Draw) -> Config:
    kv = _one(draw, 1, 2)
    return {
        "model_type": "chatglm",
        "architectures": ["ChatGLMModel"],
        "add_bias_linear": False,
        "add_qkv_bias": draw(st.booleans()),
        "ffn_hidden_size": _one(draw, 40, 52),
        "hidden_size": 48,
        "kv_channels": _one(draw, 8, 20),
        "multi_query_attention": True,
        "multi_query_group_num": kv,
        "num_attention_heads": kv * _one(draw, 1, 3),
        "num_layers": _one(draw, 1, 3),
        "padded_vocab_size": VOCAB,
        "pad_token_id": 0,
        "rope_ratio": 500,
        "seq_length": 512,
    }


@st.composite
def exaone(draw: Draw) -> Config:
    config = _decoder(draw, "exaone", architectures=["ExaoneForCausalLM"], head_dim=_one(draw, 8, 20))
    return _told(config, num_hidden_layers="num_layers") | {"activation_function": "silu"}


@st.composite
def internlm2(draw: Draw) -> Config:
    kind = _one(draw, "InternLM", "InternLM2")
    return _decoder(draw, kind.lower(), architectures=[f"{kind}ForCausalLM"], **_flags(draw, "bias"))


@st.composite
def mimo(draw: Draw) -> Config:
    return _decoder(draw, "mimo", architectures=["MiMoForCausalLM"], attention_bias=True, num_nextn_predict_layers=1)


RENAMED_CONFIGS: dict[str, st.SearchStrategy[Config]] = {
    build.__name__: build() for build in (chatglm, exaone, internlm2, mimo)
}
"""One strategy per type."""
