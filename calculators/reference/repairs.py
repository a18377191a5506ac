"""Where a class of transformers computes something else than its paper, and a small change makes it right."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

ONE_BY_ONE = frozenset({"RwkvSelfAttention", "RwkvFeedForward"})
"""Modules whose one-token step is right for one sequence only: transformers 5.23 adds the remembered tokens, (B, h),
to the new ones, (B, 1, h), which mixes all sequences with each other and computes B² tokens."""


def repair(model: torch.nn.Module) -> None:
    """Change the modules named above in place."""
    for module in model.modules():
        if type(module).__name__ in ONE_BY_ONE:
            module.forward = partial(_one_by_one, module.forward)


def _one_by_one(forward: Callable[..., Any], hidden: torch.Tensor, state: Any = None, **rest: Any) -> Any:
    """A step of each sequence on its own part of the state, which is updated in place."""
    if state is None or hidden.shape[1] != 1:
        return forward(hidden, state=state, **rest)
    parts = [
        forward(hidden[i : i + 1], state=[part[i : i + 1] for part in state], **rest)[0] for i in range(hidden.shape[0])
    ]
    return torch.cat(parts), state
