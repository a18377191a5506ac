"""An indexer that chooses blocks of tokens for grouped attention."""

from __future__ import annotations

from calculators.form import per
from calculators.lowering.scope import Scope
from calculators.measures import Context, Held
from calculators.operators import Kind, Operator, State
from calculators.pairs import Pairs
from catalog.mixers.sparse import BlockIndexer


def block_index(scope: Scope, spec: BlockIndexer, source: int) -> int:
    """``2·h·(n + 1)·d`` per token and ``2·n·d`` per pair: every key is scored, the best of a block stands for it.

    n heads of width d; one key per token, which is cached and read in every step. Every device scores with all heads.
    Source: transformers 5.23, ``MiniMaxM3VLIndexer``.
    """
    n, d, stream = spec.heads, spec.head_dim, scope.stream
    q = scope.linear("indexer.q", scope.hidden, n * d, source, part="indexer")
    q = scope.norm("indexer.q_norm", q, part="indexer", kind="rms", width=d)
    key = scope.linear("indexer.k", scope.hidden, d, source, part="indexer")
    key = scope.norm("indexer.k_norm", key, part="indexer", kind="rms", width=d)
    executed, needed = Pairs(stream, "executed"), Pairs(stream, "needed")
    return scope.builder.add(
        Operator(
            name="indexer.scores",
            kind=Kind.ATTENTION,
            part=scope.part("indexer"),
            executed=per(executed, 2 * n * d),
            needed=per(needed, 2 * n * d),
            pointwise=per(needed, n),
            reads=per(scope.tokens, n * d),
            writes=per(scope.tokens, n * spec.top_k),
            scores=per(executed, n),
            cache_reads=per(Context(stream), d),
            cache_writes=per(scope.tokens, d),
            states=(State("index_keys", per(Held(stream), d), "cache"),),
        ),
        q,
        key,
    )
