"""Small random configurations of models that hear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Config = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

SOURCE = 11
"""Encoder tokens: the length that ``test_perturbed`` reads."""


def one(draw: Draw, *options: Any) -> Any:
    return draw(st.sampled_from(options))


def _sides(draw: Draw) -> Config:
    """Widths under BART's names; the two sides may differ in all but the hidden one."""
    return {
        "d_model": 24,
        "encoder_layers": one(draw, 1, 2, 3),
        "decoder_layers": one(draw, 1, 2, 4),
        "encoder_attention_heads": one(draw, 1, 2, 4),
        "decoder_attention_heads": one(draw, 2, 3),
        "encoder_ffn_dim": one(draw, 40, 52),
        "decoder_ffn_dim": one(draw, 20, 36),
        "vocab_size": 97,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "decoder_start_token_id": 1,
    }


@st.composite
def whisper(draw: Draw) -> Config:
    return {
        "model_type": "whisper",
        "num_mel_bins": one(draw, 8, 20),
        "max_source_positions": SOURCE,
        "max_target_positions": one(draw, 64, 80),
        **_sides(draw),
    }


@st.composite
def moonshine(draw: Draw) -> Config:
    step = one(draw, None, 5, 8)
    both = one(draw, 1, 2, 3)
    heads = {side: both if step else one(draw, 1, 2, 3) for side in ("encoder", "decoder")}
    return {
        "model_type": "moonshine",
        "vocab_size": 97,
        "hidden_size": 24,
        "intermediate_size": one(draw, 40, 52),
        "encoder_num_hidden_layers": one(draw, 1, 3),
        "decoder_num_hidden_layers": one(draw, 2, 4),
        **{f"{side}_num_attention_heads": count for side, count in heads.items()},
        **{f"{side}_num_key_value_heads": count for side, count in heads.items()},
        "attention_bias": draw(st.booleans()),
        "tie_word_embeddings": draw(st.booleans()),
        "pad_head_dim_to_multiple_of": step,
        "pad_token_id": 0,
    }


@st.composite
def speech_to_text(draw: Draw) -> Config:
    kernels = one(draw, [5], [5, 3], [3, 7, 5])
    return {
        "model_type": "speech_to_text",
        "input_feat_per_channel": one(draw, 8, 20),
        "num_conv_layers": len(kernels),
        "conv_kernel_sizes": kernels,
        "conv_channels": one(draw, 16, 28),
        **_sides(draw),
    }


def _parakeet(draw: Draw) -> Config:
    heads = one(draw, 1, 2, 4)
    return {
        "model_type": "parakeet_encoder",
        "hidden_size": 8 * heads,
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "num_hidden_layers": one(draw, 1, 3),
        "intermediate_size": one(draw, 40, 52),
        "conv_kernel_size": one(draw, 5, 9),
        "subsampling_factor": one(draw, 4, 8),
        "subsampling_conv_channels": one(draw, 6, 10),
        "num_mel_bins": one(draw, 16, 32),
        "attention_bias": draw(st.booleans()),
        "convolution_bias": draw(st.booleans()),
    }


@st.composite
def canary(draw: Draw) -> Config:
    encoder = _parakeet(draw)
    heads = one(draw, 1, 2)
    decoder = {
        "model_type": "canary_decoder",
        "vocab_size": 97,
        "hidden_size": encoder["hidden_size"],
        "num_attention_heads": heads * 2,
        "num_key_value_heads": one(draw, 1, 2) * heads,
        "head_dim": one(draw, 8, 12),
        "num_hidden_layers": one(draw, 1, 2, 3),
        "intermediate_size": one(draw, 20, 36),
        "attention_bias": draw(st.booleans()),
        "pad_token_id": 0,
    }
    return {
        "model_type": "canary",
        "encoder_config": encoder,
        "decoder_config": decoder,
        "tie_word_embeddings": draw(st.booleans()),
        "vocab_size": 97,
        "pad_token_id": 0,
    }


def _seamless(draw: Draw, model_type: str, prefix: str, positions: str) -> Config:
    sides = _sides(draw)
    sides["hidden_size"] = sides.pop("d_model")
    end = one(draw, "ForSpeechToText", "ForTextToText")
    return {
        "model_type": model_type,
        "architectures": [prefix + end],
        "speech_encoder_layers": one(draw, 1, 2),
        "speech_encoder_attention_heads": one(draw, 1, 2, 3),
        "speech_encoder_intermediate_size": one(draw, 40, 52),
        "conv_depthwise_kernel_size": one(draw, 3, 5),
        "feature_projection_input_dim": one(draw, 10, 14),
        "position_embeddings_type": positions,
        "num_adapter_layers": one(draw, 1, 2),
        "adaptor_kernel_size": one(draw, 4, 6),
        "adaptor_stride": one(draw, 2, 4),
        "add_adapter": draw(st.booleans()),
        "max_source_positions": 512,
        **sides,
    }


@st.composite
def seamless_m4t(draw: Draw) -> Config:
    return _seamless(draw, "seamless_m4t", "SeamlessM4T", one(draw, "relative", "rotary"))


@st.composite
def seamless_m4t_v2(draw: Draw) -> Config:
    distances = {"left_max_position_embeddings": one(draw, 5, 9), "right_max_position_embeddings": 3}
    return _seamless(draw, "seamless_m4t_v2", "SeamlessM4Tv2", "relative_key") | distances


@st.composite
def cohere_asr(draw: Draw) -> Config:
    heads = one(draw, 1, 2)
    return {
        "model_type": "cohere_asr",
        "encoder_config": _parakeet(draw),
        "vocab_size": 97,
        "hidden_size": 24,
        "num_attention_heads": heads * 2,
        "num_key_value_heads": one(draw, 1, 2) * heads,
        "head_dim": one(draw, 8, 12),
        "num_hidden_layers": one(draw, 1, 2, 3),
        "intermediate_size": one(draw, 20, 36),
        "max_position_embeddings": one(draw, 64, 80),
        "attention_bias": draw(st.booleans()),
        "tie_word_embeddings": draw(st.booleans()),
        "pad_token_id": 0,
    }


def _wave(draw: Draw) -> Config:
    norm = one(draw, "group", "layer")
    return {
        "hidden_size": 24,
        "conv_dim": [8, 12, 10],
        "conv_kernel": [7, 3, 2],
        "conv_stride": [4, 2, 2],
        "num_feat_extract_layers": 3,
        "conv_bias": draw(st.booleans()),
        "feat_extract_norm": norm,
        "num_conv_pos_embeddings": one(draw, 4, 5),
        "num_conv_pos_embedding_groups": one(draw, 2, 3),
        "mask_time_prob": one(draw, 0.0, 0.05),
    }


@st.composite
def speecht5(draw: Draw) -> Config:
    sides = _sides(draw)
    del sides["d_model"]
    return {
        "model_type": "speecht5",
        "encoder_max_relative_position": one(draw, 7, 160),
        "tie_word_embeddings": draw(st.booleans()),
        **_wave(draw),
        **sides,
    }


@st.composite
def speech_encoder_decoder(draw: Draw) -> Config:
    heads = one(draw, 1, 2, 3)
    encoder = {
        "model_type": "wav2vec2",
        "num_hidden_layers": one(draw, 1, 3),
        "num_attention_heads": one(draw, 2, 4),
        "intermediate_size": one(draw, 40, 52),
        "do_stable_layer_norm": draw(st.booleans()),
        **_wave(draw),
    }
    decoder = {
        "model_type": "bert",
        "vocab_size": 97,
        "hidden_size": 24,
        "num_attention_heads": heads,
        "num_hidden_layers": one(draw, 1, 2),
        "intermediate_size": one(draw, 20, 36),
        "max_position_embeddings": 64,
        "is_decoder": True,
        "add_cross_attention": True,
    }
    return {"model_type": "speech-encoder-decoder", "encoder": encoder, "decoder": decoder, "pad_token_id": 0}


@st.composite
def pop2piano(draw: Draw) -> Config:
    return {
        "model_type": "pop2piano",
        "vocab_size": 97,
        "composer_vocab_size": one(draw, 5, 7),
        "d_model": 24,
        "d_kv": one(draw, 6, 10),
        "d_ff": one(draw, 40, 52),
        "num_heads": one(draw, 2, 3),
        "num_layers": one(draw, 1, 3),
        "num_decoder_layers": one(draw, 2, 4),
        "relative_attention_num_buckets": 8,
        "feed_forward_proj": one(draw, "relu", "gated-gelu"),
    }


@st.composite
def trocr(draw: Draw) -> Config:
    return {
        "model_type": "trocr",
        "vocab_size": 97,
        "d_model": 24,
        "decoder_layers": one(draw, 1, 3),
        "decoder_attention_heads": one(draw, 2, 3),
        "decoder_ffn_dim": one(draw, 40, 52),
        "max_position_embeddings": one(draw, 64, 80),
        "cross_attention_hidden_size": one(draw, None, 20),
        "use_learned_position_embeddings": draw(st.booleans()),
        "layernorm_embedding": draw(st.booleans()),
    }


def language(draw: Draw, model_type: str) -> Config:
    kv, group = one(draw, 1, 2), one(draw, 1, 2, 3)
    return {
        "model_type": model_type,
        "vocab_size": 97,
        "hidden_size": 8 * kv * group,
        "intermediate_size": one(draw, 40, 52),
        "num_hidden_layers": one(draw, 1, 2),
        "num_attention_heads": kv * group,
        "num_key_value_heads": kv,
        "max_position_embeddings": 512,
        "tie_word_embeddings": False,
        "pad_token_id": 0,
    }


def _tower(draw: Draw, model_type: str) -> Config:
    return {
        "model_type": model_type,
        "num_mel_bins": one(draw, 8, 20),
        "max_source_positions": 12,
        "hidden_size": 24,
        "intermediate_size": one(draw, 48, 96),
        "num_hidden_layers": one(draw, 1, 3),
        "num_attention_heads": one(draw, 2, 3),
    }


@st.composite
def audioflamingo3(draw: Draw) -> Config:
    parts = {"audio_config": _tower(draw, "audioflamingo3_encoder"), "text_config": language(draw, "qwen2")}
    return {"model_type": "audioflamingo3", "projector_bias": draw(st.booleans()), "audio_token_id": 96, **parts}


@st.composite
def musicflamingo(draw: Draw) -> Config:
    return draw(audioflamingo3()) | {"model_type": "musicflamingo"}


@st.composite
def voxtral(draw: Draw) -> Config:
    parts = {"audio_config": _tower(draw, "voxtral_encoder"), "text_config": language(draw, "llama")}
    return {"model_type": "voxtral", "audio_token_id": 96, **parts}


@st.composite
def qwen2_audio(draw: Draw) -> Config:
    tower = {
        "model_type": "qwen2_audio_encoder",
        "num_mel_bins": one(draw, 8, 20),
        "max_source_positions": 12,
        "d_model": 24,
        "encoder_layers": one(draw, 1, 3),
        "encoder_attention_heads": one(draw, 2, 3),
        "encoder_ffn_dim": one(draw, 40, 52),
    }
    return {
        "model_type": "qwen2_audio",
        "audio_config": tower,
        "text_config": language(draw, "qwen2"),
        "audio_token_index": 96,
    }


@st.composite
def glmasr(draw: Draw) -> Config:
    tower = _tower(draw, "glmasr_encoder")
    del tower["max_source_positions"]
    return {
        "model_type": "glmasr",
        "audio_config": tower | {"num_key_value_heads": tower["num_attention_heads"]},
        "text_config": language(draw, "llama"),
        "tie_word_embeddings": draw(st.booleans()),
        "audio_token_id": 96,
    }


@st.composite
def moss_transcribe_diarize(draw: Draw) -> Config:
    return {
        "model_type": "moss_transcribe_diarize",
        "audio_config": _tower(draw, "moss_transcribe_diarize_audio"),
        "text_config": language(draw, "qwen3"),
        "audio_merge_size": one(draw, 2, 4),
        "projector_bias": draw(st.booleans()),
        "tie_word_embeddings": draw(st.booleans()),
        "audio_token_id": 96,
    }


KINDS = (
    audioflamingo3, canary, cohere_asr, glmasr, moonshine, moss_transcribe_diarize, musicflamingo, pop2piano,
    seamless_m4t, seamless_m4t_v2, speech_encoder_decoder, speech_to_text,
    speecht5, trocr, voxtral, qwen2_audio, whisper,
)  # fmt: skip
AUDIO: dict[str, st.SearchStrategy[Config]] = {build.__name__: build() for build in KINDS}
"""One strategy per type."""
