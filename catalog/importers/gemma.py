"""Gemma 3n and 4: keys and values of earlier layers, inputs of each layer's own, several streams, global heads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.channels import Dense, Experts
from catalog.errors import BadInput
from catalog.extras import Extra, Learned, Linear
from catalog.importers import kinds
from catalog.importers.decoders import QKVO, attention, decoder
from catalog.importers.fields import Fields
from catalog.residual import AltUp, LayerInput, LowRank
from catalog.spec import Architecture, Layer


def _slides(f: Fields, every: int, *, last_is_full: bool = False) -> list[bool]:
    """Which layers have a window: all but every ``every``-th where the file does not list them."""
    n = f.size("num_hidden_layers")
    types = f.names("layer_types", n)
    slides = [t == "sliding_attention" for t in types] if types else [(i + 1) % every != 0 for i in range(n)]
    return [*slides[:-1], False] if last_is_full else slides


def _first_shared(f: Fields, slides: list[bool]) -> int:
    """The first layer that uses keys and values of an earlier one of its kind."""
    n, shared = f.size("num_hidden_layers"), f.size("num_kv_shared_layers", default=0, zero=True)
    first = n - shared
    if shared and set(slides[: max(0, first)]) != set(slides):
        raise BadInput(
            f"{f.where}: field 'num_kv_shared_layers' is {shared} of {n} layers, which leaves no layer of each kind "
            "with keys and values of its own"
        )
    return first


def _layer_inputs(f: Fields, width: int) -> tuple[Extra, ...]:
    """The table of inputs for all layers, and what adds to them a projection of the token's embedding."""
    total, vocab = f.size("num_hidden_layers") * width, f.size("vocab_size_per_layer_input")
    return (
        Learned(name="layer_inputs.table", elements=vocab * total, table=True, row=total),
        Linear(name="layer_inputs.project", inputs=f.size("hidden_size"), outputs=total),
        Learned(name="layer_inputs.norm", elements=width),
    )


def gemma3n(f: Fields, lm: bool = True) -> Architecture:
    """Gemma 3n: four streams, a bypass and an input of its own in each layer; the last layers store no keys."""
    f.read.update(("altup_active_idx", "altup_coef_clip", "altup_correct_scale", "activation_sparsity_pattern"))
    n, hidden, streams = f.size("num_hidden_layers"), f.size("hidden_size"), f.size("altup_num_inputs")
    width, window = f.size("hidden_size_per_layer_input"), f.size("sliding_window")
    extras: tuple[Extra, ...] = (
        AltUp(streams=streams),
        LowRank(rank=f.size("laurel_rank")),
        LayerInput(width=width),
    )
    slides = _slides(f, 5)
    first = _first_shared(f, slides)
    layers = [
        Layer(
            mixer=attention(f, qk_norm="head", window=window if slides[i] else None, shares_kv=i >= first),
            channel=Dense(width=wide, gated=True, activation="gelu"),
            norms="sandwich",
            extras=extras,
        )
        for i, wide in enumerate(_widths(f, n))
    ]
    turned = tuple(
        Linear(name=f"streams.{way}.{i}", inputs=hidden, outputs=hidden)
        for way in ("in", "out")
        for i in range(1, streams)
    )
    return decoder(f, lm, layers, extras=(*_layer_inputs(f, width), *turned))


def _widths(f: Fields, n: int) -> list[int]:
    """One feed-forward width for all layers, or one for each."""
    given: Any = f.value("intermediate_size")
    if not isinstance(given, list):
        return [f.size("intermediate_size")] * n
    if len(given) != n or not all(isinstance(width, int) and width > 0 for width in given):
        raise BadInput(
            f"{f.where}: field 'intermediate_size' must be a positive integer, or one for each of {n} layers"
        )
    return given


def gemma4(f: Fields, lm: bool = True) -> Architecture:
    """Gemma 4: full-attention layers have heads of their own size; inputs of each layer; perhaps experts."""
    heads, window = f.size("num_attention_heads"), f.size("sliding_window")
    if f.value("use_bidirectional_attention") == "all":
        raise BadInput(f"{f.where}: use_bidirectional_attention='all' is not modelled")
    width = f.size("hidden_size_per_layer_input", default=0, zero=True)
    slides = _slides(f, 6, last_is_full=True)
    first, same = _first_shared(f, slides), f.flag("attention_k_eq_v")
    double = f.flag("use_double_wide_mlp")
    layers = []
    for i, (head_dim, kv_heads) in enumerate(_heads_by_layer(f, slides)):
        shares = i >= first
        mixer = attention(
            f,
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
            bias=QKVO if f.flag("attention_bias") else (),
            qk_norm="head",
            window=window if slides[i] else None,
            shares_kv=shares,
            value_is_key=same and not slides[i] and not shares,
        )
        wide = f.size("intermediate_size") * (2 if double and shares else 1)
        channel, extras = _channel(f, wide)
        inputs = (LayerInput(width=width),) if width else ()
        layers.append(Layer(mixer=mixer, channel=channel, norms="sandwich", extras=(*extras, *inputs)))
    return decoder(f, lm, layers, extras=_layer_inputs(f, width) if width else ())


def _heads_by_layer(f: Fields, slides: list[bool]) -> list[tuple[int, int]]:
    """Head width and key-value heads of each layer: the usual ones with a window, global ones without."""
    usual = f.size("head_dim"), f.size("num_key_value_heads")
    wide, few = f.size("global_head_dim", default=512), f.value("num_global_key_value_heads")
    few = usual[1] if few is None or not f.flag("attention_k_eq_v") else f.size("num_global_key_value_heads")
    table: Any = f.value("per_layer_config")
    if table is None:
        return [usual if slide else (wide, few) for slide in slides]
    if not isinstance(table, Mapping) or not all(
        isinstance(own, Mapping) and set(own) <= {"head_dim", "num_key_value_heads"} for own in table.values()
    ):
        raise BadInput(f"{f.where}: field 'per_layer_config' must map layers to 'head_dim' and 'num_key_value_heads'")
    given = {int(key): own for key, own in table.items()}
    own = [given.get(i, {}) for i in range(len(slides))]
    return [(one.get("head_dim", usual[0]), one.get("num_key_value_heads", usual[1])) for one in own]


def _channel(f: Fields, wide: int) -> tuple[Dense | Experts, tuple[Extra, ...]]:
    """A feed-forward, or the same beside experts with norms around both and scales in the router."""
    if not f.flag("enable_moe_block"):
        return Dense(width=wide, gated=True, activation="gelu"), ()
    hidden, experts = f.size("hidden_size"), f.size("num_experts")
    moe = Experts(
        experts=experts,
        top_k=f.size("top_k_experts"),
        width=f.size("moe_intermediate_size"),
        shared_width=wide,
        activation="gelu",
    )
    return moe, (
        Learned(name="experts.norms", elements=3 * hidden),
        Learned(name="router.scales", elements=hidden + experts),
    )


TYPES: dict[str, kinds.Type] = {
    "gemma3n_text": kinds.causal("Gemma3n", gemma3n),
    "gemma4_text": kinds.causal("Gemma4", gemma4),
    "gemma4_unified_text": kinds.causal("Gemma4Unified", gemma4),
}
