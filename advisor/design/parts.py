"""Changes of one part: a mixer or a feed-forward with other numbers, or one kind in place of another."""

from __future__ import annotations

from math import gcd
from typing import Any, TypeVar

from pydantic import ValidationError

from catalog.base import Spec
from catalog.channel_mix import ChannelMix
from catalog.channels import Channel, Dense, Experts
from catalog.errors import BadInput
from catalog.mixers import (
    Attention,
    CompressedAttention,
    GatedDeltaNet,
    KimiDelta,
    LatentAttention,
    LightningAttention,
    Mamba,
    Mamba2,
    Mixer,
    MLstm,
    ParallelHeads,
    RgLru,
    Rwkv4,
)
from catalog.mixers.rwkv import RwkvHeads

S = TypeVar("S", bound=Spec)
ATTENTION = (Attention, LatentAttention, CompressedAttention)
FOLLOWS: dict[type[Spec], tuple[str, ...]] = {
    Mamba: ("inner",), Mamba2: ("heads",), GatedDeltaNet: ("key_heads", "value_heads"), KimiDelta: ("heads",),
    LightningAttention: ("heads",), MLstm: ("key_dim", "value_dim"), RgLru: ("width",), Rwkv4: ("inner",),
}  # fmt: skip
"""Fields that are a multiple of the stack's width by the mixer's own definition."""
UNTOUCHED = ("attention", "mla", "compressed", "s4", "short-conv", "hyena", "fourier", "parallel-heads")
"""Kinds that read their width from the stack, or have none that must follow it."""


def but(spec: S, **fields: Any) -> S:
    """The same with other fields, checked.

    Raises:
        BadInput: With the schema's own sentence.
    """
    try:
        return type(spec).model_validate({**{n: getattr(spec, n) for n in type(spec).model_fields}, **fields})
    except ValidationError as error:
        found = error.errors()[0]
        text = found["msg"].removeprefix("Value error, ")
        raise BadInput(": ".join([*map(str, found["loc"][:1]), text])) from error


def near(wanted: int, step: int) -> str:
    """The multiples of ``step`` on both sides."""
    low = wanted // step * step
    return f"{low:,} or {low + step:,}" if low else f"{step:,}"


def divisors_near(wanted: int, number: int) -> str:
    """The divisors of ``number`` on both sides of ``wanted``."""
    found = [d for d in range(1, number + 1) if number % d == 0]
    low = [d for d in found if d < wanted][-1:]
    high = [d for d in found if d > wanted][:1]
    return " or ".join(f"{d:,}" for d in (*low, *high))


def grouped(heads: int, kv_heads: int) -> None:
    """Each kv head must serve the same number of query heads.

    Raises:
        BadInput: With what would be right.
    """
    if kv_heads > heads:
        raise BadInput(f"kv_heads={kv_heads} is more than heads={heads}; give {heads} at most")
    if heads % kv_heads:
        raise BadInput(
            f"heads={heads} cannot be shared equally among kv_heads={kv_heads}; heads={near(heads, kv_heads)}, "
            f"or kv_heads={divisors_near(kv_heads, heads)}, would be right"
        )


def attention(mixer: Mixer, given: dict[str, Any]) -> Mixer:
    """Attention with other heads, kv heads, head width, latent rank or window; only fields that it has."""
    match mixer:
        case Attention():
            heads = given.get("heads", mixer.heads)
            kept = heads if mixer.kv_heads == mixer.heads else mixer.kv_heads
            kv_heads = given.get("kv_heads", kept)
            grouped(heads, kv_heads)
            fields = {"heads": heads, "kv_heads": kv_heads}
            if "head_dim" in given:
                fields["head_dim"] = given["head_dim"]
                if mixer.value_dim is not None:
                    fields["value_dim"] = given["head_dim"]
            if mixer.window is not None and "window" in given:
                fields["window"] = given["window"]
            return but(mixer, **fields)
        case LatentAttention() | CompressedAttention():
            known = type(mixer).model_fields
            fields = {n: given[n] for n in ("heads", "kv_rank", "head_dim") if n in given and n in known}
            if mixer.window is not None and "window" in given:
                fields["window"] = given["window"]
            return but(mixer, **fields)
        case ParallelHeads():
            return but(mixer, attention=attention(mixer.attention, given), scan=scan(mixer.scan, given, alone=False))
    return mixer


def scan(mixer: Mixer, given: dict[str, Any], *, alone: bool) -> Mixer:
    """A scan with another state; where it stands ``alone``, without attention, also with other heads."""
    names = ("state", "heads", "head_dim") if alone else ("state",)
    fields = {name: given[name] for name in names if name in given and name in type(mixer).model_fields}
    return but(mixer, **fields) if fields else mixer


def widened(mixer: Mixer, old: int, new: int, where: str) -> Mixer:
    """A mixer in a stack of another width: what is by definition a multiple of the width follows it.

    Raises:
        BadInput: If it cannot follow exactly (with widths that do), or is of a kind that cannot be widened.
    """
    if isinstance(mixer, ParallelHeads):
        return but(mixer, scan=widened(mixer.scan, old, new, where))
    names = ("heads",) if isinstance(mixer, RwkvHeads) else FOLLOWS.get(type(mixer), ())
    if not names and mixer.kind not in UNTOUCHED:
        raise BadInput(f"hidden: layers of kind {mixer.kind} in {where} hold sizes of their own; their width is fixed")
    values = [getattr(mixer, name) for name in names]
    step = old // gcd(old, *values) if values else 1
    if new % step:
        raise BadInput(
            f"hidden={new:,}: {mixer.kind} layers need a multiple of {step}; {near(new, step)} would be right"
        )
    fields = {name: value * new // old for name, value in zip(names, values, strict=True)}
    if isinstance(mixer, Mamba):
        fields["dt_rank"] = max(1, round(mixer.dt_rank * new / old))
    return but(mixer, **fields) if fields else mixer


def proportional(mixer: Mixer, old: int, new: int) -> Mixer:
    """Attention whose heads follow the stack's width, with as many queries per kv head as before.

    Raises:
        BadInput: If they cannot follow exactly, with widths that do.
    """
    if isinstance(mixer, ParallelHeads):
        inner = proportional(mixer.attention, old, new)
        return but(mixer, attention=inner)
    if not isinstance(mixer, ATTENTION):
        return mixer
    single = not isinstance(mixer, Attention) or mixer.kv_heads == 1
    unit = mixer.heads if single else mixer.kv_heads  # type: ignore[union-attr]
    step = old // gcd(old, unit)
    if new % step:
        raise BadInput(f"hidden={new:,}: heads cannot follow exactly; {near(new, step)} would be right")
    fields = {"heads": mixer.heads * new // old}
    if isinstance(mixer, Attention) and not single:
        fields["kv_heads"] = mixer.kv_heads * new // old
    return but(mixer, **fields)


def feed_forward(channel: Channel | None, given: dict[str, Any]) -> Channel | None:
    """A feed-forward with other widths or experts; only fields that it has."""
    if isinstance(channel, Dense | ChannelMix) and "ff_width" in given:
        return but(channel, width=given["ff_width"])
    if isinstance(channel, Experts) and given.get("experts") != 0:
        names = {"experts": "experts", "top_k": "top_k", "expert_width": "width", "shared_width": "shared_width"}
        fields = {field: given[name] for name, field in names.items() if name in given}
        _picks(fields.get("top_k", channel.top_k), fields.get("experts", channel.experts))
        if not fields.get("shared_width", channel.shared_width):
            fields |= {"shared_gate": False, "shared_bias": False}
        return but(channel, **fields)
    return channel


def _picks(top_k: int, experts: int) -> None:
    if top_k > experts:
        raise BadInput(
            f"top_k={top_k} is more than experts={experts}; a token visits each expert once, so {experts} at most"
        )


def as_experts(channel: Dense, given: dict[str, Any]) -> Experts:
    """A dense feed-forward as a mixture: experts of its own width, unless told otherwise (arXiv:2212.05055)."""
    experts = given.get("experts", 8)
    top_k = given.get("top_k", min(2, experts))
    _picks(top_k, experts)
    return Experts(
        experts=experts, top_k=top_k, width=given.get("expert_width", channel.width),
        shared_width=given.get("shared_width", 0), gated=channel.gated, bias=channel.bias,
        activation=channel.activation,
    )  # fmt: skip


def as_dense(channel: Experts, given: dict[str, Any]) -> Dense:
    """A mixture as one feed-forward, as wide as what a token visited, unless told otherwise."""
    width = given.get("ff_width", channel.top_k * channel.width + channel.shared_width)
    return Dense(width=width, gated=channel.gated, bias=channel.bias, activation=channel.activation)


def windowed(mixer: Mixer, window: int) -> Mixer:
    """The same attention within a window."""
    if isinstance(mixer, Attention):
        return but(mixer, window=window, chunk=None, blocks=None, prefix=False, indexer=None, shares_kv=False)
    if isinstance(mixer, LatentAttention):
        return but(mixer, window=window, indexer=None)
    raise BadInput(f"pattern: attention of kind {mixer.kind} has no windowed form here")


def unwindowed(mixer: Mixer) -> Mixer:
    """The same attention over the whole context."""
    if isinstance(mixer, Attention):
        return but(mixer, window=None, chunk=None, blocks=None, keeps_all=False, shares_kv=False)
    return but(mixer, window=None) if isinstance(mixer, LatentAttention) else mixer


def mamba2(hidden: int) -> Mamba2:
    """Mamba-2 as published: twice the width, heads of 64, a state of 128 (arXiv:2405.21060, section 9)."""
    if hidden % 32:
        raise BadInput(
            f"pattern: mamba2 layers need a width that is a multiple of 32; {near(hidden, 32)} would be right"
        )
    return Mamba2(heads=hidden // 32, head_dim=64, state=128)


def delta_net(hidden: int) -> GatedDeltaNet:
    """A gated delta net in Qwen3-Next's proportions: keys as wide as the stack, values twice, heads of 128."""
    if hidden % 128:
        raise BadInput(
            f"pattern: gated-delta-net layers need a multiple of 128 as width; {near(hidden, 128)} would be right"
        )
    return GatedDeltaNet(key_heads=hidden // 128, value_heads=hidden // 64, key_dim=128, value_dim=128)


def plain_attention(hidden: int) -> Attention:
    """For a base without attention: heads of 128, four queries per kv head where they divide (as Llama 3 8B)."""
    if hidden % 128:
        raise BadInput(
            f"pattern: full attention needs a width that is a multiple of 128 here; {near(hidden, 128)} would be right"
        )
    heads = hidden // 128
    return Attention(heads=heads, kv_heads=heads // 4 if heads % 4 == 0 else heads, head_dim=128)


__all__ = [
    "ATTENTION", "as_dense", "as_experts", "attention", "but", "delta_net", "feed_forward", "grouped", "mamba2",
    "near", "plain_attention", "proportional", "scan", "unwindowed", "widened", "windowed",
]  # fmt: skip
