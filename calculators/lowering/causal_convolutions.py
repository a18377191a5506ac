"""Mixers whose tokens meet in a causal convolution."""

from __future__ import annotations

from calculators.form import per
from calculators.lowering.recurrent import causal_convolution
from calculators.lowering.scope import Scope
from calculators.operators import Kind, Operator
from catalog.mixers import ShortConvolution


def short_convolution(scope: Scope, mixer: ShortConvolution, source: int) -> int:
    """``8·T·h²`` to project in and out, ``2·T·h·k`` to convolve; the state is ``k`` columns.

    Source: transformers, ``Lfm2ShortConv``: ``out(C * conv(B * x))`` with B, C and x from one projection.
    """
    inner, h = scope.share(scope.hidden), scope.hidden
    node = scope.linear("mixer.in", h, 3 * inner, source, part="mixer", bias=3 * inner if mixer.bias else 0)
    node = _gate(scope, "mixer.gate_in", inner, node)
    node = causal_convolution(scope, inner, mixer.kernel, mixer.bias, node)
    node = _gate(scope, "mixer.gate_out", inner, node)
    node = scope.linear("mixer.out", inner, h, node, part="mixer", bias=h if mixer.bias else 0)
    return scope.reduce("mixer.all_reduce", node, part="mixer")


def _gate(scope: Scope, name: str, width: int, source: int) -> int:
    """A product, channel by channel."""
    return scope.builder.add(
        Operator(
            name=name,
            kind=Kind.ELEMENTWISE,
            part=scope.part("mixer"),
            pointwise=per(scope.tokens, width),
            reads=per(scope.tokens, 2 * width),
            writes=per(scope.tokens, width),
        ),
        source,
    )
