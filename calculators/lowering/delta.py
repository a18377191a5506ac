"""The delta rule: a state of key by value numbers per head, corrected by each token.

Per block of C tokens the chunked form multiplies keys by keys and queries by keys (the triangle of C²), solves a
triangular system for what the block's tokens add (the UT transform), applies scores to that, and touches the state
three times: reading it for the correction and for the output, and updating it. The recurrence of one token touches the
state three times as well. So ``6·K·V`` per token and head is needed in both forms, and pairs only in the first.

Source: arXiv:2406.06484 (chunked delta rule, UT transform), with decay arXiv:2412.06464.
"""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.recurrent import causal_convolution
from calculators.lowering.scope import Scope
from calculators.measures import Live, Tokens
from calculators.operators import Kind, Operator, Role, State, Weight
from calculators.scan_measures import ChunkPairs, Chunks
from catalog.mixers import GatedDeltaNet, KimiDelta


def gated_delta_net(scope: Scope, mixer: GatedDeltaNet, source: int) -> int:
    """Gated delta rule over value heads; keys and queries are shared by groups of them.

    The reference multiplies blocks of keys and queries per value head, padded to whole blocks. The triangular solve is
    in no counter's registry, and its recurrence multiplies elementwise, so a counter sees nothing of one step.

    Source: arXiv:2412.06464, chunked form.
    """
    keys, values = scope.share(mixer.key_heads), scope.share(mixer.value_heads)
    k, v, chunk, stream, h = mixer.key_dim, mixer.value_dim, mixer.chunk, scope.stream, scope.hidden
    mixed, wide = 2 * keys * k + values * v, values * v
    node = scope.linear(
        "mixer.in",
        h,
        mixed + wide + 2 * values,
        source,
        part="mixer",
        weights=(
            Weight("mixer.qkv.weight", (mixed, h)),
            Weight("mixer.gate.weight", (wide, h)),
            Weight("mixer.decay_beta.weight", (2 * values, h)),
        ),
    )
    node = causal_convolution(scope, mixed, mixer.conv, False, node)
    executed, needed = (ChunkPairs(stream, chunk, count) for count in ("executed", "needed"))
    state = values * k * v
    node = scope.builder.add(
        Operator(
            name="mixer.scan",
            kind=Kind.SCAN,
            part=scope.part("mixer"),
            weights=tuple(Weight(f"mixer.{name}", (values,), Role.VECTOR) for name in ("A_log", "dt_bias")),
            executed=Form({executed: 2 * values * (2 * k + v), Chunks(stream, chunk): 6 * chunk * state}),
            needed=Form({needed: 2 * (2 * keys * k + values * (k + 2 * v)), scope.tokens: 6 * state}),
            pointwise=_gates(scope, chunk, mixed, 2 * keys * k, values, state),
            touched=scope.once,
            reads=per(scope.tokens, mixed + 2 * values),
            writes=per(scope.tokens, wide),
            cache_reads=per(Live(), state),
            cache_writes=per(Live(), state),
            states=(State("delta", per(Live(), state), "fp32", recurrent=True),),
        ),
        node,
    )
    node = gated_norm(scope, v, values, node)
    node = scope.linear("mixer.out", wide, h, node, part="mixer")
    return scope.reduce("mixer.all_reduce", node, part="mixer")


def kimi_delta(scope: Scope, mixer: KimiDelta, source: int) -> int:
    """Delta rule with a decay per channel, made by two narrow projections or one full one, as is the output gate.

    The decay stands inside the products of keys and queries, so the reference forms both elementwise, and its
    triangular solve is a loop over rows: counters see only what follows.

    Source: arXiv:2510.26692, recurrence, chunked form and layer.
    """
    heads, d, chunk, stream, h = scope.share(mixer.heads), mixer.head_dim, mixer.chunk, scope.stream, scope.hidden
    inner, rank = heads * d, mixer.rank
    made = ("decay", "gate")
    first = [Weight(f"mixer.{name}.weight", (inner if rank is None else rank, h)) for name in made]
    node = scope.linear(
        "mixer.in",
        h,
        3 * inner + heads + sum(weight.shape[0] for weight in first),
        source,
        part="mixer",
        weights=(
            *(Weight(f"mixer.{name}.weight", (inner, h)) for name in "qkv"),
            Weight("mixer.beta.weight", (heads, h)),
            *first,
        ),
    )
    gate = node
    if rank is not None:
        gate = scope.linear(
            "mixer.gates",
            rank,
            2 * inner,
            node,
            part="mixer",
            weights=tuple(Weight(f"mixer.{name}_up.weight", (inner, rank)) for name in made),
        )
    node = causal_convolution(scope, 3 * inner, mixer.conv, False, node)
    executed, needed = (ChunkPairs(stream, chunk, count) for count in ("executed", "needed"))
    state = heads * d * d
    node = scope.builder.add(
        Operator(
            name="mixer.scan",
            kind=Kind.SCAN,
            part=scope.part("mixer"),
            weights=(
                Weight("mixer.A_log", (heads,), Role.VECTOR),
                Weight("mixer.dt_bias", (inner,), Role.VECTOR),
            ),
            executed=Form({executed: 6 * inner, Chunks(stream, chunk): 6 * chunk * state}),
            needed=Form({needed: 10 * inner, scope.tokens: 6 * state}),
            pointwise=_gates(scope, chunk, 3 * inner, 2 * inner, inner, state),
            touched=scope.once,
            reads=per(scope.tokens, 4 * inner + heads),
            writes=per(scope.tokens, inner),
            cache_reads=per(Live(), state),
            cache_writes=per(Live(), state),
            states=(State("delta", per(Live(), state), "fp32", recurrent=True),),
        ),
        node,
        gate,
    )
    node = gated_norm(scope, d, heads, node)
    node = scope.linear("mixer.out", inner, h, node, part="mixer")
    return scope.reduce("mixer.all_reduce", node, part="mixer")


def _gates(scope: Scope, chunk: int, mixed: int, normed: int, gates: int, state: int) -> Form:
    """Activation of the convolved, unit length of queries and keys, decays, and one decay of the state per update."""
    return Form(
        {
            scope.tokens: 5 * mixed + 4 * normed + 6 * gates,
            Chunks(scope.stream, chunk): state,
            Tokens(scope.stream, "stepping"): state,
        }
    )


def gated_norm(scope: Scope, width: int, heads: int, source: int) -> int:
    """Append an RMS norm of each head with weights of one head, times an activated gate: 10 FLOPs per element."""
    return scope.builder.add(
        Operator(
            name="mixer.norm",
            kind=Kind.NORM,
            part=scope.part("mixer"),
            weights=(Weight("mixer.norm.weight", (width,), Role.VECTOR),),
            pointwise=per(scope.tokens, 10 * heads * width),
            touched=scope.once,
            reads=per(scope.tokens, 2 * heads * width),
            writes=per(scope.tokens, heads * width),
        ),
        source,
    )
