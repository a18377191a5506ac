"""Models that hear and write: a tower, a connector, and a language model whose tokens the audio's join."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from catalog.audio import AudioEmbedding, Convolution
from catalog.channels import Dense
from catalog.connectors import Connector, Map, Merge, Normalise, Pool, Step
from catalog.errors import BadInput
from catalog.extras import Learned
from catalog.importers import decoders, kinds
from catalog.importers.audio import whisper_ears
from catalog.importers.fields import Fields
from catalog.importers.folding import fold
from catalog.importers.multimodal.text import language
from catalog.mixers import Attention
from catalog.spec import Architecture, Layer, Stack

QVO = ("q", "v", "o")
QKVO = ("q", "k", "v", "o")


def whisper_tower(a: Fields, *, bias: tuple[Any, ...] = QVO) -> Stack:
    """Whisper's encoder; audio longer than its table of positions is cut into windows that do not see each other."""
    hidden, heads = a.size("hidden_size", "d_model"), a.size("num_attention_heads", "encoder_attention_heads")
    positions = a.size("max_source_positions")
    if hidden % heads:
        raise BadInput(f"{a.where}: hidden_size={hidden} is not a multiple of num_attention_heads={heads}")
    mixer = Attention(
        heads=heads, kv_heads=heads, head_dim=hidden // heads, causal=False, bias=bias, position="absolute",
        blocks=positions,
    )  # fmt: skip
    channel = Dense(
        width=a.size("intermediate_size", "encoder_ffn_dim"), gated=False, bias=True,
        activation=str(a.value("activation_function", default="gelu")),
    )  # fmt: skip
    a.read.update(("vocab_size", "num_hidden_layers", "encoder_layerdrop", "layerdrop"))
    return Stack(
        name="audio", role="audio", hidden=hidden, norm="layer",
        embedding=whisper_ears(a.size("num_mel_bins"), hidden, positions),
        groups=fold([Layer(mixer=mixer, channel=channel)] * a.size("num_hidden_layers", "encoder_layers")),
    )  # fmt: skip


def glm_tower(a: Fields) -> Stack:
    """GLM-ASR's encoder: Whisper's with rotary positions in place of a table."""
    hidden = a.size("hidden_size")
    ears = whisper_ears(a.size("num_mel_bins"), hidden, 1).model_copy(update={"positions": 0})
    mixer = decoders.attention(a, causal=False, bias=QVO, blocks=a.size("max_position_embeddings"))
    channel = Dense(width=a.size("intermediate_size"), gated=False, bias=True, activation="gelu")
    return Stack(
        name="audio", role="audio", hidden=hidden, norm="layer", embedding=ears,
        groups=fold([Layer(mixer=mixer, channel=channel)] * a.size("num_hidden_layers")),
    )  # fmt: skip


def realtime_tower(a: Fields) -> Stack:
    """Voxtral Realtime's encoder: causal, with a window, rotary positions and a gated feed-forward."""
    hidden = a.size("hidden_size")
    a.read.update(("vocab_size", "activation_function", "max_position_embeddings"))
    mixer = decoders.attention(a, bias=QVO, window=a.size("sliding_window"))
    out_bias = Learned(name="down_bias", elements=hidden)
    layer = Layer(mixer=mixer, channel=decoders.gated(a, bias=False), extras=(out_bias,))
    ears = AudioEmbedding(
        features=a.size("num_mel_bins"),
        convolutions=(
            Convolution(outputs=hidden, kernel=3, padding=2),
            Convolution(outputs=hidden, kernel=3, stride=2, padding=1),
        ),
    )
    return Stack(
        name="audio", role="audio", hidden=hidden, embedding=ears,
        groups=fold([layer] * a.size("num_hidden_layers")),
    )  # fmt: skip


def qwen3_tower(a: Fields) -> Stack:
    """Qwen3-ASR's encoder: three convolutions over time and mel bins on pieces of a second, attention in windows."""
    hidden, heads, channels = a.size("d_model"), a.size("encoder_attention_heads"), a.size("downsample_hidden_size")
    piece, seen = 2 * a.size("n_window"), a.size("n_window_infer")
    a.read.update(("max_position_embeddings", "conv_chunksize", "num_hidden_layers", "output_dim"))
    if hidden % heads or seen % piece:
        raise BadInput(f"{a.where}: heads must divide d_model={hidden}, and 2*n_window={piece} n_window_infer={seen}")
    ears = AudioEmbedding(
        features=a.size("num_mel_bins"), plane=True, chunk=piece, projection=True, projection_bias=False,
        convolutions=(Convolution(outputs=channels, kernel=3, stride=2, padding=2),) * 3,
    )  # fmt: skip
    mixer = Attention(
        heads=heads, kv_heads=heads, head_dim=hidden // heads, causal=False, bias=QKVO, position="absolute",
        blocks=ears.chunk_lengths[-1] * (seen // piece),
    )  # fmt: skip
    channel = Dense(width=a.size("encoder_ffn_dim"), gated=False, bias=True, activation="gelu")
    return Stack(
        name="audio", role="audio", hidden=hidden, norm="layer", embedding=ears,
        groups=fold([Layer(mixer=mixer, channel=channel)] * a.size("encoder_layers")),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connector stands."""

    f: Fields
    """The outer configuration."""
    a: Fields
    """That of the tower."""
    width: int
    """Hidden width of the language model."""


Project = Callable[[Place], tuple[Step, ...]]


def _packed(p: Place) -> int:
    """How many tokens fill the width that a connector reads."""
    wide, hidden = p.a.size("intermediate_size"), p.a.size("hidden_size")
    if wide % hidden:
        raise BadInput(f"{p.a.where}: intermediate_size={wide} is not a multiple of hidden_size={hidden}")
    return wide // hidden


def voxtral(p: Place) -> tuple[Step, ...]:
    """As many tokens side by side as fill the feed-forward's width, then two layers without biases."""
    return Merge(factor=_packed(p)), Map(outputs=p.width, bias=False), Map(outputs=p.width, bias=False)


def realtime(p: Place) -> tuple[Step, ...]:
    """The same with a stated number of tokens."""
    p.f.read.update(("audio_length_per_tok", "default_num_delay_tokens", "hidden_size"))
    merge = Merge(factor=p.f.size("downsample_factor"))
    return merge, Map(outputs=p.width, bias=False), Map(outputs=p.width, bias=False)


def glm(p: Place) -> tuple[Step, ...]:
    """Tokens side by side, then a layer of twice the width and one back."""
    return Merge(factor=_packed(p)), Map(outputs=2 * p.width), Map(outputs=p.width)


def moss(p: Place) -> tuple[Step, ...]:
    """Tokens side by side, two layers and a norm."""
    bias = p.f.flag("projector_bias", True)
    p.f.read.add("audio_chunk_size")
    maps = Map(outputs=p.width, bias=bias), Map(outputs=p.width, bias=bias)
    return Merge(factor=p.f.size("audio_merge_size")), *maps, Normalise()


def flamingo(p: Place) -> tuple[Step, ...]:
    """Two tokens averaged and normed, which its class counts to the tower, then two layers."""
    bias = p.f.flag("projector_bias", True)
    return Pool(factor=2), Normalise(), Map(outputs=p.width, bias=bias), Map(outputs=p.width, bias=bias)


def qwen2(p: Place) -> tuple[Step, ...]:
    """Two tokens averaged and normed, then one layer."""
    return Pool(factor=2), Normalise(), Map(outputs=p.width)


def qwen3(p: Place) -> tuple[Step, ...]:
    """Two layers; the last leads to a width that the tower states."""
    p.f.read.update(("timestamp_token_id", "token_classification_bias"))
    return Map(outputs=p.a.size("d_model")), Map(outputs=p.a.size("output_dim"))


@dataclass(frozen=True, slots=True)
class Glue:
    """One type: its tower, its connector, and who says whether logits are tied."""

    class_name: str
    tower: Callable[[Fields], Stack]
    project: Project
    tied: bool = False
    """Whether the outer configuration's ``tie_word_embeddings`` is heeded; the other classes never tie."""
    proof: Literal["full", "parameters"] = "full"
    derived: tuple[str, ...] | None = None
    """Given where the class fills its language model's gaps with values of its own: which it derives all the same."""
    pooled: bool = False
    """Whether the tower's last norm stands behind its pooling, in the connector."""

    @property
    def type(self) -> kinds.Type:
        """How the importer reads it."""
        return kinds.only(self.class_name, "speech", self.read, self.proof)

    def read(self, f: Fields) -> Architecture:
        """Tower, connector and decoder."""
        text = f.child("text_config", derived=self.derived)
        decoder = language(f, text, self.tied and f.flag("tie_word_embeddings"))
        a = f.child("audio_config")
        tower = self.tower(a)
        head = Connector(steps=self.project(Place(f, a, decoder.hidden)))
        tower = tower.model_copy(update={"heads": (head,), "final_norm": not self.pooled})
        return Architecture(stacks=(tower, decoder))


GLUES: dict[str, Glue] = {
    "audioflamingo3": Glue("AudioFlamingo3ForConditionalGeneration", whisper_tower, flamingo, pooled=True),
    "glmasr": Glue("GlmAsrForConditionalGeneration", glm_tower, glm, tied=True, derived=("head_dim",)),
    "moss_transcribe_diarize": Glue("MossTranscribeDiarizeForConditionalGeneration", whisper_tower, moss, tied=True),
    "musicflamingo": Glue("MusicFlamingoForConditionalGeneration", whisper_tower, flamingo, pooled=True),
    "qwen2_audio": Glue("Qwen2AudioForConditionalGeneration", whisper_tower, qwen2, pooled=True),
    "qwen3_asr": Glue("Qwen3ASRForConditionalGeneration", qwen3_tower, qwen3, tied=True, proof="parameters"),
    "voxtral": Glue("VoxtralForConditionalGeneration", whisper_tower, voxtral, derived=()),
    "voxtral_realtime": Glue(
        "VoxtralRealtimeForConditionalGeneration", realtime_tower, realtime, tied=True, proof="parameters", derived=()
    ),
}

TYPES: dict[str, kinds.Type] = {name: glue.type for name, glue in GLUES.items()}
