"""Convolutions of queries and keys before they meet."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.recurrent import causal_convolution
from calculators.lowering.scope import Scope
from calculators.measures import Live
from calculators.operators import Kind, Operator, Role, State, Weight
from calculators.scan_measures import Columns, Starts
from catalog.mixers.attention import Convolved, Smoothed


def convolved(scope: Scope, spec: Convolved, heads: int, kv: int, d: int, source: int) -> int:
    """Two causal convolutions over the ``C = (H + K)·d`` channels of queries and keys: ``2·C·t0`` per column for the
    first, ``2·C·d·t1`` per token for the second, whose groups are the heads.

    The first also computes the columns that the second reads beyond its token. State: ``t0 + t1 - 2`` columns, and half
    of the last token's values. Where a sequence begins, the reference projects a row of zeros for that half.

    Source: arXiv:2510.04476 (compressed convolutional attention); transformers, ``ZayaCCAProjection``.
    """
    channels, half = (heads + kv) * d, kv * d // 2
    kept = channels * spec.kept
    first, second = 2 * channels * spec.depthwise, 2 * channels * d * spec.grouped
    return scope.builder.add(
        Operator(
            name="attention.convolution",
            kind=Kind.CONVOLUTION,
            part=scope.part("attention"),
            weights=(
                Weight("attention.depthwise.weight", (channels, 1, spec.depthwise), Role.VECTOR),
                Weight("attention.depthwise.bias", (channels,), Role.VECTOR),
                Weight("attention.grouped.weight", (channels, d, spec.grouped)),
                Weight("attention.grouped.bias", (channels,), Role.VECTOR),
                Weight("attention.key_scale", (kv,), Role.VECTOR),
            ),
            executed=Form(
                {
                    Columns(scope.stream, spec.grouped - 1): first,
                    scope.tokens: second,
                    Starts(scope.stream): 2 * scope.hidden * half,
                }
            ),
            needed=per(scope.tokens, first + second),
            pointwise=per(scope.tokens, 4 * channels),
            touched=scope.once,
            reads=per(scope.tokens, channels),
            writes=per(scope.tokens, channels + kv * d),
            cache_reads=per(Live(), kept + half),
            cache_writes=per(Live(), kept + half),
            states=(State("convolution", per(Live(), kept + half), "model", recurrent=True),),
        ),
        source,
    )


def smoothed(scope: Scope, spec: Smoothed, heads: int, width: int, source: int, node: int) -> int:
    """``2·T·k·2K·d`` to convolve keys and values; ``2·T·H·r·(h + reach)`` for a score of each distance.

    Source: transformers, ``InklingAttention``, ``InklingRelativeLogits``.
    """
    node = causal_convolution(scope, width, spec.kernel, False, node, "attention.convolution", "fp32")
    inner = heads * spec.distance_width
    state = scope.linear("attention.distance_state", scope.hidden, inner, source, part="attention")
    flops = per(scope.tokens, 2 * inner * spec.reach)
    return scope.builder.add(
        Operator(
            name="attention.distance_scores",
            kind=Kind.GEMM,
            part=scope.part("attention"),
            weights=(Weight("attention.distances", (spec.distance_width, spec.reach)),),
            executed=flops,
            needed=flops,
            touched=scope.once,
            reads=per(scope.tokens, inner),
            writes=per(scope.tokens, heads * spec.reach),
        ),
        node,
        state,
    )
