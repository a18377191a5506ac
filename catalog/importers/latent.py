"""Decoders with latent attention (MLA), sparse or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.channels import Dense, Experts
from catalog.errors import BadInput
from catalog.extras import Learned, Linear
from catalog.importers import kinds
from catalog.importers.decoders import decoder, gated, plain
from catalog.importers.fields import Fields
from catalog.importers.routed import dense_layers, first_dense, routed
from catalog.mixers import Indexer, LatentAttention
from catalog.spec import Architecture, Layer


def latent(f: Fields, **overrides: Any) -> LatentAttention:
    """Latent attention under DeepSeek's names."""
    f.read.update(("num_key_value_heads", "head_dim", "qk_head_dim"))
    fields: dict[str, Any] = {
        "heads": f.size("num_attention_heads"),
        "q_rank": None if f.value("q_lora_rank") is None else f.size("q_lora_rank"),
        "kv_rank": f.size("kv_lora_rank"),
        "nope_dim": f.size("qk_nope_head_dim"),
        "rope_dim": f.size("qk_rope_head_dim"),
        "bias": f.flag("attention_bias"),
    }
    if "v_dim" not in overrides:
        fields["v_dim"] = f.size("v_head_dim")
    return LatentAttention(**{**fields, **overrides})


def lightning(f: Fields, borrowed: bool = False) -> Indexer:
    """DeepSeek-V3.2's indexer under its usual names."""
    return Indexer(
        heads=f.size("index_n_heads"), head_dim=f.size("index_head_dim"), top_k=f.size("index_topk"), borrowed=borrowed
    )


def deepseek(f: Fields, lm: bool = True) -> Architecture:
    """DeepSeek-V2 and V3: the first layers dense, then routed and shared experts."""
    every = f.size("moe_layer_freq", default=1)
    dense = [first or i % every != 0 for i, first in enumerate(first_dense(f, 0))]
    bias = f.flag("mlp_bias") and f.model_type == "deepseek_v2"
    mixer, moe, channel = latent(f), routed(f, shared_bias=bias), gated(f, bias=bias)
    return decoder(f, lm, [Layer(mixer=mixer, channel=channel if d else moe) for d in dense])


def deepseek_v32(f: Fields, lm: bool = True) -> Architecture:
    """DeepSeek-V3.2: DeepSeek-V3 with an indexer in each layer."""
    dense, moe, channel = first_dense(f, 3), routed(f), gated(f, bias=False)
    mixer = latent(f, indexer=lightning(f))
    return decoder(f, lm, [Layer(mixer=mixer, channel=channel if d else moe) for d in dense])


def borrowing(f: Fields, default: list[bool]) -> list[bool]:
    """Which layers use an earlier layer's choice of tokens: ``indexer_types``, or the schedule that it comes from.

    Raises:
        BadInput: If the pattern holds other words, is too short, or begins with a layer that has nothing to borrow.
    """
    n = len(default)
    pattern: Any = f.value("indexer_types", "index_topk_pattern")
    if pattern is None:
        freq, offset = f.size("index_topk_freq", default=0, zero=True), f.value("index_skip_topk_offset", default=2)
        borrowed = default if not freq else [max(i - offset + 1, 0) % freq != 0 for i in range(n)]
    else:
        names = {"F": False, "S": True, "full": False, "shared": True}
        if len(pattern) < n or any(item not in names for item in pattern):
            raise BadInput(f"{f.where}: field 'indexer_types' must say 'full' or 'shared' for each of {n} layers")
        borrowed = [names[item] for item in pattern[:n]]
    if borrowed[0]:
        raise BadInput(f"{f.where}: field 'indexer_types' lets the first layer borrow, and no layer came before it")
    return borrowed


def glm_moe_dsa(f: Fields, lm: bool = True) -> Architecture:
    """GLM-5: DeepSeek-V3.2's layer; later ones let several layers share one indexer's choice."""
    dense, moe, channel = first_dense(f, 3), routed(f), gated(f, bias=False)
    layers = [
        Layer(mixer=latent(f, indexer=lightning(f, borrowed)), channel=channel if d else moe)
        for d, borrowed in zip(dense, borrowing(f, [False] * len(dense)), strict=True)
    ]
    return decoder(f, lm, layers)


def glm4_moe_lite(f: Fields, lm: bool = True) -> Architecture:
    """GLM 4.7 Flash: the first layer dense."""
    n = f.size("num_hidden_layers")
    mixer, moe, channel = latent(f), routed(f), gated(f, bias=False)
    dense = dense_layers(f, [i == 0 for i in range(n)])
    return decoder(f, lm, [Layer(mixer=mixer, channel=channel if d else moe) for d in dense])


def minicpm3(f: Fields, lm: bool = True) -> Architecture:
    """MiniCPM3: latent attention in a small dense model."""
    f.read.update(("scale_emb", "scale_depth", "dim_model_base"))
    v_dim = f.size("v_head_dim", default=max(1, f.size("hidden_size") // f.size("num_attention_heads")))
    return decoder(f, lm, plain(f, latent(f, v_dim=v_dim), gated(f)))


def youtu(f: Fields, lm: bool = True) -> Architecture:
    """Youtu-LLM: latent attention in a small dense model."""
    f.read.add("embedding_initializer_range")
    return decoder(f, lm, plain(f, latent(f), gated(f, bias=f.flag("mlp_bias"))))


def axk1(f: Fields, lm: bool = True) -> Architecture:
    """A.X K1: DeepSeek-V3 with a norm on what the experts return."""
    every, mixer = f.size("moe_layer_freq", default=1), latent(f)
    dense = first_dense(f, 1)
    if f.value("mlp_layer_types") is None:
        dense = [first or i % every != 0 for i, first in enumerate(dense)]
    after = Learned(name="channel.norm_out", elements=f.size("hidden_size"))
    sparse = Layer(mixer=mixer, channel=routed(f), extras=(after,))
    first = Layer(mixer=mixer, channel=gated(f, bias=False))
    return decoder(f, lm, [first if d else sparse for d in dense])


def _gated_norm(f: Fields, name: str) -> tuple[Linear, Linear]:
    h, rank = f.size("hidden_size"), f.size("gated_norm_rank")
    return (
        Linear(name=f"{name}.gate_down", inputs=h, outputs=rank),
        Linear(name=f"{name}.gate_up", inputs=rank, outputs=h),
    )


def axk2(f: Fields, lm: bool = True) -> Architecture:
    """A.X K2: DeepSeek-V3.2 with gates on attention, and on norms by two narrow matrices."""
    every, dense = f.size("moe_layer_freq", default=1), first_dense(f, 1)
    if f.value("mlp_layer_types") is None:
        dense = [first or i % every != 0 for i, first in enumerate(dense)]
    mixer = latent(f, gate="query", indexer=lightning(f))
    before, between = _gated_norm(f, "mixer.norm_in"), _gated_norm(f, "channel.norm_in")
    sparse = Layer(mixer=mixer, channel=routed(f), extras=(*before, *between))
    first = Layer(mixer=mixer, channel=gated(f, bias=False), extras=before)
    return decoder(f, lm, [first if d else sparse for d in dense])


def dots3_note(f: Fields, lm: bool = True) -> Architecture:
    """dots3: sparse latent attention in every fourth layer and windowed latent attention of other sizes between, gates
    per head."""
    n, own = f.size("num_hidden_layers"), f.value("per_layer_config", default={})
    types = f.names("layer_types", n)
    if types is None:
        raise BadInput(f"{f.where}: field 'layer_types' is missing; expected a name for each of {n} layers")
    if not isinstance(own, Mapping):
        raise BadInput(f"{f.where}: field 'per_layer_config' is no mapping of layers to sizes")
    dense = dense_layers(f, [i == 0 for i in range(n)])
    shared = f.size("shared_experts_intermediate_size") * f.size("n_shared_experts", default=1, zero=True)
    bias = f.flag("mlp_bias")
    if bias:
        raise BadInput(f"{f.where}: mlp_bias=true is not modelled for dots3")
    moe, channel = routed(f, shared_width=shared), gated(f, bias=False)
    known = {"num_attention_heads": "heads", "kv_lora_rank": "kv_rank", "qk_nope_head_dim": "nope_dim"}
    known |= {"q_lora_rank": "q_rank", "qk_rope_head_dim": "rope_dim", "v_head_dim": "v_dim"}
    sizes: dict[int, Mapping[str, Any]] = {int(key): value for key, value in own.items()}
    layers = []
    for i, name in enumerate(types):
        here = sizes.get(i, {})
        if other := sorted(set(here) - set(known) - {"num_key_value_heads"}):
            raise BadInput(f"{f.where}: field 'per_layer_config' changes {', '.join(other)} of layer {i}: not modelled")
        changed = {known[key]: value for key, value in here.items() if key in known}
        slides = name == "sliding_attention"
        mixer = latent(
            f,
            gate="head",
            rope_norm=True,
            window=f.size("sliding_window") if slides else None,
            indexer=None if slides else lightning(f),
            **changed,
        )
        layers.append(Layer(mixer=mixer, channel=channel if dense[i] else moe))
    return decoder(f, lm, layers)


def _text_of_dots3(f: Fields, class_name: str) -> Architecture:
    """The language model alone; its images and sounds are not read.

    Raises:
        BadInput: If another class than that of the language model is named.
    """
    kinds.ending(f, class_name, "Dots3Note", ("ForCausalLM",))
    f.read.update(("vision_config", "audio_config"))
    return dots3_note(f.child("text_config"))


def longcat_flash(f: Fields, lm: bool = True) -> Architecture:
    """LongCat-Flash: each of its layers is two of ours; experts stand beside the first feed-forward, read the same
    input, and are added after the second (so communication hides behind it). Some choices of the router do nothing."""
    f.read.update(("routed_scaling_factor", "zero_expert_type", "mla_scale_q_lora", "mla_scale_kv_lora"))
    if f.flag("router_bias"):
        raise BadInput(f"{f.where}: router_bias=true is not modelled; the PyTorch class never adds it")
    width, mixer = f.size("ffn_hidden_size"), latent(f)
    moe = Experts(
        experts=f.size("n_routed_experts"),
        top_k=f.size("moe_topk", "num_experts_per_tok"),
        width=f.size("expert_ffn_hidden_size", "moe_intermediate_size"),
        shared_width=width,
        idle=f.size("zero_expert_num", default=0, zero=True),
    )
    pair = [Layer(mixer=mixer, channel=moe), Layer(mixer=mixer, channel=Dense(width=width))]
    depth = f.size("num_layers") if "num_layers" in f else f.size("num_hidden_layers", default=56) // 2
    return decoder(f, lm, pair * depth)


TYPES: dict[str, kinds.Type] = {
    "axk1": kinds.causal("AXK1", axk1, "moe"),
    "axk2": kinds.causal("AXK2", axk2, "moe"),
    "deepseek_v2": kinds.causal("DeepseekV2", deepseek, "moe"),
    "deepseek_v3": kinds.causal("DeepseekV3", deepseek, "moe"),
    "deepseek_v32": kinds.causal("DeepseekV32", deepseek_v32, "moe"),
    "dots3_note": kinds.Type("moe", "Dots3NoteForCausalLM", _text_of_dots3),
    "dots3_note_text": kinds.causal("Dots3Note", dots3_note, "moe"),
    "glm4_moe_lite": kinds.causal("Glm4MoeLite", glm4_moe_lite, "moe"),
    "glm_moe_dsa": kinds.causal("GlmMoeDsa", glm_moe_dsa, "moe"),
    "kimi_k2": kinds.causal("DeepseekV3", deepseek, "moe"),
    "longcat_flash": kinds.causal("LongcatFlash", longcat_flash, "moe"),
    "mistral4": kinds.causal("Mistral4", deepseek, "moe"),
    "minicpm3": kinds.causal("MiniCPM3", minicpm3),
    "youtu": kinds.causal("Youtu", youtu),
}
