"""Seamless M4T: one decoder of text, behind an encoder of speech or one of text (arXiv:2308.11596, 2312.05187)."""

from __future__ import annotations

from typing import Any

from catalog.audio import AudioEmbedding, Convolution
from catalog.channels import Dense
from catalog.distances import ProjectedDistances, TableDistances
from catalog.errors import BadInput, unknown
from catalog.extras import Extra, Learned, Linear
from catalog.importers import kinds
from catalog.importers.audio import bart_layers
from catalog.importers.conformers import conformer_layer
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.mixers import Attention
from catalog.spec import Architecture, Layer, LmHead, Stack, TokenEmbedding

QKVO = ("q", "k", "v", "o")
IDLE = (
    "t2u_", "vocoder_", "unit_", "upsample_", "resblock_", "lang_embed", "spkr_embed", "variance_", "char_", "max_",
    "num_conv_pos", "rotary_", "sampling_rate", "leaky_relu_slope", "var_pred_", "speech_encoder_dropout",
    "speech_encoder_layerdrop", "adaptor_dropout",
)  # fmt: skip
"""Beginnings of fields that only the parts read that make speech."""


def _distances(f: Fields) -> tuple[Any, str]:
    """Distances of the speech encoder's attention, and positions."""
    kind = f.value("position_embeddings_type")
    match kind:
        case "relative":
            return ProjectedDistances(), "none"
        case "relative_key":
            return TableDistances(
                rows=f.size("left_max_position_embeddings") + f.size("right_max_position_embeddings") + 1
            ), "none"
        case "rotary" | None:
            return None, "rotary" if kind else "none"
        case _:
            raise unknown(f"position_embeddings_type in {f.where}:", str(kind), ("relative", "relative_key", "rotary"))


def speech_stacks(f: Fields) -> tuple[Stack, ...]:
    """A Conformer, and adapter layers that make an eighth of its tokens."""
    hidden, heads, width = (
        f.size("hidden_size"),
        f.size("speech_encoder_attention_heads"),
        f.size("speech_encoder_intermediate_size"),
    )
    if hidden % heads:
        raise BadInput(f"{f.where}: hidden_size={hidden} is not a multiple of speech_encoder_attention_heads={heads}")
    distances, position = _distances(f)
    plain = Attention(heads=heads, kv_heads=heads, head_dim=hidden // heads, causal=False, bias=QKVO, position="none")
    mixer = plain.model_copy(update={"distances": distances, "position": position})
    act = str(f.value("speech_encoder_hidden_act"))
    layer = conformer_layer(mixer, width, f.size("conv_depthwise_kernel_size"), act=act)
    channel = Dense(width=width, gated=False, bias=True)
    layers = [layer] * f.size("speech_encoder_layers") + [Layer(channel=channel, norms="none")]
    rounds = f.size("num_adapter_layers") if f.flag("add_adapter", True) else 0
    f.read.update(
        (
            "num_adapter_layers",
            "adaptor_kernel_size",
            "adaptor_stride",
            "speech_encoder_chunk_size",
            "speech_encoder_left_chunk_num",
        )
    )
    inner: tuple[Extra, ...] = () if rounds else (Learned(name="inner_norm", elements=2 * hidden),)
    ears = AudioEmbedding(features=f.size("feature_projection_input_dim"), rate=50, input_norm=True, projection=True)
    common: dict[str, Any] = {"hidden": hidden, "norm": "layer"}
    stacks = [
        Stack(
            name="speech" if rounds else "encoder", role="audio" if rounds else "encoder", embedding=ears,
            groups=fold(layers), extras=inner, **common,
        )
    ]  # fmt: skip
    rate = 50.0
    for i in range(rounds):
        kernel, stride = f.size("adaptor_kernel_size"), f.size("adaptor_stride")
        narrowing = Convolution(outputs=2 * hidden, kernel=kernel, stride=stride, padding=stride // 2 * 2, gated=True)
        last = i == rounds - 1
        stacks.append(
            Stack(
                name="encoder" if last else f"adapter{i}", role="encoder" if last else "audio", final_norm=last,
                embedding=AudioEmbedding(features=hidden, rate=rate, reads=stacks[-1].name, convolutions=(narrowing,)),
                groups=fold([Layer(mixer=plain, channel=channel.model_copy(update={"activation": "relu"}))]),
                extras=(
                    Linear(name="residual_convolution", inputs=kernel * hidden, outputs=2 * hidden, bias=True),
                    Learned(name="residual_norm", elements=2 * hidden),
                ),
                **common,
            )
        )  # fmt: skip
        rate /= stride
    return tuple(stacks)


def seamless(f: Fields, class_name: str, prefix: str) -> Architecture:
    """The decoder of text with the encoder that the class has."""
    end = kinds.ending(f, class_name, prefix, ("ForTextToText", "ForSpeechToText"))
    f.read.update(key for key in f if key.startswith(IDLE))
    hidden, vocab = f.size("hidden_size"), f.size("vocab_size")
    if not f.flag("tie_word_embeddings", True):
        raise BadInput(f"{f.where}: tie_word_embeddings=false is not modelled for Seamless M4T")
    common: dict[str, Any] = {"hidden": hidden, "norm": "layer"}
    if end == "ForSpeechToText":
        f.read.update(key for key in f if key.startswith("encoder_"))
        before = speech_stacks(f)
    else:
        f.read.update(
            key for key in f if key.startswith(("speech_encoder_", "adaptor_", "conv_", "feature_", "left_", "right_"))
        )
        f.read.update(("position_embeddings_type", "num_adapter_layers", "add_adapter"))
        layers = bart_layers(f, "encoder")
        before = (
            Stack(name="encoder", role="encoder", embedding=TokenEmbedding(vocab=vocab), groups=fold(layers), **common),
        )
    decoder = Stack(
        name="decoder", role="decoder",
        embedding=TokenEmbedding(vocab=vocab, shared_with="encoder" if end == "ForTextToText" else None),
        groups=fold(bart_layers(f, "decoder", cross="encoder")), heads=(LmHead(tied=True),), **common,
    )  # fmt: skip
    return Architecture(stacks=(*before, decoder))


def _type(prefix: str) -> kinds.Type:
    return kinds.Type("speech", f"{prefix}ForSpeechToText", lambda f, name: seamless(f, name, prefix))


TYPES: dict[str, kinds.Type] = {
    "seamless_m4t": _type("SeamlessM4T"),
    "seamless_m4t_v2": _type("SeamlessM4Tv2"),
}
