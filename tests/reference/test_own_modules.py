"""Our own modules as recurrences: what they remember is all that matters of the past."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from calculators.reference.modules import MODULES

SIZES = {"vocab_size": 31, "hidden_size": 16, "num_hidden_layers": 3, "head_size": 8, "intermediate_size": 24}
RANKS = {f"{name}_low_rank_dim": 4 for name in ("decay", "a", "v", "gate")}


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    model = MODULES[name](**SIZES, **RANKS).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model


@pytest.mark.parametrize("name", MODULES)
def test_token_by_token_gives_what_the_whole_text_gives(name: str) -> None:
    model, ids = build(name), torch.arange(22).view(2, 11)
    with torch.no_grad():
        whole = model(ids).logits
        parts, memory = [], None
        for piece in ids.split([1, 4, 1, 5], 1):
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
