"""RWKV of four generations: token shift, time mixing with a constant state, channel mixing.

Symbols: h hidden width, a inner width, N head width. From the fifth generation on the state is a·N numbers; each token
adds an outer product to it and reads it once, ``4·a·N``, and in the seventh corrects it by two more products.
"""

from __future__ import annotations

from calculators.form import Form, per
from calculators.lowering.scope import Scope
from calculators.measures import Live
from calculators.operators import Kind, Operator, Role, State, Weight
from catalog.channel_mix import ChannelMix
from catalog.mixers import Rwkv4, Rwkv5, Rwkv6, Rwkv7
from catalog.mixers.rwkv import RwkvHeads

WKV4_FLOPS = 24
"""Pointwise per token and channel: two maxima, four exponentials with their sums, two products and sums each for
numerator and denominator of output and state, one division: counted in the stable form of arXiv:2305.13048 that
``rwkv_linear_attention_cpu`` of transformers runs."""


def rwkv4(scope: Scope, mixer: Rwkv4, source: int) -> int:
    """Three projections of shifted input, a running weighted mean per channel, a gate and an output projection.

    Nothing of the scan is a matrix product; its state is three numbers per channel in 32 bits.

    Source: arXiv:2305.13048, time mixing; shapes as in transformers, ``RwkvSelfAttention``.
    """
    inner, h = scope.share(mixer.inner), scope.hidden
    names = ("key", "value", "receptance")
    node = token_shift(scope, "mixer", names, source)
    node = _linears(scope, "mixer.in", dict.fromkeys(names, (h, inner)), node)
    node = scope.builder.add(
        Operator(
            name="mixer.scan",
            kind=Kind.SCAN,
            part=scope.part("mixer"),
            weights=tuple(Weight(f"mixer.{name}", (inner,), Role.VECTOR) for name in ("time_decay", "time_first")),
            pointwise=per(scope.tokens, (WKV4_FLOPS + 5) * inner),
            touched=scope.once,
            reads=per(scope.tokens, 3 * inner),
            writes=per(scope.tokens, inner),
            cache_reads=per(Live(), 3 * inner),
            cache_writes=per(Live(), 3 * inner),
            states=(State("wkv", per(Live(), 3 * inner), "fp32", recurrent=True),),
        ),
        node,
    )
    node = scope.linear("mixer.out", inner, h, node, part="mixer")
    return scope.reduce("mixer.all_reduce", node, part="mixer")


def rwkv5(scope: Scope, mixer: Rwkv5, source: int) -> int:
    """Eagle: four projections of shifted input, a matrix state per head, a norm per head, a gate.

    Source: arXiv:2404.05892, time mixing of Eagle.
    """
    inner, h = scope.share(mixer.heads) * mixer.head_dim, scope.hidden
    names = ("receptance", "key", "value", "gate")
    node = token_shift(scope, "mixer", names, source)
    node = _linears(scope, "mixer.in", dict.fromkeys(names, (h, inner)), node)
    node = _state(scope, mixer, inner, ("time_decay", "time_bonus"), 4, node)
    return _close(scope, inner, node)


def rwkv6(scope: Scope, mixer: Rwkv6, source: int) -> int:
    """Finch: as Eagle, with mixes made by ``h·5m`` and five times ``m·h``, and decays by ``h·d`` and ``d·a``.

    Source: arXiv:2404.05892, time mixing of Finch.
    """
    inner, h, m = scope.share(mixer.heads) * mixer.head_dim, scope.hidden, mixer.mix_rank
    names = ("receptance", "key", "value", "gate")
    node = token_shift(scope, "mixer", ("any", *names, "decay"), source)
    node = _linears(scope, "mixer.mix_down", {"mix_down": (h, 5 * m)}, node)
    flops = per(scope.tokens, 10 * m * h)
    node = scope.linear(
        "mixer.mix_up", 5 * m, 5 * h, node, part="mixer",
        weights=(Weight("mixer.mix_up.weight", (5, m, h)),), executed=flops, needed=flops,
    )  # fmt: skip
    decay = _linears(scope, "mixer.decay_down", {"decay_down": (h, mixer.decay_rank)}, node)
    decay = _linears(scope, "mixer.decay_up", {"decay_up": (mixer.decay_rank, inner)}, decay)
    node = _linears(scope, "mixer.in", dict.fromkeys(names, (h, inner)), node)
    node = _state(scope, mixer, inner, ("time_decay", "time_bonus"), 4, node, decay)
    return _close(scope, inner, node)


def rwkv7(scope: Scope, mixer: Rwkv7, source: int) -> int:
    """Goose: decay, learning rate, mixed-in first value and gate each by two narrow matrices; a delta rule per head.

    Per token the state is multiplied with the key to forget, takes up two outer products, and is read: ``8·a·N``.

    Source: arXiv:2503.14456, time mixing and its recurrence.
    """
    inner, h = scope.share(mixer.heads) * mixer.head_dim, scope.hidden
    ranks = {"decay": mixer.decay_rank, "rate": mixer.rate_rank, "gate": mixer.gate_rank}
    if mixer.value_rank is not None:
        ranks["first_value"] = mixer.value_rank
    names = ("receptance", "key", "value")
    node = token_shift(scope, "mixer", (*names, "decay", "rate", "gate"), source)
    narrow = _linears(scope, "mixer.narrow", {f"{name}_down": (h, rank) for name, rank in ranks.items()}, node)
    wide = _linears(scope, "mixer.wide", {f"{name}_up": (rank, inner) for name, rank in ranks.items()}, narrow)
    node = _linears(scope, "mixer.in", dict.fromkeys(names, (h, inner)), node)
    vectors = [f"{name}_bias" for name in ranks if name != "gate"]
    vectors += ["forget_key", "rate_key", "bonus"]
    node = _state(scope, mixer, inner, tuple(vectors), 8, node, wide)
    return _close(scope, inner, node)


def channel_mix(scope: Scope, channel: ChannelMix, source: int) -> int:
    """``2·T·h·f`` twice, and ``2·T·h²`` for the gate; the state is the last token.

    Source: arXiv:2305.13048, channel mixing; without gate arXiv:2503.14456.
    """
    local, h = scope.share(channel.width), scope.hidden
    names = ("key", "receptance") if channel.receptance else ("key",)
    node = token_shift(scope, "channel", names, source)
    up = _linears(scope, "channel.up", {"key": (h, local)}, node, part="channel")
    up = scope.activation("channel.activation", local, local, up, part="channel")
    down = scope.linear("channel.down", local, h, up, part="channel")
    if channel.receptance:
        gate = _linears(scope, "channel.gate", {"receptance": (h, h)}, node, part="channel")
        down = scope.add("channel.gated", down, gate, part="channel")
    return scope.reduce("channel.all_reduce", down, part="channel")


def token_shift(scope: Scope, part: str, names: tuple[str, ...], source: int) -> int:
    """Append mixes of each token with the one before, one learned vector each; the last token is remembered."""
    h = scope.hidden
    return scope.builder.add(
        Operator(
            name=f"{part}.shift",
            kind=Kind.ELEMENTWISE,
            part=scope.part(part),
            weights=tuple(Weight(f"{part}.mix_{name}", (h,), Role.VECTOR) for name in names),
            pointwise=per(scope.tokens, 3 * len(names) * h),
            touched=scope.once,
            reads=per(scope.tokens, h),
            writes=per(scope.tokens, len(names) * h),
            cache_reads=per(Live(), h),
            cache_writes=per(Live(), h),
            states=(State(f"{part}_shift", per(Live(), h), "model", recurrent=True),),
        ),
        source,
    )


def _linears(scope: Scope, name: str, shapes: dict[str, tuple[int, int]], source: int, part: str = "mixer") -> int:
    """Matrices side by side, each from inputs of its own; ``shapes`` are (inputs, outputs)."""
    flops = per(scope.tokens, sum(2 * inputs * outputs for inputs, outputs in shapes.values()))
    widths = (sum(inputs for inputs, _ in shapes.values()), sum(outputs for _, outputs in shapes.values()))
    weights = tuple(Weight(f"{part}.{key}.weight", (outputs, inputs)) for key, (inputs, outputs) in shapes.items())
    return scope.linear(name, *widths, source, part=part, weights=weights, executed=flops, needed=flops)


def _state(scope: Scope, mixer: RwkvHeads, inner: int, vectors: tuple[str, ...], per_cell: int, *sources: int) -> int:
    """The recurrence over one matrix per head; ``per_cell`` FLOPs of products per token and number of the state."""
    state = inner * mixer.head_dim
    return scope.builder.add(
        Operator(
            name="mixer.scan",
            kind=Kind.SCAN,
            part=scope.part("mixer"),
            weights=tuple(Weight(f"mixer.{name}", (inner,), Role.VECTOR) for name in vectors),
            executed=per(scope.tokens, per_cell * state),
            needed=per(scope.tokens, per_cell * state),
            pointwise=Form({scope.tokens: 3 * state + 10 * inner}),
            touched=scope.once,
            reads=per(scope.tokens, 4 * inner),
            writes=per(scope.tokens, inner),
            cache_reads=per(Live(), state),
            cache_writes=per(Live(), state),
            states=(State("wkv", per(Live(), state), "fp32", recurrent=True),),
        ),
        *sources,
    )


def _close(scope: Scope, inner: int, source: int) -> int:
    """A norm per head with weights and biases for all, a gate, and the output projection."""
    node = scope.norm("mixer.norm", source, part="mixer", kind="layer", width=inner)
    node = scope.activation("mixer.gated", 2 * inner, inner, node, part="mixer")
    node = scope.linear("mixer.out", inner, scope.hidden, node, part="mixer")
    return scope.reduce("mixer.all_reduce", node, part="mixer")
