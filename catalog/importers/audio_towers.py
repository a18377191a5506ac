"""Speech models whose towers no other has: Granite's, Fun-ASR's and NeMo's."""

from __future__ import annotations

from typing import Any

from catalog.audio import AudioEmbedding, Convolution
from catalog.channels import Dense
from catalog.connectors import Connector, Map
from catalog.distances import TableDistances
from catalog.ends import QueryEmbedding
from catalog.errors import BadInput
from catalog.extras import Extra, Learned, Linear
from catalog.importers import decoders, kinds
from catalog.importers.conformers import conformer_layer
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.multimodal.text import language
from catalog.mixers import Attention, CrossAttention
from catalog.spec import Architecture, Layer, Stack

QKVO = ("q", "k", "v", "o")


def _stacked(features: int, frames: int) -> AudioEmbedding:
    """So many mel frames side by side, as they are."""
    return AudioEmbedding(features=features, rate=100 / frames)


def granite_tower(e: Fields) -> Stack:
    """Granite Speech (arXiv:2505.08699, section 2): a Conformer in blocks, which guesses letters half-way."""
    hidden, heads, d, letters = e.size("hidden_dim"), e.size("num_heads"), e.size("dim_head"), e.size("output_dim")
    e.read.add("cat_hidden_layers")
    mixer = Attention(
        heads=heads, kv_heads=heads, head_dim=d, causal=False, bias=("o",), position="none",
        blocks=e.size("context_size"), distances=TableDistances(rows=2 * e.size("max_pos_emb") + 1),
    )  # fmt: skip
    layer = conformer_layer(
        mixer, e.size("feedforward_mult") * hidden, e.size("conv_kernel_size"), bias=True,
        inner=e.size("conv_expansion_factor") * hidden,
    )  # fmt: skip
    guess: tuple[Extra, ...] = (
        Linear(name="letters.out", inputs=hidden, outputs=letters, bias=True),
        Linear(name="letters.back", inputs=letters, outputs=hidden, bias=True),
    )
    ears = AudioEmbedding(features=e.size("input_dim"), rate=50, projection=True)
    return Stack(
        name="audio", role="audio", hidden=hidden, norm="layer", embedding=ears,
        groups=fold([layer] * e.size("num_layers")), final_norm=False, extras=guess,
    )  # fmt: skip


def granite(f: Fields) -> Architecture:
    """Granite Speech: a Q-Former makes three tokens of fifteen, and a Granite model reads them."""
    window, rate = f.size("window_size"), f.size("downsample_rate")
    if window % rate:
        raise BadInput(f"{f.where}: window_size={window} is not a multiple of downsample_rate={rate}")
    f.read.add("has_lora_adapter")
    decoder = language(f, f.child("text_config"), f.flag("tie_word_embeddings", True))
    q = f.child("projector_config")
    hidden, heads, every = q.size("hidden_size"), q.size("num_attention_heads"), q.size("cross_attention_frequency")
    q.read.update(("vocab_size", "max_position_embeddings"))
    if hidden % heads or q.flag("use_qformer_text_input"):
        raise BadInput(f"{q.where}: heads must divide hidden_size={hidden}, and use_qformer_text_input be false")
    common: dict[str, Any] = {"heads": heads, "head_dim": hidden // heads, "bias": QKVO}
    cross = CrossAttention(source="audio", source_width=q.size("encoder_hidden_size"), **common)
    channel = Dense(width=q.size("intermediate_size"), gated=False, bias=True, activation="gelu")
    mixer = Attention(kv_heads=heads, causal=False, position="absolute", **common)
    layers = [
        Layer(mixer=mixer, cross=cross if i % every == 0 else None, channel=channel, norms="post")
        for i in range(q.size("num_hidden_layers"))
    ]
    former = Stack(
        name="projector", role="audio", hidden=hidden, norm="layer",
        embedding=QueryEmbedding(tokens=window // rate, norm=True), groups=fold(layers), final_norm=False,
        heads=(Connector(steps=(Map(outputs=decoder.hidden),)),),
    )  # fmt: skip
    return Architecture(stacks=(granite_tower(f.child("encoder_config")), former, decoder))


def _plain(a: Fields, hidden: int) -> Layer:
    """A layer with biases everywhere."""
    heads = a.size("num_attention_heads")
    if hidden % heads:
        raise BadInput(f"{a.where}: hidden_size={hidden} is not a multiple of num_attention_heads={heads}")
    mixer = Attention(
        heads=heads, kv_heads=heads, head_dim=hidden // heads, causal=False, bias=QKVO, position="absolute"
    )
    return Layer(mixer=mixer, channel=Dense(width=a.size("intermediate_size"), gated=False, bias=True))


def fun_asr(f: Fields) -> Architecture:
    """Fun-ASR: attention with a memory, a convolution of each channel over time; the first layer reads wider frames."""
    decoder = language(f, f.child("text_config"), f.flag("tie_word_embeddings", True))
    a, b = f.child("audio_config"), f.child("adaptor_config")
    hidden, n, frames = a.size("hidden_size"), a.size("num_hidden_layers"), a.size("num_stacked_frames")
    wide = a.size("num_mel_bins") * frames
    if wide < hidden:
        raise BadInput(f"{a.where}: num_mel_bins * num_stacked_frames = {wide} is less than hidden_size={hidden}")
    a.read.add("max_position_embeddings")
    memory = Linear(name="memory", inputs=a.size("fsmn_kernel_size"), outputs=hidden)
    first: tuple[Extra, ...] = ()
    if wide > hidden:
        first = (
            Linear(name="wider_frames", inputs=wide - hidden, outputs=3 * hidden),
            Learned(name="wider_norm", elements=2 * (wide - hidden)),
        )
    normed = {n - a.size("num_timestamp_prediction_layers", zero=True) - 1, n - 1}
    layer = _plain(a, hidden)
    layers = [
        layer.model_copy(update={"extras": (memory, *(first if i == 0 else ())), "norm_out": i in normed})
        for i in range(n)
    ]
    tower = Stack(
        name="audio", role="audio", hidden=hidden, norm="layer", embedding=_stacked(wide, frames), groups=fold(layers),
        final_norm=False,
    )  # fmt: skip
    inner = b.size("hidden_size")
    maps = (
        Convolution(outputs=b.size("projector_hidden_size"), kernel=1),
        Convolution(outputs=inner, kernel=1),
    )
    adaptor = Stack(
        name="adaptor", role="audio", hidden=inner, norm="layer",
        embedding=AudioEmbedding(features=hidden, rate=100 / frames, reads="audio", convolutions=maps),
        groups=fold([_plain(b, inner)] * b.size("num_hidden_layers")), final_norm=False,
    )  # fmt: skip
    return Architecture(stacks=(tower, adaptor, decoder))


def _nemotron(a: Fields, name: str, features: int, *, norms: bool) -> Stack:
    """NeMo's encoders: eight mel frames side by side, rotary positions, a bias behind attention alone."""
    hidden = a.size("hidden_size")
    a.read.add("max_position_embeddings")
    mixer = decoders.attention(a, causal=False, bias=("o",), qk_norm="head" if norms else None, qk_norm_bias=norms)
    layer = Layer(mixer=mixer, channel=Dense(width=a.size("intermediate_size"), gated=False, bias=True))
    ears = AudioEmbedding(
        features=features, rate=12.5, projection=True, projection_bias=False, norm=True,
    )  # fmt: skip
    return Stack(
        name=name, role="audio", hidden=hidden, norm="layer", embedding=ears,
        groups=fold([layer] * a.size("num_hidden_layers")),
    )  # fmt: skip


def nemo(f: Fields) -> Architecture:
    """Nemotron 3.5 Transcribe: one encoder for words, one for who speaks, one for when, and a Nemotron-H.

    Counted by parameters: how often the encoder of speakers runs depends on what is said.
    """
    decoder = language(f, f.child("text_config"), tied=False)
    both = f.child("audio_config")
    asr, speakers = both.child("asr_config"), both.child("diarization_config")
    voices, head, when = speakers.child("audio_config"), speakers.child("head_config"), f.child("word_timestamp_config")
    both.read.add("speaker_activity_threshold")
    words = _nemotron(asr, "audio", asr.size("num_mel_bins") * asr.size("subsampling_factor"), norms=True)
    who = _nemotron(voices, "speakers", voices.size("num_mel_bins") * voices.size("subsampling_factor"), norms=False)
    wide, small, count = who.hidden, head.size("hidden_size"), head.size("num_speakers")
    up = head.size("subsampling_factor")
    words = words.model_copy(
        update={
            "extras": (Learned(name="norms", elements=2 * (words.hidden + count)),),
            "heads": (Connector(steps=(Map(outputs=decoder.hidden),)),),
        }
    )
    ends: tuple[Extra, ...] = (
        Learned(name="silence", elements=wide),
        Linear(name="narrow", inputs=wide, outputs=small, bias=True),
        Linear(name="upsample", inputs=3 * small, outputs=up * small, bias=True),
        Linear(name="classify", inputs=small, outputs=small, bias=True, times=up),
        Linear(name="speakers", inputs=small, outputs=count, bias=True, times=up),
    )
    who = who.model_copy(update={"extras": ends})
    factor, vocab, hidden = when.size("upsampling_factor"), when.size("vocab_size"), when.size("hidden_size")
    when.read.update(("residual_scale", "blank_token_id"))
    stamps = _nemotron(when, "timestamps", hidden, norms=True)
    ears = AudioEmbedding(features=hidden, rate=12.5 * factor, norm=True)
    outs: tuple[Extra, ...] = (
        Learned(name="upsample", elements=factor * hidden * words.hidden + hidden),
        Linear(name="words", inputs=hidden, outputs=vocab, bias=True),
    )
    stamps = stamps.model_copy(update={"embedding": ears, "extras": outs})
    return Architecture(stacks=(words, who, stamps, decoder))


TYPES: dict[str, kinds.Type] = {
    "fun_asr_nano": kinds.only("FunAsrNanoForConditionalGeneration", "speech", fun_asr, "parameters"),
    "granite_speech": kinds.only("GraniteSpeechForConditionalGeneration", "speech", granite, "parameters"),
    "granite_speech_plus": kinds.only("GraniteSpeechPlusForConditionalGeneration", "speech", granite, "parameters"),
    "nemo_speechlm": kinds.only("Nemotron3_5TranscribeForConditionalGeneration", "speech", nemo, "parameters"),
}
