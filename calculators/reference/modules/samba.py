"""Samba, put together from transformers' own Mamba and Mistral parts.

Layers as in microsoft/Samba, lit_gpt/model.py (arXiv:2406.07522, section 2): a mixer and a gated feed-forward, each
behind a norm; every ``mb_per_layer``-th mixer is Mamba, the others attend within a window. With ``mamba_init`` the head
is the embedding.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import DynamicCache, MambaConfig, MistralConfig
from transformers.masking_utils import create_sliding_window_causal_mask
from transformers.modeling_outputs import CausalLMOutputWithPast
from transformers.models.mamba.modeling_mamba import MambaMixer
from transformers.models.mistral.modeling_mistral import (
    MistralAttention,
    MistralMLP,
    MistralRMSNorm,
    MistralRotaryEmbedding,
)


class SambaForCausalLM(nn.Module):
    """Samba under the field names of its authors."""

    def __init__(self, **config: Any) -> None:
        super().__init__()
        width, layers, every = config["n_embd"], config["n_layer"], config["mb_per_layer"]
        names = ["linear_attention" if i % every == 0 else "sliding_attention" for i in range(layers)]
        self.config = MistralConfig(
            vocab_size=config["vocab_size"],
            hidden_size=width,
            intermediate_size=config["intermediate_size"],
            num_hidden_layers=layers,
            num_attention_heads=config["n_head"],
            num_key_value_heads=config.get("n_query_groups") or config["n_head"],
            sliding_window=config["local_window"],
            layer_types=names,
            attn_implementation="eager",
        )
        scans = MambaConfig(
            hidden_size=width,
            num_hidden_layers=layers,
            state_size=config["mamba_d_state"],
            conv_kernel=config["mamba_d_conv"],
            expand=config["mamba_expand"],
            use_bias=False,
        )
        self.embed_tokens = nn.Embedding(config["vocab_size"], width)
        self.mixers = nn.ModuleList(
            MambaMixer(scans, i) if name == "linear_attention" else MistralAttention(self.config, i)
            for i, name in enumerate(names)
        )
        self.channels = nn.ModuleList(MistralMLP(self.config) for _ in names)
        self.norms = nn.ModuleList(MistralRMSNorm(width) for _ in range(2 * layers + 1))
        self.rotary = MistralRotaryEmbedding(self.config)
        self.lm_head = nn.Linear(width, config["vocab_size"], bias=False)
        if config["mamba_init"]:
            self.lm_head.weight = self.embed_tokens.weight

    def forward(
        self, input_ids: torch.Tensor, past_key_values: Any = None, use_cache: bool = True, return_dict: bool = True
    ) -> Any:
        """Logits of all positions, with the cache."""
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=self.config)
        x = self.embed_tokens(input_ids)
        seen = past_key_values.get_seq_length() if past_key_values is not None else 0
        positions = (torch.arange(x.shape[1], device=x.device) + seen).unsqueeze(0)
        mask = create_sliding_window_causal_mask(
            config=self.config,
            inputs_embeds=x,
            attention_mask=None,
            past_key_values=past_key_values,
            position_ids=positions,
        )
        turns = self.rotary(x, position_ids=positions)
        for i, (mixer, channel) in enumerate(zip(self.mixers, self.channels, strict=True)):
            entry = self.norms[2 * i](x)
            if isinstance(mixer, MambaMixer):
                x = x + mixer(entry, cache_params=past_key_values)
            else:
                x = x + mixer(entry, turns, mask, past_key_values=past_key_values)[0]
            x = x + channel(self.norms[2 * i + 1](x))
        logits = self.lm_head(self.norms[-1](x))
        return CausalLMOutputWithPast(logits=logits, past_key_values=past_key_values) if return_dict else (logits,)
