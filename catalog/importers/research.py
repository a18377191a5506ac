"""Research models without a class in transformers, in their authors' own words; their witnesses are our own modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from catalog.channels import Dense
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.decoders import stack
from catalog.importers.fields import Fields
from catalog.mixers import Attention, Mamba
from catalog.spec import Architecture, Family, Layer


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


def _own(prefix: str, read: Callable[[Fields, bool], Architecture], family: Family) -> kinds.Type:
    return replace(kinds.causal(prefix, read, family), library="whicharch")


TYPES: dict[str, kinds.Type] = {
    "samba": _own("Samba", samba, "hybrid"),
}
