"""Our own modules as recurrences: what they remember is all that matters of the past."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from calculators.reference.modules import MODULES
from calculators.reference.modules.s4 import S4Layer

SIZES = {"vocab_size": 31, "hidden_size": 16, "num_hidden_layers": 3, "head_size": 8, "intermediate_size": 24}
RANKS = {f"{name}_low_rank_dim": 4 for name in ("decay", "a", "v", "gate")}
SAMBA = {"vocab_size": 31, "n_embd": 16, "n_layer": 4, "n_head": 2, "mb_per_layer": 2, "intermediate_size": 24}
SAMBA |= {"local_window": 4, "mamba_d_state": 4, "mamba_d_conv": 3, "mamba_expand": 2, "mamba_init": True}
HYENA = {"vocab_size": 31, "pad_vocab_size_multiple": 8, "d_model": 8, "n_layer": 2, "d_inner": 12, "order": 3}
HYENA |= {"short_filter_order": 3, "emb_dim": 5, "filter_order": 6, "num_inner_mlps": 1, "l_max": 32}
HYENA |= {"learned_positions": False}
S4 = {"vocab_size": 31, "cutoffs": [9, 20], "div_val": 2, "d_model": 8, "n_layers": 2, "s4_per_layer": 2}
S4 |= {"d_state": 4, "expand": 2, "tie_state": False}
ROUTED = {"vocab_size": 31, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2}
ROUTED |= {"num_attention_heads": 4, "num_key_value_heads": 2, "num_experts_per_tok": 2, "head_dim": 4}
ARCTIC = ROUTED | {"num_local_experts": 4, "parallel_attn_mlp_res": True, "use_residual": True}
ARCTIC |= {"moe_layer_frequency": 2}
GROK = ROUTED | {"num_experts": 4}
CONFIGS = {"ArcticForCausalLM": ARCTIC, "GrokForCausalLM": GROK, "SambaForCausalLM": SAMBA}
CONFIGS |= {"HyenaForCausalLM": HYENA, "S4ForCausalLM": S4}
PIECES = {"SambaForCausalLM": [6, 1, 1, 1, 1, 1]}
"""Mamba's loop in transformers begins at nothing, so that only single tokens may follow."""


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    model = MODULES[name](**CONFIGS.get(name, SIZES | RANKS)).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model


@pytest.mark.parametrize("name", MODULES)
def test_token_by_token_gives_what_the_whole_text_gives(name: str) -> None:
    model, ids = build(name), torch.arange(22).view(2, 11)
    with torch.no_grad():
        whole = model(ids).logits
        parts, memory = [], None
        for piece in ids.split(PIECES.get(name, [1, 4, 1, 5]), 1):
            output = model(piece, past_key_values=memory)
            parts.append(output.logits)
            memory = output.past_key_values
    assert whole.isfinite().all()
    torch.testing.assert_close(torch.cat(parts, 1), whole)


@pytest.mark.parametrize("name", MODULES)
def test_the_future_changes_nothing(name: str) -> None:
    model, ids = build(name), torch.arange(11)[None]
    other = ids.clone()
    other[:, 6:] += 12
    with torch.no_grad():
        torch.testing.assert_close(model(ids).logits[:, :6], model(other).logits[:, :6])
        assert not torch.equal(model(ids).logits[:, 6:], model(other).logits[:, 6:])


def test_the_kernel_of_s4_is_its_recurrence_unrolled() -> None:
    torch.manual_seed(0)
    layer = S4Layer(3, 6, tied=False)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.5)
    nn.init.constant_(layer.log_step, -1.0)  # within 256 tokens the past has faded, so that the length does not show
    signal = torch.randn(2, 3, 256)
    with torch.no_grad():
        state, outputs = torch.zeros(2, 3, 3, dtype=torch.complex64), []
        for token in signal.unbind(-1):
            output, state = layer.step(token, state)
            outputs.append(output)
        torch.testing.assert_close(layer.convolve(signal), torch.stack(outputs, -1), rtol=1e-3, atol=1e-3)
