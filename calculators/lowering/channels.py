"""Feed-forward blocks: dense, gated, and mixtures of experts."""

from __future__ import annotations

from calculators.form import per
from calculators.lowering.exchange import combine, dispatch, pooled
from calculators.lowering.scope import Scope
from calculators.measures import Distinct
from calculators.operators import Kind, Operator, Role, Weight
from calculators.shares import Routed
from catalog.channels import Dense, Experts
from catalog.spec import SideConvolution


def dense(scope: Scope, channel: Dense, source: int, prefix: str = "channel") -> int:
    """``2·T·h·f`` per matrix, three matrices where gated (arXiv:2002.05202, equations 5 and 6), else two."""
    scalars, norm = channel.activation_scalars, channel.inner_norm
    node = _feed_forward(scope, channel.width, channel.gated, channel.bias, source, prefix, scalars, norm)
    return scope.reduce(f"{prefix}.all_reduce", node, part="channel")


def _feed_forward(
    scope: Scope, width: int, gated: bool, bias: bool, source: int, prefix: str, scalars: int = 0, norm: bool = False
) -> int:
    local = scope.share(width)
    wide = 2 * local if gated else local
    names = ("gate", "up") if gated else ("up",)
    node = scope.linear(
        f"{prefix}.{'_'.join(names)}",
        scope.hidden,
        wide,
        source,
        part="channel",
        bias=wide if bias else 0,
        weights=tuple(Weight(f"{prefix}.{name}.weight", (local, scope.hidden)) for name in names),
    )
    node = scope.activation(f"{prefix}.activation", wide, local, node, part="channel", scalars=scalars)
    if norm:
        node = scope.norm(f"{prefix}.inner_norm", node, part="channel", width=local)
    return scope.linear(f"{prefix}.down", local, scope.hidden, node, part="channel", bias=scope.hidden if bias else 0)


def experts(scope: Scope, channel: Experts, source: int) -> int:
    """Router, ``top_k`` routed experts per token, and a shared one for all tokens.

    FLOPs grow with ``top_k``, memory with ``experts``, and decode traffic with the expected number of distinct experts.
    In a layout whose ranks have tokens of their own, experts see those of all ranks (``lowering.exchange``).

    Source: arXiv:2401.04088 section 2.1; arXiv:2401.06066 section 3 for shared experts.
    """
    e, k, h, layout = channel.experts, channel.visits, scope.hidden, scope.layout
    here, local = -(-e // layout.ep), -(-channel.width // layout.moe_tp)
    choices = e + channel.idle + channel.shared_logits
    seen, deep = source, channel.router_width
    if deep:
        seen = scope.linear("router.down", h, deep, source, part="router", bias=deep)
        seen = scope.norm("router.norm", seen, part="router", kind="rms", width=deep)
        for name in ("router.first", "router.second"):
            seen = scope.linear(name, deep, deep, seen, part="router", bias=deep)
            seen = scope.activation(f"{name}.activation", deep, deep, seen, part="router")
    router = scope.linear(
        "router", deep or h, choices, seen, part="router", bias=choices if channel.router_bias else 0,
        weights=(Weight("router.weight", (choices, deep or h), Role.VECTOR),),
    )  # fmt: skip
    all_tokens = pooled(scope, scope.tokens)
    routed = all_tokens if layout.ep == 1 else Routed(all_tokens, layout.ep, e, k)
    visited = per(pooled(scope, Distinct(scope.stream, e, k, layout.ep)), 1)
    wide = (2 if channel.gated else 1) * local

    def grouped(name: str, inputs: int, outputs: int, *sources: int) -> int:
        flops = per(routed, 2 * k * inputs * outputs)
        bias = (Weight(f"experts.{name}.bias", (here, outputs), Role.VECTOR),) if channel.bias else ()
        return scope.builder.add(
            Operator(
                name=f"experts.{name}",
                kind=Kind.EXPERTS,
                part=scope.part("experts"),
                weights=(Weight(f"experts.{name}.weight", (here, outputs, inputs), Role.EXPERT), *bias),
                active=(k, e),
                executed=per(all_tokens, 2 * here * inputs * outputs) if channel.runs_all else flops,
                needed=flops,
                touched=visited,
                reads=per(routed, k * inputs),
                writes=per(routed, k * outputs),
            ),
            *sources,
        )

    inner, entry = channel.latent or h, source
    if channel.latent:
        entry = scope.linear("latent.in", h, inner, source, part="experts", bias=inner if channel.latent_bias else 0)
    entry = dispatch(scope, e, k, inner, entry)
    node = grouped("gate_up" if channel.gated else "up", inner, wide, entry, router)
    node = scope.builder.add(
        Operator(
            name="experts.activation",
            kind=Kind.ELEMENTWISE,
            part=scope.part("experts"),
            pointwise=per(routed, 5 * k * local),
            reads=per(routed, k * wide),
            writes=per(routed, k * local),
        ),
        node,
    )
    node = grouped("down", local, inner, node)
    node = scope.builder.add(
        Operator(
            name="experts.combine",
            kind=Kind.ELEMENTWISE,
            part=scope.part("experts"),
            weights=(Weight("experts.bias", (inner,), Role.VECTOR),) if channel.bias_out else (),
            touched=scope.once,
            pointwise=per(routed, 2 * k * inner),
            reads=per(routed, k * inner),
            writes=per(scope.tokens, inner),
        ),
        node,
        router,
    )
    node = combine(scope, k, inner, node)
    if channel.latent:
        node = scope.linear("latent.out", inner, h, node, part="experts", bias=h if channel.latent_bias else 0)
    if channel.shared_width:
        shared = _feed_forward(scope, channel.shared_width, channel.gated, channel.shared_bias, source, "shared")
        if channel.shared_gate:
            shared = scope.linear("shared.gate_scalar", h, 1, shared, part="channel")
        if layout.ranks > 1:
            shared = scope.reduce("shared.all_reduce", shared, part="experts")
        node = scope.add("experts.add_shared", node, shared, part="experts")
    return node if layout.ranks > 1 else scope.reduce("experts.all_reduce", node, part="experts")


def side_convolution(scope: Scope, convolution: SideConvolution, before: int, after: int) -> int:
    """``2·T·h²·k/g`` over the layer's input, added to its output and normed.

    Source: transformers, ``DebertaV2Encoder``: neighbouring tokens meet once, behind the first layer.
    """
    h, inputs = scope.hidden, scope.hidden // convolution.groups
    flops = per(scope.tokens, 2 * h * inputs * convolution.kernel)
    node = scope.builder.add(
        Operator(
            name="convolution",
            kind=Kind.CONVOLUTION,
            part=scope.part("convolution"),
            weights=(
                Weight("convolution.weight", (h, inputs, convolution.kernel)),
                Weight("convolution.bias", (h,), Role.VECTOR),
            ),
            executed=flops,
            needed=flops,
            touched=scope.once,
            reads=per(scope.tokens, h),
            writes=per(scope.tokens, h),
        ),
        before,
    )
    node = scope.activation("convolution.activation", h, h, node, part="convolution")
    return scope.norm("convolution.norm_out", scope.add("convolution.add", after, node, part="norm"), part="norm")
