"""Linear attention with a fixed decay: a state of key by value numbers per head."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.scope import Scope
from calculators.measures import Live
from calculators.operators import Kind, Operator, State, Weight
from calculators.scan_measures import ChunkPairs
from catalog.mixers import LightningAttention


def lightning(scope: Scope, mixer: LightningAttention, source: int) -> int:
    """Lightning attention: inside a block masked products of queries and keys, between blocks a state.

    Per pair of a block ``4·H·d``, per token ``2·H·d²`` to read the state and as much to update it. After cached tokens
    the reference goes token by token, each a product with the state and an outer product. Its state is in the model's
    own type.

    Source: arXiv:2401.04658, algorithm 1; the layer with norm and gate: arXiv:2501.08313.
    """
    heads, d, stream, h = scope.share(mixer.heads), mixer.head_dim, scope.stream, scope.hidden
    inner = heads * d
    state = inner * d
    node = scope.linear(
        "mixer.in",
        h,
        4 * inner,
        source,
        part="mixer",
        weights=(Weight("mixer.qkv.weight", (3 * inner, h)), Weight("mixer.gate.weight", (inner, h))),
    )
    node = scope.activation("mixer.activation", 3 * inner, 3 * inner, node, part="mixer")
    executed, needed = ChunkPairs(stream, mixer.chunk, "unpadded"), ChunkPairs(stream, mixer.chunk, "needed")
    node = scope.builder.add(
        Operator(
            name="mixer.scan",
            kind=Kind.SCAN,
            part=scope.part("mixer"),
            executed=Form({executed: 4 * inner, scope.tokens: 4 * state}),
            needed=Form({needed: 4 * inner, scope.tokens: 4 * state}),
            pointwise=Form({needed: heads, scope.tokens: 2 * inner}),
            reads=per(scope.tokens, 3 * inner),
            writes=per(scope.tokens, inner),
            cache_reads=per(Live(), state),
            cache_writes=per(Live(), state),
            states=(State("lightning", per(Live(), state), "model", recurrent=True),),
        ),
        node,
    )
    node = scope.norm("mixer.norm", node, part="mixer", kind="rms", width=inner)
    node = scope.activation("mixer.gated", 2 * inner, inner, node, part="mixer")
    node = scope.linear("mixer.out", inner, h, node, part="mixer")
    return scope.reduce("mixer.all_reduce", node, part="mixer")
