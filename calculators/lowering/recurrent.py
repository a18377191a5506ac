"""State-space mixers: constant state instead of a growing cache."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.scope import Scope
from calculators.measures import Live, Tokens
from calculators.operators import Dtype, Kind, Operator, Role, State, Weight
from calculators.scan_measures import ChunkPairs, Chunks, ChunkSquares, Padded
from catalog.mixers import Mamba, Mamba2

SCAN_FLOPS = 7
"""Pointwise FLOPs of the selective scan per token, channel and state, besides the two of the read-out that counters
see; together the 9 that A. Gu gives in state-spaces/mamba issue 110."""


def causal_convolution(
    scope: Scope,
    width: int,
    kernel: int,
    bias: bool,
    source: int,
    name: str = "mixer.convolution",
    dtype: Dtype = "model",
) -> int:
    """A causal depthwise convolution over ``width`` channels; the state keeps the last ``kernel`` columns.

    The reference pads a fresh sequence to S + kernel - 1 outputs and, stepping, computes two outputs to keep one.
    Several tokens after cached ones are convolved together with the whole state.
    """
    stream = scope.stream
    return scope.builder.add(
        Operator(
            name=name,
            kind=Kind.CONVOLUTION,
            part=scope.part("mixer"),
            weights=(
                Weight(f"{name}.weight", (width, 1, kernel), Role.VECTOR),
                *((Weight(f"{name}.bias", (width,), Role.VECTOR),) if bias else ()),
            ),
            executed=Form({Padded(stream, kernel): 2 * width * kernel, Tokens(stream, "stepping"): 4 * width * kernel}),
            needed=per(scope.tokens, 2 * width * kernel),
            touched=scope.once,
            reads=per(scope.tokens, width),
            writes=per(scope.tokens, width),
            cache_reads=per(Live(), width * kernel),
            cache_writes=per(Live(), width * kernel),
            states=(State("convolution", per(Live(), width * kernel), dtype, recurrent=True),),
        ),
        source,
    )


def mamba(scope: Scope, mixer: Mamba, source: int) -> int:
    """Selective scan with input-dependent dt, B and C; the state is ``inner·state`` numbers in 32 bits.

    Source: arXiv:2312.00752, algorithm 2 and section 3.4; sizes as in the published configurations.
    """
    inner, state, rank = scope.share(mixer.inner), mixer.state, mixer.dt_rank
    bias = 2 * inner if mixer.bias else 0
    node = scope.linear("mixer.in", scope.hidden, 2 * inner, source, part="mixer", bias=bias)
    node = causal_convolution(scope, inner, mixer.conv, mixer.conv_bias, node)
    parts = scope.share(mixer.heads) * (rank + 2 * state)
    flops = per(scope.tokens, 2 * inner * (rank + 2 * state))
    steps = scope.linear(
        "mixer.x", inner, parts, node, part="mixer", executed=flops, needed=flops,
        weights=(Weight("mixer.x.weight", (parts, inner // scope.share(mixer.heads))),),
    )  # fmt: skip
    if mixer.inner_norms:
        for name, width in (("dt", rank), ("b", state), ("c", state)):
            steps = scope.norm(f"mixer.{name}_norm", steps, part="mixer", kind="rms", width=width)
    steps = scope.linear("mixer.dt", rank, inner, steps, part="mixer", bias=inner)
    readout = per(scope.tokens, 2 * inner * state)
    node = scope.builder.add(
        Operator(
            name="mixer.scan",
            kind=Kind.SCAN,
            part=scope.part("mixer"),
            weights=(
                Weight("mixer.A_log", (inner, state), Role.VECTOR),
                Weight("mixer.D", (inner,), Role.VECTOR),
            ),
            executed=readout,
            needed=readout,
            pointwise=per(scope.tokens, SCAN_FLOPS * inner * state),
            touched=scope.once,
            reads=per(scope.tokens, 3 * inner + 2 * state * scope.share(mixer.heads)),
            writes=per(scope.tokens, inner),
            cache_reads=per(Live(), inner * state),
            cache_writes=per(Live(), inner * state),
            states=(State("scan", per(Live(), inner * state), "fp32", recurrent=True),),
        ),
        node,
        steps,
    )
    out_bias = scope.hidden if mixer.bias else 0
    node = scope.linear("mixer.out", inner, scope.hidden, node, part="mixer", bias=out_bias)
    return scope.reduce("mixer.all_reduce", node, part="mixer")


def mamba2(scope: Scope, mixer: Mamba2, source: int) -> int:
    """State-space duality: inside a block it is masked attention, between blocks a recurrence.

    Needed FLOPs are those of the chunked form for a fresh prefill and of the recurrence for a step.

    Source: arXiv:2405.21060, section 6 (block decomposition) and section 7 (the layer).
    """
    heads, p, n = scope.share(mixer.heads), mixer.head_dim, mixer.state
    groups = max(1, scope.share(mixer.groups))
    inner, chunk, stream = heads * p, mixer.chunk, scope.stream
    mixed = inner + 2 * groups * n
    wide = inner + mixed + heads
    node = scope.linear("mixer.in", scope.hidden, wide, source, part="mixer", bias=wide if mixer.bias else 0)
    node = causal_convolution(scope, mixed, mixer.conv, mixer.conv_bias, node)
    executed_pairs, needed_pairs = (ChunkPairs(stream, chunk, c) for c in ("executed", "needed"))
    step = 2 * inner * n
    executed = Form(
        {
            executed_pairs: 2 * heads * (n + p),
            ChunkSquares(stream, chunk): step,
            Chunks(stream, chunk): 2 * chunk * step,
            Tokens(stream, "stepping"): step,
        }
    )
    needed = Form(
        {
            needed_pairs: 2 * (groups * n + heads * p),
            Tokens(stream, "fresh"): 2 * step,
            Tokens(stream, "cached"): step,
        }
    )
    node = scope.builder.add(
        Operator(
            name="mixer.scan",
            kind=Kind.SCAN,
            part=scope.part("mixer"),
            weights=tuple(Weight(f"mixer.{name}", (heads,), Role.VECTOR) for name in ("dt_bias", "A_log", "D")),
            executed=executed,
            needed=needed,
            pointwise=Form({Tokens(stream, "cached"): 3 * inner * n, scope.tokens: 4 * inner}),
            touched=scope.once,
            reads=per(scope.tokens, mixed + heads),
            writes=per(scope.tokens, inner),
            cache_reads=per(Live(), inner * n),
            cache_writes=per(Live(), inner * n),
            states=(State("scan", per(Live(), inner * n), "fp32", recurrent=True),),
        ),
        node,
    )
    if mixer.norm:
        node = scope.norm("mixer.norm", node, part="mixer", kind="rms", width=inner)
    out_bias = scope.hidden if (mixer.bias if mixer.out_bias is None else mixer.out_bias) else 0
    node = scope.linear("mixer.out", inner, scope.hidden, node, part="mixer", bias=out_bias)
    return scope.reduce("mixer.all_reduce", node, part="mixer")
