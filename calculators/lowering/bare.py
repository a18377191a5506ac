"""Mixers without weights: attention over what maps beside it produce, and the Fourier transform."""

from __future__ import annotations

from math import ceil, log2

from calculators.form import per
from calculators.lowering.attention import SOFTMAX_FLOPS
from calculators.lowering.scope import Scope
from calculators.measures import Doublings
from calculators.operators import Kind, Operator
from calculators.pairs import Pairs
from catalog.mixers import BareAttention, Fourier


def bare_attention(scope: Scope, mixer: BareAttention, source: int) -> int:
    """``4·H·d`` per pair; with a kernel of k neighbours also ``2·k·H·d`` per token.

    Source: arXiv:1706.03762 section 3.2.1; arXiv:2008.02496 section 3.2, equation 5.
    """
    heads, d = scope.share(mixer.heads), mixer.head_dim
    pairs = {count: Pairs(scope.stream, count, causal=False) for count in ("executed", "needed")}
    local = per(scope.tokens, 2 * (mixer.kernel or 0) * heads * d)
    node = scope.builder.add(
        Operator(
            name="attention.core",
            kind=Kind.ATTENTION,
            part=scope.part("attention"),
            executed=per(pairs["executed"], 4 * heads * d) + local,
            needed=per(pairs["needed"], 4 * heads * d) + local,
            pointwise=per(pairs["needed"], SOFTMAX_FLOPS * heads),
            reads=per(scope.tokens, 3 * heads * d),
            writes=per(scope.tokens, heads * d),
            scores=per(pairs["executed"], heads),
        ),
        source,
    )
    return scope.reduce("attention.all_reduce", node, part="attention")


def fourier(scope: Scope, mixer: Fourier, source: int) -> int:
    """No matrix product: ``5·log2(h)`` operations per channel of a token over channels, ``5·log2(S)`` over tokens.

    Source: arXiv:2105.03824 section 3.2.1; ``5·N·log2(N)`` for a complex transform of N numbers is the usual count of
    Cooley and Tukey's algorithm (M. Frigo and S. Johnson, FFTW benchmark methodology).
    """
    del mixer
    h = scope.hidden
    return scope.builder.add(
        Operator(
            name="fourier",
            kind=Kind.ELEMENTWISE,
            part=scope.part("fourier"),
            pointwise=per(scope.tokens, 5 * h * ceil(log2(max(h, 2)))) + per(Doublings(scope.stream), 5 * h),
            reads=per(scope.tokens, h),
            writes=per(scope.tokens, h),
        ),
        source,
    )
