"""Latent attention, and the indexer that makes it sparse."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.attention import SOFTMAX_FLOPS, output_gate
from calculators.lowering.exchange import gather_context, merge_context
from calculators.lowering.scope import Scope
from calculators.measures import Chosen, Context, Handed, Held
from calculators.operators import Kind, Operator, Role, State, Weight
from calculators.pairs import Pairs
from catalog.mixers import Indexer, LatentAttention


def latent_attention(scope: Scope, mixer: LatentAttention, source: int) -> int:
    """Latent attention: the cache holds ``kv_rank + rope_dim`` numbers per token, whatever the number of heads.

    The reference expands keys and values of the whole context in every pass. A good kernel does so while nothing is
    cached, and afterwards folds the expansion into query and output ("absorbed"), so that scores run over
    ``kv_rank + rope_dim`` and values over ``kv_rank``. The latent is not divided among devices. With an indexer the
    reference still multiplies every pair and masks; needed are only the pairs that the indexer chose.

    Source: arXiv:2405.04434 section 2.1, equations 9 to 19 and table 1; arXiv:2512.02556 section 2.1.
    """
    heads, rank, stream = scope.share(mixer.heads), mixer.kv_rank, scope.stream
    key, expand = mixer.nope_dim + mixer.rope_dim, mixer.nope_dim + mixer.v_dim
    compressed = source
    if mixer.q_rank is None:
        q = scope.linear("attention.q", scope.hidden, heads * key, source, part="attention")
    else:
        bias = mixer.q_rank if mixer.bias else 0
        q = scope.linear("attention.q_down", scope.hidden, mixer.q_rank, source, part="attention", bias=bias)
        compressed = scope.norm("attention.q_norm", q, part="attention", kind="rms", width=mixer.q_rank)
        gated = mixer.gate == "query"
        q = scope.linear(
            "attention.q_gate_up" if gated else "attention.q_up",
            2 * mixer.q_rank if gated else mixer.q_rank,
            heads * (key + (mixer.v_dim if gated else 0)),
            compressed,
            part="attention",
        )
    width = rank + mixer.rope_dim
    down = scope.linear(
        "attention.kv_down",
        scope.hidden,
        width,
        source,
        part="attention",
        bias=width if mixer.bias else 0,
        launches=1 if mixer.q_rank is None else 0,  # vLLM and SGLang: one product with q_down (fused_qkv_a_proj)
    )
    latent = scope.norm("attention.kv_norm", down, part="attention", kind="rms", width=rank)
    if mixer.rope_norm:
        latent = scope.norm("attention.rope_norm", latent, part="attention", kind="rms", width=mixer.rope_dim)
    expanded = scope.linear(
        "attention.kv_up",
        rank,
        heads * expand,
        latent,
        part="attention",
        executed=per(Handed(stream, mixer.window), 2 * rank * heads * expand),
    )
    seen = mixer.window
    if mixer.indexer is not None:
        seen = mixer.indexer.top_k
        if not mixer.indexer.borrowed:
            indexer(scope, mixer.indexer, mixer.q_rank or scope.hidden, source, compressed)
    expanded = gather_context(scope, width, heads * (rank + mixer.rope_dim), expanded)
    executed = Pairs(stream, "executed", window=mixer.window)
    positions = Chosen(stream, mixer.indexer.top_k) if mixer.indexer else Context(stream, mixer.window)
    node = scope.builder.add(
        Operator(
            name="attention.core",
            kind=Kind.ATTENTION,
            part=scope.part("attention"),
            weights=(Weight("attention.sinks", (heads,), Role.VECTOR),) if mixer.sinks else (),
            executed=per(executed, 2 * heads * (key + mixer.v_dim)),
            needed=Form(
                {
                    Pairs(stream, "needed", window=seen, when="fresh"): 2 * heads * (key + mixer.v_dim),
                    Pairs(stream, "needed", window=seen, when="cached"): 2 * heads * (2 * rank + mixer.rope_dim),
                }
            ),
            pointwise=per(Pairs(stream, "needed", window=seen), SOFTMAX_FLOPS * heads),
            touched=scope.once,
            reads=per(scope.tokens, heads * key),
            writes=per(scope.tokens, heads * mixer.v_dim),
            scores=per(executed, heads),
            cache_reads=per(positions, width),
            cache_writes=per(scope.tokens, width),
            states=(State("latent", per(Held(stream, mixer.window), width), "cache"),),
        ),
        q,
        expanded,
    )
    node = merge_context(scope, heads * rank, node)
    if mixer.gate in ("full", "head"):
        gates = heads * mixer.v_dim if mixer.gate == "full" else heads
        node = output_gate(scope, gates, heads * mixer.v_dim, source, node)
    out_bias = scope.hidden if mixer.bias else 0
    node = scope.linear("attention.o", heads * mixer.v_dim, scope.hidden, node, part="attention", bias=out_bias)
    return scope.reduce("attention.all_reduce", node, part="attention")


def indexer(scope: Scope, spec: Indexer, rank: int, source: int, compressed: int) -> int:
    """Score every token before a query: ``2·n·d + 2·n`` per pair, after ``2·r·n·d + 2·h·(d + n)`` per token.

    n heads of width d, r the width of the compressed query. Every device scores with all heads. Keys of all tokens stay
    cached and are read in every step: that is what remains of the cost that grows with the context.

    Source: arXiv:2512.02556 section 2.1, equation 1.
    """
    n, d, stream = spec.heads, spec.head_dim, scope.stream
    q = scope.linear("indexer.q", rank, n * d, compressed, part="indexer")
    key = scope.linear("indexer.k", scope.hidden, d, source, part="indexer")
    key = scope.norm("indexer.k_norm", key, part="indexer", kind="layer", width=d)
    weights = scope.linear("indexer.weights", scope.hidden, n, source, part="indexer")
    needed = Pairs(stream, "needed")
    return scope.builder.add(
        Operator(
            name="indexer.scores",
            kind=Kind.ATTENTION,
            part=scope.part("indexer"),
            executed=per(Pairs(stream, "executed"), 2 * n * d + 2 * n),
            needed=per(needed, 2 * n * d + 2 * n),
            pointwise=per(needed, n),
            reads=per(scope.tokens, n * d + n),
            writes=per(scope.tokens, spec.top_k),
            scores=per(Pairs(stream, "executed"), n),
            cache_reads=per(Context(stream), d),
            cache_writes=per(scope.tokens, d),
            states=(State("index_keys", per(Held(stream), d), "cache"),),
        ),
        q,
        key,
        weights,
    )
