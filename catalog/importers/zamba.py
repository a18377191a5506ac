"""Zamba and Zamba2: scans, and a transformer block that several layers share."""

from __future__ import annotations

from catalog.channels import Dense
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.decoders import attention, decoder
from catalog.importers.fields import Fields
from catalog.importers.hybrids import RECURRENT, named
from catalog.importers.recurrent import mamba1
from catalog.mixers import Attention, Mamba, Mamba2, SharedBlock
from catalog.spec import Architecture, Layer

NAMES = {**RECURRENT, "hybrid": "hybrid"}


def _layers(f: Fields, scan: Mamba | Mamba2, names: list[str], blocks: list[SharedBlock]) -> list[Layer]:
    """The first use of each shared block owns its weights, and the uses take turns."""
    layers, uses = [], 0
    for name in names:
        if name == "hybrid":
            block = blocks[uses % len(blocks)]
            layers.append(Layer(mixer=scan, shared=block.model_copy(update={"again": uses >= len(blocks)})))
            uses += 1
        else:
            layers.append(Layer(mixer=scan))
    return layers


def _attention(f: Fields, head_dim: int, position: str) -> Attention:
    """Over twice the width: what it reads is the stream beside the embeddings."""
    wide = 2 * f.size("hidden_size")
    if not f.flag("tie_word_embeddings", True):
        raise BadInput(
            f"{f.where}: tie_word_embeddings=false is not read, because the PyTorch class then gives each use of a "
            f"shared block weights of its own"
        )
    if f.size("attention_hidden_size", default=wide) != wide:
        raise BadInput(f"{f.where}: field 'attention_hidden_size' must be twice hidden_size, {wide}")
    return attention(f, head_dim=head_dim, bias=(), position=position)


def zamba(f: Fields, lm: bool = True) -> Architecture:
    """Zamba: Mamba in parts with dt, B and C of their own; one block of attention and feed-forward, shared by every
    sixth layer."""
    hidden, heads = f.size("hidden_size"), f.size("num_attention_heads")
    f.read.update(("use_mamba_kernels", "use_associative_scan", "layer_types"))
    every, at = f.size("attn_layer_period"), f.size("attn_layer_offset", zero=True)

    def usual(i: int) -> str:
        return "hybrid" if i == 2 or (i > 2 and (i - 3) % every == at) else "mamba"

    head_dim = f.size("attention_head_dim", "head_dim", default=max(1, 2 * hidden // heads))
    block = SharedBlock(
        attention=_attention(f, head_dim, "none"), channel=Dense(width=f.size("intermediate_size"), activation="gelu")
    )
    parts = f.size("n_mamba_heads")
    if f.size("mamba_expand") * hidden % parts:
        raise BadInput(f"{f.where}: mamba_expand·hidden_size is not a multiple of n_mamba_heads={parts}")
    scan = mamba1(f, hidden, bias=f.flag("mamba_proj_bias"), conv_bias=f.flag("mamba_conv_bias", True), heads=parts)
    names = named(f, ("layers_block_type", "layer_types"), NAMES, usual)
    return decoder(f, lm, _layers(f, scan, names, [block]))


USUAL = ["mamba"] + (["mamba"] * 5 + ["hybrid"]) * 7 + ["mamba"] * 4 + ["hybrid"] + ["mamba"] * 3 + ["hybrid"]
USUAL += ["mamba"] * 2
"""The layers of Zamba2-2.7B, which the PyTorch class takes where none are listed."""


def zamba2(f: Fields, lm: bool = True) -> Architecture:
    """Zamba2: Mamba-2; one or two shared blocks in turn, with low-rank maps of each use's own."""
    f.read.update(("use_mem_eff_path", "use_mamba_kernels", "use_conv_bias", "use_long_context", "layer_types"))
    f.read.update(("kv_channels", "num_query_groups", "mamba_headdim", "attention_head_dim", "hybrid_layer_ids"))
    f.read.update(("ffn_hidden_size", "use_shared_mlp_adapter", "adapter_rank"))
    hidden, heads, bias = f.size("hidden_size"), f.size("num_attention_heads"), f.flag("add_bias_linear")
    head_dim, inner, parts = max(1, 2 * hidden // heads), f.size("mamba_expand") * hidden, f.size("n_mamba_heads")
    for key, built in (("attention_head_dim", head_dim), ("mamba_headdim", inner // parts)):
        if f.size(key, default=max(1, built)) != built:
            raise BadInput(f"{f.where}: field {key!r} differs from {built}, which the sizes of the model give")
    if inner % parts:
        raise BadInput(f"{f.where}: mamba_expand·hidden_size={inner} is not a multiple of n_mamba_heads={parts}")
    attends = _attention(f, head_dim, "rotary" if f.flag("use_mem_rope") else "none")
    rank, adapts = f.size("adapter_rank"), f.flag("use_shared_attention_adapter")
    if adapts and (attends.kv_heads != heads or heads * head_dim != 2 * hidden):
        raise BadInput(f"{f.where}: use_shared_attention_adapter needs as many key-value heads as heads")
    block = SharedBlock(
        attention=attends,
        channel=Dense(width=f.size("intermediate_size", default=4 * hidden), activation="gelu", bias=bias),
        adapter=rank,
        attention_adapter=rank if adapts else 0,
    )
    scan = Mamba2(
        heads=parts,
        head_dim=inner // parts,
        state=f.size("mamba_d_state"),
        groups=f.size("mamba_ngroups"),
        conv=f.size("mamba_d_conv"),
        chunk=f.size("chunk_size"),
        bias=bias,
    )
    keys = ("layers_block_type", "layer_types")
    if all(f.value(key) is None for key in keys) and f.size("num_hidden_layers") != len(USUAL):
        raise BadInput(f"{f.where}: field 'layers_block_type' must list the layers unless there are {len(USUAL)}")
    names = named(f, keys, NAMES, lambda i: USUAL[i])
    return decoder(f, lm, _layers(f, scan, names, [block] * f.size("num_mem_blocks")))


TYPES: dict[str, kinds.Type] = {
    "zamba": kinds.causal("Zamba", zamba, "hybrid"),
    "zamba2": kinds.causal("Zamba2", zamba2, "hybrid"),
}
