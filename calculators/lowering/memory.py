"""Another stack's tokens read by a layer's own attention, through its own projections."""

from __future__ import annotations

from calculators.form import per
from calculators.lowering.scope import Scope
from calculators.measures import Held, Runs, Tokens
from calculators.operators import Kind, Operator, State
from calculators.pairs import CrossPairs
from catalog.mixers import Attention


def other_tokens(scope: Scope, mixer: Attention, heads: int, kv: int) -> None:
    """``4·h·K·d`` per source token for keys and values, once; ``4·H·d`` per pair of a token and a source token.

    Source: transformers, ``T5Gemma2MergedAttention``: one softmax over the decoder's tokens and the encoder's.
    """
    assert mixer.reads is not None
    stream, width = scope.sources[mixer.reads]
    d, held = mixer.head_dim, Held(stream)
    read, pairs = per(Tokens(stream), 4 * width * kv * d), per(CrossPairs(scope.stream, stream), 1)
    keys = scope.builder.add(
        Operator(
            name="attention.source_kv",
            kind=Kind.GEMM,
            part=scope.part("attention"),
            executed=read,
            needed=read,
            touched=per(Runs(stream), 1),
            reads=per(Tokens(stream), width),
            cache_writes=per(Tokens(stream), 2 * kv * d),
        )
    )
    scope.builder.add(
        Operator(
            name="attention.source_core",
            kind=Kind.ATTENTION,
            part=scope.part("attention"),
            executed=pairs * (4 * heads * d),
            needed=pairs * (4 * heads * d),
            pointwise=pairs * (5 * heads),
            scores=pairs * heads,
            cache_reads=per(held, 2 * kv * d),
            states=(State("source_kv", per(held, 2 * kv * d), "cache"),) if stream.kind == "source" else (),
            launches=0,
        ),
        keys,
    )
