"""Two mixers in one layer: side by side, or a shared block in front of a scan."""

from __future__ import annotations

from calculators.form import per
from calculators.lowering.attention import attention
from calculators.lowering.channels import dense
from calculators.lowering.recurrent import mamba2
from calculators.lowering.scope import Scope
from calculators.operators import Kind, Operator, Weight
from catalog.mixers import ParallelHeads, SharedBlock


def parallel_heads(scope: Scope, mixer: ParallelHeads, source: int) -> int:
    """A scan and attention on the same input, added.

    Source: arXiv:2507.22448 (Falcon-H1), the parallel hybrid block.
    """
    scope.builder.origin = mixer.scan.kind
    scanned = mamba2(scope, mixer.scan, source)
    scope.builder.origin = mixer.attention.kind
    attended = attention(scope, mixer.attention, source)
    scope.builder.origin = mixer.kind
    return scope.add("mixer.add_heads", scanned, attended, part="mixer")


def shared_block(scope: Scope, block: SharedBlock, source: int) -> int:
    """Attention over twice the width, then a feed-forward, without residuals; then ``2·T·h²`` to lead back.

    Weights belong to the first use; adapters and the last linear map to each.

    Source: arXiv:2405.16712 figure 2 (Zamba), arXiv:2411.15242 figure 2 (adapters).
    """
    builder, h, wide = scope.builder, scope.hidden, 2 * scope.hidden
    borrowing = builder.borrow
    builder.borrow = borrowing or block.again
    node = builder.add(
        Operator(
            name="shared.concat",
            kind=Kind.ELEMENTWISE,
            part=scope.part("shared"),
            reads=per(scope.tokens, wide),
            writes=per(scope.tokens, wide),
        ),
        source,
    )
    node = scope.norm("shared.norm_in", node, part="shared", width=wide)
    if block.attention_adapter:
        heads, kv = scope.share(block.attention.heads), max(1, scope.share(block.attention.kv_heads))
        widths = [n * block.attention.head_dim for n in (heads, kv, kv)]
        builder.borrow = borrowing
        _adapter(scope, "shared.attention_adapter", wide, block.attention_adapter, widths, node)
        builder.borrow = borrowing or block.again
    builder.origin = block.attention.kind
    node = attention(scope, block.attention, node, inputs=wide)
    builder.origin = ""
    node = scope.norm("shared.norm_between", node, part="shared")
    if block.adapter:
        columns = (2 if block.channel.gated else 1) * scope.share(block.channel.width)
        builder.borrow = borrowing
        _adapter(scope, "shared.adapter", h, block.adapter, [columns], node)
        builder.borrow = borrowing or block.again
    builder.origin = block.channel.kind
    node = dense(scope, block.channel, node)
    builder.origin, builder.borrow = "", borrowing
    return scope.linear("shared.out", h, h, node, part="shared")


def _adapter(scope: Scope, name: str, inputs: int, rank: int, widths: list[int], source: int) -> None:
    """Low-rank maps beside matrices, one pair for each of ``widths``; what they give is added to the matrices' result.

    Of each pair every device holds the narrowing matrix whole and its share of the widening one's columns.
    """
    n = len(widths)
    node = scope.linear(
        f"{name}.down", inputs, n * rank, source, part="shared",
        weights=tuple(Weight(f"{name}.{i}.down", (rank, inputs)) for i in range(n)),
    )  # fmt: skip
    flops = per(scope.tokens, 2 * rank * sum(widths))
    scope.linear(
        f"{name}.up", n * rank, sum(widths), node, part="shared", executed=flops, needed=flops,
        weights=tuple(Weight(f"{name}.{i}.up", (width, rank)) for i, width in enumerate(widths)),
    )  # fmt: skip
