"""Attention to a window and to summaries of the tokens before it."""

from __future__ import annotations

from calculators.form import per
from calculators.lowering.attention import SOFTMAX_FLOPS
from calculators.lowering.scope import Scope
from calculators.measures import Context, Held
from calculators.operators import Kind, Operator, Role, State, Weight
from calculators.pairs import Pairs
from calculators.summaries import ChosenSummaries, HeldAgain, Summaries, SummaryPairs, Unsummarised
from catalog.mixers import CompressedAttention


def compressed_attention(scope: Scope, mixer: CompressedAttention, source: int) -> int:
    """``4·H·d`` per token in the window and per summary seen; the reference multiplies all summaries and masks.

    H heads of width d, h the hidden width, g groups narrowed to r each. One vector per token is key and value, so the
    cache holds d numbers per token of the window and per summary. The tokens of the summary not yet complete are kept
    as well. The one vector is not divided among devices.

    Source: transformers 5.23, ``DeepseekV4Attention`` and its compressors.
    """
    heads, d, stream = scope.share(mixer.heads), mixer.head_dim, scope.stream
    q = scope.linear("attention.q_down", scope.hidden, mixer.q_rank, source, part="attention")
    compressed = scope.norm("attention.q_norm", q, part="attention", kind="rms", width=mixer.q_rank)
    q = scope.linear("attention.q_up", mixer.q_rank, heads * d, compressed, part="attention")
    q = scope.norm("attention.q_head_norm", q, part="attention", kind="plain", width=heads * d)
    key = scope.linear("attention.kv", scope.hidden, d, source, part="attention")
    key = scope.norm("attention.kv_norm", key, part="attention", kind="rms", width=d)
    executed = per(Pairs(stream, "executed", window=mixer.window), 1)
    needed = per(Pairs(stream, "needed", window=mixer.window), 1)
    reads = per(Context(stream, mixer.window), d)
    states = [State("kv", per(Held(stream, mixer.window), d), "cache")]
    if mixer.rate is None:  # its usual cache has a place for keys and one for values, and both hold the one vector
        states.append(State("kv_again", per(HeldAgain(stream, mixer.window), d), "cache"))
    else:
        chosen = mixer.indexer.top_k if mixer.indexer else None
        executed += per(SummaryPairs(stream, mixer.rate, "executed"), 1)
        needed += per(SummaryPairs(stream, mixer.rate, "needed", chosen), 1)
        reads += per(ChosenSummaries(stream, mixer.rate, chosen), d)
        states += _summarise(scope, "summaries", mixer.rate, mixer.overlaps, d, source)
        if mixer.indexer is not None:
            states += _summarise(scope, "index", mixer.rate, mixer.overlaps, mixer.indexer.head_dim, source)
            _index(scope, mixer, mixer.rate, source, compressed)
    node = scope.builder.add(
        Operator(
            name="attention.core",
            kind=Kind.ATTENTION,
            part=scope.part("attention"),
            weights=(Weight("attention.sinks", (heads,), Role.VECTOR),),
            executed=executed * (4 * heads * d),
            needed=needed * (4 * heads * d),
            pointwise=needed * (SOFTMAX_FLOPS * heads),
            touched=scope.once,
            reads=per(scope.tokens, heads * d),
            writes=per(scope.tokens, heads * d),
            scores=executed * heads,
            cache_reads=reads,
            cache_writes=per(scope.tokens, d),
            states=tuple(states),
        ),
        q,
        key,
    )
    groups, rank = scope.share(mixer.out_groups), mixer.out_rank
    narrowed = per(scope.tokens, 2 * heads * d * rank)
    node = scope.linear(
        "attention.o_down",
        heads * d,
        groups * rank,
        node,
        part="attention",
        weights=(Weight("attention.o_down.weight", (groups * rank, heads * d // groups)),),
        executed=narrowed,
        needed=narrowed,
    )
    node = scope.linear("attention.o_up", groups * rank, scope.hidden, node, part="attention")
    return scope.reduce("attention.all_reduce", node, part="attention")


def _summarise(scope: Scope, name: str, rate: int, overlaps: bool, width: int, source: int) -> list[State]:
    """``4·h·w`` per token: a value and a gate, w twice the width where summaries overlap; then a weighted mean."""
    w, stream = width * (2 if overlaps else 1), scope.stream
    values = scope.linear(f"{name}.values", scope.hidden, w, source, part="summaries")
    gates = scope.linear(f"{name}.gates", scope.hidden, w, source, part="summaries")
    scope.builder.add(
        Operator(
            name=f"{name}.mean",
            kind=Kind.ELEMENTWISE,
            part=scope.part("summaries"),
            weights=(
                Weight(f"{name}.positions", (rate, w), Role.VECTOR),
                Weight(f"{name}.norm.weight", (width,), Role.VECTOR),
            ),
            touched=scope.once,
            pointwise=per(scope.tokens, (SOFTMAX_FLOPS + 3) * w),
            reads=per(scope.tokens, 2 * w),
            cache_writes=per(scope.tokens, 2 * w),
        ),
        values,
        gates,
    )
    held = [
        State(name, per(Summaries(stream, rate), width), "cache"),
        State(f"{name}_open", per(Unsummarised(stream, rate), 2 * w), "cache"),
    ]
    if overlaps:
        held.append(State(f"{name}_last", per(Summaries(stream, rate, at_most=1), 2 * rate * width), "cache"))
    return held


def _index(scope: Scope, mixer: CompressedAttention, rate: int, source: int, compressed: int) -> None:
    """``2·n·d`` per token and summary, n heads of width d, after ``2·r·n·d + 2·h·n`` per token."""
    spec, stream = mixer.indexer, scope.stream
    assert spec is not None
    n, d = spec.heads, spec.head_dim
    q = scope.linear("indexer.q", mixer.q_rank, n * d, compressed, part="indexer")
    weights = scope.linear("indexer.weights", scope.hidden, n, source, part="indexer")
    executed, needed = SummaryPairs(stream, rate, "executed"), SummaryPairs(stream, rate, "needed")
    scope.builder.add(
        Operator(
            name="indexer.scores",
            kind=Kind.ATTENTION,
            part=scope.part("indexer"),
            executed=per(executed, 2 * n * d),
            needed=per(needed, 2 * n * d),
            pointwise=per(needed, 3 * n),
            reads=per(scope.tokens, n * d + n),
            writes=per(scope.tokens, spec.top_k),
            scores=per(executed, n),
            cache_reads=per(Summaries(stream, rate), d),
        ),
        q,
        weights,
    )
