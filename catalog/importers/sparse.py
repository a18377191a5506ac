"""Decoders whose attention leaves tokens out, with grouped attention below."""

from __future__ import annotations

from typing import Any

from catalog.channels import Dense, Experts
from catalog.errors import BadInput
from catalog.extras import Learned, Linear
from catalog.importers import kinds
from catalog.importers.decoders import attention, decoder, gated, plain
from catalog.importers.fields import Fields
from catalog.importers.routed import dense_layers
from catalog.mixers import BlockIndexer
from catalog.spec import Architecture, Layer


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


def minimax_m3(f: Fields, lm: bool = True) -> Architecture:
    """MiniMax M3: grouped attention to blocks of 128 tokens that an indexer chooses; experts beside a shared one."""
    f.read.update(("rotary_dim", "swiglu_alpha", "index_local_blocks"))
    n, older = f.size("num_hidden_layers"), f.child("sparse_attention_config")

    def sized(key: str, before: str) -> int:
        return older.size(before) if before in older else f.size(key)

    types, freq = f.names("layer_types", n), older.value("sparse_attention_freq")
    if types is None:
        sparse = [bool(flag) for flag in freq] if isinstance(freq, list) else [False] * n
    else:
        sparse = [name == "minimax_m3_sparse" for name in types]
    moes: Any = f.value("moe_layer_freq")
    dense = dense_layers(f, [not flag for flag in moes] if isinstance(moes, list) else [False] * n)
    if len(sparse) != n or len(dense) != n:
        raise BadInput(f"{f.where}: fields 'layer_types' and 'moe_layer_freq' must list {n} layers")
    indexer = BlockIndexer(
        heads=sized("index_n_heads", "sparse_num_index_heads"),
        head_dim=sized("index_head_dim", "sparse_index_dim"),
        block=sized("index_block_size", "sparse_block_size"),
        top_k=sized("index_topk_blocks", "sparse_topk_blocks"),
    )
    moe = Experts(
        experts=f.size("num_local_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=f.size("intermediate_size"),
        shared_width=f.size("shared_intermediate_size"),
    )
    channel = Dense(width=f.size("dense_intermediate_size"))
    layers = [
        Layer(
            mixer=attention(f, bias=(), qk_norm="head", indexer=indexer if sparse[i] else None),
            channel=channel if dense[i] else moe,
        )
        for i in range(n)
    ]
    return decoder(f, lm, layers)


TYPES: dict[str, kinds.Type] = {
    "doge": kinds.causal("Doge", doge),
    "minimax_m3_vl_text": kinds.causal("MiniMaxM3VL", minimax_m3, "moe"),
}
