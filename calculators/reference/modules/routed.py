"""Arctic and Grok-1, put together from transformers' Mixtral."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import MixtralConfig, MixtralForCausalLM
from transformers.models.mixtral.modeling_mixtral import MixtralDecoderLayer, MixtralRMSNorm
from transformers.models.qwen2_moe.modeling_qwen2_moe import Qwen2MoeMLP

NAMES = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "num_experts_per_tok",
    "max_position_embeddings",
    "tie_word_embeddings",
)


def _mixtral(config: dict[str, Any]) -> MixtralConfig:
    settings = {name: config[name] for name in NAMES if name in config}
    width = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    experts = config.get("num_local_experts") or config.get("num_experts")
    return MixtralConfig(**settings, head_dim=width, num_local_experts=experts, attn_implementation="eager")


class GrokLayer(MixtralDecoderLayer):  # type: ignore[misc]
    """Norms before and after attention and experts (xai-org/grok-1, model.py, ``DecoderLayer``)."""

    def __init__(self, config: MixtralConfig, layer_idx: int) -> None:
        super().__init__(config, layer_idx)
        self.after_attention = MixtralRMSNorm(config.hidden_size)
        self.after_experts = MixtralRMSNorm(config.hidden_size)

    def forward(self, hidden_states: torch.Tensor, **rest: Any) -> torch.Tensor:
        """Two blocks, each between two norms."""
        mixed, _ = self.self_attn(hidden_states=self.input_layernorm(hidden_states), **rest)
        hidden_states = hidden_states + self.after_attention(mixed)
        routed = self.mlp(self.post_attention_layernorm(hidden_states))
        return hidden_states + self.after_experts(routed)


class GrokForCausalLM(MixtralForCausalLM):  # type: ignore[misc]
    """Grok-1 under Hugging Face's field names."""

    def __init__(self, **config: Any) -> None:
        settings = _mixtral(config)
        super().__init__(settings)
        self.model.layers = nn.ModuleList(GrokLayer(settings, i) for i in range(settings.num_hidden_layers))
        settings._experts_implementation = "batched_mm"


class ArcticLayer(MixtralDecoderLayer):  # type: ignore[misc]
    """Experts read what enters the layer, a dense feed-forward as wide as the stream what attention made of it
    (Snowflake's ``ArcticDecoderLayer`` with ``parallel_attn_mlp_res``)."""

    def __init__(self, config: MixtralConfig, layer_idx: int) -> None:
        super().__init__(config, layer_idx)
        self.residual_layernorm = MixtralRMSNorm(config.hidden_size)
        self.residual_mlp = Qwen2MoeMLP(config, intermediate_size=config.hidden_size)

    def forward(self, hidden_states: torch.Tensor, **rest: Any) -> torch.Tensor:
        """Attention, then the dense branch, and beside both the experts."""
        mixed, _ = self.self_attn(hidden_states=self.input_layernorm(hidden_states), **rest)
        attended = hidden_states + mixed
        dense = attended + self.residual_mlp(self.residual_layernorm(attended))
        return dense + self.mlp(self.post_attention_layernorm(hidden_states))


class PlainLayer(MixtralDecoderLayer):  # type: ignore[misc]
    """A layer of Arctic without experts."""

    def __init__(self, config: MixtralConfig, layer_idx: int) -> None:
        super().__init__(config, layer_idx)
        self.mlp = Qwen2MoeMLP(config, intermediate_size=config.intermediate_size)


class ArcticForCausalLM(MixtralForCausalLM):  # type: ignore[misc]
    """Arctic under its authors' field names."""

    def __init__(self, **config: Any) -> None:
        settings, every = _mixtral(config), config.get("moe_layer_frequency", 2)
        super().__init__(settings)
        kinds = [ArcticLayer if (i + 1) % every == 0 else PlainLayer for i in range(settings.num_hidden_layers)]
        self.model.layers = nn.ModuleList(kind(settings, i) for i, kind in enumerate(kinds))
        settings._experts_implementation = "batched_mm"
