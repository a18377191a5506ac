"""Types published with code of their own that build exactly the layers of a type of transformers, in other words.

A line says which class builds the same, how its fields are called there, and what the file must not ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.errors import BadInput
from catalog.importers.internvl_words import internvl_chat


@dataclass(frozen=True, slots=True)
class Renamed:
    """How the configuration of one published type reads as that of another."""

    model_type: str
    """The type of transformers that builds the same layers."""
    prefix: tuple[str, str]
    """How names of classes begin, here and there."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Fields under another name."""
    only: Mapping[str, Any] = field(default_factory=dict)
    """Fields that must have this value, or be left out: anything else builds other layers."""
    words: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict)
    """Fields whose lists say the same in other words."""
    dropped: tuple[str, ...] = ()
    """Fields that change no count and mean nothing to the other class."""
    classes: Mapping[str, str] = field(default_factory=dict)
    """Classes whose names do not follow."""


def _minimax(prefix: str) -> Renamed:
    """Lightning attention is kind 0, softmax kind 1."""
    sides = [(side, f"{side}_factor") for side in ("alpha", "beta")]
    blocks = {"full_attention": "full_attn", "linear_attention": "linear_attn", "mlp": "mlp"}
    factors = {f"layernorm_{a}_{x}": f"{b}_{y}" for a, b in blocks.items() for x, y in sides}
    return Renamed(
        "minimax",
        (prefix, "MiniMax"),
        names={"attn_type_list": "layer_types", **factors},
        words={"attn_type_list": {0: "linear_attention", 1: "full_attention"}},
        only={"shared_intermediate_size": 0, "sliding_window": None},
        dropped=("postnorm", "shared_moe_mode"),
    )


RENAMED = {
    "chatglm": Renamed(
        "glm",
        ("ChatGLM", "Glm"),
        names={
            "add_qkv_bias": "attention_bias",
            "ffn_hidden_size": "intermediate_size",
            "kv_channels": "head_dim",
            "layernorm_epsilon": "rms_norm_eps",
            "multi_query_group_num": "num_key_value_heads",
            "num_layers": "num_hidden_layers",
            "padded_vocab_size": "vocab_size",
            "seq_length": "max_position_embeddings",
        },
        only={
            "add_bias_linear": False,
            "apply_residual_connection_post_layernorm": False,
            "multi_query_attention": True,
            "post_layer_norm": True,
            "pre_seq_len": None,
            "prefix_projection": False,
            "rmsnorm": True,
        },
        dropped=(
            "apply_query_key_layer_scaling",
            "attention_softmax_in_fp32",
            "bias_dropout_fusion",
            "fp32_residual_connection",
            "original_rope",
            "rope_ratio",
        ),
        classes={"ChatGLMModel": "GlmForCausalLM", "ChatGLMForConditionalGeneration": "GlmForCausalLM"},
    ),
    "deepseek": Renamed(
        "glm4_moe",
        ("Deepseek", "Glm4Moe"),
        only={"attention_bias": False, "moe_layer_freq": 1},
        dropped=("aux_loss_alpha", "pretraining_tp", "scoring_func", "seq_aux"),
    ),
    "exaone": Renamed(
        "llama",
        ("Exaone", "Llama"),
        names={
            "activation_function": "hidden_act",
            "layer_norm_epsilon": "rms_norm_eps",
            "num_layers": "num_hidden_layers",
        },
    ),
    "internlm": Renamed("llama", ("InternLM", "Llama"), names={"bias": "attention_bias"}),
    "internlm2": Renamed("llama", ("InternLM2", "Llama"), names={"bias": "attention_bias"}),
    "minimax_m1": _minimax("MiniMaxM1"),
    "minimax_text_01": _minimax("MiniMaxText01"),
    "rwkv5": Renamed("rwkv5", ("Rwkv", "Rwkv5"), classes={"Rwkv5ForCausalLM": "Rwkv5ForCausalLM"}),
    "mimo": Renamed("qwen2", ("MiMo", "Qwen2"), only={"attention_bias": True, "use_mrope": False}),
    "new": Renamed(  # Alibaba's GTE of 2024
        "gte",
        ("New", "Gte"),
        only={"position_embedding_type": "rope", "layer_norm_type": "layer_norm", "logn_attention_scale": False},
        dropped=("logn_attention_clip1", "pack_qkv", "unpad_inputs", "use_memory_efficient_attention"),
    ),
}
"""GLM-4 and ChatGLM 2 and 3; DeepSeekMoE (GLM-4.5's router scores otherwise, at the same cost); EXAONE 3; InternLM 1 to
2.5; MiniMax Text-01 and M1; MiMo without its layer of multi-token prediction."""


def in_known_words(config: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """The configuration as the type of transformers has it that builds the same; others as they are.

    Raises:
        BadInput: If it asks for what that type cannot build.
    """
    model_type = config.get("model_type")
    if model_type == "internvl_chat":
        inner = config.get("llm_config")
        if not isinstance(inner, Mapping):
            raise BadInput(f"{where}: field 'llm_config' is missing; expected an object")
        return internvl_chat(config, where, in_known_words(inner, f"{where}, llm_config"))
    known = RENAMED.get(model_type) if isinstance(model_type, str) else None
    if known is None:
        return config
    for key, expected in known.only.items():
        if config.get(key, expected) != expected:
            raise BadInput(
                f"{where}: field {key!r} is {config[key]!r}; {model_type} is read as {known.model_type}, which builds "
                f"the same layers only with {expected!r}"
            )
    gone = {*known.only, *known.dropped, "auto_map"}
    own = {key: value for key, value in config.items() if key not in gone and key not in known.names}
    said = {new: _in_words(known, old, config[old]) for old, new in known.names.items() if old in config}
    result: dict[str, Any] = {**own, **said, "model_type": known.model_type}
    given = config.get("architectures")
    if isinstance(given, list) and given and isinstance(given[0], str):
        here, there = known.prefix
        usual = there + given[0].removeprefix(here) if given[0].startswith(here) else given[0]
        result["architectures"] = [known.classes.get(given[0], usual)]
    return result


def _in_words(known: Renamed, key: str, value: Any) -> Any:
    """A field's value, each item of a list in the other class's words where there are any."""
    words = known.words.get(key)
    return [words.get(item, item) for item in value] if words and isinstance(value, list) else value
