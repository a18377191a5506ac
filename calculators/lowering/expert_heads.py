"""Attention whose query and output projections are experts."""

from __future__ import annotations

from calculators.form import per
from calculators.lowering.attention import SOFTMAX_FLOPS
from calculators.lowering.scope import Scope
from calculators.measures import Context, Distinct, Held
from calculators.operators import Kind, Operator, Role, State, Weight
from calculators.pairs import Pairs
from catalog.mixers import ExpertAttention


def expert_attention(scope: Scope, mixer: ExpertAttention, source: int) -> int:
    """``2·h·E`` to route, ``4·k·h·K·d`` to project by experts, ``4·h·K·d`` for keys and values, ``4·k·K·d`` per pair.

    E experts, k of them per token, K heads of width d.
    Source: arXiv:2210.05144 section 3; arXiv:2404.07413 section 2.
    """
    e, k, h, stream = mixer.experts, mixer.top_k, scope.hidden, scope.stream
    kv, d = max(1, scope.share(mixer.kv_heads)), mixer.head_dim
    width, heads = kv * d, k * kv
    router = scope.linear(
        "attention.router", h, e, source, part="router",
        weights=(Weight("attention.router.weight", (e, h), Role.VECTOR),),
    )  # fmt: skip

    def project(name: str, inputs: int, outputs: int, *sources: int) -> int:
        flops = per(scope.tokens, 2 * k * inputs * outputs)
        return scope.builder.add(
            Operator(
                name=f"attention.{name}",
                kind=Kind.EXPERTS,
                part=scope.part("attention"),
                weights=(Weight(f"attention.{name}.weight", (e, outputs, inputs), Role.EXPERT),),
                active=(k, e),
                executed=flops,
                needed=flops,
                touched=per(Distinct(stream, e, k), 1),
                reads=per(scope.tokens, k * inputs),
                writes=per(scope.tokens, k * outputs),
            ),
            *sources,
        )

    q = project("q", h, width, source, router)
    keys = scope.linear("attention.kv", h, 2 * width, source, part="attention")
    executed, needed = Pairs(stream, "executed"), Pairs(stream, "needed")
    node = scope.builder.add(
        Operator(
            name="attention.core",
            kind=Kind.ATTENTION,
            part=scope.part("attention"),
            executed=per(executed, 4 * heads * d),
            needed=per(needed, 4 * heads * d),
            pointwise=per(needed, SOFTMAX_FLOPS * heads),
            reads=per(scope.tokens, heads * d),
            writes=per(scope.tokens, heads * d),
            scores=per(executed, heads),
            cache_reads=per(Context(stream), 2 * width),
            cache_writes=per(scope.tokens, 2 * width),
            states=(State("kv", per(Held(stream), 2 * width), "cache"),),
        ),
        q,
        keys,
    )
    node = project("o", width, h, node, router)
    node = scope.builder.add(
        Operator(
            name="attention.combine",
            kind=Kind.ELEMENTWISE,
            part=scope.part("attention"),
            weights=(Weight("attention.bias", (h,), Role.VECTOR),) if mixer.bias_out else (),
            touched=scope.once,
            pointwise=per(scope.tokens, 2 * k * h),
            reads=per(scope.tokens, k * h),
            writes=per(scope.tokens, h),
        ),
        node,
        router,
    )
    return scope.reduce("attention.all_reduce", node, part="attention")
