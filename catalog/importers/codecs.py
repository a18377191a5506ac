"""Speech models that read or write the codes of an audio codec."""

from __future__ import annotations

from typing import Any

from catalog.audio import AudioEmbedding, Convolution
from catalog.channels import Dense
from catalog.connectors import Connector, Map, Normalise
from catalog.errors import BadInput
from catalog.extras import Extra, Learned, Linear
from catalog.importers import decoders, kinds
from catalog.importers.audio_decoders import moshi_layers
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.multimodal.text import language
from catalog.mixers import Attention, CrossAttention
from catalog.spec import Architecture, Layer, LmHead, Stack, TokenEmbedding


def _sizes(f: Fields, key: str, length: int | None = None) -> list[int]:
    value: list[int] = f.value(key)
    if not isinstance(value, list) or not all(isinstance(n, int) and n > 0 for n in value):
        raise BadInput(f"{f.where}: field {key!r} must be a list of positive integers")
    if length is not None and len(value) != length:
        raise BadInput(f"{f.where}: field {key!r} has {len(value)} entries; expected {length}")
    return value


def tokenizer(f: Fields, name: str, width: int) -> Stack:
    """VibeVoice's encoder of sound: convolutions that double the channels, blocks of ConvNeXt between them; the blocks
    of the last stage are the stack's layers."""
    ratios = _sizes(f, "downsampling_ratios")
    depths = _sizes(f, "depths", len(ratios) + 1)
    channels, kernel, wide = f.size("num_filters"), f.size("kernel_size"), f.size("ffn_expansion")
    f.read.update(("layer_scale_init_value", "vae_std", "weight_init_value"))
    convolutions = [Convolution(outputs=channels, kernel=kernel, padding=kernel - 1)]
    vectors = 0
    for depth, ratio in zip(depths, ratios, strict=False):
        block = (
            Convolution(outputs=channels, kernel=kernel, padding=kernel - 1, groups=channels),
            Convolution(outputs=wide * channels, kernel=1),
            Convolution(outputs=channels, kernel=1),
        )
        convolutions += block * depth
        vectors += 4 * channels * depth
        channels *= 2
        convolutions.append(Convolution(outputs=channels, kernel=2 * ratio, stride=ratio, padding=ratio))
    layer = Layer(
        channel=Dense(width=wide * channels, gated=False, bias=True, activation="gelu"),
        layer_scale=True,
        extras=(
            Linear(name="convolution", inputs=kernel, outputs=channels, bias=True),
            Learned(name="convolution.norm_and_scale", elements=2 * channels),
        ),
    )
    inner = f.size("hidden_size")
    ends: tuple[Extra, ...] = (
        Learned(name="stages.norms_and_scales", elements=vectors),
        Linear(name="codes", inputs=kernel * channels, outputs=inner, bias=True),
    )
    steps = (Map(outputs=width, inputs=inner), Normalise(norm="rms"), Map(outputs=width))
    return Stack(
        name=name, role="audio", hidden=channels, final_norm=False,
        embedding=AudioEmbedding(features=f.size("channels"), rate=24000, convolutions=tuple(convolutions)),
        groups=fold([layer] * depths[-1]), extras=ends, heads=(Connector(steps=steps),),
    )  # fmt: skip


def _undone(f: Fields) -> int:
    """Parameters of the tokenizer's mirror image, which turns codes into sound."""
    ratios = _sizes(f, "downsampling_ratios")
    depths = _sizes(f, "depths", len(ratios) + 1)
    kernel, wide = f.size("kernel_size"), f.size("ffn_expansion")
    channels = f.size("num_filters") << len(ratios)
    total = kernel * f.size("hidden_size") * channels + channels

    def blocks(count: int, c: int) -> int:
        return count * (c * (kernel + 1) + 2 * wide * c * c + wide * c + c + 4 * c)

    total += blocks(depths[-1], channels)
    for depth, ratio in zip(reversed(depths[:-1]), reversed(ratios), strict=True):
        total += 2 * ratio * channels * (channels // 2) + channels // 2
        channels //= 2
        total += blocks(depth, channels)
    samples = f.size("channels")
    return total + (kernel * channels + 1) * samples


def vibevoice_asr(f: Fields) -> Architecture:
    """VibeVoice as transcriber: two encoders of sound, whose codes are added, and a language model."""
    decoder = language(f, f.child("text_config"), tied=False)
    f.read.add("acoustic_tokenizer_chunk_size")
    ears = tuple(
        tokenizer(f.child(f"{name}_tokenizer_encoder_config"), name, decoder.hidden)
        for name in ("acoustic", "semantic")
    )
    return Architecture(stacks=(*ears, decoder))


def vibevoice(f: Fields) -> Architecture:
    """VibeVoice as speaker (arXiv:2508.19205): a small denoiser makes each code from what the language model says.

    The denoiser and the codec's decoder are counted as parameters only.
    """
    text = f.child("text_config")
    decoder = language(f, text, text.flag("tie_word_embeddings"))
    acoustic, d = f.child("audio_config"), f.child("diffusion_head_config")
    d.read.add("hidden_size")
    f.read.add("tie_word_embeddings")
    h, latent, width = decoder.hidden, d.size("latent_size"), d.size("intermediate_size")
    f.read.update(("diffusion_loss_weight", "vocab_size"))
    head = latent * h + decoder.hidden * h + d.size("frequency_embedding_size") * h + h * h
    head += d.size("num_hidden_layers") * (3 * width * h + h + 3 * h * h) + 2 * h * h + h * latent
    if d.flag("mlp_bias"):
        head += d.size("num_hidden_layers") * (2 * width + h)
    extras: tuple[Extra, ...] = (
        Learned(name="denoiser", elements=head),
        Learned(name="latent_scale_and_bias", elements=2),
        Learned(name="codec_decoder", elements=_undone(acoustic)),
    )
    ears = (
        tokenizer(acoustic, "acoustic", decoder.hidden),
        tokenizer(f.child("semantic_model_config"), "semantic", decoder.hidden),
    )
    return Architecture(stacks=(*ears, decoder.model_copy(update={"extras": (*decoder.extras, *extras)})))


def mimi(f: Fields) -> Stack:
    """Mimi (arXiv:2410.00037, section 3.3): convolutions, a small causal transformer, codes; the half that turns codes
    into sound is counted as parameters only."""
    ratios, channels = _sizes(f, "upsampling_ratios"), f.size("num_filters")
    kernel, last, small = f.size("kernel_size"), f.size("last_kernel_size"), f.size("residual_kernel_size")
    blocks, squeeze, hidden = f.size("num_residual_layers"), f.size("compress"), f.size("hidden_size")
    if f.flag("use_conv_shortcut"):
        raise BadInput(f"{f.where}: use_conv_shortcut=true is not modelled")
    convolutions = [Convolution(outputs=channels, kernel=kernel, padding=kernel - 1)]
    back = hidden * kernel * (channels << len(ratios)) + (channels << len(ratios))
    back += channels * last * f.size("audio_channels") + f.size("audio_channels")
    for ratio in reversed(ratios):
        narrow = channels // squeeze
        block = (
            Convolution(outputs=narrow, kernel=small, padding=small - 1),
            Convolution(outputs=channels, kernel=1),
        )
        convolutions += block * blocks
        back += blocks * (channels * narrow * (small + 1) + narrow + channels)
        back += 2 * ratio * channels * channels * 2 + channels
        channels *= 2
        convolutions.append(Convolution(outputs=channels, kernel=2 * ratio, stride=ratio, padding=ratio))
    convolutions.append(Convolution(outputs=hidden, kernel=last, padding=last - 1))
    mixer: Attention = decoders.attention(f, window=f.size("sliding_window"))
    channel = Dense(width=f.size("intermediate_size"), gated=False, activation="gelu")
    n = f.size("num_hidden_layers")
    inner, kv = mixer.heads * mixer.head_dim, mixer.kv_heads * mixer.head_dim
    layer = 2 * hidden * (inner + kv) + 2 * channel.width * hidden + 6 * hidden
    codes = f.size("vector_quantization_hidden_dimension")
    f.read.update(
        "codebook_dim codebook_size dilation_growth_rate layer_scale_initial_scale num_quantizers sampling_rate "
        "num_semantic_quantizers pad_mode trim_right_ratio upsample_groups use_causal_conv use_streaming".split()
    )
    extras: tuple[Extra, ...] = (
        Linear(name="halve", inputs=4 * hidden, outputs=hidden),
        Learned(name="quantizers", elements=4 * codes * hidden),
        Learned(name="decoder.upsample", elements=4 * hidden * hidden // f.size("upsample_groups")),
        Learned(name="decoder.layers", elements=n * layer),
        Learned(name="decoder.convolutions", elements=back),
    )
    return Stack(
        name="audio", role="audio", hidden=hidden, norm="layer", final_norm=False,
        embedding=AudioEmbedding(features=f.size("audio_channels"), rate=24000, convolutions=tuple(convolutions)),
        groups=fold([Layer(mixer=mixer, channel=channel, layer_scale=True)] * n), extras=extras,
    )  # fmt: skip


def kyutai(f: Fields) -> Architecture:
    """Kyutai's transcriber: a Moshi that reads Mimi's codes, all codebooks in one table, and writes text."""
    vocab, books = f.size("vocab_size"), f.size("num_codebooks")
    f.read.update(("audio_bos_token_id", "audio_pad_token_id", "max_position_embeddings"))
    if f.flag("tie_word_embeddings"):
        raise BadInput(f"{f.where}: tie_word_embeddings=true is not modelled for kyutai_speech_to_text")
    table = TokenEmbedding(vocab=vocab + books * f.size("codebook_vocab_size") + 1)
    decoder = decoders.stack(f, moshi_layers(f), tied=False, lm=False, embedding=table)
    decoder = decoder.model_copy(update={"heads": (LmHead(vocab=vocab),)})
    return Architecture(stacks=(mimi(f.child("codec_config", "mimi")), decoder))


def dia(f: Fields) -> Architecture:
    """Dia: text in, codes of nine codebooks out, all in one table."""
    e, d = f.child("encoder_config"), f.child("decoder_config")
    f.read.update(("delay_pattern", "norm_eps"))
    encoder_layer = Layer(mixer=decoders.attention(e, causal=False, bias=()), channel=decoders.gated(e, bias=False))
    cross = CrossAttention(
        heads=d.size("cross_num_attention_heads"), kv_heads=d.size("cross_num_key_value_heads"),
        head_dim=d.size("cross_head_dim"), source="encoder", source_width=d.size("cross_hidden_size"),
    )  # fmt: skip
    decoder_layer = Layer(mixer=decoders.attention(d, bias=()), cross=cross, channel=decoders.gated(d, bias=False))
    words: dict[str, Any] = {"vocab": d.size("num_channels") * d.size("vocab_size")}
    encoder = Stack(
        name="encoder", role="encoder", hidden=e.size("hidden_size"),
        embedding=TokenEmbedding(vocab=e.size("vocab_size")),
        groups=fold([encoder_layer] * e.size("num_hidden_layers")),
    )  # fmt: skip
    decoder = Stack(
        name="decoder", role="decoder", hidden=d.size("hidden_size"), embedding=TokenEmbedding(**words),
        groups=fold([decoder_layer] * d.size("num_hidden_layers")), heads=(LmHead(),),
    )  # fmt: skip
    return Architecture(stacks=(encoder, decoder))


TYPES: dict[str, kinds.Type] = {
    "dia": kinds.only("DiaForConditionalGeneration", "speech", dia, "parameters"),
    "kyutai_speech_to_text": kinds.only("KyutaiSpeechToTextForConditionalGeneration", "speech", kyutai, "parameters"),
    "vibevoice": kinds.only("VibeVoiceForConditionalGeneration", "speech", vibevoice, "parameters"),
    "vibevoice_asr": kinds.only("VibeVoiceAsrForConditionalGeneration", "speech", vibevoice_asr, "parameters"),
}
