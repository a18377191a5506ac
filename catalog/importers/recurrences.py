"""Models without attention: RWKV of four generations and xLSTM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from catalog.channel_mix import ChannelMix
from catalog.channels import Dense
from catalog.ends import TokenEmbedding
from catalog.errors import BadInput
from catalog.importers import kinds
from catalog.importers.decoders import stack, tied
from catalog.importers.fields import Fields
from catalog.mixers import Mixer, MLstm, Rwkv4, Rwkv5, Rwkv6, Rwkv7
from catalog.spec import Architecture, Layer


def _rwkv(f: Fields, lm: bool, mixers: Sequence[Mixer], channel: ChannelMix) -> Architecture:
    """Layer norms, one more behind the embedding."""
    layers = [Layer(mixer=mixer, channel=channel) for mixer in mixers]
    embedding = TokenEmbedding(vocab=f.size("vocab_size"), norm=True)
    whole = stack(f, layers, tied=tied(f, False), lm=lm, embedding=embedding, norm="layer")
    return Architecture(stacks=(whole,))


def rwkv4(f: Fields, lm: bool = True) -> Architecture:
    """RWKV-4."""
    f.read.update(("context_length", "rescale_every"))
    hidden = f.size("hidden_size")
    if f.size("attention_hidden_size", default=hidden) != hidden:
        raise BadInput(
            f"{f.where}: attention_hidden_size must be hidden_size={hidden}; the class keeps state that wide"
        )
    channel = ChannelMix(width=f.size("intermediate_size", default=4 * hidden))
    return _rwkv(f, lm, [Rwkv4(inner=hidden)] * f.size("num_hidden_layers"), channel)


def _heads(f: Fields) -> dict[str, int]:
    """Heads of fixed width that fill the attention's width."""
    hidden = f.size("hidden_size")
    width, d = f.size("attention_hidden_size", default=hidden), f.size("head_size", "head_dim", default=64)
    if width % d:
        raise BadInput(f"{f.where}: {width} channels do not divide into heads of {d}")
    return {"heads": width // d, "head_dim": d}


def _three_and_a_half(f: Fields) -> ChannelMix:
    """The usual inner width where none is given: 3.5 times the hidden one, a multiple of 32."""
    return ChannelMix(width=f.size("intermediate_size", default=f.size("hidden_size") * 7 // 2 // 32 * 32))


def rwkv5(f: Fields, lm: bool = True) -> Architecture:
    """RWKV-5, Eagle."""
    f.read.update(("context_length", "rescale_every", "num_attention_heads", "model_version", "head_size_divisor"))
    return _rwkv(f, lm, [Rwkv5(**_heads(f))] * f.size("num_hidden_layers"), _three_and_a_half(f))


def rwkv6(f: Fields, lm: bool = True) -> Architecture:
    """RWKV-6, Finch. Files name no ranks: they are 32 and 64, and twice that at width 4,096 (llama.cpp's converter)."""
    f.read.update(("context_length", "rescale_every", "num_attention_heads", "model_version", "head_size_divisor"))
    double = 2 if f.size("hidden_size") == 4096 else 1
    mixer = Rwkv6(**_heads(f), mix_rank=32 * double, decay_rank=64 * double)
    return _rwkv(f, lm, [mixer] * f.size("num_hidden_layers"), _three_and_a_half(f))


def rwkv7(f: Fields, lm: bool = True) -> Architecture:
    """RWKV-7, Goose: the first layer's value is mixed into those of the others."""
    hidden, ratio = f.size("hidden_size"), f.value("hidden_ratio", default=4.0)
    f.read.update(("num_heads", "context_length", "attn_mode", "fuse_norm", "fuse_cross_entropy", "use_l2warp"))
    for key in ("norm_first", "norm_bias"):
        if not f.flag(key, True):
            raise BadInput(
                f"{f.where}: {key}=false is not modelled: RWKV-7 has a norm behind its embedding, and biases"
            )
    if f.value("attn") is not None:
        raise BadInput(f"{f.where}: field 'attn' makes some layers attend, which is not modelled for RWKV-7")
    values: Any = f.value("value_dim", default=hidden)
    if any(width != hidden for width in (values if isinstance(values, list) else [values])):
        raise BadInput(f"{f.where}: field 'value_dim' must be hidden_size={hidden} in each layer")
    if not isinstance(ratio, int | float):
        raise BadInput(f"{f.where}: field 'hidden_ratio' is no number")
    first = Rwkv7(
        **_heads(f),
        decay_rank=f.size("decay_low_rank_dim"),
        rate_rank=f.size("a_low_rank_dim"),
        gate_rank=f.size("gate_low_rank_dim"),
    )
    other = first.model_copy(update={"value_rank": f.size("v_low_rank_dim")})
    channel = ChannelMix(width=f.size("intermediate_size", default=int(hidden * ratio)), receptance=False)
    return _rwkv(f, lm, [first] + [other] * (f.size("num_hidden_layers") - 1), channel)


def xlstm(f: Fields, lm: bool = True) -> Architecture:
    """xLSTM-7B: matrix memories and gated feed-forwards throughout.

    The class has its own head even where the configuration asks for a tied one, and a last norm whatever it says.
    """
    f.read.update(("tie_word_embeddings", "add_out_norm", "weight_mode", "norm_reduction_force_float32", "eps"))
    f.read.update(("gate_soft_cap", "output_logit_soft_cap", "inference_state_dtype", "autocast_kernel_dtype"))
    f.read.update(("chunkwise_kernel", "sequence_kernel", "step_kernel", "return_last_states", "head_dim"))
    hidden, heads, n = f.size("hidden_size"), f.size("num_heads"), f.size("num_hidden_layers")
    chunk = f.size("chunk_size")
    for key, expected in (("embedding_dim", hidden), ("num_blocks", n), ("mode", "inference"), ("use_bias", False)):
        if f.value(key, default=expected) != expected:
            raise BadInput(f"{f.where}: field {key!r} must be {expected!r} to be counted")
    if f.size("max_inference_chunksize") % chunk:
        raise BadInput(f"{f.where}: max_inference_chunksize must be a multiple of chunk_size={chunk}")
    widths = [round(hidden * _number(f, f"{name}_dim_factor")) for name in ("qk", "v")]
    if any(width % 64 or width % heads for width in widths):
        raise BadInput(f"{f.where}: keys and values, {widths} wide, must be multiples of 64 and of num_heads={heads}")
    multiple = f.size("ffn_round_up_to_multiple_of")
    inner = int((hidden * _number(f, "ffn_proj_factor") + multiple - 1) // multiple * multiple)
    mixer = MLstm(heads=heads, key_dim=widths[0] // heads, value_dim=widths[1] // heads, chunk=chunk)
    return Architecture(stacks=(stack(f, [Layer(mixer=mixer, channel=Dense(width=inner))] * n, tied=False, lm=lm),))


def _number(f: Fields, key: str) -> float:
    value = f.value(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise BadInput(f"{f.where}: field {key!r} is no positive number")
    return float(value)


def _ours(class_name: str, read: Callable[[Fields], Architecture]) -> kinds.Type:
    """A generation that no class of transformers builds; the witness is a module of our own."""
    return replace(kinds.only(class_name, "ssm", read), library="whicharch")


TYPES: dict[str, kinds.Type] = {
    "rwkv": kinds.causal("Rwkv", rwkv4, "ssm", tuned=False),
    "rwkv5": _ours("Rwkv5ForCausalLM", rwkv5),
    "rwkv6": _ours("Rwkv6ForCausalLM", rwkv6),
    "rwkv7": _ours("RWKV7ForCausalLM", rwkv7),
    "xlstm": kinds.causal("xLSTM", xlstm, "ssm", tuned=False),
}
