"""Streams, bypasses and inputs of a layer beside its mixer and feed-forward."""

from __future__ import annotations

from calculators.form import per
from calculators.lowering.scope import Scope
from calculators.operators import Kind, Operator, Role, Weight
from catalog.residual import AltUp, LayerInput, LowRank


def altup(scope: Scope, spec: AltUp) -> None:
    """Per token ``2·h·n`` for the router, twice; ``2·n³`` and ``2·n²`` for coefficients; ``2·h·n²`` to predict.

    Source: arXiv:2301.13310, section 3.1, with coefficients that depend on the token as in Gemma 3n: the router reads
    the active stream before the layer and what the layer returned.
    """
    n, h, tokens = spec.streams, scope.hidden, scope.tokens
    node = scope.norm("altup.router_norm", None, part="extras")
    flops = per(tokens, 2 * 2 * h * n)
    node = scope.linear("altup.router", h, n, node, part="extras", executed=flops, needed=flops)
    node = scope.linear("altup.predict", n, n * n, node, part="extras")
    mixing = per(tokens, 2 * h * n * n)
    node = scope.builder.add(
        Operator(
            name="altup.mix",
            kind=Kind.GEMM,
            part=scope.part("extras"),
            executed=mixing,
            needed=mixing,
            pointwise=per(tokens, n * h),
            reads=per(tokens, n * h + n * n),
            writes=per(tokens, n * h),
        ),
        node,
    )
    node = scope.linear("altup.correct", n, n, node, part="extras")
    scope.builder.add(
        Operator(
            name="altup.scale",
            kind=Kind.ELEMENTWISE,
            part=scope.part("extras"),
            weights=(Weight("altup.scale", (h,), Role.VECTOR),),
            touched=scope.once,
            pointwise=per(tokens, 2 * n * h + h),
            reads=per(tokens, n * h),
            writes=per(tokens, n * h),
        ),
        node,
    )


def low_rank(scope: Scope, spec: LowRank) -> None:
    """``4·h·r`` per token (arXiv:2411.07501, equation 4)."""
    node = scope.linear("bypass.in", scope.hidden, spec.rank, None, part="extras")
    node = scope.linear("bypass.out", spec.rank, scope.hidden, node, part="extras")
    scope.norm("bypass.norm", node, part="extras")


def layer_input(scope: Scope, spec: LayerInput) -> None:
    """``4·h·w`` per token: down to the width of the layer's input, times it, and up again."""
    node = scope.linear("layer_input.gate", scope.hidden, spec.width, None, part="extras")
    node = scope.activation("layer_input.activation", 2 * spec.width, spec.width, node, part="extras")
    node = scope.linear("layer_input.out", spec.width, scope.hidden, node, part="extras")
    scope.norm("layer_input.norm", node, part="extras")
