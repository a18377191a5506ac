"""Decoders with several residual streams, and sparse attention below them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.errors import BadInput
from catalog.hyper import HyperConnections
from catalog.importers import kinds
from catalog.importers.decoders import decoder, gated
from catalog.importers.fields import Fields
from catalog.importers.latent import borrowing, latent, lightning
from catalog.importers.routed import dense_layers, routed
from catalog.mixers import CompressedAttention, Indexer
from catalog.spec import Architecture, Layer

CSA, HCA, LOCAL = "compressed_sparse_attention", "heavily_compressed_attention", "sliding_attention"


def hy_v4(f: Fields, lm: bool = True) -> Architecture:
    """Hunyuan 4: sparse latent attention with gates and sinks, most layers borrowing an earlier one's choice of tokens;
    four residual streams that are not mixed."""
    f.read.update(("hc_magnitude", "hc_eps", "learnable_sink_init"))
    n = f.size("num_hidden_layers")
    dense = dense_layers(f, [i == 0 for i in range(n)])
    borrowed = borrowing(f, [i != 0 and (i - 1) % 4 != 0 for i in range(n)])
    moe, channel = routed(f), gated(f, bias=False)
    streams = HyperConnections(streams=f.size("hc_mult"), mixes=False)
    layers = [
        Layer(
            mixer=latent(f, gate="full", sinks=True, indexer=lightning(f, borrowed[i])),
            channel=channel if dense[i] else moe,
            extras=(streams,),
        )
        for i in range(n)
    ]
    return decoder(f, lm, layers, extras=(streams.model_copy(update={"ends": True}),))


def deepseek_v4(f: Fields, lm: bool = True) -> Architecture:
    """DeepSeek-V4: windows of 128 tokens and summaries of 4 (an indexer chooses) or 128 tokens (all are read) in turn;
    four residual streams that are mixed; experts in every layer, in the first by a fixed table of tokens."""
    f.read.update(("hc_sinkhorn_iters", "hc_eps", "compress_rope_theta", "qk_rope_head_dim", "mlp_layer_types"))
    f.read.update(("num_hash_layers", "head_dim", "num_key_value_heads", "n_shared_experts", "expert_dtype"))
    if f.flag("attention_bias") or f.flag("mlp_bias"):
        raise BadInput(f"{f.where}: attention_bias and mlp_bias are not modelled for deepseek_v4")
    if f.size("num_key_value_heads", default=1) != 1 or f.size("n_shared_experts", default=1) != 1:
        raise BadInput(f"{f.where}: num_key_value_heads and n_shared_experts must be 1, which the PyTorch class builds")
    types, rates = _kinds(f), _rates(f)
    indexer = Indexer(heads=f.size("index_n_heads"), head_dim=f.size("index_head_dim"), top_k=f.size("index_topk"))
    moe = routed(f, "", shared_width=f.size("moe_intermediate_size"))
    streams = HyperConnections(streams=f.size("hc_mult"))
    layers = [
        Layer(
            mixer=CompressedAttention(
                heads=f.size("num_attention_heads"),
                head_dim=f.size("head_dim"),
                q_rank=f.size("q_lora_rank"),
                window=f.size("sliding_window"),
                out_groups=f.size("o_groups"),
                out_rank=f.size("o_lora_rank"),
                rate=rates.get(name),
                overlaps=name == CSA,
                indexer=indexer if name == CSA else None,
            ),
            channel=moe,
            extras=(streams,),
        )
        for name in types
    ]
    return decoder(f, lm, layers, extras=(streams.model_copy(update={"ends": True}),))


def _kinds(f: Fields) -> list[str]:
    """The kind of each layer: by name, by the ratio that older files give (0, 4, 128), or as the class has it."""
    n, names, ratios = f.size("num_hidden_layers"), f.value("layer_types"), f.value("compress_ratios")
    if names is None and ratios is not None:
        known = {0: LOCAL, 4: CSA, 128: HCA}
        if not isinstance(ratios, list) or any(ratio not in known for ratio in ratios):
            raise BadInput(f"{f.where}: field 'compress_ratios' must list 0, 4 or 128 for each of {n} layers")
        names = [known[ratio] for ratio in ratios]
    if names is None:
        names = [HCA] * min(n, 2) + [CSA if i % 2 else HCA for i in range(max(n - 2, 0))]
    if not isinstance(names, list) or len(names) < n or set(names) - {CSA, HCA, LOCAL}:
        raise BadInput(f"{f.where}: field 'layer_types' must name {CSA}, {HCA} or {LOCAL} for each of {n} layers")
    return names[:n]


def _rates(f: Fields) -> dict[str, int]:
    given: Any = f.value("compress_rates", default={})
    if not isinstance(given, Mapping):
        raise BadInput(f"{f.where}: field 'compress_rates' is no mapping of layer types to tokens per summary")
    return {
        CSA: f.size("compress_rate_csa", default=given.get(CSA, 4)),
        HCA: f.size("compress_rate_hca", default=given.get(HCA, 128)),
    }


TYPES: dict[str, kinds.Type] = {
    "deepseek_v4": kinds.causal("DeepseekV4", deepseek_v4, "moe"),
    "hy_v4": kinds.causal("HYV4", hy_v4, "moe"),
}
