"""Decoders whose attention leaves tokens out, with grouped attention below."""

from __future__ import annotations

from catalog.errors import BadInput
from catalog.extras import Learned, Linear
from catalog.importers import kinds
from catalog.importers.decoders import attention, decoder, gated, plain
from catalog.importers.fields import Fields
from catalog.spec import Architecture


def doge(f: Fields, lm: bool = True) -> Architecture:
    """Doge: values say which ``keep_window_size`` tokens remain visible, the same for all queries, so that a dropped
    token never comes back; learned factors on both residual streams."""
    if f.flag("is_moe"):
        raise BadInput(f"{f.where}: is_moe=true (experts of one row, found by product keys) is not modelled")
    mixer = attention(f, qk_norm="head", window=f.size("keep_window_size"), keeps_all=True)
    kv, h = mixer.kv_heads, f.size("hidden_size")
    f.read.update(("num_experts", "num_experts_per_tok", "norm_topk_prob"))
    extras = (
        Linear(name="mask.dt", inputs=kv * mixer.head_dim, outputs=kv, bias=f.flag("attention_bias"), over="context"),
        Learned(name="mask.A", elements=kv),
        Learned(name="residual.scales", elements=2 * h),
    )
    return decoder(f, lm, plain(f, mixer, gated(f), extras=extras))


TYPES: dict[str, kinds.Type] = {"doge": kinds.causal("Doge", doge)}
