"""Decoder-only configurations: attention, mixtures of experts, state spaces and their hybrids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from catalog.channels import Channel, Dense, Experts
from catalog.errors import BadInput
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.mixers import Attention, LatentAttention, Mamba, Mamba2, Mixer
from catalog.spec import Architecture, Head, Layer, LmHead, Stack, TokenEmbedding

QKV = ("q", "k", "v")
QKVO = ("q", "k", "v", "o")


def stack(f: Fields, layers: list[Layer], *, tied: bool, lm: bool, **rest: Any) -> Stack:
    """A text decoder around ``layers``; ``lm`` says whether it ends in a language-model head."""
    heads: tuple[Head, ...] = (LmHead(tied=tied, bias=rest.pop("head_bias", False)),) if lm else ()
    embedding = rest.pop("embedding", None) or TokenEmbedding(vocab=f.size("vocab_size"))
    return Stack(
        name="decoder",
        role="decoder",
        hidden=rest.pop("hidden", None) or f.size("hidden_size", "n_embd"),
        embedding=embedding,
        groups=fold(layers),
        heads=heads,
        **rest,
    )


def attention(f: Fields, **overrides: Any) -> Attention:
    """Grouped attention under its usual names."""
    heads = f.size("num_attention_heads")
    hidden = f.size("hidden_size")
    if f.value("head_dim") is None and hidden % heads:
        raise BadInput(
            f"{f.where}: hidden_size={hidden} is not a multiple of num_attention_heads={heads} and head_dim is missing"
        )
    fields: dict[str, Any] = {
        "heads": heads,
        "kv_heads": f.size("num_key_value_heads", default=heads),
        "head_dim": f.size("head_dim", default=max(1, hidden // heads)),
        "bias": QKVO if f.flag("attention_bias") else (),
    }
    return Attention(**{**fields, **overrides})


def gated(f: Fields, **overrides: Any) -> Dense:
    """A gated feed-forward under its usual names."""
    fields = {"width": f.size("intermediate_size"), "gated": True, "bias": f.flag("mlp_bias")}
    return Dense(**{**fields, **overrides})


def plain(f: Fields, mixer: Mixer, channel: Channel, **layer: Any) -> list[Layer]:
    """Equal layers throughout."""
    return [Layer(mixer=mixer, channel=channel, **layer)] * f.size("num_hidden_layers")


def windows(f: Fields, default: Callable[[int], bool]) -> list[int | None]:
    """The window of each layer: from ``layer_types`` where given, else where ``default`` says so."""
    n, width = f.size("num_hidden_layers"), f.value("sliding_window")
    types = f.names("layer_types", n)
    if width is None or (types is None and f.value("use_sliding_window") is False):
        return [None] * n
    width = f.size("sliding_window")
    slides = [kind == "sliding_attention" for kind in types] if types else [default(i) for i in range(n)]
    return [width if slide else None for slide in slides]


def tied(f: Fields, default: bool) -> bool:
    """Whether head and embedding are one matrix."""
    return f.flag("tie_word_embeddings", default)


def llama(f: Fields, lm: bool = True) -> Architecture:
    """LLaMA and all that share its layer: RMS norms, rotary positions, a gated feed-forward."""
    return Architecture(stacks=(stack(f, plain(f, attention(f), gated(f)), tied=tied(f, False), lm=lm),))


def mistral(f: Fields, lm: bool = True) -> Architecture:
    """LLaMA's layer with a sliding window in every layer."""
    sliding = windows(f, lambda i: True)
    layers = [Layer(mixer=attention(f, window=w, bias=()), channel=gated(f, bias=False)) for w in sliding]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def phi3(f: Fields, lm: bool = True) -> Architecture:
    """Phi-3: one window for all layers, no biases."""
    return mistral(f, lm)


def qwen2(f: Fields, lm: bool = True) -> Architecture:
    """Qwen 2: biases on queries, keys and values only; windows in the last layers where switched on."""
    first = f.size("max_window_layers", default=28, zero=True)
    sliding = windows(f, lambda i: i >= first)
    layers = [Layer(mixer=attention(f, bias=QKV, window=w), channel=gated(f, bias=False)) for w in sliding]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def qwen3(f: Fields, lm: bool = True) -> Architecture:
    """Qwen 3: norms on each head's queries and keys."""
    first = f.size("max_window_layers", default=28, zero=True)
    sliding = windows(f, lambda i: i >= first)
    layers = [Layer(mixer=attention(f, qk_norm="head", window=w), channel=gated(f, bias=False)) for w in sliding]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def qwen3_moe(f: Fields, lm: bool = True) -> Architecture:
    """Qwen 3 with experts in every ``decoder_sparse_step``-th layer."""
    every, dense_layers = f.size("decoder_sparse_step", default=1), f.value("mlp_only_layers", default=[])
    mixer = attention(f, qk_norm="head")
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


def gemma2(f: Fields, lm: bool = True) -> Architecture:
    """Gemma 2: norms before and after each block, windows in every other layer, soft-capped logits."""
    sliding = windows(f, lambda i: i % 2 == 0)
    layers = [
        Layer(
            mixer=attention(f, window=w, softcap=f.value("attn_logit_softcapping") is not None),
            channel=gated(f, activation="gelu", bias=False),
            norms="sandwich",
        )
        for w in sliding
    ]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, True), lm=lm),))


def olmo2(f: Fields, lm: bool = True) -> Architecture:
    """OLMo 2: norms on what blocks return, and over the whole width of queries and keys."""
    layers = plain(f, attention(f, qk_norm="full"), gated(f, bias=False), norms="branch")
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def olmoe(f: Fields, lm: bool = True) -> Architecture:
    """OLMoE: experts in every layer, norms over the whole width of queries and keys."""
    moe = Experts(experts=f.size("num_experts"), top_k=f.size("num_experts_per_tok"), width=f.size("intermediate_size"))
    layers = plain(f, attention(f, qk_norm="full"), moe)
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def smollm3(f: Fields, lm: bool = True) -> Architecture:
    """SmolLM3: every n-th layer goes without positions."""
    n, every = f.size("num_hidden_layers"), f.size("no_rope_layer_interval", default=4)
    rope = f.value("no_rope_layers") or [int((i + 1) % every != 0) for i in range(n)]
    if not isinstance(rope, list) or len(rope) != n:
        raise BadInput(f"{f.where}: field 'no_rope_layers' must list {n} layers")
    layers = [Layer(mixer=attention(f, position="rotary" if rope[i] else "none"), channel=gated(f)) for i in range(n)]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, True), lm=lm),))


def gpt2(f: Fields, lm: bool = True) -> Architecture:
    """GPT-2: learned positions, layer norms, biases everywhere."""
    hidden, heads = f.size("n_embd", "hidden_size"), f.size("n_head", "num_attention_heads")
    if hidden % heads:
        raise BadInput(f"{f.where}: n_embd={hidden} is not a multiple of n_head={heads}")
    mixer = Attention(heads=heads, kv_heads=heads, head_dim=hidden // heads, bias=QKVO, position="absolute")
    channel = Dense(width=f.size("n_inner", default=4 * hidden), gated=False, bias=True, activation="gelu")
    layers = [Layer(mixer=mixer, channel=channel)] * f.size("n_layer", "num_hidden_layers")
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), positions=f.size("n_positions", "max_position_embeddings"))
    return Architecture(
        stacks=(stack(f, layers, tied=tied(f, True), lm=lm, hidden=hidden, norm="layer", embedding=embedding),)
    )


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


def deepseek(f: Fields, lm: bool = True) -> Architecture:
    """DeepSeek-V2 and V3: latent attention; the first layers dense, then routed and shared experts."""
    f.read.add("num_key_value_heads")
    mixer = LatentAttention(
        heads=f.size("num_attention_heads"),
        q_rank=None if f.value("q_lora_rank") is None else f.size("q_lora_rank"),
        kv_rank=f.size("kv_lora_rank"),
        nope_dim=f.size("qk_nope_head_dim"),
        rope_dim=f.size("qk_rope_head_dim"),
        v_dim=f.size("v_head_dim"),
    )
    if f.flag("attention_bias"):
        raise BadInput(f"{f.where}: attention_bias=true with latent attention is not modelled")
    if f.flag("mlp_bias") and f.size("n_shared_experts", default=0, zero=True):
        raise BadInput(f"{f.where}: mlp_bias=true with shared experts is not modelled")
    n, first, every = (
        f.size("num_hidden_layers"),
        f.size("first_k_dense_replace", zero=True),
        f.size("moe_layer_freq", default=1),
    )
    width = f.size("moe_intermediate_size")
    moe = Experts(
        experts=f.size("n_routed_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=width,
        shared_width=width * f.size("n_shared_experts", default=0, zero=True),
    )
    layers = [Layer(mixer=mixer, channel=moe if i >= first and i % every == 0 else gated(f)) for i in range(n)]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def _mamba1(f: Fields, hidden: int, **rest: Any) -> Mamba:
    rank = f.value("time_step_rank", "mamba_dt_rank", default="auto")
    return Mamba(
        inner=f.size("expand", "mamba_expand", default=2) * hidden,
        state=f.size("state_size", "mamba_d_state", default=16),
        conv=f.size("conv_kernel", "mamba_d_conv", default=4),
        dt_rank=-(-hidden // 16) if rank == "auto" else f.size("time_step_rank", "mamba_dt_rank"),
        **rest,
    )


def mamba(f: Fields, lm: bool = True) -> Architecture:
    """Mamba: nothing but selective scans."""
    hidden = f.size("hidden_size")
    f.read.add("intermediate_size")
    mixer = _mamba1(f, hidden, bias=f.flag("use_bias"), conv_bias=f.flag("use_conv_bias", True))
    layers = [Layer(mixer=mixer)] * f.size("num_hidden_layers")
    return Architecture(stacks=(stack(f, layers, tied=tied(f, True), lm=lm),))


def falcon_mamba(f: Fields, lm: bool = True) -> Architecture:
    """Falcon-Mamba: Mamba whose inner width is given rather than an expansion; its inner norms have no weights."""
    hidden, inner = f.size("hidden_size"), f.size("intermediate_size", default=2 * f.size("hidden_size"))
    mixer = _mamba1(f, hidden, bias=f.flag("use_bias"), conv_bias=f.flag("use_conv_bias", True))
    mixer = mixer.model_copy(update={"inner": inner})
    layers = [Layer(mixer=mixer)] * f.size("num_hidden_layers")
    return Architecture(stacks=(stack(f, layers, tied=tied(f, True), lm=lm),))


def mamba2(f: Fields, lm: bool = True) -> Architecture:
    """Mamba-2."""
    f.read.update(("expand", "time_step_rank", "intermediate_size", "rms_norm"))
    mixer = Mamba2(
        heads=f.size("num_heads"),
        head_dim=f.size("head_dim"),
        state=f.size("state_size"),
        groups=f.size("n_groups"),
        conv=f.size("conv_kernel", default=4),
        chunk=f.size("chunk_size", default=256),
        bias=f.flag("use_bias"),
        conv_bias=f.flag("use_conv_bias", True),
    )
    if mixer.inner != f.size("expand", default=2) * f.size("hidden_size"):
        raise BadInput(f"{f.where}: num_heads·head_dim={mixer.inner} differs from expand·hidden_size")
    layers = [Layer(mixer=mixer)] * f.size("num_hidden_layers")
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def jamba(f: Fields, lm: bool = True) -> Architecture:
    """Jamba: one attention layer in eight, the others Mamba; experts in every other layer."""
    hidden = f.size("hidden_size")
    recurrent = _mamba1(
        f, hidden, bias=f.flag("mamba_proj_bias"), conv_bias=f.flag("mamba_conv_bias", True), inner_norms=True
    )
    attends = attention(f, position="none", bias=())
    moe = Experts(experts=f.size("num_experts"), top_k=f.size("num_experts_per_tok"), width=f.size("intermediate_size"))
    every_a, at_a = f.size("attn_layer_period"), f.size("attn_layer_offset", zero=True)
    every_e, at_e = f.size("expert_layer_period"), f.size("expert_layer_offset", zero=True)
    layers = [
        Layer(
            mixer=attends if i % every_a == at_a else recurrent,
            channel=moe if i % every_e == at_e and moe.experts > 1 else gated(f, bias=False),
        )
        for i in range(f.size("num_hidden_layers"))
    ]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def _hybrid_mamba2(f: Fields, names: dict[str, str], **rest: Any) -> Mamba2:
    return Mamba2(**{ours: f.size(theirs) for ours, theirs in names.items()}, **rest)


def bamba(f: Fields, lm: bool = True) -> Architecture:
    """Bamba: Mamba-2 with attention at listed layers, a gated feed-forward in each."""
    f.read.update(("mamba_expand",))
    names = {
        "heads": "mamba_n_heads", "head_dim": "mamba_d_head", "state": "mamba_d_state",
        "groups": "mamba_n_groups", "conv": "mamba_d_conv", "chunk": "mamba_chunk_size",
    }  # fmt: skip
    if f.value("mamba_d_head") == "auto":
        raise BadInput(f"{f.where}: mamba_d_head='auto' is not resolved; give the number")
    recurrent = _hybrid_mamba2(f, names, bias=f.flag("mamba_proj_bias"), conv_bias=f.flag("mamba_conv_bias", True))
    attends = f.value("attn_layer_indices", default=[])
    layers = [
        Layer(mixer=attention(f) if i in attends else recurrent, channel=gated(f))
        for i in range(f.size("num_hidden_layers"))
    ]
    return Architecture(stacks=(stack(f, layers, tied=tied(f, False), lm=lm),))


def nemotron_h(f: Fields, lm: bool = True) -> Architecture:
    """Nemotron-H: each layer is one block, Mamba-2 (M), attention (*) or feed-forward (-), in a written pattern.

    The PyTorch class has its own head even where the configuration asks for a tied one, never a bias in attention, and
    reads ``use_bias``, not ``mamba_proj_bias``.
    """
    f.read.update(("expand", "mamba_proj_bias", "attention_bias", "tie_word_embeddings"))
    names = {
        "heads": "mamba_num_heads", "head_dim": "mamba_head_dim", "state": "ssm_state_size",
        "groups": "n_groups", "conv": "conv_kernel", "chunk": "chunk_size",
    }  # fmt: skip
    recurrent = _hybrid_mamba2(f, names, bias=f.flag("use_bias"), conv_bias=f.flag("use_conv_bias", True))
    pattern = f.value("hybrid_override_pattern")
    if not isinstance(pattern, str) or len(pattern) != f.size("num_hidden_layers"):
        raise BadInput(f"{f.where}: field 'hybrid_override_pattern' must name a block for each of num_hidden_layers")
    blocks: dict[str, Layer] = {
        "M": Layer(mixer=recurrent),
        "*": Layer(mixer=attention(f, position="none", bias=())),
        "-": Layer(channel=gated(f, gated=False, activation="relu2")),
    }
    if unknown := set(pattern) - set(blocks):
        raise BadInput(f"{f.where}: hybrid_override_pattern holds {sorted(unknown)}; known are M, * and -")
    return Architecture(stacks=(stack(f, [blocks[p] for p in pattern], tied=False, lm=lm),))
