"""Several residual streams in place of one."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.scope import Scope
from calculators.operators import Kind, Operator, Role, Weight
from catalog.hyper import HyperConnections

SINKHORN_ROUNDS = 20
"""Normalisations of rows and columns of the mixing matrix (DeepSeek-V4); counted apart as pointwise."""


def hyper_connections(scope: Scope, spec: HyperConnections) -> None:
    """Per token and block ``2·n·h·o`` for o weights, and ``2·n²·h`` where streams are mixed.

    n streams of width h; o is n to narrow them into the block, n to widen what it returns, n² to mix them.
    Source: arXiv:2409.19606 section 2; arXiv:2512.24880; transformers 5.23, ``DeepseekV4HyperConnection``.
    """
    n, h, tokens = spec.streams, scope.hidden, scope.tokens
    wide = n if spec.ends else 2 * n + (n * n if spec.mixes else 0)
    scales = 1 if spec.ends else 3 if spec.mixes else 2
    for block in range(1 if spec.ends else spec.blocks):
        name = "hyper.end" if spec.ends else f"hyper.{block}"
        node = scope.linear(f"{name}.weights", n * h, wide, None, part="extras", bias=wide)
        mixing = per(tokens, 2 * n * n * h) if spec.mixes and not spec.ends else Form()
        rounds = 2 * SINKHORN_ROUNDS * n * n if spec.mixes and not spec.ends else 0
        scope.builder.add(
            Operator(
                name=f"{name}.mix",
                kind=Kind.GEMM if mixing else Kind.ELEMENTWISE,
                part=scope.part("extras"),
                weights=(Weight(f"{name}.scale", (scales,), Role.VECTOR),),
                executed=mixing,
                needed=mixing,
                pointwise=per(tokens, 4 * wide + rounds + 4 * n * h),
                touched=scope.once,
                reads=per(tokens, 2 * n * h),
                writes=per(tokens, h if spec.ends else (n + 1) * h),
            ),
            node,
        )
