"""Decoders whose feed-forward is a mixture of experts."""

from __future__ import annotations

from typing import Any

from catalog.channels import Experts
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.decoders import QKV, QKVO, attention, decoder, gated, plain, stack, tied, windows
from catalog.importers.fields import Fields
from catalog.spec import Architecture, Layer


def mixtral(f: Fields, lm: bool = True) -> Architecture:
    """Mixtral: eight experts in place of each feed-forward."""
    moe = Experts(
        experts=f.size("num_local_experts"), top_k=f.size("num_experts_per_tok"), width=f.size("intermediate_size")
    )
    sliding = windows(f, lambda i: True)
    layers = [Layer(mixer=attention(f, window=w, bias=()), channel=moe) for w in sliding]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def gpt_oss(f: Fields, lm: bool = True) -> Architecture:
    """gpt-oss: attention sinks, alternating windows, experts and router with biases."""
    moe = Experts(
        experts=f.size("num_local_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=f.size("intermediate_size"),
        bias=True,
        router_bias=True,
    )
    sliding = windows(f, lambda i: i % 2 == 0)
    bias = QKVO if f.flag("attention_bias", True) else ()
    layers = [Layer(mixer=attention(f, window=w, bias=bias, sinks=True), channel=moe) for w in sliding]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def olmoe(f: Fields, lm: bool = True) -> Architecture:
    """OLMoE: experts in every layer, norms over the whole width of queries and keys."""
    moe = Experts(experts=f.size("num_experts"), top_k=f.size("num_experts_per_tok"), width=f.size("intermediate_size"))
    layers = plain(f, attention(f, qk_norm="full"), moe)
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def qwen3_moe(f: Fields, lm: bool = True) -> Architecture:
    """Qwen 3 with experts in every ``decoder_sparse_step``-th layer."""
    every, dense_layers = f.size("decoder_sparse_step", default=1), f.value("mlp_only_layers", default=[])
    f.read.update(("intermediate_size", "use_qk_norm"))
    d = f.size("head_dim", default=max(1, f.size("hidden_size") // f.size("num_attention_heads")))
    mixer = attention(f, qk_norm="head", head_dim=d)
    moe = Experts(
        experts=f.size("num_experts", "num_local_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=f.size("moe_intermediate_size"),
    )
    layers = [
        Layer(mixer=mixer, channel=moe if (i + 1) % every == 0 and i not in dense_layers else gated(f, bias=False))
        for i in range(f.size("num_hidden_layers"))
    ]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def phimoe(f: Fields, lm: bool = True) -> Architecture:
    """Phi-3.5-MoE: layer norms, one window for all layers, experts in each."""
    moe = Experts(
        experts=f.size("num_local_experts"), top_k=f.size("num_experts_per_tok"), width=f.size("intermediate_size")
    )
    layers = [Layer(mixer=attention(f, window=w), channel=moe) for w in windows(f, lambda i: True)]
    return decoder(f, lm, layers, norm="layer", head_bias=f.flag("lm_head_bias"))


def granitemoe(f: Fields, lm: bool = True) -> Architecture:
    """Granite MoE: experts in every layer, beside them one that all tokens visit where a width is given."""
    moe = Experts(
        experts=f.size("num_local_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=f.size("intermediate_size"),
        shared_width=f.size("shared_intermediate_size", default=0, zero=True),
    )
    return decoder(f, lm, [Layer(mixer=attention(f), channel=moe)] * f.size("num_hidden_layers"))


def qwen2_moe(f: Fields, lm: bool = True) -> Architecture:
    """Qwen 2 with experts in every ``decoder_sparse_step``-th layer, and a gated shared one."""
    every, dense_layers = f.size("decoder_sparse_step", default=1), f.value("mlp_only_layers", default=[])
    moe = Experts(
        experts=f.size("num_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=f.size("moe_intermediate_size"),
        shared_width=f.size("shared_expert_intermediate_size"),
        shared_gate=True,
    )
    f.read.add("intermediate_size")
    last = f.size("max_window_layers", default=28, zero=True)
    sliding = windows(f, lambda i: i % 2 == 0 and i < last)
    bias = QKV if f.flag("qkv_bias", True) else ()
    layers = [
        Layer(
            mixer=attention(f, bias=bias, window=w),
            channel=moe if (i + 1) % every == 0 and i not in dense_layers else gated(f, bias=False),
        )
        for i, w in enumerate(sliding)
    ]
    return decoder(f, lm, layers)


def ernie4_5_moe(f: Fields, lm: bool = True) -> Architecture:
    """ERNIE 4.5: experts from the second layer on; the router's correction bias is a parameter."""
    bias = f.flag("use_bias")
    width, shared = f.size("moe_intermediate_size"), f.size("moe_num_shared_experts", default=0, zero=True)
    moe = Experts(
        experts=f.size("moe_num_experts"),
        top_k=f.size("moe_k"),
        width=width,
        shared_width=width * shared,
        shared_bias=bias and shared > 0,
        router_bias=True,
    )
    n, every = f.size("num_hidden_layers"), f.size("moe_layer_interval", default=1)
    first, last = f.size("moe_layer_start_index", default=1, zero=True), f.value("moe_layer_end_index", default=-1)
    last = n - 1 if last == -1 else last
    mixer, channel = attention(f, bias=QKVO if bias else ()), gated(f, bias=bias)
    layers = [
        Layer(mixer=mixer, channel=moe if first <= i <= last and (i + 1) % every == 0 else channel) for i in range(n)
    ]
    return decoder(f, lm, layers, head_bias=bias)


def _routed_and_shared(f: Fields) -> Experts:
    width = f.size("moe_intermediate_size")
    return Experts(
        experts=f.size("n_routed_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=width,
        shared_width=width * f.size("n_shared_experts", default=0, zero=True),
    )


def glm4_moe(f: Fields, lm: bool = True) -> Architecture:
    """GLM 4.5: the first layers dense, then routed and shared experts; biases on queries, keys and values."""
    moe, first = _routed_and_shared(f), f.size("first_k_dense_replace", zero=True)
    mixer = attention(
        f,
        head_dim=f.size("head_dim", default=max(1, f.size("hidden_size") // f.size("num_attention_heads"))),
        bias=QKV if f.flag("attention_bias") else (),
        qk_norm="head" if f.flag("use_qk_norm") else None,
    )
    channel = gated(f, bias=False)
    layers = [Layer(mixer=mixer, channel=moe if i >= first else channel) for i in range(f.size("num_hidden_layers"))]
    return decoder(f, lm, layers)


def dots1(f: Fields, lm: bool = True) -> Architecture:
    """dots.llm1: as DeepSeek-V3, with grouped attention and norms on each head's queries and keys."""
    moe, first = _routed_and_shared(f), f.size("first_k_dense_replace", default=0, zero=True)
    f.read.add("intermediate_size")
    deep = f.size("max_window_layers", default=62, zero=True)
    sliding = windows(f, lambda i: i >= deep)
    layers = [
        Layer(mixer=attention(f, window=w, qk_norm="head"), channel=moe if i >= first else gated(f, bias=False))
        for i, w in enumerate(sliding)
    ]
    return decoder(f, lm, layers)


def minimax_m2(f: Fields, lm: bool = True) -> Architecture:
    """MiniMax M2: experts in every layer, norms over the whole width of queries and keys."""
    f.read.update(("use_qk_norm", "qk_norm_type", "use_routing_bias", "use_mtp", "num_mtp_modules"))
    f.read.update(("mtp_transformer_layers", "num_nextn_predict_layers"))
    if f.size("shared_intermediate_size", default=0, zero=True):
        raise BadInput(f"{f.where}: shared_intermediate_size is not part of MiniMaxM2ForCausalLM")
    moe = Experts(
        experts=f.size("num_local_experts"), top_k=f.size("num_experts_per_tok"), width=f.size("intermediate_size")
    )
    layers = [Layer(mixer=attention(f, bias=(), qk_norm="full"), channel=moe)] * f.size("num_hidden_layers")
    return decoder(f, lm, layers)


def hunyuan_v1_moe(f: Fields, lm: bool = True) -> Architecture:
    """Hunyuan: experts and one shared expert in every layer, norms on queries and keys after the rotation."""
    f.read.update(("attention_head_dim", "use_qk_norm", "mlp_bias"))
    n, width = f.size("num_hidden_layers"), f.size("intermediate_size")
    for key, expected in (("moe_intermediate_size", width), ("num_shared_expert", 1)):
        given: Any = f.value(key, default=expected)
        if any(item != expected for item in (given if isinstance(given, list) else [given])):
            raise BadInput(f"{f.where}: field {key!r} differs from {expected}, which is what the PyTorch class builds")
    top_k: Any = f.value("moe_topk", "num_experts_per_tok")
    chosen = top_k if isinstance(top_k, list) else [top_k] * n
    if len(chosen) < n:
        raise BadInput(f"{f.where}: field 'moe_topk' must list {n} layers")
    mixer = attention(f, qk_norm="head")
    layers = [
        Layer(mixer=mixer, channel=Experts(experts=f.size("num_experts"), top_k=k, width=width, shared_width=width))
        for k in chosen[:n]
    ]
    return decoder(f, lm, layers)


TYPES: dict[str, kinds.Type] = {
    "dots1": kinds.causal("Dots1", dots1, "moe"),
    "ernie4_5_moe": kinds.causal("Ernie4_5_Moe", ernie4_5_moe, "moe"),
    "glm4_moe": kinds.causal("Glm4Moe", glm4_moe, "moe"),
    "gpt_oss": kinds.causal("GptOss", gpt_oss, "moe"),
    "granitemoe": kinds.causal("GraniteMoe", granitemoe, "moe"),
    "granitemoeshared": kinds.causal("GraniteMoeShared", granitemoe, "moe"),
    "hunyuan_v1_moe": kinds.causal("HunYuanMoEV1", hunyuan_v1_moe, "moe"),
    "minimax_m2": kinds.causal("MiniMaxM2", minimax_m2, "moe"),
    "mixtral": kinds.causal("Mixtral", mixtral, "moe"),
    "olmoe": kinds.causal("Olmoe", olmoe, "moe"),
    "phimoe": kinds.causal("Phimoe", phimoe, "moe"),
    "qwen2_moe": kinds.causal("Qwen2Moe", qwen2_moe, "moe"),
    "qwen3_moe": kinds.causal("Qwen3Moe", qwen3_moe, "moe"),
}
