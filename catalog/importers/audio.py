"""Speech: encoders that hear, and the decoders that read them by cross-attention."""

from __future__ import annotations

from typing import Any, Literal

from catalog.audio import AudioEmbedding, Convolution
from catalog.channels import Dense
from catalog.errors import BadInput
from catalog.extras import Learned
from catalog.importers import kinds, seq2seq
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
    f.read.add("num_hidden_layers")
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


def moonshine(f: Fields) -> Architecture:
    """Moonshine (arXiv:2410.15608): an encoder over the wave itself, 384 samples a token, rotary positions."""
    hidden, width = f.size("hidden_size"), f.size("intermediate_size")
    step = f.value("pad_head_dim_to_multiple_of") and f.size("pad_head_dim_to_multiple_of")

    def layers(side: Literal["encoder", "decoder"], cross: bool) -> list[Layer]:
        heads, kv = f.size(f"{side}_num_attention_heads"), f.size(f"{side}_num_key_value_heads")
        if step and heads != f.size("encoder_num_attention_heads"):
            raise BadInput(f"{f.where}: pad_head_dim_to_multiple_of needs as many heads on both sides")
        if heads != kv:
            raise BadInput(f"{f.where}: {side}_num_key_value_heads={kv} must equal the {heads} heads")
        d, bias = f.size("head_dim", default=max(1, hidden // heads)), ("q", "k", "v")
        used = bias if f.flag("attention_bias") else ()
        padded = -(-d // step) * step if step and d % step else None
        layer = Layer(
            mixer=Attention(heads=heads, kv_heads=heads, head_dim=d, causal=cross, bias=used, padded=padded),
            cross=CrossAttention(heads=heads, head_dim=d, source="encoder", bias=used, padded=padded)
            if cross
            else None,
            channel=Dense(width=width, gated=cross, bias=True, activation=str(f.value(f"{side}_hidden_act"))),
        )
        return [layer] * f.size(f"{side}_num_hidden_layers")

    ears = AudioEmbedding(
        features=1,
        rate=16000,
        convolutions=(
            Convolution(outputs=hidden, kernel=127, stride=64, bias=False, norm="channel"),
            Convolution(outputs=2 * hidden, kernel=7, stride=3),
            Convolution(outputs=hidden, kernel=3, stride=2),
        ),
    )
    common: dict[str, Any] = {"hidden": hidden, "norm": "layer-no-bias"}
    encoder = Stack(name="encoder", role="encoder", embedding=ears, groups=fold(layers("encoder", False)), **common)
    decoder = Stack(
        name="decoder", role="decoder", embedding=TokenEmbedding(vocab=f.size("vocab_size")),
        groups=fold(layers("decoder", True)), heads=(LmHead(tied=f.flag("tie_word_embeddings", True)),), **common,
    )  # fmt: skip
    return Architecture(stacks=(encoder, decoder))


def speech_to_text(f: Fields) -> Architecture:
    """S2T (arXiv:2010.05171): gated convolutions with stride 2, then BART's layers with norms in front."""
    hidden, mid, count = f.size("d_model"), f.size("conv_channels"), f.size("num_conv_layers")
    kernels = f.value("conv_kernel_sizes")
    f.read.update(("max_source_positions", "max_target_positions", "num_hidden_layers"))
    if not isinstance(kernels, list) or len(kernels) != count:
        raise BadInput(f"{f.where}: field 'conv_kernel_sizes' must list {count} widths")
    ears = AudioEmbedding(
        features=f.size("input_feat_per_channel") * f.size("input_channels"),
        convolutions=tuple(
            Convolution(
                outputs=mid if i < count - 1 else 2 * hidden,
                kernel=kernel,
                stride=2,
                padding=kernel // 2 * 2,
                gated=True,
            )
            for i, kernel in enumerate(kernels)
        ),
    )
    common: dict[str, Any] = {"hidden": hidden, "norm": "layer"}
    encoder = Stack(name="encoder", role="encoder", embedding=ears, groups=fold(bart_layers(f, "encoder")), **common)
    decoder = Stack(
        name="decoder", role="decoder", embedding=TokenEmbedding(vocab=f.size("vocab_size")),
        groups=fold(bart_layers(f, "decoder", cross="encoder")),
        heads=(LmHead(tied=f.flag("tie_word_embeddings", True)),), **common,
    )  # fmt: skip
    return Architecture(stacks=(encoder, decoder))


def pop2piano(f: Fields) -> Architecture:
    """Pop2Piano (arXiv:2211.00895): T5 whose encoder takes mel frames as they are, after a row that names the style."""
    encoder, decoder = seq2seq.t5(f).stacks
    frames = AudioEmbedding(features=encoder.hidden)
    style = Learned(name="style", elements=f.size("composer_vocab_size") * encoder.hidden, table=True)
    f.read.update(("is_gated_act", "dense_act_fn", "tie_word_embeddings"))
    encoder = encoder.model_copy(update={"embedding": frames, "extras": (style,)})
    own = TokenEmbedding(vocab=f.size("vocab_size"))
    return Architecture(stacks=(encoder, decoder.model_copy(update={"embedding": own, "heads": (LmHead(),)})))


def trocr(f: Fields, class_name: str) -> Architecture:
    """TrOCR's decoder alone (arXiv:2109.10282): BART's, with cross-attention that has nothing to read."""
    kinds.ending(f, class_name, "TrOCR", ("ForCausalLM",))
    hidden, learned = f.size("d_model"), f.flag("use_learned_position_embeddings", True)
    source = f.value("cross_attention_hidden_size", default=hidden)
    layers = [unread_cross(layer, hidden, QKVO, source) for layer in bart_layers(f, "decoder", norms="post")]
    if not f.flag("tie_word_embeddings", True):
        raise BadInput(f"{f.where}: tie_word_embeddings=false is not modelled for trocr")
    embedding = TokenEmbedding(
        vocab=f.size("vocab_size"), positions=f.size("max_position_embeddings") + 2 if learned else 0,
        norm=f.flag("layernorm_embedding", True),
    )  # fmt: skip
    stack = Stack(
        name="decoder", role="decoder", hidden=hidden, norm="layer", embedding=embedding, groups=fold(layers),
        final_norm=False, heads=(LmHead(tied=True),),
    )  # fmt: skip
    return Architecture(stacks=(stack,))


TYPES: dict[str, kinds.Type] = {
    "pop2piano": kinds.only("Pop2PianoForConditionalGeneration", "speech", pop2piano),
    "trocr": kinds.Type("decoder", "TrOCRForCausalLM", trocr),
    "moonshine": kinds.only("MoonshineForConditionalGeneration", "speech", moonshine),
    "speech_to_text": kinds.only("Speech2TextForConditionalGeneration", "speech", speech_to_text),
    "whisper": kinds.Type("speech", "WhisperForConditionalGeneration", _whisper),
}
