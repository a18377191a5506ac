"""Hybrids of attention with linear attention: the delta rule and lightning attention."""

from __future__ import annotations

from collections.abc import Callable

from catalog.channels import Channel, Experts
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.decoders import attention, decoder, gated, stack
from catalog.importers.fields import Fields
from catalog.mixers import Attention, GatedDeltaNet, KimiDelta, LatentAttention, LightningAttention
from catalog.spec import Architecture, Layer


def _attends(f: Fields, default: Callable[[int], bool]) -> list[bool]:
    """Which layers attend in full: ``layer_types`` says so, else ``default``.

    Raises:
        BadInput: If a layer is of a third kind.
    """
    n = f.size("num_hidden_layers")
    types = f.names("layer_types", n)
    if types is None:
        return [default(i) for i in range(n)]
    if unknown := set(types) - {"full_attention", "linear_attention"}:
        raise BadInput(f"{f.where}: layer_types holds {sorted(unknown)}; known are full_attention, linear_attention")
    return [kind == "full_attention" for kind in types]


def _refuse_bias(f: Fields) -> None:
    if f.flag("attention_bias"):
        raise BadInput(f"{f.where}: attention_bias=true is not modelled for {f.model_type or 'this type'}")


def _delta_net(f: Fields) -> GatedDeltaNet:
    return GatedDeltaNet(
        key_heads=f.size("linear_num_key_heads"),
        value_heads=f.size("linear_num_value_heads"),
        key_dim=f.size("linear_key_head_dim"),
        value_dim=f.size("linear_value_head_dim"),
        conv=f.size("linear_conv_kernel_dim"),
    )


def _shared_experts(f: Fields) -> Experts:
    """Experts beside a shared one with a scalar gate."""
    return Experts(
        experts=f.size("num_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=f.size("moe_intermediate_size"),
        shared_width=f.size("shared_expert_intermediate_size"),
        shared_gate=True,
    )


def _qwen(f: Fields, lm: bool, channels: list[Channel]) -> Architecture:
    """Three gated delta nets to one attention layer whose output a gate per channel scales."""
    _refuse_bias(f)
    every = f.size("full_attention_interval", default=4)
    recurrent, attends = _delta_net(f), _gated_attention(f)
    full = _attends(f, lambda i: (i + 1) % every == 0)
    layers = [
        Layer(mixer=attends if whole else recurrent, channel=channel)
        for whole, channel in zip(full, channels, strict=True)
    ]
    return decoder(f, lm, layers)


def _gated_attention(f: Fields) -> Attention:
    return attention(f, bias=(), qk_norm="head", gate="full")


def qwen3_next(f: Fields, lm: bool = True) -> Architecture:
    """Qwen3-Next: gated delta nets and gated attention, three to one, with experts and a gated shared one."""
    n, every = f.size("num_hidden_layers"), f.size("decoder_sparse_step", default=1)
    dense, experts = f.value("mlp_only_layers", default=[]), f.size("num_experts", zero=True)
    f.read.update(("intermediate_size", "attn_output_gate"))
    channels: list[Channel] = [
        _shared_experts(f) if experts and i not in dense and (i + 1) % every == 0 else gated(f, bias=False)
        for i in range(n)
    ]
    return _qwen(f, lm, channels)


def qwen3_5_text(f: Fields, lm: bool = True) -> Architecture:
    """Qwen3.5's text model: Qwen3-Next's mixers with a dense gated feed-forward."""
    _read_through(f)
    return _qwen(f, lm, [gated(f, bias=False)] * f.size("num_hidden_layers"))


def qwen3_5_moe_text(f: Fields, lm: bool = True) -> Architecture:
    """Qwen3.5's text model with experts in every layer."""
    _read_through(f)
    f.read.add("intermediate_size")
    return _qwen(f, lm, [_shared_experts(f)] * f.size("num_hidden_layers"))


def _read_through(f: Fields) -> None:
    """Fields of the published files that the PyTorch class does not read: it builds no multi-token prediction."""
    f.read.update(("attn_output_gate", "mlp_only_layers", "mtp_num_hidden_layers", "mtp_use_dedicated_embeddings"))
    f.read.add("mamba_ssm_dtype")


def _text_of(read: Callable[[Fields, bool], Architecture]) -> Callable[[Fields, bool], Architecture]:
    """The text side of a configuration that describes a vision tower as well."""

    def nested(f: Fields, lm: bool = True) -> Architecture:
        f.read.update(("vision_config", "image_token_id", "video_token_id", "tie_word_embeddings"))
        return read(f.child("text_config"), lm)

    return nested


def olmo_hybrid(f: Fields, lm: bool = True) -> Architecture:
    """OLMo hybrid: gated delta nets with norms before, and every fourth layer OLMo 3's attention with norms behind."""
    f.read.update(("linear_a_log_min", "linear_a_log_max", "linear_dt_min", "linear_dt_max", "linear_allow_neg_eigval"))
    f.read.add("linear_dt_init_floor")
    heads, hidden, n = f.size("num_attention_heads"), f.size("hidden_size"), f.size("num_hidden_layers")
    keys = f.size("linear_num_key_heads", default=heads)
    key_dim = f.size("linear_key_head_dim", default=int(0.75 * hidden / keys))
    recurrent = GatedDeltaNet(
        key_heads=keys,
        value_heads=f.size("linear_num_value_heads", default=heads),
        key_dim=key_dim,
        value_dim=f.size("linear_value_head_dim", default=2 * key_dim),
        conv=f.size("linear_conv_kernel_dim"),
    )
    rope = f.value("rope_parameters", default={})
    rotates = isinstance(rope, dict) and rope.get("rope_theta") is not None
    attends, channel = attention(f, qk_norm="full", position="rotary" if rotates else "none"), gated(f, bias=False)
    full = _attends(f, lambda i: i % 4 == 3 or (n < 4 and i == n - 1))
    layers = [
        Layer(mixer=attends, channel=channel, norms="branch") if whole else Layer(mixer=recurrent, channel=channel)
        for whole in full
    ]
    return decoder(f, lm, layers)


def _latent(f: Fields, **rest: object) -> LatentAttention:
    heads = f.size("num_attention_heads")
    if f.size("num_key_value_heads", default=heads) != heads:
        raise BadInput(f"{f.where}: num_key_value_heads must be num_attention_heads={heads} with latent attention")
    _refuse_bias(f)
    fields = {
        "heads": heads,
        "kv_rank": f.size("kv_lora_rank"),
        "nope_dim": f.size("qk_nope_head_dim"),
        "rope_dim": f.size("qk_rope_head_dim", default=64),
        "v_dim": f.size("v_head_dim"),
    }
    return LatentAttention.model_validate({**fields, **rest})


def _sparse_layers(f: Fields, dense: int) -> list[Channel]:
    """Dense where ``mlp_layer_types`` says so, else in the first layers; routed and shared experts in the others."""
    n, width = f.size("num_hidden_layers"), f.size("moe_intermediate_size")
    types = f.names("mlp_layer_types", n) or ["dense" if i < dense else "sparse" for i in range(n)]
    if unknown := set(types) - {"dense", "sparse"}:
        raise BadInput(f"{f.where}: mlp_layer_types holds {sorted(unknown)}; known are dense, sparse")
    moe = Experts(
        experts=f.size("num_local_experts", "num_experts"),
        top_k=f.size("num_experts_per_tok", "num_experts_per_token"),
        width=width,
        shared_width=width * f.size("n_shared_experts", "num_shared_experts", zero=True),
    )
    f.read.update(("norm_topk_prob", "moe_renormalize", "n_group", "num_expert_group", "model_max_length"))
    f.read.update(("qk_head_dim", "head_dim", "num_nextn_predict_layers", "moe_router_activation_func"))
    f.read.update(("use_grouped_topk", "moe_layer_freq"))
    return [moe if kind == "sparse" else gated(f, bias=False) for kind in types]


def kimi_linear(f: Fields, lm: bool = True) -> Architecture:
    """Kimi Linear: Kimi delta attention, and latent attention without positions in every fourth layer.

    The published file keeps the recurrent sizes in ``linear_attn_config`` and numbers layers from one.
    """
    f.read.update(("mla_use_nope", "linear_attn_config"))
    published = f.value("linear_attn_config", default={})
    if not isinstance(published, dict):
        raise BadInput(f"{f.where}: field 'linear_attn_config' is no object")
    inner = Fields(published, f"{f.where}, linear_attn_config")
    head_dim = inner.size("head_dim", default=f.size("linear_head_dim"))
    recurrent = KimiDelta(
        heads=inner.size("num_heads", default=f.size("linear_num_heads")),
        head_dim=head_dim,
        rank=head_dim,
        conv=inner.size("short_conv_kernel_size", default=f.size("linear_conv_kernel_dim")),
    )
    full = published.get("full_attn_layers")
    if isinstance(full, list) and "kda_layers" in published:
        attends = _attends(f, lambda i: i + 1 in full)
    else:
        attends = _attends(f, lambda i: i > 0 and i % 4 == 0)
    rank = None if f.value("q_lora_rank") is None else f.size("q_lora_rank")
    latent = _latent(f, q_rank=rank)
    channels = _sparse_layers(f, f.size("first_k_dense_replace", default=1, zero=True))
    return _untied(f, lm, attends, recurrent, latent, channels)


def bailing_hybrid(f: Fields, lm: bool = True) -> Architecture:
    """Ling 3: Kimi delta attention with full projections for its gates; the last layer of each group attends through
    a latent, with one gate per head. The PyTorch class builds no multi-token prediction."""
    f.read.update(("num_mtp_layers", "mtp_loss_scaling_factor", "kda_safe_gate", "kda_lower_bound", "rope_theta"))
    every = f.size("layer_group_size")
    recurrent = KimiDelta(
        heads=f.size("linear_num_heads", default=f.size("num_attention_heads")),
        head_dim=f.size("linear_head_dim", default=f.size("head_dim")),
        conv=f.size("linear_conv_kernel_dim", default=f.size("short_conv_kernel_size")),
    )
    latent = _latent(f, gate="head")
    full = _attends(f, lambda i: (i + 1) % every == 0)
    channels = _sparse_layers(f, f.size("first_k_dense_replace", zero=True))
    return _untied(f, lm, full, recurrent, latent, channels)


def _untied(
    f: Fields, lm: bool, full: list[bool], recurrent: KimiDelta, latent: LatentAttention, channels: list[Channel]
) -> Architecture:
    """Layers by kind; these PyTorch classes have their own head even where the configuration asks for a tied one."""
    f.read.add("tie_word_embeddings")
    layers = [
        Layer(mixer=latent if whole else recurrent, channel=channel)
        for whole, channel in zip(full, channels, strict=True)
    ]
    return Architecture(stacks=(stack(f, layers, tied=False, lm=lm),))


def minimax(f: Fields, lm: bool = True) -> Architecture:
    """MiniMax Text-01 and M1: lightning attention and grouped attention by ``layer_types``, experts throughout; without
    a list the class alternates."""
    f.read.update(("router_jitter_noise", "rotary_dim", "mlp_alpha_factor", "mlp_beta_factor"))
    f.read.update(f"{kind}_attn_{side}_factor" for kind in ("full", "linear") for side in ("alpha", "beta"))
    if f.value("sliding_window") is not None:
        raise BadInput(f"{f.where}: sliding_window is not modelled: the class caches all tokens whatever it says")
    attends = attention(f, bias=())
    recurrent = LightningAttention(heads=attends.heads, head_dim=attends.head_dim, chunk=f.size("block_size"))
    channel = Experts(
        experts=f.size("num_local_experts"), top_k=f.size("num_experts_per_tok"), width=f.size("intermediate_size")
    )
    full = _attends(f, lambda i: i % 2 == 0)
    return decoder(f, lm, [Layer(mixer=attends if whole else recurrent, channel=channel) for whole in full])


TYPES: dict[str, kinds.Type] = {
    "bailing_hybrid": kinds.causal("BailingHybrid", bailing_hybrid, "hybrid"),
    "kimi_linear": kinds.causal("KimiLinear", kimi_linear, "hybrid"),
    "minimax": kinds.causal("MiniMax", minimax, "hybrid"),
    "olmo_hybrid": kinds.causal("OlmoHybrid", olmo_hybrid, "hybrid"),
    "qwen3_5": kinds.causal("Qwen3_5", _text_of(qwen3_5_text), "hybrid"),
    "qwen3_5_moe": kinds.causal("Qwen3_5Moe", _text_of(qwen3_5_moe_text), "hybrid"),
    "qwen3_5_moe_text": kinds.causal("Qwen3_5Moe", qwen3_5_moe_text, "hybrid"),
    "qwen3_5_text": kinds.causal("Qwen3_5", qwen3_5_text, "hybrid"),
    "qwen3_next": kinds.causal("Qwen3Next", qwen3_next, "hybrid"),
}
