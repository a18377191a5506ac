"""State spaces and their hybrids with attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from catalog.channels import Experts
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.decoders import attention, gated, stack, tied
from catalog.importers.fields import Fields
from catalog.mixers import Mamba, Mamba2
from catalog.spec import Architecture, Layer


def mamba1(f: Fields, hidden: int, **rest: Any) -> Mamba:
    """Mamba-1 under its usual names."""
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
    mixer = mamba1(f, hidden, bias=f.flag("use_bias"), conv_bias=f.flag("use_conv_bias", True))
    layers = [Layer(mixer=mixer)] * f.size("num_hidden_layers")
    return Architecture(stacks=(stack(f, layers, tied=tied(f, True), lm=lm),))


def falcon_mamba(f: Fields, lm: bool = True) -> Architecture:
    """Falcon-Mamba: Mamba whose inner width is given rather than an expansion; its inner norms have no weights."""
    hidden, inner = f.size("hidden_size"), f.size("intermediate_size", default=2 * f.size("hidden_size"))
    mixer = mamba1(f, hidden, bias=f.flag("use_bias"), conv_bias=f.flag("use_conv_bias", True))
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
    recurrent = mamba1(
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


BLOCKS = {
    "M": ("mamba", "linear_attention"),
    "*": ("attention", "full_attention"),
    "-": ("mlp",),
    "E": ("moe",),
}
"""Letters of Nemotron-H's patterns, and the names that lists use for them."""


def nemotron_h(f: Fields, lm: bool = True) -> Architecture:
    """Nemotron-H: each layer is one block, Mamba-2 (M), attention (*), feed-forward (-) or experts (E), in an order.

    The PyTorch class has its own head even where the configuration asks for a tied one, never a bias in attention, and
    reads ``use_bias``, not ``mamba_proj_bias``.
    """
    f.read.update(("expand", "mamba_proj_bias", "attention_bias", "tie_word_embeddings", "intermediate_size"))
    f.read.update(("n_shared_experts", "moe_shared_expert_overlap", "mtp_hybrid_override_pattern", "time_step_rank"))
    f.read.update(("mamba_ssm_cache_dtype", "mtp_layers_block_type"))
    names = {
        "heads": "mamba_num_heads", "head_dim": "mamba_head_dim", "state": "ssm_state_size",
        "groups": "n_groups", "conv": "conv_kernel", "chunk": "chunk_size",
    }  # fmt: skip
    recurrent = _hybrid_mamba2(f, names, bias=f.flag("use_bias"), conv_bias=f.flag("use_conv_bias", True))
    blocks: dict[str, Callable[[], Layer]] = {
        "M": lambda: Layer(mixer=recurrent),
        "*": lambda: Layer(mixer=attention(f, position="none", bias=())),
        "-": lambda: Layer(channel=gated(f, gated=False, activation="relu2")),
        "E": lambda: Layer(channel=_nemotron_experts(f)),
    }
    layers = [blocks[letter]() for letter in _nemotron_pattern(f)]
    return Architecture(stacks=(stack(f, layers, tied=False, lm=lm),))


def _nemotron_pattern(f: Fields) -> list[str]:
    named = f.names("layer_types") or f.names("layers_block_type")
    if named is not None:
        letters = {name: letter for letter, names in BLOCKS.items() for name in names}
        if unknown := set(named) - set(letters):
            raise BadInput(f"{f.where}: layer_types holds {sorted(unknown)}; known are {', '.join(letters)}")
        return [letters[name] for name in named]
    pattern = f.value("hybrid_override_pattern")
    if not isinstance(pattern, str) or len(pattern) != f.size("num_hidden_layers", default=len(pattern or "")):
        raise BadInput(f"{f.where}: field 'hybrid_override_pattern' must name a block for each of num_hidden_layers")
    if unknown := set(pattern) - set(BLOCKS):
        raise BadInput(f"{f.where}: hybrid_override_pattern holds {sorted(unknown)}; known are M, *, - and E")
    return list(pattern)


def _nemotron_experts(f: Fields) -> Experts:
    """Experts of two matrices, beside a shared one; Super and Ultra narrow tokens for the routed ones."""
    bias, latent = f.flag("mlp_bias"), f.value("moe_latent_size")
    return Experts(
        experts=f.size("n_routed_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=f.size("moe_intermediate_size"),
        gated=False,
        shared_width=f.size("moe_shared_expert_intermediate_size"),
        shared_bias=bias,
        latent=None if latent is None else f.size("moe_latent_size"),
        latent_bias=bias and latent is not None,
        activation="relu2",
    )


TYPES: dict[str, kinds.Type] = {
    "bamba": kinds.causal("Bamba", bamba, "hybrid"),
    "falcon_mamba": kinds.causal("FalconMamba", falcon_mamba, "ssm"),
    "jamba": kinds.causal("Jamba", jamba, "hybrid"),
    "mamba": kinds.causal("Mamba", mamba, "ssm"),
    "mamba2": kinds.causal("Mamba2", mamba2, "ssm"),
    "nemotron_h": kinds.causal("NemotronH", nemotron_h, "hybrid"),
}
