"""Research models without a class in transformers, in their authors' own words; their witnesses are our own modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

from catalog.channels import Dense
from catalog.ends import Tail
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.decoders import stack
from catalog.importers.fields import Fields
from catalog.mixers import S4, Attention, Hyena, Mamba
from catalog.spec import Architecture, Family, Layer, TokenEmbedding


def samba(f: Fields, lm: bool = True) -> Architecture:
    """Samba: Mamba and windowed attention in turn, each with a gated feed-forward (microsoft/Samba, lit_gpt).

    The embedding is the head's where ``mamba_init`` is set (``GPT.tie_weights``).
    """
    f.read.update(("block_size", "norm", "padding_multiple", "norm_eps"))
    if f.flag("bias") or f.flag("parallel_residual"):
        raise BadInput(f"{f.where}: fields 'bias' and 'parallel_residual' are not read for Samba")
    width, heads, every = f.size("n_embd"), f.size("n_head"), f.size("mb_per_layer")
    if width % heads:
        raise BadInput(f"{f.where}: n_embd={width} is not a multiple of n_head={heads}")
    attends = Attention(
        heads=heads,
        kv_heads=f.size("n_query_groups", default=heads),
        head_dim=width // heads,
        window=f.size("local_window"),
    )
    scans = Mamba(
        inner=f.size("mamba_expand") * width,
        state=f.size("mamba_d_state"),
        conv=f.size("mamba_d_conv"),
        dt_rank=-(-width // 16),
    )
    channel = Dense(width=f.size("intermediate_size"))
    layers = [Layer(mixer=attends if i % every else scans, channel=channel) for i in range(f.size("n_layer"))]
    return Architecture(stacks=(stack(f, layers, tied=f.flag("mamba_init"), lm=lm, hidden=width),))


def s4(f: Fields, lm: bool = True) -> Architecture:
    """S4 as a language model: blocks of several S4 layers and a feed-forward, adaptive inputs and softmax
    (state-spaces/s4, configs/experiment/lm/s4-wt103.yaml)."""
    f.read.update(("prenorm", "l_max", "postact"))
    hidden, vocab, divisor = f.size("d_model"), f.size("vocab_size"), f.size("div_val")
    cutoffs: Any = f.value("cutoffs", default=[])
    if not isinstance(cutoffs, list) or not all(isinstance(c, int) for c in cutoffs) or not cutoffs:
        raise BadInput(f"{f.where}: field 'cutoffs' must list where the tables of rarer words begin")
    ends = [*cutoffs, vocab]
    if sorted(set(ends)) != ends or cutoffs[0] < 1:
        raise BadInput(f"{f.where}: field 'cutoffs' must rise and stay below vocab_size={vocab}")
    tails = tuple(
        Tail(rows=high - low, width=hidden // divisor ** (i + 1)) for i, (low, high) in enumerate(pairwise(ends))
    )
    mixer = S4(state=f.size("d_state"), tied=f.flag("tie_state"))
    channel = Dense(width=f.size("expand") * hidden, gated=False, bias=True, activation="gelu")
    block = [Layer(mixer=mixer)] * (f.size("s4_per_layer") - 1) + [Layer(mixer=mixer, channel=channel)]
    embedding = TokenEmbedding(vocab=vocab, tails=tails)
    layers = block * f.size("n_layers")
    built = stack(f, layers, tied=True, lm=lm, head_bias=True, hidden=hidden, norm="layer", embedding=embedding)
    return Architecture(stacks=(built,))


def hyena(f: Fields, lm: bool = True) -> Architecture:
    """Hyena as a language model (HazyResearch/safari, configs/experiment/pile)."""
    f.read.update(("fused_mlp", "fused_dropout_add_ln", "w", "modulate", "resid_dropout", "embed_dropout"))
    hidden, multiple, length = f.size("d_model"), f.size("pad_vocab_size_multiple", default=1), f.size("l_max")
    mixer = Hyena(
        order=f.size("order"),
        conv=f.size("short_filter_order"),
        filter_inputs=f.size("emb_dim"),
        filter_width=f.size("filter_order"),
        filter_layers=f.size("num_inner_mlps", zero=True),
        learned_positions=length if f.flag("learned_positions") else 0,
    )
    channel = Dense(width=f.size("d_inner"), gated=False, bias=True, activation="gelu")
    embedding = TokenEmbedding(vocab=-(-f.size("vocab_size") // multiple) * multiple)
    layers = [Layer(mixer=mixer, channel=channel)] * f.size("n_layer")
    built = stack(f, layers, tied=True, lm=lm, hidden=hidden, norm="layer", embedding=embedding)
    return Architecture(stacks=(built,))


def _own(prefix: str, read: Callable[[Fields, bool], Architecture], family: Family) -> kinds.Type:
    return replace(kinds.causal(prefix, read, family), library="whicharch")


TYPES: dict[str, kinds.Type] = {
    "hyena": _own("Hyena", hyena, "ssm"),
    "s4": _own("S4", s4, "ssm"),
    "samba": _own("Samba", samba, "hybrid"),
}
