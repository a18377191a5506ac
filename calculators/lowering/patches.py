"""Attention between bytes and the patches that they form."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.scope import Scope
from calculators.measures import Measure, Tokens
from calculators.operators import Kind, Operator, Weight
from calculators.workload import Stream
from catalog.residual import PatchAttention


def patch_attention(scope: Scope, spec: PatchAttention) -> None:
    """Queries and outputs of one side, keys and values of the other, and ``4·H·d·k`` per byte: it meets the ``k``
    vectors of its own patch only. Where patches end is data, so the reference's full square is not counted.

    Source: arXiv:2412.09871, equations 5 to 10.
    """
    inner, kv, k = scope.share(spec.heads) * spec.head_dim, scope.share(spec.kv_heads) * spec.head_dim, spec.vectors
    patches: Measure = Tokens(Stream("text", narrowed=spec.bytes))
    ours, theirs = (per(patches, k), per(scope.tokens, 1))
    if spec.queries == "bytes":
        ours, theirs = theirs, ours

    def linear(name: str, inputs: int, outputs: int, unit: Form, parts: tuple[str, ...]) -> int:
        flops = unit * (2 * inputs * outputs * len(parts))
        return scope.builder.add(
            Operator(
                name=f"patch_attention.{name}",
                kind=Kind.GEMM,
                part=scope.part("cross"),
                weights=tuple(Weight(f"patch_attention.{p}.weight", (outputs, inputs)) for p in parts),
                executed=flops,
                needed=flops,
                touched=scope.once,
                reads=unit * inputs,
                writes=unit * (outputs * len(parts)),
            )
        )

    for name in ("norm_q", "norm_kv"):
        scope.norm(f"patch_attention.{name}", None, part="cross")
    q = linear("q", scope.hidden, inner, ours, ("q",))
    pair = linear("kv", scope.hidden, kv, theirs, ("k", "v"))
    met = per(scope.tokens, 4 * inner * k)
    scope.builder.add(
        Operator(
            name="patch_attention.core",
            kind=Kind.ATTENTION,
            part=scope.part("cross"),
            executed=met,
            needed=met,
            pointwise=per(scope.tokens, 5 * spec.heads * k),
            reads=ours * inner,
            writes=ours * inner,
            scores=per(scope.tokens, spec.heads * k),
        ),
        q,
        pair,
    )
    linear("o", inner, scope.hidden, ours, ("o",))
