"""Mixers whose tokens meet in a causal convolution."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.recurrent import causal_convolution
from calculators.lowering.scope import Scope
from calculators.measures import Context, Held, Live
from calculators.operators import Kind, Operator, Role, State, Weight
from calculators.pairs import Pairs
from calculators.scan_measures import Fourier, Positions
from catalog.mixers import Hyena, ShortConvolution


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


def hyena(scope: Scope, mixer: Hyena, source: int) -> int:
    """``2·T·h²·(N + 2)`` to project in and out, and N - 1 long convolutions of ``h`` channels.

    A whole sequence is convolved in the frequency domain, which no counter sees: ``pointwise`` holds a transform there
    and back of each channel, and one of each filter. A step instead multiplies all inputs kept so far by the filter,
    ``2·h·(P + 1)``, so that the cache grows like a key cache. The filter depends on positions alone; the reference
    computes all of it in every pass, a good engine keeps it.

    Source: arXiv:2302.10866 definition 3.1, section 3.3 (filters), and HazyResearch/safari for the sizes.
    """
    h, stream, order, width = scope.hidden, scope.stream, mixer.order, mixer.filter_width
    inner = scope.share(h)
    wide, deep = (order + 1) * inner, (order - 1) * inner
    node = scope.linear("mixer.in", h, wide, source, part="mixer", bias=wide)
    short = per(scope.tokens, 2 * wide * mixer.conv)
    node = scope.builder.add(
        Operator(
            name="mixer.convolution",
            kind=Kind.CONVOLUTION,
            part=scope.part("mixer"),
            weights=(
                Weight("mixer.convolution.weight", (wide, 1, mixer.conv), Role.VECTOR),
                Weight("mixer.convolution.bias", (wide,), Role.VECTOR),
            ),
            executed=short,
            needed=short,
            touched=scope.once,
            reads=per(scope.tokens, wide),
            writes=per(scope.tokens, wide),
            cache_reads=per(Live(), wide * (mixer.conv - 1)),
            cache_writes=per(Live(), wide * (mixer.conv - 1)),
            states=(State("convolution", per(Live(), wide * (mixer.conv - 1)), "model", recurrent=True),),
        ),
        node,
    )
    squares = mixer.filter_layers * width * width
    filters = 2 * (mixer.filter_inputs * width + squares + width * deep)
    learned = mixer.learned_positions
    taps = scope.builder.add(
        Operator(
            name="mixer.filter",
            kind=Kind.GEMM,
            part=scope.part("mixer"),
            weights=(
                Weight("mixer.filter.in", (width, mixer.filter_inputs)),
                *(Weight(f"mixer.filter.{i}", (width, width)) for i in range(mixer.filter_layers)),
                Weight("mixer.filter.out", (deep, width)),
                Weight("mixer.filter.bias", ((mixer.filter_layers + 1) * width,), Role.VECTOR),
                Weight("mixer.filter.frequency", (width,), Role.VECTOR),
                *((Weight("mixer.filter.positions", (learned, mixer.filter_inputs), Role.VECTOR),) if learned else ()),
            ),
            executed=per(Positions(stream, seen=True), filters),
            needed=per(Positions(stream), filters),
            pointwise=per(Positions(stream), 4 * deep + (mixer.filter_layers + 1) * 3 * width),
            touched=scope.once,
            writes=per(Positions(stream), deep),
        )
    )
    stepped = per(Pairs(stream, "executed", when="stepping"), 2 * deep)
    node = scope.builder.add(
        Operator(
            name="mixer.long_convolution",
            kind=Kind.CONVOLUTION,
            part=scope.part("mixer"),
            weights=(Weight("mixer.long_convolution.skip", (deep,), Role.VECTOR),),
            executed=stepped,
            needed=stepped,
            pointwise=Form(
                {Fourier(stream): 2 * deep, Fourier(stream, once=True): deep, scope.tokens: 3 * deep + inner}
            ),
            touched=scope.once,
            reads=per(scope.tokens, wide),
            writes=per(scope.tokens, inner),
            cache_reads=per(Context(stream), deep),
            cache_writes=per(scope.tokens, deep),
            states=(State("inputs", per(Held(stream), deep), "cache"),),
        ),
        node,
        taps,
    )
    node = scope.linear("mixer.out", inner, h, node, part="mixer", bias=h)
    return scope.reduce("mixer.all_reduce", node, part="mixer")
