"""Linear recurrences without a selective scan."""

from __future__ import annotations

from calculators.form import per
from calculators.lowering.scope import Scope
from calculators.measures import Live, PaddedPrefill
from calculators.operators import Kind, Operator, Role, State, Weight
from catalog.mixers import RgLru

RG_LRU_FLOPS = 11
"""Pointwise FLOPs per token and channel (arXiv:2402.19427, equations 1 to 4), a function counted as one: two sigmoids;
product, exponential; square, complement, root; two products for the input; product and sum of the recurrence."""


def rg_lru(scope: Scope, mixer: RgLru, source: int) -> int:
    """``6·T·h·w`` to project in two branches and back, ``4·T·w²/H`` for both block-diagonal gates.

    The state is ``w`` numbers in 32 bits, and ``k-1`` columns of the convolution. The reference convolves by a matrix
    product only where several tokens come at once; a single one it multiplies by hand.

    Source: arXiv:2402.19427 section 2.3 (recurrent block) and 2.4 (equations 1 to 4).
    """
    w, h, kernel = scope.share(mixer.width), scope.hidden, mixer.conv
    heads, block = scope.share(mixer.heads), mixer.width // mixer.heads
    side = scope.linear("mixer.gate", h, w, source, part="mixer", bias=w)
    side = scope.activation("mixer.gate_activation", w, w, side, part="mixer")
    node = scope.linear("mixer.in", h, w, source, part="mixer", bias=w)
    node = scope.builder.add(
        Operator(
            name="mixer.convolution",
            kind=Kind.CONVOLUTION,
            part=scope.part("mixer"),
            weights=(
                Weight("mixer.convolution.weight", (w, 1, kernel), Role.VECTOR),
                Weight("mixer.convolution.bias", (w,), Role.VECTOR),
            ),
            executed=per(PaddedPrefill(scope.stream, kernel), 2 * w * kernel),
            needed=per(scope.tokens, 2 * w * kernel),
            touched=scope.once,
            reads=per(scope.tokens, w),
            writes=per(scope.tokens, w),
            cache_reads=per(Live(), w * (kernel - 1)),
            cache_writes=per(Live(), w * (kernel - 1)),
            states=(State("convolution", per(Live(), w * (kernel - 1)), "model", recurrent=True),),
        ),
        node,
    )
    flops = per(scope.tokens, 4 * heads * block * block)
    gates = scope.linear(
        "mixer.gates", w, 2 * w, node, part="mixer", bias=2 * w, executed=flops, needed=flops,
        weights=tuple(Weight(f"mixer.{name}_gate.weight", (heads, block, block)) for name in ("input", "recurrent")),
    )  # fmt: skip
    node = scope.builder.add(
        Operator(
            name="mixer.recurrence",
            kind=Kind.SCAN,
            part=scope.part("mixer"),
            weights=(Weight("mixer.decay", (w,), Role.VECTOR),),
            pointwise=per(scope.tokens, RG_LRU_FLOPS * w),
            touched=scope.once,
            reads=per(scope.tokens, 3 * w),
            writes=per(scope.tokens, w),
            cache_reads=per(Live(), w),
            cache_writes=per(Live(), w),
            states=(State("recurrence", per(Live(), w), "fp32", recurrent=True),),
        ),
        node,
        gates,
    )
    node = scope.builder.add(
        Operator(
            name="mixer.product",
            kind=Kind.ELEMENTWISE,
            part=scope.part("mixer"),
            pointwise=per(scope.tokens, w),
            reads=per(scope.tokens, 2 * w),
            writes=per(scope.tokens, w),
        ),
        node,
        side,
    )
    node = scope.linear("mixer.out", w, h, node, part="mixer", bias=h)
    return scope.reduce("mixer.all_reduce", node, part="mixer")
