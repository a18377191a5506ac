"""Speech: encoders that hear, and the decoders that read them by cross-attention."""

from __future__ import annotations

from typing import Any, Literal

from catalog.audio import AudioEmbedding, Convolution
from catalog.channels import Dense
from catalog.errors import BadInput
from catalog.extras import Learned
from catalog.importers import kinds
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.mixers import Attention, CrossAttention
from catalog.spec import Architecture, Layer, LmHead, Stack, TokenEmbedding

QVO = ("q", "v", "o")
QKVO = ("q", "k", "v", "o")


def whisper_ears(features: int, hidden: int, positions: int) -> AudioEmbedding:
    """Whisper's front end: two convolutions of width 3, the second with stride 2, and a table of positions."""
    return AudioEmbedding(
        features=features,
        convolutions=(
            Convolution(outputs=hidden, kernel=3, padding=2),
            Convolution(outputs=hidden, kernel=3, stride=2, padding=2),
        ),
        positions=positions,
    )


def bart_layers(f: Fields, side: Literal["encoder", "decoder"], **how: Any) -> list[Layer]:
    """Layers of one side under BART's names; ``bias`` and ``cross`` (the stack read) may be given."""
    hidden, heads = f.size("d_model", "hidden_size"), f.size(f"{side}_attention_heads")
    bias, cross = how.pop("bias", QKVO), how.pop("cross", None)
    if hidden % heads:
        raise BadInput(f"{f.where}: d_model={hidden} is not a multiple of {side}_attention_heads={heads}")
    d = hidden // heads
    mixer = Attention(heads=heads, kv_heads=heads, head_dim=d, causal=side == "decoder", bias=bias, position="absolute")
    act = str(f.value("activation_function", "hidden_act", default="gelu"))
    layer = Layer(
        mixer=mixer,
        cross=CrossAttention(heads=heads, head_dim=d, source=cross, bias=bias) if cross else None,
        channel=Dense(width=f.size(f"{side}_ffn_dim"), gated=False, bias=True, activation=act),
        **how,
    )
    return [layer] * f.size(f"{side}_layers")


def whisper(f: Fields) -> Architecture:
    """Whisper (arXiv:2212.04356): an encoder over 30 seconds of mel frames and a decoder that reads it.

    The encoder runs at the full length of its table of positions; shorter audio is padded.
    """
    hidden = f.size("d_model")
    encoder = Stack(
        name="encoder", role="encoder", hidden=hidden, norm="layer",
        embedding=whisper_ears(f.size("num_mel_bins"), hidden, f.size("max_source_positions")),
        groups=fold(bart_layers(f, "encoder", bias=QVO)),
    )  # fmt: skip
    decoder = _whisper_decoder(f, hidden, bart_layers(f, "decoder", bias=QVO, cross="encoder"))
    return Architecture(stacks=(encoder, decoder))


def _whisper_decoder(f: Fields, hidden: int, layers: list[Layer]) -> Stack:
    if not f.flag("tie_word_embeddings", True):
        raise BadInput(f"{f.where}: tie_word_embeddings=false is not modelled for whisper")
    return Stack(
        name="decoder", role="decoder", hidden=hidden, norm="layer",
        embedding=TokenEmbedding(vocab=f.size("vocab_size"), positions=f.size("max_target_positions")),
        groups=fold(layers), heads=(LmHead(tied=True),),
    )  # fmt: skip


def _whisper(f: Fields, class_name: str) -> Architecture:
    end = kinds.ending(f, class_name, "Whisper", ("Model", "ForConditionalGeneration", "ForCausalLM"))
    if end != "ForCausalLM":
        return whisper(f)
    f.read.update(name for name in f if name.startswith("encoder_"))
    f.read.update(("num_mel_bins", "max_source_positions"))
    hidden = f.size("d_model")
    layers = [unread_cross(layer, hidden, QVO) for layer in bart_layers(f, "decoder", bias=QVO)]
    return Architecture(stacks=(_whisper_decoder(f, hidden, layers),))


def unread_cross(layer: Layer, hidden: int, bias: tuple[str, ...], source: int | None = None) -> Layer:
    """A decoder's layer that holds cross-attention, which does not run, because there is no encoder."""
    elements = 2 * hidden * hidden + 2 * (source or hidden) * hidden + (len(bias) + 2) * hidden
    return layer.model_copy(update={"extras": (*layer.extras, Learned(name="unused_cross", elements=elements))})


TYPES: dict[str, kinds.Type] = {
    "whisper": kinds.Type("speech", "WhisperForConditionalGeneration", _whisper),
}
