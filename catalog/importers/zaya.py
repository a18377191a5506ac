"""ZAYA: attention with convolved queries and keys, and experts behind a router that is a small network."""

from __future__ import annotations

from catalog.channels import Experts
from catalog.errors import BadInput
from catalog.extras import Extra, Learned
from catalog.importers import kinds
from catalog.importers.decoders import attention, decoder
from catalog.importers.fields import Fields
from catalog.importers.hybrids import named
from catalog.mixers.attention import Convolved
from catalog.spec import Architecture, Layer

NAMES = {"hybrid": "hybrid", "hybrid_sliding": "hybrid_sliding"}


def zaya(f: Fields, lm: bool = True) -> Architecture:
    """ZAYA1: beside each expert the router may choose none; its input carries over from layer to layer, scaled."""
    hidden, router = f.size("hidden_size"), f.size("router_hidden_size")
    convolved = Convolved(depthwise=f.size("cca_time0"), grouped=f.size("cca_time1"))
    if not convolved.kept:
        raise BadInput(
            f"{f.where}: fields 'cca_time0' and 'cca_time1' are both 1; the PyTorch class needs a column more"
        )
    mixer = attention(f, qk_norm="plain", convolved=convolved)
    if mixer.kv_heads * mixer.head_dim % 2:
        raise BadInput(f"{f.where}: num_key_value_heads·head_dim is odd; half of the values are the last token's")
    moe = Experts(
        experts=f.size("num_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=f.size("moe_intermediate_size"),
        router_width=router,
        idle=1,
    )
    layers = []
    for i, name in enumerate(named(f, ("layer_types",), NAMES, lambda i: "hybrid")):
        own: tuple[Extra, ...] = (Learned(name="residual_scaling", elements=8 * hidden),)
        if i:
            own = (*own, Learned(name="router_carry", elements=router))
        window = f.size("sliding_window") if name == "hybrid_sliding" else None
        layers.append(Layer(mixer=mixer.model_copy(update={"window": window}), channel=moe, extras=own))
    scaling = (Learned(name="input_scaling", elements=2 * hidden),)
    return decoder(f, lm, layers, head_bias=f.flag("lm_head_bias"), extras=scaling)


TYPES: dict[str, kinds.Type] = {
    "zaya": kinds.causal("Zaya", zaya, "hybrid"),
}
