"""Routers and experts of real models whose path depends on data, made to depend on shapes alone.

Which experts are hit is data, and there is none on the meta device. All experts of a layer have one shape, so that any
choice of as many costs the same; no token is dropped for capacity.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch


def unroute(model: torch.nn.Module) -> None:
    """Replace what loops over the experts hit, or counts the tokens of each, by the same work without looking."""
    for module in model.modules():
        replacement = REPLACEMENTS.get(type(module).__name__)
        if replacement:
            module.forward = partial(replacement, module)
    for module in list(model.modules()):
        if type(module).__name__ in MODULE_PER_EXPERT:
            _set_aside(module)


def _set_aside(experts: Any) -> None:
    """Keep one expert in its place and the others out of sight of tracers: Switch-C has 61,440, which none runs."""
    others = list(experts)[1:]
    experts.idle = [experts[name] for name in others]
    for name in others:
        del experts[name]


def idle_parameters(model: torch.nn.Module) -> int:
    """Parameters of the experts that were set aside."""
    idle = (expert for module in model.modules() for expert in getattr(module, "idle", ()))
    return sum(parameter.numel() for expert in idle for parameter in expert.parameters())


def _switch(experts: Any, tokens: torch.Tensor, _: Any, weights: torch.Tensor, *, visits: int = 1) -> torch.Tensor:
    """Each token through ``visits`` experts of its own module (arXiv:2101.03961: one)."""
    expert = next(iter(experts.values()))
    outputs = expert(tokens.repeat(visits, 1)).view(visits, *tokens.shape).sum(0)
    return outputs * weights.sum(-1, keepdim=True)


def _longcat(experts: Any, tokens: torch.Tensor, _: Any, weights: torch.Tensor) -> torch.Tensor:
    """Each token through as many experts as it is expected to visit: the other choices return it as it came."""
    real, every = experts.num_routed_experts, experts.total_experts
    visits = max(1, round(int(weights.shape[-1]) * real / every))
    gate, up = torch.nn.functional.linear(tokens.repeat(visits, 1), experts.gate_up_proj[0]).chunk(2, dim=-1)
    outputs = torch.nn.functional.linear(experts.act_fn(gate) * up, experts.down_proj[0])
    return outputs.view(visits, *tokens.shape).sum(0) * weights.sum(-1, keepdim=True)


def _jetmoe(router: Any, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, list[int], Any]:
    """All choices fall on the first expert."""
    logits = router.layer(tokens).float()
    chosen, _ = logits.topk(router.top_k, dim=1)
    gates = torch.softmax(chosen, dim=1).type_as(tokens).flatten()
    order = torch.arange(tokens.shape[0] * router.top_k, device=tokens.device)
    sizes = [int(order.shape[0])] + [0] * (router.num_experts - 1)
    return order, order.div(router.top_k, rounding_mode="trunc"), gates, sizes, logits


def _dbrx(experts: Any, states: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Each token through the first expert, as often as it has choices."""
    visits, width, own = int(chosen.shape[-1]), experts.hidden_size, experts.mlp
    tokens = states.reshape(-1, width)
    matrices = [matrix[: experts.ffn_hidden_size] for matrix in (own.w1, own.v1, own.w2)]
    outputs = own(tokens.repeat(visits, 1), *matrices).view(visits, *tokens.shape).sum(0)
    return (outputs * weights.sum(-1, keepdim=True)).view(states.shape)


MODULE_PER_EXPERT = ("NllbMoeExperts", "SwitchTransformersExperts")
"""Classes that hold a module for each expert rather than one tensor for all."""

REPLACEMENTS: dict[str, Callable[..., Any]] = {
    "DbrxExperts": _dbrx,
    "JetMoeTopKGating": _jetmoe,
    "LongcatFlashExperts": _longcat,
    "NllbMoeExperts": partial(_switch, visits=2),
    "SwitchTransformersExperts": _switch,
}
"""The loop of ``NllbMoeExperts`` in transformers 5.23 also takes a mask for indices, so that it would run other experts
than were chosen; its paper gives a token two (arXiv:2207.04672)."""
