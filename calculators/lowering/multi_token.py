"""Heads that foretell tokens beyond the next."""

from __future__ import annotations

from collections.abc import Callable

from calculators.form import Form, per
from calculators.lowering.scope import Scope
from calculators.measures import One
from calculators.operators import Kind, Operator, Role, Weight
from catalog.spec import Layer, MultiToken


def multi_token(
    scope: Scope, spec: MultiToken, table: Weight, node: int, lower_layer: Callable[[Scope, Layer, int], int]
) -> None:
    """Norms on the hidden state and on the next token's vector, a map of both to one, a layer, a norm, and logits.

    Source: arXiv:2412.19437, section 2.2.
    """
    builder, h, tokens = scope.builder, scope.hidden, scope.tokens
    vocab, width = table.shape
    prefix = f"{scope.stack}.mtp."
    builder.prefix, builder.repeat, builder.origin = prefix, spec.depth, "mtp"
    copied = (Weight("embedding", (vocab, width), Role.EMBEDDING),) if spec.own_tables else ()
    vectors = builder.add(
        Operator(
            name="embedding", kind=Kind.EMBEDDING, part=scope.part("mtp"), weights=copied, touched=Form(),
            rows=per(tokens, width), writes=per(tokens, h),
        )
    )  # fmt: skip
    left = scope.norm("hidden.norm", node, part="mtp")
    right = scope.norm("token.norm", vectors, part="mtp")
    both = scope.add("join", left, right, part="mtp")
    result = lower_layer(scope, spec.layer, scope.linear("project", 2 * h, h, both, part="mtp"))
    builder.prefix, builder.origin = prefix, "mtp"
    result = scope.norm("norm", result, part="mtp")
    matrix = Weight("head", (scope.share(vocab), width), Role.HEAD)
    flops = 2 * width * scope.share(vocab)
    builder.add(
        Operator(
            name="head",
            kind=Kind.GEMM,
            part=scope.part("mtp"),
            weights=(matrix,) if spec.own_tables else (),
            borrowed=() if spec.own_tables else (matrix,),
            executed=per(tokens, flops),
            needed=per(scope.sequences, flops),
            touched=per(One(), 1),
            reads=per(scope.sequences, width),
            writes=per(scope.sequences, vocab),
        ),
        result,
    )
    builder.origin = ""
