"""Inkling: attention with short convolutions around it, scores of distances, experts weighed against shared ones."""

from __future__ import annotations

from catalog.channels import Channel, Dense, Experts
from catalog.errors import BadInput
from catalog.extras import Learned
from catalog.importers import kinds
from catalog.importers.decoders import stack
from catalog.importers.fields import Fields
from catalog.importers.hybrids import named
from catalog.mixers import Attention, Smoothed
from catalog.spec import Architecture, Layer, TokenEmbedding

NAMES = {"hybrid": "hybrid", "hybrid_sliding": "hybrid_sliding"}


def inkling(f: Fields, lm: bool = True) -> Architecture:
    """Windows in five of six layers, with heads of their own; each layer convolves keys, values and what both blocks
    return. The head is never the embedding. Layers for predicting several tokens are not part of the PyTorch class."""
    f.read.update(("unpadded_vocab_size", "log_scaling_alpha", "log_scaling_n_floor", "number_of_conv_states"))
    f.read.update(("logits_mup_width_multiplier", "route_scale", "shared_expert_sink", "rms_norm_eps_moe_gate"))
    f.read.update(("num_mtp_layers", "chain_hidden_post_norm", "mtp_hidden_states_first", "mtp_local_layer_ids"))
    f.read.update(("local_layer_ids", "tie_word_embeddings", "mlp_layer_types", "dense_mlp_idx", "rel_extent"))
    local, n = f.value("local_layer_ids"), f.size("num_hidden_layers")

    def usual(i: int) -> str:
        return "hybrid_sliding" if (i in local if isinstance(local, list) else (i + 1) % 6) else "hybrid"

    kernel, window, width = (
        f.size("conv_kernel_size", "sconv_kernel_size"),
        f.size("sliding_window_size"),
        f.size("d_rel"),
    )
    mixers = {
        name: Attention(
            heads=f.size(f"{prefix}num_attention_heads"),
            kv_heads=f.size(f"{prefix}num_key_value_heads"),
            head_dim=f.size(f"{prefix}head_dim"),
            window=window if prefix else None,
            qk_norm="head",
            position="relative",
            smoothed=Smoothed(kernel=kernel, distance_width=width, reach=window if prefix else f.size("rel_extent")),
        )
        for name, prefix in (("hybrid_sliding", "swa_"), ("hybrid", ""))
    }
    dense_width = f.size("dense_intermediate_size", "intermediate_size")
    expert_width = f.size("intermediate_size" if f.value("dense_intermediate_size") else "moe_intermediate_size")
    f.read.update(("moe_intermediate_size", "intermediate_size"))
    shared = f.size("n_shared_experts")
    channels: dict[str, Channel] = {
        "dense": Dense(width=dense_width),
        "sparse": Experts(
            experts=f.size("n_routed_experts"),
            top_k=f.size("num_experts_per_tok"),
            width=expert_width,
            shared_width=shared * expert_width,
            shared_logits=shared,
        ),
    }
    first = f.size("dense_mlp_idx", default=0, zero=True)
    kinds_of = f.names("mlp_layer_types", n) or ["dense" if i < first else "sparse" for i in range(n)]
    if set(kinds_of) - set(channels):
        raise BadInput(f"{f.where}: field 'mlp_layer_types' must hold 'dense' and 'sparse'")
    layers = [
        Layer(
            mixer=mixers[name],
            channel=channels[kind],
            smoothing=kernel,
            extras=(Learned(name="global_scale", elements=1),),
        )
        for name, kind in zip(named(f, ("layer_types",), NAMES, usual), kinds_of, strict=True)
    ]
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), norm=True)
    return Architecture(stacks=(stack(f, layers, tied=False, lm=lm, embedding=embedding),))


TYPES: dict[str, kinds.Type] = {
    "inkling_text": kinds.causal("Inkling", inkling, "hybrid"),
}
