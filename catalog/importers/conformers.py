"""Speech models whose encoder is a Conformer (arXiv:2005.08100)."""

from __future__ import annotations

from typing import Any

from catalog.audio import AudioEmbedding, Convolution
from catalog.channels import Dense
from catalog.conformer import ConvolutionModule
from catalog.connectors import Connector, Map
from catalog.distances import ProjectedDistances
from catalog.errors import BadInput
from catalog.importers import decoders, kinds
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.mixers import Attention, CrossAttention
from catalog.spec import Architecture, Layer, LmHead, Stack, TokenEmbedding

QKVO = ("q", "k", "v", "o")


def conformer_layer(
    mixer: Attention, width: int, kernel: int, *, ffn_bias: bool = True, bias: bool = False, act: str = "silu",
    channel_bias: bool = False, inner: int | None = None,
) -> Layer:  # fmt: skip
    """Half a feed-forward, attention, a convolution module, half a feed-forward, and a norm."""
    channel = Dense(width=width, gated=False, bias=ffn_bias, activation=act)
    local = ConvolutionModule(kernel=kernel, bias=bias, channel_bias=channel_bias, width=inner)
    return Layer(macaron=channel, mixer=mixer, local=local, channel=channel, norm_out=True)


def subsampling(f: Fields, hidden: int) -> AudioEmbedding:
    """Fast Conformer's front end: one plain convolution over time and mel bins, then one per channel and one over
    channels in turn (arXiv:2305.05084, section 2.1)."""
    channels, kernel = f.size("subsampling_conv_channels"), f.size("subsampling_conv_kernel_size")
    stride, factor = f.size("subsampling_conv_stride"), f.size("subsampling_factor")
    if factor & (factor - 1) or factor < 2:
        raise BadInput(f"{f.where}: subsampling_factor={factor} is not a power of two")
    times = factor.bit_length() - 1
    narrowing: dict[str, Any] = {"outputs": channels, "kernel": kernel, "stride": stride, "padding": kernel // 2 * 2}
    convolutions = [Convolution(**narrowing)]
    for _ in range(times - 1):
        convolutions += [Convolution(**narrowing, groups=channels), Convolution(outputs=channels, kernel=1)]
    return AudioEmbedding(
        features=f.size("num_mel_bins"), plane=True, convolutions=tuple(convolutions), projection=True
    )


def parakeet(f: Fields, **ends: Any) -> Stack:
    """Parakeet's encoder, a Fast Conformer."""
    hidden = f.size("hidden_size")
    biased, conv_bias = f.flag("attention_bias"), f.flag("convolution_bias")
    mixer = decoders.attention(
        f, causal=False, position="none", bias=QKVO if biased else (), distances=ProjectedDistances(per_sequence=True)
    )
    f.read.update(("scale_input", "dropout_positions", "layerdrop"))
    layer = conformer_layer(
        mixer, f.size("intermediate_size"), f.size("conv_kernel_size"), ffn_bias=biased, bias=conv_bias,
        channel_bias=conv_bias, act=str(f.value("hidden_act")),
    )  # fmt: skip
    return Stack(
        name="encoder", role="encoder", hidden=hidden, norm="layer", embedding=subsampling(f, hidden),
        groups=fold([layer] * f.size("num_hidden_layers")), final_norm=False, **ends,
    )  # fmt: skip


def _reader(f: Fields, *, tied: bool, positions: int) -> Stack:
    """The decoder that Canary and Cohere's model put on it."""
    hidden = f.size("hidden_size")
    biased = f.flag("attention_bias")
    mixer = decoders.attention(f, position="absolute", bias=QKVO if biased else ())
    cross = CrossAttention(
        heads=mixer.heads, kv_heads=mixer.kv_heads if mixer.kv_heads != mixer.heads else None,
        head_dim=mixer.head_dim, source="encoder", bias=mixer.bias,
    )  # fmt: skip
    channel = decoders.gated(f, gated=False, bias=True, activation=str(f.value("hidden_act")))
    return Stack(
        name="decoder", role="decoder", hidden=hidden, norm="layer",
        embedding=TokenEmbedding(vocab=f.size("vocab_size"), positions=positions, norm=True),
        groups=fold([Layer(mixer=mixer, cross=cross, channel=channel)] * f.size("num_hidden_layers")),
        heads=(LmHead(tied=tied, bias=True),),
    )  # fmt: skip


def canary(f: Fields) -> Architecture:
    """Canary: a Fast Conformer and a small decoder."""
    f.read.update(("vocab_size", "encoder_config", "decoder_config"))
    decoder = _reader(f.child("decoder_config"), tied=f.flag("tie_word_embeddings", True), positions=0)
    encoder = parakeet(f.child("encoder_config"))
    if encoder.hidden != decoder.hidden:
        raise BadInput(f"{f.where}: hidden_size of encoder_config and decoder_config differ")
    return Architecture(stacks=(encoder, decoder))


def cohere_asr(f: Fields) -> Architecture:
    """Cohere's transcriber: a Fast Conformer, carried to the width of a small decoder."""
    decoder = _reader(f, tied=f.flag("tie_word_embeddings"), positions=f.size("max_position_embeddings"))
    encoder = parakeet(f.child("encoder_config"), heads=(Connector(steps=(Map(outputs=decoder.hidden, again=True),)),))
    return Architecture(stacks=(encoder, decoder))


TYPES: dict[str, kinds.Type] = {
    "canary": kinds.only("CanaryForConditionalGeneration", "speech", canary),
    "cohere_asr": kinds.only("CohereAsrForConditionalGeneration", "speech", cohere_asr),
}
