"""The convolution module of a Conformer, and scores of distances."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.scope import Scope
from calculators.measures import Length, Runs, Sequences
from calculators.operators import Kind, Operator, Role, Weight
from calculators.pairs import Pairs
from catalog.conformer import ConvolutionModule
from catalog.distances import ProjectedDistances, TableDistances


def convolution_module(scope: Scope, spec: ConvolutionModule, source: int) -> int:
    """``4·T·h·w`` into two halves of which one gates the other, ``2·T·k·w`` over time, ``2·T·w·h`` back.

    Source: arXiv:2005.08100 section 2.2.
    """
    h = scope.hidden
    w = scope.share(spec.width or h)
    node = scope.linear("local.in", h, 2 * w, source, part="convolution", bias=2 * w if spec.bias else 0)
    node = scope.activation("local.gate", 2 * w, w, node, part="convolution")
    flops = per(scope.tokens, 2 * spec.kernel * w)
    node = scope.builder.add(
        Operator(
            name="local.convolution",
            kind=Kind.CONVOLUTION,
            part=scope.part("convolution"),
            weights=(
                Weight("local.convolution.weight", (w, 1, spec.kernel)),
                *((Weight("local.convolution.bias", (w,), Role.VECTOR),) if spec.channel_bias else ()),
            ),
            executed=flops,
            needed=flops,
            touched=scope.once,
            reads=per(scope.tokens, w),
            writes=per(scope.tokens, w),
        ),
        node,
    )
    node = scope.norm("local.norm", node, part="convolution", kind="layer", width=w)
    node = scope.activation("local.activation", w, w, node, part="convolution")
    node = scope.linear("local.out", w, h, node, part="convolution", bias=h if spec.bias else 0)
    return scope.reduce("local.all_reduce", node, part="convolution")


def distances(scope: Scope, spec: ProjectedDistances | TableDistances, heads: int, d: int, source: int) -> int:
    """Scores of queries against distances; on top of scores of queries against keys.

    Projected: ``2·S-1`` distances (XLNet: ``2·S``) at ``2·h·H·d`` each, and every query against all of them,
    ``2·H·d·S·(2S-1)``, of which ``S²`` are used. A table: ``2·H·d`` per pair.

    Source: arXiv:1901.02860 section 3.3 and appendix B; arXiv:1803.02155 section 3.3.
    """
    executed = per(Pairs(scope.stream, "executed", causal=False), 2 * heads * d)
    needed = per(Pairs(scope.stream, "needed", causal=False), 2 * heads * d)
    weights: tuple[Weight, ...]
    if isinstance(spec, TableDistances):
        weights = (Weight("attention.distances", (spec.rows, d), Role.EMBEDDING),) if spec.own else ()
    else:
        inner = heads * d
        less = 0 if spec.even else -1
        once = Form({Length(scope.stream): 2, Runs(scope.stream): less})
        rows = Form({scope.tokens: 2, Sequences(scope.stream): less}) if spec.per_sequence else once
        project = 2 * scope.hidden * inner
        weights = (
            Weight("attention.distances.weight", (inner, scope.hidden)),
            Weight("attention.distances.content_bias", (heads, d), Role.VECTOR),
            Weight("attention.distances.bias", (heads, d), Role.VECTOR),
        )
        executed = executed * 2 + per(scope.tokens, 2 * inner * less) + rows * project
        needed = needed + once * project
    return scope.builder.add(
        Operator(
            name="attention.distances",
            kind=Kind.ATTENTION,
            part=scope.part("attention"),
            weights=weights,
            executed=executed,
            needed=needed,
            pointwise=per(Pairs(scope.stream, "needed", causal=False), heads),
            touched=scope.once,
            reads=per(scope.tokens, heads * d),
            scores=per(Pairs(scope.stream, "executed", causal=False), heads),
        ),
        source,
    )
