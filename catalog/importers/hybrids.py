"""Decoders that mix attention with scans, recurrences or short convolutions, beyond those in ``recurrent``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from catalog.channels import Channel, Dense, Experts
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.decoders import QKVO, attention, decoder, gated, windows
from catalog.importers.fields import Fields
from catalog.mixers import Mamba2, ParallelHeads, RgLru, ShortConvolution
from catalog.spec import Architecture, Layer

RECURRENT = {"mamba": "mamba", "linear_attention": "mamba", "recurrent": "mamba"}
ATTENDING = {"attention": "attention", "full_attention": "attention"}


def named(f: Fields, keys: Sequence[str], known: Mapping[str, str], usual: Callable[[int], str]) -> list[str]:
    """What each layer is, in our words: from the first of ``keys`` that is given, else by the type's rule.

    Raises:
        BadInput: If a name is unknown or the list does not fit the number of layers.
    """
    n = f.size("num_hidden_layers")
    given = next((names for key in keys if (names := f.names(key, n)) is not None), None)
    names = [usual(i) for i in range(n)] if given is None else given
    if unknown := sorted(set(names) - set(known)):
        raise BadInput(f"{f.where}: field {keys[0]!r} holds {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return [known[name] for name in names]


def hybrid_mamba2(f: Fields, inner: int, **rest: bool | None) -> Mamba2:
    """Mamba-2 under the names of Bamba's descendants.

    Raises:
        BadInput: If heads and head width do not make up the inner width.
    """
    heads, width = f.size("mamba_n_heads"), f.value("mamba_d_head", default="auto")
    head_dim = max(1, inner // heads) if width == "auto" else f.size("mamba_d_head")
    if heads * head_dim != inner:
        raise BadInput(f"{f.where}: mamba_n_heads·mamba_d_head={heads * head_dim} differs from the inner width {inner}")
    return Mamba2(
        heads=heads,
        head_dim=head_dim,
        state=f.size("mamba_d_state"),
        groups=f.size("mamba_n_groups"),
        conv=f.size("mamba_d_conv"),
        chunk=f.size("mamba_chunk_size"),
        bias=f.flag("mamba_proj_bias"),
        conv_bias=f.flag("mamba_conv_bias", True),
        **rest,
    )


def falcon_h1(f: Fields, lm: bool = True) -> Architecture:
    """Falcon-H1: attention heads and Mamba-2 heads side by side in every layer."""
    f.read.update(("mamba_expand", "mamba_norm_before_gate", "mlp_expansion_factor", "mamba_use_mlp"))
    f.read.update(("lm_head_multiplier", "mlp_multipliers", "key_multiplier", "ssm_multipliers", "ssm_in_multiplier"))
    f.read.update(("ssm_out_multiplier", "attention_in_multiplier", "attention_out_multiplier", "attn_layer_indices"))
    inner = f.size("mamba_d_ssm", default=f.size("mamba_expand") * f.size("hidden_size"))
    out_bias, bias = f.flag("projectors_bias"), f.flag("mamba_proj_bias")
    scan = hybrid_mamba2(f, inner, norm=f.flag("mamba_rms_norm"), out_bias=None if out_bias == bias else out_bias)
    mixer = ParallelHeads(attention=attention(f), scan=scan)
    return decoder(f, lm, [Layer(mixer=mixer, channel=gated(f))] * f.size("num_hidden_layers"))


def granitemoehybrid(f: Fields, lm: bool = True) -> Architecture:
    """Granite 4: Mamba-2 with attention in a few listed layers; experts beside a feed-forward that all tokens visit, or
    the latter alone."""
    f.read.update(("num_experts_per_tok", "intermediate_size", "normalization_function", "layers_block_type"))
    scan = hybrid_mamba2(f, f.size("mamba_expand") * f.size("hidden_size"))
    rope = f.value("position_embedding_type") == "rope"
    mixers = {"mamba": scan, "attention": attention(f, position="rotary" if rope else "none")}
    shared = f.size("shared_intermediate_size")
    channel: Channel = Dense(width=shared)
    if experts := f.size("num_local_experts", zero=True):
        top_k, width = f.size("num_experts_per_tok"), f.size("intermediate_size")
        channel = Experts(experts=experts, top_k=top_k, width=width, shared_width=shared)
    names = named(f, ("layer_types", "layers_block_type"), RECURRENT | ATTENDING, lambda i: "mamba")
    return decoder(f, lm, [Layer(mixer=mixers[name], channel=channel) for name in names])


def _granite_swa(f: Fields, lm: bool, channel: Channel) -> Architecture:
    """Windows in three of four layers, sinks in all; a layer whose rotary base is 0 has no positions."""
    n, sliding = f.size("num_hidden_layers"), windows(f, lambda i: i % 4 != 0)
    bases = f.value("layer_rope_theta", default=[1] * n)
    if not isinstance(bases, list) or len(bases) != n:
        raise BadInput(f"{f.where}: field 'layer_rope_theta' must list a base for each of {n} layers")
    layers = [
        Layer(mixer=attention(f, window=w, sinks=True, position="rotary" if base else "none"), channel=channel)
        for w, base in zip(sliding, bases, strict=True)
    ]
    return decoder(f, lm, layers)


def granite_swa(f: Fields, lm: bool = True) -> Architecture:
    """Granite with windows and attention sinks."""
    return _granite_swa(f, lm, gated(f))


def granitemoe_swa(f: Fields, lm: bool = True) -> Architecture:
    """The same with experts in every layer, and a shared one where a width is given."""
    moe = Experts(
        experts=f.size("num_local_experts"),
        top_k=f.size("num_experts_per_tok"),
        width=f.size("intermediate_size"),
        shared_width=f.size("shared_intermediate_size", zero=True),
    )
    return _granite_swa(f, lm, moe)


def _short_convolution(f: Fields) -> ShortConvolution:
    return ShortConvolution(kernel=f.size("conv_L_cache"), bias=f.flag("conv_bias"))


LFM = {
    "conv": "conv",
    "short_conv": "conv",
    "full_attention": "full_attention",
    "sliding_attention": "sliding_attention",
}


def _lfm2_mixers(f: Fields) -> list[Layer]:
    """Layers of LFM2 without their feed-forward: attention where listed, with norms on each head's queries and keys,
    else short convolutions."""
    f.read.update(("full_attn_idxs", "conv_dim", "conv_dim_out", "block_dim", "conv_use_xavier_init", "theta"))
    f.read.update(("block_use_swiglu", "block_use_xavier_init", "block_norm_eps", "block_mlp_init_scale"))
    f.read.add("block_out_init_scale")
    places = f.value("full_attn_idxs", default=list(range(f.size("num_hidden_layers"))))
    names = named(f, ("layer_types",), LFM, lambda i: "full_attention" if i in places else "conv")
    if "sliding_attention" in names:
        raise BadInput(f"{f.where}: field 'layer_types' holds sliding_attention, which LFM2's class does not build")
    mixers = {"conv": _short_convolution(f), "full_attention": attention(f, qk_norm="head", bias=())}
    return [Layer(mixer=mixers[name]) for name in names]


def _with_channels(layers: list[Layer], channel: Callable[[int], Channel]) -> list[Layer]:
    return [layer.model_copy(update={"channel": channel(i)}) for i, layer in enumerate(layers)]


def lfm2(f: Fields, lm: bool = True) -> Architecture:
    """LFM2: short convolutions with attention in a few layers; two thirds of the given width, rounded up."""
    width = f.size("block_ff_dim", "intermediate_size")
    if f.flag("block_auto_adjust_ff_dim", True):
        times, step = f.value("block_ffn_dim_multiplier", default=1.0), f.size("block_multiple_of")
        if isinstance(times, bool) or not isinstance(times, int | float) or not 0 < times < 2**20:
            raise BadInput(f"{f.where}: field 'block_ffn_dim_multiplier' must be a positive number")
        width = step * -(-int(times * (2 * width // 3)) // step)
    f.read.add("intermediate_size")
    f.read.update(("block_multiple_of", "block_ffn_dim_multiplier"))
    return _lfm2_decoder(f, lm, _with_channels(_lfm2_mixers(f), lambda i: Dense(width=width)))


def lfm2_moe(f: Fields, lm: bool = True) -> Architecture:
    """LFM2 with experts behind the first layers; their correction biases are buffers."""
    f.read.add("use_expert_bias")
    dense = f.size("num_dense_layers", zero=True)
    moe = Experts(
        experts=f.size("num_experts"), top_k=f.size("num_experts_per_tok"), width=f.size("moe_intermediate_size")
    )
    channel = Dense(width=f.size("intermediate_size"))
    return _lfm2_decoder(f, lm, _with_channels(_lfm2_mixers(f), lambda i: channel if i < dense else moe))


def _lfm2_decoder(f: Fields, lm: bool, layers: list[Layer]) -> Architecture:
    """Tied also where the file says so by its older name."""
    if "tie_embedding" in f and f.flag("tie_embedding") != f.flag("tie_word_embeddings"):
        raise BadInput(f"{f.where}: fields 'tie_embedding' and 'tie_word_embeddings' disagree; leave out the latter")
    return decoder(f, lm, layers)


def lfm3(f: Fields, lm: bool = True) -> Architecture:
    """LFM3: LFM2 with windows in every fourth layer, a gate per head, and norms before and after each block."""

    def usual(i: int) -> str:
        return "full_attention" if i % 4 == 2 else "sliding_attention" if i % 4 == 0 and i > 0 else "conv"

    gate = "head" if f.flag("use_attention_gate", True) else None
    attends = attention(f, qk_norm="head", gate=gate)
    window = {"window": f.size("sliding_window")} if f.value("sliding_window") is not None else {}
    mixers = {
        "conv": _short_convolution(f),
        "full_attention": attends,
        "sliding_attention": attends.model_copy(update=window),
    }
    norms = "sandwich" if f.flag("use_sandwich_norm", True) else "pre"
    names = named(f, ("layer_types",), LFM, usual)
    return decoder(f, lm, [Layer(mixer=mixers[name], channel=gated(f, bias=False), norms=norms) for name in names])


def recurrent_gemma(f: Fields, lm: bool = True) -> Architecture:
    """RecurrentGemma (Griffin): two recurrent layers, then one of windowed attention with a bias behind it.

    The given feed-forward width is twice that of one branch.
    """
    f.read.update(("final_w_init_variance_scale", "w_init_variance_scale", "layers_block_type", "layer_types"))
    f.read.update(("embeddings_scale_by_sqrt_dim", "logits_soft_cap"))
    cycle, n = f.names("block_types") or [], f.size("num_hidden_layers")
    if not cycle or set(cycle) - {"recurrent", "attention"}:
        raise BadInput(f"{f.where}: field 'block_types' must list the blocks 'recurrent' and 'attention'")
    heads, hidden = f.size("num_attention_heads"), f.size("hidden_size")
    bias = QKVO if f.flag("attention_bias") else ("o",)
    f.read.add("head_dim")
    attends = attention(f, window=f.size("attention_window_size"), bias=bias, head_dim=max(1, hidden // heads))
    width = f.size("lru_width", default=hidden)
    mixers = {"attention": attends, "recurrent": RgLru(width=width, heads=heads, conv=f.size("conv1d_width"))}
    channel = Dense(width=f.size("intermediate_size") // 2, bias=True, activation="gelu")
    layers = [Layer(mixer=mixers[cycle[i % len(cycle)]], channel=channel) for i in range(n)]
    return decoder(f, lm, layers)


TYPES: dict[str, kinds.Type] = {
    "falcon_h1": kinds.causal("FalconH1", falcon_h1, "hybrid"),
    "granite_swa": kinds.causal("GraniteSWA", granite_swa),
    "granitemoe_swa": kinds.causal("GraniteMoeSWA", granitemoe_swa, "moe"),
    "granitemoehybrid": kinds.causal("GraniteMoeHybrid", granitemoehybrid, "hybrid"),
    "lfm2": kinds.causal("Lfm2", lfm2, "hybrid"),
    "lfm2_moe": kinds.causal("Lfm2Moe", lfm2_moe, "hybrid"),
    "lfm3": kinds.causal("Lfm3", lfm3, "hybrid"),
    "recurrent_gemma": kinds.causal("RecurrentGemma", recurrent_gemma, "hybrid"),
}
