"""Linear recurrences without a selective scan."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.scope import Scope
from calculators.measures import Live, Tokens
from calculators.operators import Kind, Operator, Role, State, Weight
from calculators.scan_measures import Fourier, PaddedPrefill, Positions
from catalog.mixers import S4, RgLru

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


KERNEL_FLOPS, STEP_FLOPS = 8, 30
"""Pointwise FLOPs of S4 per channel and number of its state: for each position of the kernel, and for each step.

A kernel of L positions is evaluated at L/2 points, each a sum over N/2 pairs of four products (arXiv:2111.00396,
algorithm 1); a step multiplies by two matrices of diagonal plus rank one, adds the input and reads out (appendix C.2),
60 FLOPs per pair. A complex multiplication with an addition is 8.
"""


def s4(scope: Scope, mixer: S4, source: int) -> int:
    """A state space per channel, then ``4·T·h²`` to mix channels through a gate.

    A whole sequence is a convolution in the frequency domain: a transform of each channel there and back, and the
    kernel with its transform once for all sequences. After that each token is a step of the recurrence. Neither is a
    matrix product, so no counter sees it; all of it stands under pointwise.

    Source: arXiv:2111.00396 sections 2.4 and 3; theorem 2 for the recurrence, algorithm 1 and theorem 3 for the
    convolution.
    """
    h, stream, n = scope.hidden, scope.stream, mixer.state
    inner = scope.share(h)
    sets = 1 if mixer.tied else inner
    node = scope.builder.add(
        Operator(
            name="mixer.scan",
            kind=Kind.SCAN,
            part=scope.part("mixer"),
            weights=(
                Weight("mixer.C", (inner, n), Role.VECTOR),
                *(Weight(f"mixer.{name}", (sets, n), Role.VECTOR) for name in ("A", "P", "B")),
                *(Weight(f"mixer.{name}", (inner,), Role.VECTOR) for name in ("log_step", "D")),
            ),
            pointwise=Form(
                {
                    Fourier(stream, when="fresh"): 2 * inner,
                    Fourier(stream, once=True, when="fresh"): inner,
                    Positions(stream, when="fresh"): KERNEL_FLOPS * inner * n,
                    Tokens(stream, "cached"): STEP_FLOPS * inner * n,
                }
            ),
            touched=scope.once,
            reads=per(scope.tokens, inner),
            writes=per(scope.tokens, inner),
            cache_reads=per(Live(), inner * n),
            cache_writes=per(Live(), inner * n),
            states=(State("scan", per(Live(), inner * n), "fp32", recurrent=True),),
        ),
        source,
    )
    node = scope.activation("mixer.activation", inner, inner, node, part="mixer")
    node = scope.linear("mixer.out", inner, 2 * h, node, part="mixer", bias=2 * h)
    node = scope.activation("mixer.gate", 2 * h, h, node, part="mixer")
    return scope.reduce("mixer.all_reduce", node, part="mixer")
