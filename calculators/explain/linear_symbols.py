"""Letters and formulas of mixers whose state does not grow, and of what belongs to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from catalog.channel_mix import ChannelMix
from catalog.mixers import GatedDeltaNet, KimiDelta, LightningAttention, MLstm, Rwkv4, Rwkv5, Rwkv6, Rwkv7

LETTERS: dict[type, Callable[[Any], dict[str, int]]] = {
    ChannelMix: lambda m: {"f": m.width},
    GatedDeltaNet: lambda m: {
        "H_v": m.value_heads, "H_k": m.key_heads, "d_k": m.key_dim, "d_v": m.value_dim, "c": m.conv, "C": m.chunk,
    },
    KimiDelta: lambda m: {"H": m.heads, "d": m.head_dim, "c": m.conv, "C": m.chunk} | ({"r": m.rank} if m.rank else {}),
    LightningAttention: lambda m: {"H": m.heads, "d": m.head_dim},
    MLstm: lambda m: {"H": m.heads, "d_k": m.key_dim, "d_v": m.value_dim},
    Rwkv4: lambda m: {"D": m.inner},
    Rwkv5: lambda m: {"D": m.inner, "N": m.head_dim},
    Rwkv6: lambda m: {"D": m.inner, "N": m.head_dim, "r_m": m.mix_rank, "r_d": m.decay_rank},
    Rwkv7: lambda m: {"D": m.inner, "N": m.head_dim},
}  # fmt: skip

MEANINGS = {
    "H_k": "key heads", "H_v": "value heads", "d_k": "key width", "C": "tokens of a block", "r_m": "rank of the mixes",
    "r_d": "rank of the decay",
}  # fmt: skip

PARAMETERS = {
    ("gated-delta-net", "mixer.in"): "h·(2·H_k·d_k + 2·H_v·d_v + 2·H_v)",
    ("gated-delta-net", "mixer.convolution"): "(2·H_k·d_k + H_v·d_v)·c",
    ("gated-delta-net", "mixer.out"): "H_v·d_v·h",
    ("kimi-delta", "mixer.in"): "h·(3·H·d + H + 2·r)",
    ("kimi-delta", "mixer.gates"): "2·r·H·d",
    ("kimi-delta", "mixer.convolution"): "3·H·d·c",
    ("kimi-delta", "mixer.out"): "H·d·h",
    ("lightning", "mixer.in"): "4·h·H·d",
    ("lightning", "mixer.out"): "H·d·h",
    ("mlstm", "mixer.out"): "H·d_v·h",
    ("rwkv4", "mixer.in"): "3·h·D",
    ("rwkv4", "mixer.out"): "D·h",
    ("rwkv5", "mixer.in"): "4·h·D",
    ("rwkv5", "mixer.out"): "D·h",
    ("rwkv6", "mixer.mix_down"): "5·h·r_m",
    ("rwkv6", "mixer.mix_up"): "5·r_m·h",
    ("rwkv6", "mixer.decay_down"): "h·r_d",
    ("rwkv6", "mixer.decay_up"): "r_d·D",
    ("rwkv6", "mixer.in"): "4·h·D",
    ("rwkv6", "mixer.out"): "D·h",
    ("rwkv7", "mixer.in"): "3·h·D",
    ("rwkv7", "mixer.out"): "D·h",
    ("channel-mix", "channel.up"): "h·f",
    ("channel-mix", "channel.gate"): "h·h",
    ("channel-mix", "channel.down"): "f·h",
}

FLOPS: dict[tuple[str, str], tuple[str, ...]] = {
    ("gated-delta-net", "mixer.scan"): (
        "6·H_v·d_k·d_v", "6·C·H_v·d_k·d_v", "4·H_k·d_k + 2·H_v·d_k + 4·H_v·d_v", "2·H_v·(2·d_k + d_v)",
    ),
    ("kimi-delta", "mixer.scan"): ("6·H·d·d", "6·C·H·d·d", "10·H·d", "6·H·d"),
    ("lightning", "mixer.scan"): ("4·H·d·d", "4·H·d"),
    ("mlstm", "mixer.scan"): ("4·H·d_k·d_v + 2·H·d_k", "2·H·(d_k + d_v)"),
    ("rwkv5", "mixer.scan"): ("4·D·N",),
    ("rwkv6", "mixer.scan"): ("4·D·N",),
    ("rwkv7", "mixer.scan"): ("8·D·N",),
}  # fmt: skip

HELD: dict[str, tuple[str, ...]] = {
    "channel_shift": ("h",),
    "convolution": ("(2·H_k·d_k + H_v·d_v)·c", "3·H·d·c"),
    "delta": ("H_v·d_k·d_v", "H·d·d"),
    "lightning": ("H·d·d",),
    "memory": ("H·d_k·d_v + H·d_k + H",),
    "mixer_shift": ("h",),
    "wkv": ("3·D", "D·N"),
}
