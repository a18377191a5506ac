"""Attention in all its forms: grouped and cross.

Symbols: H query heads, K key-value heads, d head width, h hidden width, n context. With ``tp`` devices each holds
``ceil(H/tp)`` query heads and at least one key-value head: when tp > K, heads are replicated.
"""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.block_index import block_index
from calculators.lowering.conformer import distances
from calculators.lowering.convolved import convolved, smoothed
from calculators.lowering.exchange import gather_context, merge_context
from calculators.lowering.memory import other_tokens
from calculators.lowering.scope import Scope
from calculators.measures import Chosen, Context, Held, Measure, Runs, Span, Tokens
from calculators.operators import Kind, Operator, Role, State, Weight
from calculators.pairs import BlockPairs, CrossPairs, PackedPairs, Pairs
from calculators.selections import ChosenBlockPairs
from catalog.mixers import Attention, CrossAttention, Disentangled

SOFTMAX_FLOPS = 5
"""Scale, maximum, subtract, exponential, divide: per attended pair and head; counted apart as pointwise."""


def attention(scope: Scope, mixer: Attention, source: int, inputs: int = 0) -> int:
    """Grouped-query attention: ``2·T·h·(H + 2K)·d`` to project, ``4·H·d`` per pair, ``2·T·H·d·h`` to mix.

    ``inputs`` is the width that it reads where it is not the stack's (Zamba).

    Source: arXiv:1706.03762 section 3.2; arXiv:2305.13245 section 2.2 for the shared heads.
    """
    inputs = inputs or scope.hidden
    heads, kv, d = scope.share(mixer.heads), max(1, scope.share(mixer.kv_heads)), mixer.head_dim
    v = mixer.v_dim
    widths = {"q": heads * d}
    if not mixer.shares_kv:
        widths |= {"k": kv * d} if mixer.value_is_key else {"k": kv * d, "v": kv * mixer.v_dim}
    bias = sum(width for p, width in widths.items() if p in mixer.bias)
    node = scope.linear(
        "attention.qkv",
        inputs,
        sum(widths.values()),
        source,
        part="attention",
        bias=bias,
        weights=tuple(Weight(f"attention.{p}.weight", (w, inputs)) for p, w in widths.items()),
    )
    if mixer.smoothed is not None:
        node = smoothed(scope, mixer.smoothed, heads, kv * (d + v), source, node)
    if mixer.convolved is not None:
        node = convolved(scope, mixer.convolved, heads, kv, d, node)
    if mixer.qk_norm is not None:
        node = _qk_norm(scope, mixer, {p: width for p, width in widths.items() if p != "v"}, node)
    normed = heads if mixer.shares_kv else heads + kv
    if mixer.position == "rotary":
        node = scope.builder.add(
            Operator(
                name="attention.rotary",
                kind=Kind.ELEMENTWISE,
                part=scope.part("attention"),
                pointwise=per(scope.tokens, 3 * normed * d),
                reads=per(scope.tokens, normed * d),
                writes=per(scope.tokens, normed * d + (0 if mixer.shares_kv else kv * mixer.v_dim)),
            ),
            node,
        )
    if mixer.distances is not None:
        node = distances(scope, mixer.distances, heads, d, node)
    if mixer.disentangled is not None:
        node = _disentangled(scope, mixer.disentangled, heads, d, node)
    if mixer.reads is not None:
        other_tokens(scope, mixer, heads, kv)
    if mixer.indexer is not None:
        block_index(scope, mixer.indexer, source)
    node = gather_context(scope, kv * (d + v), heads * d, node)
    node = merge_context(scope, heads * v, _attend(scope, mixer, heads, kv, node))
    if mixer.gate is not None:
        node = output_gate(scope, heads * (v if mixer.gate == "full" else 1), heads * v, source, node)
    if mixer.out_norm:
        node = scope.norm("attention.out_norm", node, part="attention", width=heads * v)
    out_bias = scope.hidden if "o" in mixer.bias else 0
    node = scope.linear("attention.o", heads * v, scope.hidden, node, part="attention", bias=out_bias)
    return scope.reduce("attention.all_reduce", node, part="attention")


def _attend(scope: Scope, mixer: Attention, heads: int, kv: int, source: int) -> int:
    """Scores, softmax and values; what is cached and read.

    Differential attention scores once and reads values of twice the width, which the reference does in two full calls
    (arXiv:2410.05258, equation 1).
    """
    stream, d, v = scope.stream, mixer.head_dim, mixer.v_dim
    caches, reach, kept = mixer.causal and mixer.cached, mixer.window or mixer.chunk, kv * (d + v)
    filled = 2 * (mixer.padded - d) if mixer.padded else 0
    executed: Measure = Pairs(stream, "executed", mixer.causal, None if mixer.keeps_all else reach)
    needed: Measure = Pairs(stream, "needed", mixer.causal, reach, blocks=mixer.chunk is not None, prefix=mixer.prefix)
    if mixer.blocks:
        executed = needed = BlockPairs(stream, mixer.blocks)
    positions: Measure = Context(stream, reach)
    if mixer.indexer is not None:
        needed = ChosenBlockPairs(stream, mixer.indexer.block, mixer.indexer.top_k)
        positions = Chosen(stream, mixer.indexer.block * mixer.indexer.top_k)
    if mixer.packed:
        executed = PackedPairs(stream)
    held = Held(stream, reach, mixer.keeps_all)
    own = [Weight("attention.sinks", (heads,), Role.VECTOR)] if mixer.sinks else []
    if mixer.differential:
        own += [Weight(f"attention.lambda_{name}", (d,), Role.VECTOR) for name in ("q1", "k1", "q2", "k2")]
    if mixer.relative_buckets:
        own.append(Weight("attention.relative_bias", (mixer.relative_buckets, heads), Role.EMBEDDING))
    keeps = caches and not mixer.shares_kv
    return scope.builder.add(
        Operator(
            name="attention.core",
            kind=Kind.ATTENTION,
            part=scope.part("attention"),
            weights=tuple(own),
            executed=per(executed, (4 if mixer.differential else 2) * heads * (d + v + filled)),
            needed=per(needed, 2 * heads * (d + (2 if mixer.differential else 1) * v)),
            pointwise=per(needed, (SOFTMAX_FLOPS + (3 if mixer.softcap else 0)) * heads),
            touched=scope.once,
            reads=per(scope.tokens, heads * d + (0 if caches else kept)),
            writes=per(scope.tokens, heads * v),
            scores=per(executed, heads),
            cache_reads=per(positions, kept) if caches else Form(),
            cache_writes=per(scope.tokens, kept) if keeps else Form(),
            states=(State("kv", per(held, kept), "cache"),) if keeps else (),
        ),
        source,
    )


def _qk_norm(scope: Scope, mixer: Attention, widths: dict[str, int], source: int) -> int:
    """Norms on queries and, where the layer has its own, keys."""
    lengths = {"head": dict.fromkeys(widths, mixer.head_dim), "full": widths, "plain": {}}[mixer.qk_norm or "plain"]
    vectors, width = ("weight", "bias") if mixer.qk_norm_bias else ("weight",), sum(widths.values())
    return scope.builder.add(
        Operator(
            name="attention.qk_norm",
            kind=Kind.NORM,
            part=scope.part("attention"),
            weights=tuple(
                Weight(f"attention.{p}_norm.{vector}", (n,), Role.VECTOR)
                for p, n in lengths.items()
                for vector in vectors
            ),
            pointwise=per(scope.tokens, (8 if mixer.qk_norm_bias else 5) * width),
            touched=scope.once,
            reads=per(scope.tokens, width),
            writes=per(scope.tokens, width + widths.get("k", 0)),
        ),
        source,
    )


def output_gate(scope: Scope, gates: int, width: int, source: int, node: int) -> int:
    """A sigmoid of ``gates`` numbers projected from the layer's input, and a product with what attention returns."""
    gate = scope.linear("attention.gate", scope.hidden, gates, source, part="attention")
    return scope.builder.add(
        Operator(
            name="attention.gated",
            kind=Kind.ELEMENTWISE,
            part=scope.part("attention"),
            pointwise=per(scope.tokens, 4 * gates + width),
            reads=per(scope.tokens, gates + width),
            writes=per(scope.tokens, width),
        ),
        node,
        gate,
    )


def _disentangled(scope: Scope, mixer: Disentangled, heads: int, d: int, source: int) -> int:
    """Project the table of ``2·span`` relative positions once per pass, and score every token against all of it.

    Per direction ``4·span·h·H·d`` to project and ``4·span·H·d`` per token to score, whatever the length; scores are
    then picked by distance. DeBERTa 1 (``near``) takes of the table only ``2·min(S, span)`` rows.

    Source: arXiv:2006.03654 equations 2 to 4 and section 3.1.1.
    """
    rows, h, inner = 2 * mixer.span, scope.hidden, heads * d
    biased = ("pos_key", "pos_query") if mixer.key_bias else ("pos_query",)
    ways = {"pos_key": mixer.content_to_position, "pos_query": mixer.position_to_content}
    used = [name for name, on in ways.items() if on]
    own = [] if mixer.shared else used
    table: Measure = Span(scope.stream, mixer.span) if mixer.near else Runs(scope.stream)
    scored: Measure = Span(scope.stream, mixer.span, each=True) if mixer.near else scope.tokens
    factor = 2 if mixer.near else rows
    projected = 2 if mixer.shared else len(used)
    projections = scope.builder.add(
        Operator(
            name="attention.positions",
            kind=Kind.GEMM,
            part=scope.part("attention"),
            weights=(
                *(Weight(f"attention.{name}.weight", (inner, h)) for name in own),
                *(Weight(f"attention.{name}.bias", (inner,), Role.VECTOR) for name in own if name in biased),
            ),
            executed=per(table, 2 * factor * h * inner * projected),
            needed=per(table, 2 * factor * h * inner * len(used)),
            touched=scope.once,
            reads=per(table, factor * h),
            writes=per(table, factor * inner * projected),
        )
    )
    flops = per(scored, 2 * factor * inner * len(used))
    return scope.builder.add(
        Operator(
            name="attention.position_scores",
            kind=Kind.ATTENTION,
            part=scope.part("attention"),
            executed=flops,
            needed=flops,
            reads=per(scope.tokens, inner * len(used)),
            writes=per(scored, factor * heads * len(used)),
        ),
        source,
        projections,
    )


def cross_attention(scope: Scope, mixer: CrossAttention, source: int) -> int:
    """Attention to another stack; its keys and values are computed once per source token and cached.

    Source: arXiv:1706.03762 section 3.2.3; arXiv:2204.14198 section 3.1.1 for queries that also read each other.
    """
    stream, width = scope.sources[mixer.source]
    width = mixer.source_width or width
    heads, kv, d = scope.share(mixer.heads), max(1, scope.share(mixer.kv_heads or mixer.heads)), mixer.head_dim
    inner, narrow = heads * d, kv * d
    lengths = {p: inner if p == "q" else narrow for p in mixer.bias if p != "o"}
    if mixer.norm_source:
        scope.norm("cross.norm_source", None, part="cross", width=width, over=Tokens(stream))
    q = scope.linear("cross.q", scope.hidden, inner, source, part="cross", bias=lengths.get("q", 0))
    read = per(Tokens(stream), 1) + (per(scope.tokens, 1) if mixer.own else Form())
    keys = scope.builder.add(
        Operator(
            name="cross.kv",
            kind=Kind.GEMM,
            part=scope.part("cross"),
            leaf=mixer.source in scope.given,
            weights=(
                *(Weight(f"cross.{p}.weight", (narrow, width)) for p in "kv"),
                *(Weight(f"cross.{p}.bias", (narrow,), Role.VECTOR) for p in "kv" if p in lengths),
            ),
            executed=read * (4 * width * narrow),
            needed=read * (4 * width * narrow),
            touched=per(Runs(stream), 1),
            reads=read * width,
            cache_writes=per(Tokens(stream), 2 * narrow),
        ),
    )
    if mixer.qk_norm:
        scope.norm("cross.q_norm", q, part="cross", kind="rms", width=d)
        scope.norm("cross.k_norm", keys, part="cross", kind="rms", width=d, over=Tokens(stream))
    pairs = per(CrossPairs(scope.stream, stream), 1)
    if mixer.own:
        pairs = pairs + per(Pairs(scope.stream, "executed", causal=False), 1)
    held = Held(stream)
    cached = stream.kind == "source" or (stream.kind == "image" and scope.stream.kind != "image")
    node = scope.builder.add(
        Operator(
            name="cross.core",
            kind=Kind.ATTENTION,
            part=scope.part("cross"),
            executed=pairs * (4 * heads * (mixer.padded or d)),
            needed=pairs * (4 * inner),
            pointwise=pairs * (SOFTMAX_FLOPS * heads),
            reads=per(scope.tokens, inner),
            writes=per(scope.tokens, inner),
            scores=pairs * heads,
            cache_reads=per(held, 2 * narrow) if scope.stream.kind != "image" else Form(),
            states=(State("cross_kv", per(held, 2 * narrow), "cache"),) if cached else (),
        ),
        q,
        keys,
    )
    out_bias = scope.hidden if "o" in mixer.bias else 0
    node = scope.linear("cross.o", inner, scope.hidden, node, part="cross", bias=out_bias)
    return scope.reduce("cross.all_reduce", node, part="cross")
