"""Small random configurations of Gemma 3n and 4."""

from __future__ import annotations

from typing import Any

from configs import VOCAB, Config, Draw, _decoder, _flags, _one
from hypothesis import strategies as st


def _sliding(draw: Draw, model_type: str, **rest: Any) -> Config:
    """Layers of both kinds before the first that uses another's keys, so that there is one to use."""
    own, shared = _one(draw, 2, 3), _one(draw, 0, 1, 3)
    kinds = ["sliding_attention", "full_attention", "sliding_attention", "full_attention"]
    types = kinds[-own:] + [_one(draw, *kinds[:2]) for _ in range(shared)]
    types[-1] = "full_attention"
    sizes = {"head_dim": _one(draw, 8, 20), "sliding_window": _one(draw, 5, 9), "vocab_size_per_layer_input": VOCAB - 3}
    config = _decoder(draw, model_type, **sizes, **_flags(draw, "attention_bias"))
    layers = {"num_hidden_layers": own + shared, "num_kv_shared_layers": shared, "layer_types": types}
    return config | layers | {"hidden_size_per_layer_input": _one(draw, 6, 10)} | rest


@st.composite
def gemma3n_text(draw: Draw) -> Config:
    config = _sliding(draw, "gemma3n_text", altup_num_inputs=_one(draw, 2, 3, 4), laurel_rank=_one(draw, 3, 7))
    n = config["num_hidden_layers"]
    widths = {"intermediate_size": _one(draw, 40, [20 + i for i in range(n)])}
    return config | widths | {"activation_sparsity_pattern": _one(draw, None, [0.5] + [0.0] * (n - 1))}


def _global(draw: Draw, config: Config) -> Config:
    """Heads of layers without a window: given by two fields, or layer by layer."""
    kv = config["num_key_value_heads"]
    fields = {"global_head_dim": _one(draw, 12, 24), "num_global_key_value_heads": _one(draw, None, 1, kv)}
    full = [i for i, kind in enumerate(config["layer_types"]) if kind == "full_attention"]
    table = {"per_layer_config": {f"{i:02d}": {"head_dim": 12, "num_key_value_heads": 1} for i in full}}
    return config | _one(draw, fields, table) | _flags(draw, "attention_k_eq_v", "use_double_wide_mlp")


@st.composite
def gemma4_text(draw: Draw) -> Config:
    config = _global(draw, _sliding(draw, "gemma4_text"))
    if not config["num_kv_shared_layers"]:  # without inputs of each layer and with shared keys the class cannot run
        config["hidden_size_per_layer_input"] = _one(draw, 0, 10)
    experts = {"num_experts": 5, "top_k_experts": _one(draw, 1, 3), "moe_intermediate_size": _one(draw, 9, 20)}
    return config | _one(draw, {}, {"enable_moe_block": True, **experts})


@st.composite
def gemma4_unified_text(draw: Draw) -> Config:
    config = _global(draw, _sliding(draw, "gemma4_unified_text"))
    return {k: v for k, v in config.items() if not k.endswith("per_layer_input")}


def _around(draw: Draw, model_type: str, text: Config) -> Config:
    """The configuration around a decoder's."""
    tied = text.pop("tie_word_embeddings")
    architectures = [f"{'Gemma4Unified' if 'unified' in model_type else 'Gemma4'}ForConditionalGeneration"]
    return {
        "model_type": model_type,
        "architectures": architectures,
        "text_config": text,
        "tie_word_embeddings": tied,
        "vision_config": None,
    }


@st.composite
def gemma4(draw: Draw) -> Config:
    config = _around(draw, "gemma4", draw(gemma4_text()))
    kv, group = _one(draw, 1, 2), _one(draw, 1, 2)
    vision = {
        "hidden_size": 48,
        "intermediate_size": _one(draw, 20, 36),
        "num_hidden_layers": _one(draw, 1, 2),
        "num_attention_heads": kv * group,
        "num_key_value_heads": kv,
        "head_dim": _one(draw, 8, 16),
        "patch_size": _one(draw, 2, 4),
        "pooling_kernel_size": _one(draw, 2, 3),
        "position_embedding_size": 64,
        **_flags(draw, "standardize"),
    }
    return config | _one(draw, {}, {"vision_config": vision})


@st.composite
def gemma4_unified(draw: Draw) -> Config:
    return _around(draw, "gemma4_unified", draw(gemma4_unified_text()))


GEMMA: dict[str, st.SearchStrategy[Config]] = {
    build.__name__: build() for build in (gemma3n_text, gemma4, gemma4_text, gemma4_unified, gemma4_unified_text)
}
"""One strategy per type."""
