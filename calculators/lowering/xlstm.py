"""xLSTM's matrix memory: linear attention with gates that are numbers per head, and a running normaliser."""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.scope import Scope
from calculators.measures import Live
from calculators.operators import Kind, Operator, Role, State, Weight
from calculators.scan_measures import ChunkPairs
from catalog.mixers import MLstm


def mlstm(scope: Scope, mixer: MLstm, source: int) -> int:
    """Per token ``4·K·V`` to update and read the memory and ``2·K`` for the normaliser; per pair of a block
    ``2·(K+V)``.

    The reference runs whole blocks in the chunked form, in which a block of full squares is computed, and the rest
    token by token. It keeps memory, normaliser and the gates' maximum in the model's own type.

    Source: arXiv:2405.04517 for the recurrence of mLSTM; the layer arXiv:2503.13427; blocks as transformers runs them.
    """
    heads, k, v, h = scope.share(mixer.heads), mixer.key_dim, mixer.value_dim, scope.hidden
    keys, values = heads * k, heads * v
    node = scope.linear(
        "mixer.in",
        h,
        2 * keys + 2 * values + 2 * heads,
        source,
        part="mixer",
        bias=2 * heads,
        weights=(
            *(Weight(f"mixer.{name}.weight", (keys, h)) for name in "qk"),
            *(Weight(f"mixer.{name}.weight", (values, h)) for name in ("v", "output_gate")),
            Weight("mixer.gates.weight", (2 * heads, h)),
        ),
    )
    whole, needed = (ChunkPairs(scope.stream, mixer.chunk, count) for count in ("whole", "needed"))
    memory, pair = heads * k * v, 2 * (keys + values)
    state = memory + keys + heads
    node = scope.builder.add(
        Operator(
            name="mixer.scan",
            kind=Kind.SCAN,
            part=scope.part("mixer"),
            executed=Form({whole: pair, scope.tokens: 4 * memory + 2 * keys}),
            needed=Form({needed: pair, scope.tokens: 4 * memory + 2 * keys}),
            pointwise=Form({needed: 5 * heads, scope.tokens: 4 * (keys + values) + 15 * heads}),
            reads=per(scope.tokens, 2 * keys + values + 2 * heads),
            writes=per(scope.tokens, values),
            cache_reads=per(Live(), state),
            cache_writes=per(Live(), state),
            states=(State("memory", per(Live(), state), "model", recurrent=True),),
        ),
        node,
    )
    node = scope.builder.add(
        Operator(
            name="mixer.norm",
            kind=Kind.NORM,
            part=scope.part("mixer"),
            weights=(Weight("mixer.norm.weight", (values,), Role.VECTOR),),
            pointwise=per(scope.tokens, 13 * values),
            touched=scope.once,
            reads=per(scope.tokens, 2 * values),
            writes=per(scope.tokens, values),
        ),
        node,
    )
    node = scope.linear("mixer.out", values, h, node, part="mixer")
    return scope.reduce("mixer.all_reduce", node, part="mixer")
