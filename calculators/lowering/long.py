"""Attention of long encoders, by pattern."""

from __future__ import annotations

from typing import assert_never

from calculators.form import Form, per
from calculators.long_measures import ChunkScores, LocalBlockPairs, RandomBlockPairs, Stretches
from calculators.lowering.attention import SOFTMAX_FLOPS
from calculators.lowering.scope import Scope
from calculators.operators import Kind, Operator, Role, Weight
from calculators.pairs import Pairs
from catalog.mixers.long import LocalBlocks, LongAttention, RandomBlocks, SlidingChunks


def long_attention(scope: Scope, mixer: LongAttention, source: int) -> int:
    """As full attention, with ``4·H·d`` per pair of the pattern.

    Source: arXiv:2004.05150 section 3.2 (chunks), arXiv:2007.14062 appendix D (blocks), arXiv:2112.07916 section 3.1.
    """
    heads, d = scope.share(mixer.heads), mixer.head_dim
    inner = heads * d
    biased = tuple(p for p in mixer.bias if p != "o")
    node = scope.linear(
        "attention.qkv", scope.hidden, 3 * inner, source, part="attention", bias=len(biased) * inner,
        weights=tuple(Weight(f"attention.{p}.weight", (inner, scope.hidden)) for p in "qkv"),
    )  # fmt: skip
    executed, needed = _products(scope, mixer, heads, d, bool(biased))
    node = scope.builder.add(
        Operator(
            name="attention.core",
            kind=Kind.ATTENTION,
            part=scope.part("attention"),
            executed=executed,
            needed=needed * (4 * inner),
            pointwise=needed * (SOFTMAX_FLOPS * heads),
            reads=per(scope.tokens, 3 * inner),
            writes=per(scope.tokens, inner),
            scores=needed * heads,
        ),
        node,
    )
    out_bias = scope.hidden if "o" in mixer.bias else 0
    node = scope.linear("attention.o", inner, scope.hidden, node, part="attention", bias=out_bias)
    return scope.reduce("attention.all_reduce", node, part="attention")


def _products(scope: Scope, mixer: LongAttention, heads: int, d: int, biased: bool) -> tuple[Form, Form]:
    """FLOPs that the reference executes, and pairs that are needed; appends what else a pattern computes."""
    stream, inner = scope.stream, heads * d
    match mixer.pattern:
        case SlidingChunks(reach=reach, globals=count):
            scores = per(ChunkScores(stream, reach, "scores"), 1)
            values = per(ChunkScores(stream, reach, "values"), 2 * inner)
            executed = scores * (2 * inner) + values
            needed = per(Pairs(stream, "needed", causal=False, window=reach), 1)
            _globals(scope, inner, count, biased)
            if count:
                executed = executed + per(scope.tokens, 8 * inner * count)
                needed = needed + per(scope.tokens, 2 * count)
            return executed, needed
        case RandomBlocks() as blocks:
            pairs = per(RandomBlockPairs(stream, blocks.block, blocks.random, blocks.shortest), 1)
            return pairs * (4 * inner), pairs
        case LocalBlocks(reach=reach, stretch=stretch):
            needed = per(Pairs(stream, "needed", causal=False, window=reach), 1)
            if stretch is not None:
                _sums(scope, inner, stretch)
                needed = needed + per(Stretches(stream, stretch, each=True), 1)
            return per(LocalBlockPairs(stream, reach + 1, stretch), 4 * inner), needed
        case _:
            assert_never(mixer.pattern)


def _globals(scope: Scope, inner: int, count: int, biased: bool) -> None:
    """Projections for tokens that see all: held always; queries of these tokens, keys and values of all tokens."""
    h = scope.hidden
    weights = [Weight(f"attention.{p}_global.weight", (inner, h)) for p in "qkv"]
    biases = [Weight(f"attention.{p}_global.bias", (inner,), Role.VECTOR) for p in "qkv"] if biased else []
    flops = per(scope.sequences, 2 * h * inner * count) + per(scope.tokens, 4 * h * inner if count else 0)
    scope.builder.add(
        Operator(
            name="attention.global_qkv",
            kind=Kind.GEMM,
            part=scope.part("attention"),
            weights=(*weights, *biases),
            executed=flops,
            needed=flops,
            touched=scope.once if count else Form(),
            reads=per(scope.tokens, h if count else 0),
            writes=per(scope.tokens, 2 * inner if count else 0),
            launches=1 if count else 0,
        )
    )


def _sums(scope: Scope, inner: int, stretch: int) -> None:
    """Sums over stretches by a product with their pattern, a norm, and the layer's own keys and values of them."""
    h, sums = scope.hidden, Stretches(scope.stream, stretch)
    projected = per(sums, 4 * h * inner)
    scope.builder.add(
        Operator(
            name="attention.sums",
            kind=Kind.GEMM,
            part=scope.part("attention"),
            weights=(Weight("attention.sums.norm", (h,), Role.VECTOR),),
            executed=projected + per(Stretches(scope.stream, stretch, each=True), 2 * h),
            needed=projected,
            pointwise=per(scope.tokens, h) + per(sums, 5 * h),
            touched=scope.once,
            reads=per(scope.tokens, h),
            writes=per(sums, 2 * inner),
        )
    )
