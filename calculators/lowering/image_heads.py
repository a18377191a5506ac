"""Heads of image models."""

from __future__ import annotations

from calculators.form import per
from calculators.lowering.attention import SOFTMAX_FLOPS
from calculators.lowering.scope import Scope
from calculators.operators import Kind, Operator, Role, Weight
from calculators.pairs import SequencePairs
from catalog.image_heads import Alignment, AttentionPooler


def attention_pooler(scope: Scope, spec: AttentionPooler, source: int) -> int:
    """One query per sequence over all tokens: only keys and values are projected per token.

    Source: transformers, ``SiglipMultiheadAttentionPoolingHead``.
    """
    h, one = scope.hidden, scope.sequences
    probe = (Weight("pooler.q.weight", (h, h)), Weight("pooler.probe", (1, h), Role.VECTOR))
    q = scope.linear("pooler.q", h, h, None, part="head", bias=h, over=one, weights=probe)
    kv = scope.linear("pooler.kv", h, 2 * h, source, part="head", bias=2 * h)
    node = scope.builder.add(
        Operator(
            name="pooler.core",
            kind=Kind.ATTENTION,
            part=scope.part("head"),
            executed=per(scope.tokens, 4 * h),
            needed=per(scope.tokens, 4 * h),
            pointwise=per(scope.tokens, SOFTMAX_FLOPS * spec.heads),
            reads=per(scope.tokens, 2 * h),
            writes=per(one, h),
            scores=per(scope.tokens, spec.heads),
        ),
        q,
        kv,
    )
    node = scope.linear("pooler.o", h, h, node, part="head", bias=h, over=one)
    node = scope.norm("pooler.norm", node, part="head", over=one)
    node = scope.linear("pooler.up", h, spec.width, node, part="head", bias=spec.width, over=one)
    return scope.linear("pooler.down", spec.width, h, node, part="head", bias=h, over=one)


def alignment(scope: Scope, spec: Alignment, source: int) -> int:
    """``2·h·width`` per sequence, and ``2·B²·width`` for the scores of each against each.

    Source: arXiv:2103.00020, figure 3.
    """
    node = source
    if spec.linear:
        bias = spec.width if spec.bias else 0
        node = scope.linear("alignment", scope.hidden, spec.width, source, part="head", bias=bias, over=scope.sequences)
    if not spec.scored:
        return node
    flops = per(SequencePairs(scope.stream), 2 * spec.width)
    return scope.builder.add(
        Operator(
            name="alignment.scores",
            kind=Kind.GEMM,
            part=scope.part("head"),
            weights=(Weight("alignment.scalars", (spec.scalars,), Role.VECTOR),) if spec.scalars else (),
            executed=flops,
            needed=flops,
            touched=scope.once,
            reads=per(scope.sequences, 2 * spec.width),
            writes=per(SequencePairs(scope.stream), 1),
        ),
        node,
    )
