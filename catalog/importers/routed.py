"""Decoders with grouped attention and mixtures of experts that came after those in ``mixtures``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from catalog.channels import Experts
from catalog.errors import BadInput
from catalog.extras import Learned
from catalog.importers import kinds
from catalog.importers.decoders import QKV, attention, decoder, gated, plain, windows
from catalog.importers.fields import Fields
from catalog.mixers import Attention, ExpertAttention
from catalog.spec import Architecture, Layer


def dense_layers(f: Fields, default: list[bool]) -> list[bool]:
    """Which layers have one feed-forward instead of experts: from ``mlp_layer_types``, else as the type has it.

    Raises:
        BadInput: If a layer is of another type.
    """
    types = f.names("mlp_layer_types", len(default))
    if types is None:
        return default
    if unknown := set(types) - {"dense", "sparse"}:
        raise BadInput(f"{f.where}: field 'mlp_layer_types' holds {sorted(unknown)}; expected 'dense' and 'sparse'")
    return [name == "dense" for name in types]


def first_dense(f: Fields, usual: int, key: str = "first_k_dense_replace") -> list[bool]:
    """The first layers dense, the rest with experts."""
    first = f.size(key, default=usual, zero=True)
    return dense_layers(f, [i < first for i in range(f.size("num_hidden_layers"))])


def routed(f: Fields, shared: str = "n_shared_experts", **rest: Any) -> Experts:
    """Routed experts under DeepSeek's names; shared ones add up to one as wide as all of them."""
    width = f.size("moe_intermediate_size")
    fields = {
        "experts": f.size("n_routed_experts", "num_local_experts", "num_experts"),
        "top_k": f.size("num_experts_per_tok"),
        "width": width,
        "shared_width": width * f.size(shared, default=0, zero=True) if shared else 0,
    }
    return Experts(**{**fields, **rest})


def arctic(f: Fields, lm: bool = True) -> Architecture:
    """Arctic: 128 experts beside a dense feed-forward as wide as the stream, both in each layer."""
    f.read.update(("enable_expert_tensor_parallelism", "moe_min_capacity", "moe_train_capacity_factor"))
    f.read.update(("moe_eval_capacity_factor", "moe_token_dropping", "quantization"))
    hidden, every = f.size("hidden_size"), f.size("moe_layer_frequency", default=2)
    if not f.flag("parallel_attn_mlp_res") or not f.flag("use_residual"):
        raise BadInput(f"{f.where}: parallel_attn_mlp_res and use_residual must be true; other layers are not modelled")
    moe = Experts(
        experts=f.size("num_local_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=f.size("intermediate_size"),
        shared_width=hidden,
    )
    mixer, norm = attention(f, bias=()), Learned(name="residual_layernorm", elements=hidden)
    routed_layer = Layer(mixer=mixer, channel=moe, extras=(norm,))
    plain_layer = Layer(mixer=mixer, channel=gated(f, bias=False))
    layers = [plain_layer if (i + 1) % every else routed_layer for i in range(f.size("num_hidden_layers"))]
    return decoder(f, lm, layers)


def grok(f: Fields, lm: bool = True) -> Architecture:
    """Grok-1: eight wide experts, norms before and after each block, capped attention logits."""
    f.read.update(("embedding_multiplier_scale", "output_multiplier_scale", "attn_output_multiplier"))
    moe = Experts(
        experts=f.size("num_experts", "num_local_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=f.size("intermediate_size"),
        activation="gelu",
    )
    return decoder(f, lm, plain(f, attention(f, bias=(), softcap=True), moe, norms="sandwich"))


def dbrx(f: Fields, lm: bool = True) -> Architecture:
    """DBRX: sixteen experts, four per token; layer norms without biases."""
    f.read.update(("max_seq_len", "attn_pdrop"))
    attn, ffn, h, heads = f.child("attn_config"), f.child("ffn_config"), f.size("d_model"), f.size("n_heads")
    if h % heads:
        raise BadInput(f"{f.where}: d_model={h} is not a multiple of n_heads={heads}")
    mixer = Attention(heads=heads, kv_heads=attn.size("kv_n_heads", default=1), head_dim=h // heads)
    moe = Experts(
        experts=ffn.size("moe_num_experts", default=4),
        top_k=ffn.size("moe_top_k", default=1),
        width=ffn.size("ffn_hidden_size", default=3584),
    )
    layers = [Layer(mixer=mixer, channel=moe)] * f.size("n_layers")
    return decoder(f, lm, layers, norm="layer-no-bias", hidden=h)


def afmoe(f: Fields, lm: bool = True) -> Architecture:
    """Arcee's Trinity: gated attention, norms before and after each block, positions only inside windows; the first
    layers dense, and the router's correction bias is a parameter."""
    f.read.update(("mup_enabled", "route_scale"))
    every, first = f.size("global_attn_every_n_layers", default=4), f.size("num_dense_layers", default=1, zero=True)
    moe, channel = routed(f, "num_shared_experts", router_bias=True), gated(f, bias=False)
    layers = [
        Layer(
            mixer=attention(f, window=w, qk_norm="head", gate="full", position="rotary" if w else "none"),
            channel=channel if i < first else moe,
            norms="sandwich",
        )
        for i, w in enumerate(windows(f, lambda i: (i + 1) % every != 0))
    ]
    return decoder(f, lm, layers)


def aria_text(f: Fields, lm: bool = True) -> Architecture:
    """Aria's language model: routed and shared experts of one width in every layer."""
    width = f.size("intermediate_size")
    moe = Experts(
        experts=f.size("moe_num_experts"),
        top_k=f.size("moe_topk"),
        width=width,
        shared_width=width * f.size("moe_num_shared_experts", zero=True),
        shared_bias=f.flag("mlp_bias"),
    )
    return decoder(f, lm, plain(f, attention(f), moe))


def cohere2_moe(f: Fields, lm: bool = True) -> Architecture:
    """Command with experts: attention and experts side by side behind one norm, windows in three of four layers."""
    f.read.update(("shared_expert_combination_strategy", "expert_selection_fn"))
    n, first = f.size("num_hidden_layers"), f.size("first_k_dense_replace", default=0, zero=True)
    early, every = f.size("prefix_dense_sliding_window_pattern", default=1), f.size("sliding_window_pattern", default=4)
    width = f.size("intermediate_size")
    moe = Experts(
        experts=f.size("num_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=width,
        shared_width=width * f.size("num_shared_experts", default=0, zero=True),
    )
    sliding = windows(f, lambda i: (i + 1) % early != 0 if i < first else (i - first + 1) % every != 0)
    dense = dense_layers(f, [i < first for i in range(n)])
    channel = gated(f, bias=False, width=f.size("prefix_dense_intermediate_size", default=width))
    layers = [
        Layer(
            mixer=attention(f, window=w, position="rotary" if w or (dense[i] and early == 1) else "none"),
            channel=channel if dense[i] else moe,
            norms="parallel-shared",
        )
        for i, w in enumerate(sliding)
    ]
    return decoder(f, lm, layers, norm="layer-no-bias" if f.value("rms_norm_eps") is None else "rms")


def exaone_moe(f: Fields, lm: bool = True) -> Architecture:
    """K-EXAONE: norms on each head's queries and keys; where some layers have windows, the others have no positions."""
    dense, moe, channel = first_dense(f, 1), routed(f, "num_shared_experts"), gated(f, bias=False)
    mixed, pattern = f.value("sliding_window") is not None, f.value("sliding_window_pattern", default=4)
    if isinstance(pattern, str):
        raise BadInput(f"{f.where}: field 'sliding_window_pattern' is {pattern!r}; expected a number or 'layer_types'")
    layers = [
        Layer(
            mixer=attention(f, bias=(), qk_norm="head", window=w, position="rotary" if w or not mixed else "none"),
            channel=channel if dense[i] else moe,
        )
        for i, w in enumerate(windows(f, lambda i: (i + 1) % pattern != 0))
    ]
    return decoder(f, lm, layers)


def flex_olmo(f: Fields, lm: bool = True) -> Architecture:
    """FlexOlmo: OLMo 2's layer with experts."""
    moe = Experts(experts=f.size("num_experts"), top_k=f.size("num_experts_per_tok"), width=f.size("intermediate_size"))
    return decoder(f, lm, plain(f, attention(f, qk_norm="full"), moe, norms="branch"))


def hy_v3(f: Fields, lm: bool = True) -> Architecture:
    """Hunyuan 3: the first layer dense, norms on each head's queries and keys."""
    f.read.update(("router_scaling_factor", "enable_moe_fp32_combine", "qk_norm"))
    bias = f.flag("mlp_bias")
    dense, moe = first_dense(f, 1), routed(f, "num_shared_experts", shared_bias=bias)
    mixer, channel = attention(f, qk_norm="head"), gated(f)
    return decoder(f, lm, [Layer(mixer=mixer, channel=channel if d else moe) for d in dense])


def jetmoe(f: Fields, lm: bool = True) -> Architecture:
    """JetMoE: experts in the feed-forward, and among the query and output projections."""
    f.read.update(("aux_loss_coef", "num_attention_heads"))
    experts, top_k = f.size("num_local_experts"), f.size("num_experts_per_tok")
    mixer = ExpertAttention(
        experts=experts,
        top_k=top_k,
        kv_heads=f.size("num_key_value_heads"),
        head_dim=f.size("kv_channels", "head_dim"),
    )
    moe = Experts(experts=experts, top_k=top_k, width=f.size("intermediate_size"), bias_out=True)
    return decoder(f, lm, plain(f, mixer, moe))


def laguna(f: Fields, lm: bool = True) -> Architecture:
    """Laguna: a gate per head, perhaps another number of heads in each layer; the router's correction bias is a
    parameter."""
    f.read.update(("moe_routed_scaling_factor", "moe_router_logit_softcapping", "moe_apply_router_weight_on_input"))
    n, gating = f.size("num_hidden_layers"), f.value("gating", default=True)
    heads: Any = f.value("num_attention_heads_per_layer") or [f.size("num_attention_heads")] * n
    if not isinstance(heads, list) or len(heads) != n:
        raise BadInput(f"{f.where}: field 'num_attention_heads_per_layer' must list {n} layers")
    moe = routed(f, "", router_bias=True, shared_width=f.size("shared_expert_intermediate_size"))
    gate, dense, channel = "head" if gating in (True, "per-head") else "full", first_dense(f, 1), gated(f, bias=False)
    layers = [
        Layer(
            mixer=attention(f, heads=heads[i], window=w, qk_norm="head", gate=gate),
            channel=channel if dense[i] else moe,
        )
        for i, w in enumerate(windows(f, lambda i: False))
    ]
    return decoder(f, lm, layers)


def llama4(f: Fields, lm: bool = True) -> Architecture:
    """Llama 4: attention inside blocks of 8192 tokens in three of four layers, the fourth global and without positions;
    experts in every ``interleave_moe_layer_step``-th layer, beside one that all tokens visit."""
    f.read.update(("attn_scale", "attn_temperature_tuning", "floor_scale", "use_qk_norm", "router_aux_loss_coef"))
    n, every = f.size("num_hidden_layers"), f.size("interleave_moe_layer_step", default=1)
    interval, width = f.size("no_rope_layer_interval", default=4), f.size("intermediate_size")
    rope: Any = f.value("no_rope_layers") or [int((i + 1) % interval != 0) for i in range(n)]
    chosen: Any = f.value("moe_layers")
    chosen = list(range(every - 1, n, every)) if chosen is None else chosen
    if not isinstance(rope, list) or len(rope) != n or not isinstance(chosen, list):
        raise BadInput(f"{f.where}: fields 'no_rope_layers' and 'moe_layers' must be lists, the first of {n} layers")
    types = f.names("layer_types", n) or ["chunked_attention" if local else "full_attention" for local in rope]
    moe = Experts(
        experts=f.size("num_local_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=width,
        shared_width=width,
        runs_all=True,
    )
    channel = gated(f, bias=False, width=f.size("intermediate_size_mlp"))
    chunk = f.size("attention_chunk_size")
    layers = [
        Layer(
            mixer=attention(
                f,
                chunk=chunk if types[i] == "chunked_attention" else None,
                position="rotary" if rope[i] else "none",
            ),
            channel=moe if i in chosen else channel,
        )
        for i in range(n)
    ]
    return decoder(f, lm, layers)


def mellum(f: Fields, lm: bool = True) -> Architecture:
    """Mellum 2: Qwen 3's layer with experts, windows where ``layer_types`` says so."""
    f.read.update(("num_mtp_layers", "mtp_layer_types", "mtp_mlp_layer_types"))
    n = f.size("num_hidden_layers")
    dense, moe, channel = dense_layers(f, [False] * n), routed(f, ""), gated(f, bias=False)
    layers = [
        Layer(mixer=attention(f, qk_norm="head", window=w), channel=channel if dense[i] else moe)
        for i, w in enumerate(windows(f, lambda i: False))
    ]
    return decoder(f, lm, layers)


def _as_built(f: Fields, key: str, built: Any) -> None:
    """Refuse a field of the published file that asks for other layers than the PyTorch class builds.

    Raises:
        BadInput: If it is present and says something else.
    """
    if f.value(key, default=built) != built:
        raise BadInput(f"{f.where}: field {key!r} asks for other layers than the PyTorch class builds ({built!r:.60})")


def mimo_v2_flash(f: Fields, lm: bool = True) -> Architecture:
    """MiMo-V2-Flash: windows of 128 tokens with sinks and twice the key-value heads in five of six layers; values
    narrower than keys."""
    f.read.update(("attention_value_scale", "attention_chunk_size", "swa_rope_theta", "layernorm_epsilon"))
    n, kv = f.size("num_hidden_layers"), f.size("num_key_value_heads")
    usual = [int(i != 0 and (i + 1) % 6 != 0) for i in range(n)]
    _as_built(f, "hybrid_layer_pattern", usual)
    _as_built(f, "moe_layer_freq", [int(i != 0) for i in range(n)])
    _as_built(f, "swa_num_key_value_heads", 2 * kv)
    _as_built(f, "swa_num_attention_heads", f.size("num_attention_heads"))
    _as_built(f, "swa_head_dim", f.size("head_dim"))
    _as_built(f, "swa_v_head_dim", f.size("v_head_dim"))
    _as_built(f, "add_swa_attention_sink_bias", True)
    _as_built(f, "add_full_attention_sink_bias", False)
    dense, moe, channel = first_dense(f, 1), routed(f, ""), gated(f, bias=False)
    width = f.size("sliding_window") if f.value("sliding_window_size") is None else f.size("sliding_window_size") + 1
    types = f.names("layer_types", n) or ["sliding_attention" if slides else "full_attention" for slides in usual]
    bias = QKV if f.flag("attention_bias") else ()
    layers = [
        Layer(
            mixer=attention(
                f,
                kv_heads=2 * kv if slides else kv,
                window=width if slides else None,
                sinks=slides,
                value_dim=f.size("v_head_dim"),
                bias=bias,
            ),
            channel=channel if dense[i] else moe,
        )
        for i, slides in enumerate(name == "sliding_attention" for name in types)
    ]
    return decoder(f, lm, layers)


def solar_open(f: Fields, lm: bool = True) -> Architecture:
    """Solar Open: routed and shared experts in every layer."""
    return decoder(f, lm, plain(f, attention(f, bias=QKV if f.flag("attention_bias") else ()), routed(f)))


TYPES: dict[str, kinds.Type] = {
    "afmoe": kinds.causal("Afmoe", afmoe, "moe"),
    "arctic": replace(kinds.causal("Arctic", arctic, "moe"), library="whicharch"),
    "aria_text": kinds.causal("AriaText", aria_text, "moe"),
    "cohere2_moe": kinds.causal("Cohere2Moe", cohere2_moe, "moe"),
    "dbrx": kinds.causal("Dbrx", dbrx, "moe"),
    "exaone_moe": kinds.causal("ExaoneMoe", exaone_moe, "moe"),
    "flex_olmo": kinds.causal("FlexOlmo", flex_olmo, "moe"),
    "grok-1": replace(kinds.causal("Grok", grok, "moe"), library="whicharch"),
    "hy_v3": kinds.causal("HYV3", hy_v3, "moe"),
    "jetmoe": kinds.causal("JetMoe", jetmoe, "moe"),
    "laguna": kinds.causal("Laguna", laguna, "moe"),
    "llama4_text": kinds.causal("Llama4", llama4, "moe"),
    "mellum": kinds.causal("Mellum", mellum, "moe"),
    "mimo_v2_flash": kinds.causal("MiMoV2Flash", mimo_v2_flash, "moe"),
    "solar_open": kinds.causal("SolarOpen", solar_open, "moe"),
}
