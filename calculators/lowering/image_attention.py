"""Attention over grids and over several stacks: windows, reduced keys, joint.

Symbols: H heads, d head width, h hidden width, w side of a window, N cells of the grid.
"""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.attention import SOFTMAX_FLOPS
from calculators.lowering.scope import Scope
from calculators.measures import Runs
from calculators.operators import Kind, Operator, Role, Weight
from catalog.mixers import JointAttention, ReducedAttention, WindowAttention


def window_attention(scope: Scope, mixer: WindowAttention, source: int) -> int:
    """Attention inside windows: ``4·H·d·w²`` per cell, whatever the image's size.

    The reference pads the grid to whole windows and projects the padding as well; a good kernel does not.

    Source: arXiv:2103.14030 equation 2; arXiv:2111.09883 equations 2 and 3 for temperature and network.
    """
    side = scope.grids[scope.stack].side
    window = min(mixer.window, side)
    padded = (-(-side // window) * window) ** 2
    heads, d = scope.share(mixer.heads), mixer.head_dim
    own = []
    rows = (2 * mixer.table - 1) ** 2 if mixer.table else 0
    if mixer.network:
        _network(scope, mixer.network, heads, rows)
    elif mixer.table:
        own.append(Weight("attention.relative_bias", (rows, heads), Role.EMBEDDING))
    if mixer.scale:
        own.append(Weight("attention.temperature", (heads,), Role.VECTOR))
    pairs = padded * window**2
    node = _projected(scope, "attention", heads * d, mixer.bias, padded, source)
    node = _core(scope, heads, d, pairs, side**2 * window**2, node, tuple(own))
    return _mixed(scope, heads * d, mixer.bias, padded, node)


def _network(scope: Scope, width: int, heads: int, rows: int) -> None:
    """The table of relative positions, made anew in each pass: two linear layers on pairs of coordinates."""
    runs = Runs(scope.stream)
    wide = per(runs, 2 * rows * 2 * width)
    node = scope.linear("attention.bias_in", 2, width, None, part="attention", bias=width, executed=wide, needed=Form())
    narrow = per(runs, 2 * rows * width * heads)
    scope.linear("attention.bias_out", width, heads, node, part="attention", executed=narrow, needed=Form())


def reduced_attention(scope: Scope, mixer: ReducedAttention, source: int) -> int:
    """Attention of N cells to N/ratio² of them, which a strided convolution and a norm make.

    Source: arXiv:2102.12122 equations 2 to 4; arXiv:2106.13797 section 3.1 for pooling; arXiv:2103.15808 section 3.2.
    """
    h, grid, extra = scope.hidden, scope.grids[scope.stack], mixer.extra_tokens
    heads, d = scope.share(mixer.heads), mixer.head_dim
    inner = heads * d
    lengths = {p: inner for p in mixer.bias if p != "o"}
    entry, side, kernel = source, grid.side, 0
    if mixer.pool:
        side, kernel = mixer.pool, 1
    elif mixer.depthwise:
        side = (grid.side - 1) // mixer.ratio + 1
        entry = _depthwise(scope, mixer.depthwise, grid.cells, side**2, source)
    elif mixer.ratio > 1:
        side, kernel = (grid.side - mixer.ratio) // mixer.ratio + 1, mixer.ratio
    kept = side**2 + extra
    if kernel:
        flops = per(scope.sequences, 2 * side**2 * h * h * kernel**2)
        entry = scope.builder.add(
            Operator(
                name="attention.reduce",
                kind=Kind.CONVOLUTION,
                part=scope.part("attention"),
                weights=(
                    Weight("attention.reduce.weight", (h, h, kernel, kernel)),
                    Weight("attention.reduce.bias", (h,), Role.VECTOR),
                ),
                executed=flops,
                needed=flops,
                touched=scope.once,
                reads=per(scope.tokens, h),
                writes=per(scope.sequences, side**2 * h),
            ),
            source,
        )
        entry = scope.norm("attention.reduce.norm", entry, part="attention")
    q = scope.linear("attention.q", h, inner, source, part="attention", bias=lengths.get("q", 0))
    flops = per(scope.sequences, 2 * kept * h * 2 * inner)
    kv = scope.linear(
        "attention.kv", h, 2 * inner, entry, part="attention",
        bias=lengths.get("k", 0) + lengths.get("v", 0), executed=flops, needed=flops,
    )  # fmt: skip
    tokens = scope.stream.tokens
    node = _core(scope, heads, d, tokens * kept, tokens * kept, q, (), kv)
    return _mixed(scope, inner, mixer.bias, tokens, node)


def _depthwise(scope: Scope, kernel: int, cells: int, kept: int, source: int) -> int:
    """A depthwise convolution each for queries, keys and values."""
    h = scope.hidden
    flops = per(scope.sequences, 2 * (cells + 2 * kept) * h * kernel**2)
    return scope.builder.add(
        Operator(
            name="attention.depthwise",
            kind=Kind.CONVOLUTION,
            part=scope.part("attention"),
            weights=(
                *(Weight(f"attention.depthwise.{p}", (h, 1, kernel, kernel)) for p in "qkv"),
                *(Weight(f"attention.depthwise.{p}.{v}", (h,), Role.VECTOR) for p in "qkv" for v in ("scale", "shift")),
            ),
            executed=flops,
            needed=flops,
            pointwise=per(scope.sequences, 8 * (cells + 2 * kept) * h),
            touched=scope.once,
            reads=per(scope.tokens, 3 * h),
            writes=per(scope.sequences, (cells + 2 * kept) * h),
        ),
        source,
    )


def joint_attention(scope: Scope, mixer: JointAttention, source: int) -> int:
    """This stack's queries against its own and its partners' keys; with them it forms the square over all tokens.

    Source: arXiv:2403.03206 section 4 and figure 2.
    """
    heads, d = scope.share(mixer.heads), mixer.head_dim
    inner, tokens = heads * d, scope.stream.tokens
    seen = tokens + sum(scope.sources[name][0].tokens for name in mixer.partners)
    node = _projected(scope, "attention", inner, mixer.bias, tokens, source)
    if mixer.qk_norm:
        node = scope.builder.add(
            Operator(
                name="attention.qk_norm",
                kind=Kind.NORM,
                part=scope.part("attention"),
                weights=tuple(Weight(f"attention.{p}_norm.weight", (d,), Role.VECTOR) for p in "qk"),
                pointwise=per(scope.tokens, 10 * inner),
                touched=scope.once,
                reads=per(scope.tokens, 2 * inner),
                writes=per(scope.tokens, 3 * inner),
            ),
            node,
        )
    if mixer.position == "rotary":
        node = scope.builder.add(
            Operator(
                name="attention.rotary",
                kind=Kind.ELEMENTWISE,
                part=scope.part("attention"),
                pointwise=per(scope.tokens, 6 * inner),
                reads=per(scope.tokens, 2 * inner),
                writes=per(scope.tokens, 3 * inner),
            ),
            node,
        )
    node = _core(scope, heads, d, tokens * seen, tokens * seen if mixer.output else 0, node, ())
    return _mixed(scope, inner, mixer.bias, tokens, node) if mixer.output else node


def _projected(scope: Scope, name: str, inner: int, biases: tuple[str, ...], cells: int, source: int) -> int:
    flops = per(scope.sequences, 2 * cells * scope.hidden * 3 * inner)
    return scope.linear(
        f"{name}.qkv", scope.hidden, 3 * inner, source, part="attention",
        bias=inner * sum(p != "o" for p in biases), executed=flops,
        weights=tuple(Weight(f"{name}.{p}.weight", (inner, scope.hidden)) for p in "qkv"),
    )  # fmt: skip


def _core(
    scope: Scope,
    heads: int,
    d: int,
    executed: int,
    needed: int,
    source: int,
    own: tuple[Weight, ...],
    second: int | None = None,
) -> int:
    """Scores and their sums for so many pairs per sequence."""
    return scope.builder.add(
        Operator(
            name="attention.core",
            kind=Kind.ATTENTION,
            part=scope.part("attention"),
            weights=own,
            executed=per(scope.sequences, 4 * heads * d * executed),
            needed=per(scope.sequences, 4 * heads * d * needed),
            pointwise=per(scope.sequences, SOFTMAX_FLOPS * heads * needed),
            touched=scope.once,
            reads=per(scope.tokens, 3 * heads * d),
            writes=per(scope.tokens, heads * d),
            scores=per(scope.sequences, heads * executed),
        ),
        source,
        second,
    )


def _mixed(scope: Scope, inner: int, biases: tuple[str, ...], cells: int, source: int) -> int:
    flops = per(scope.sequences, 2 * cells * inner * scope.hidden)
    bias = scope.hidden if "o" in biases else 0
    node = scope.linear("attention.o", inner, scope.hidden, source, part="attention", bias=bias, executed=flops)
    return scope.reduce("attention.all_reduce", node, part="attention")
