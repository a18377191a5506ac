"""Adaptive inputs and softmax: rarer words in narrower tables (arXiv:1809.10853, section 2; arXiv:1609.04309)."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.scope import Scope
from calculators.measures import One, Sequences
from calculators.operators import Kind, Operator, Role, Weight
from catalog.ends import LmHead, TokenEmbedding


def _tables(scope: Scope, embedding: TokenEmbedding) -> list[tuple[int, int]]:
    """Rows on one device and width of each table, that of the frequent words first."""
    first = embedding.vocab - sum(tail.rows for tail in embedding.tails)
    sizes = [(first, scope.hidden), *((tail.rows, tail.width) for tail in embedding.tails)]
    return [(scope.share(rows), width) for rows, width in sizes]


def _weights(scope: Scope, embedding: TokenEmbedding) -> tuple[list[Weight], list[Weight]]:
    """Tables, and the matrices that lead from each to the hidden width."""
    sizes = _tables(scope, embedding)
    tables = [Weight(f"{scope.stack}.tokens.{i}", size, Role.EMBEDDING) for i, size in enumerate(sizes)]
    matrices = [Weight(f"{scope.stack}.widen.{i}", (scope.hidden, width)) for i, (_, width) in enumerate(sizes)]
    return tables, matrices


def adaptive_embedding(scope: Scope, embedding: TokenEmbedding) -> int:
    """Look a token up in its table and widen it; the reference widens a row of each table and picks one."""
    h = scope.hidden
    tables, matrices = _weights(scope, embedding)
    node = scope.builder.add(
        Operator(
            name="embedding",
            kind=Kind.EMBEDDING,
            part=scope.part("embedding"),
            weights=tuple(tables),
            touched=Form(),
            rows=per(scope.tokens, h),
            writes=per(scope.tokens, h),
        )
    )
    widths = sum(width for _, width in _tables(scope, embedding))
    return scope.linear(
        "embedding.project", h, h, node, part="embedding", weights=tuple(matrices),
        executed=per(scope.tokens, 2 * widths * h),
    )  # fmt: skip


def adaptive_head(scope: Scope, spec: LmHead, embedding: TokenEmbedding, source: int) -> int:
    """Logits table by table: ``2·h·w`` to narrow and ``2·w·rows`` to score; one logit for each tail stands beside the
    frequent words. Tied tables and tails' matrices are the embedding's; the first matrix is the head's own.
    """
    h, sizes, tails = scope.hidden, _tables(scope, embedding), len(embedding.tails)
    tables, matrices = _weights(scope, embedding)
    own = [
        Weight("head.narrow", (h, h), Role.HEAD),
        Weight("head.tails.weight", (tails, h), Role.HEAD),
        Weight("head.tails.bias", (tails,), Role.VECTOR),
    ]
    if spec.bias:
        own.append(Weight("head.bias", (embedding.vocab,), Role.VECTOR))
    shared = [*tables, *matrices[1:]]
    if not spec.tied:
        own += [Weight(f"head.{weight.name}", weight.shape, Role.HEAD) for weight in shared]
    flops = sum(2 * h * width + 2 * width * rows for rows, width in sizes) + 2 * h * tails
    over = scope.tokens if spec.every_token else Sequences(scope.stream)
    return scope.builder.add(
        Operator(
            name="head",
            kind=Kind.GEMM,
            part=scope.part("head"),
            weights=tuple(own),
            borrowed=tuple(shared) if spec.tied else (),
            executed=per(scope.tokens, flops),
            needed=per(over, flops),
            touched=per(One(), 1),
            reads=per(over, h),
            writes=per(over, embedding.vocab),
        ),
        source,
    )
