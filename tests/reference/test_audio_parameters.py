"""Speech models of which only parameters are compared: small random ones, with other sizes than their defaults."""

from __future__ import annotations

from typing import Any

import pytest
from audio_configs import Config, Draw, language, one
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from calculators import count_params
from calculators.reference.models import build, parameters
from catalog import from_hf_config


@st.composite
def qwen3_asr(draw: Draw) -> Config:
    tower = {
        "model_type": "qwen3_asr_encoder",
        "num_mel_bins": one(draw, 16, 20),
        "d_model": 24,
        "encoder_layers": one(draw, 1, 3),
        "encoder_attention_heads": one(draw, 2, 3),
        "encoder_ffn_dim": one(draw, 40, 52),
        "downsample_hidden_size": one(draw, 6, 10),
        "output_dim": one(draw, 16, 28),
        "n_window": 50,
        "n_window_infer": 400,
    }
    text = language(draw, "qwen3")
    return {"model_type": "qwen3_asr", "audio_config": tower, "text_config": text, **_flag(draw, "tie_word_embeddings")}


@st.composite
def voxtral_realtime(draw: Draw) -> Config:
    tower = {
        "model_type": "voxtral_realtime_encoder",
        "num_mel_bins": one(draw, 8, 20),
        "hidden_size": 24,
        "intermediate_size": one(draw, 40, 52),
        "num_hidden_layers": one(draw, 1, 3),
        "num_attention_heads": one(draw, 2, 4),
        "head_dim": one(draw, 8, 10),
        "sliding_window": 9,
    }
    text = language(draw, "voxtral_realtime_text") | {"tie_word_embeddings": True}
    return {"model_type": "voxtral_realtime", "audio_config": tower, "text_config": text, "downsample_factor": 2}


def _granite(draw: Draw, model_type: str) -> Config:
    heads = one(draw, 2, 3)
    encoder = {
        "model_type": f"{model_type}_encoder",
        "hidden_dim": one(draw, 24, 32),
        "num_layers": one(draw, 2, 3),
        "num_heads": one(draw, 2, 4),
        "dim_head": one(draw, 6, 8),
        "feedforward_mult": one(draw, 2, 3),
        "conv_expansion_factor": one(draw, 1, 2),
        "conv_kernel_size": one(draw, 3, 5),
        "input_dim": 20,
        "output_dim": one(draw, 7, 9),
        "max_pos_emb": one(draw, 11, 13),
        "context_size": 10,
    }
    projector = {
        "model_type": "blip_2_qformer",
        "hidden_size": 12 * heads,
        "num_attention_heads": heads,
        "num_hidden_layers": one(draw, 2, 3),
        "intermediate_size": one(draw, 20, 36),
        "cross_attention_frequency": one(draw, 1, 2),
        "encoder_hidden_size": encoder["hidden_dim"],
    }
    return {
        "model_type": model_type,
        "encoder_config": encoder,
        "projector_config": projector,
        "text_config": language(draw, "granite"),
        "window_size": 12,
        "downsample_rate": one(draw, 3, 4),
        **_flag(draw, "tie_word_embeddings"),
    }


@st.composite
def granite_speech(draw: Draw) -> Config:
    return _granite(draw, "granite_speech")


@st.composite
def granite_speech_plus(draw: Draw) -> Config:
    return _granite(draw, "granite_speech_plus")


@st.composite
def fun_asr_nano(draw: Draw) -> Config:
    tower = {
        "model_type": "fun_asr_nano_encoder",
        "hidden_size": 24,
        "num_attention_heads": one(draw, 2, 3),
        "intermediate_size": one(draw, 40, 52),
        "num_hidden_layers": one(draw, 3, 5),
        "num_timestamp_prediction_layers": one(draw, 1, 2),
        "num_mel_bins": one(draw, 8, 10),
        "num_stacked_frames": one(draw, 3, 5),
        "fsmn_kernel_size": one(draw, 3, 5),
    }
    adaptor = {
        "hidden_size": 16,
        "num_attention_heads": one(draw, 2, 4),
        "intermediate_size": 4,
        "num_hidden_layers": one(draw, 1, 2),
        "projector_hidden_size": one(draw, 18, 30),
    }
    text = language(draw, "qwen3") | {"hidden_size": 16}
    return {
        "model_type": "fun_asr_nano",
        "audio_config": tower,
        "adaptor_config": adaptor,
        "text_config": text,
        **_flag(draw, "tie_word_embeddings"),
    }


def _tokenizer(draw: Draw, model_type: str) -> Config:
    ratios = one(draw, [2, 3], [2, 2, 4])
    return {
        "model_type": model_type,
        "num_filters": one(draw, 4, 6),
        "downsampling_ratios": ratios,
        "depths": [1, 2, 1, 3][: len(ratios) + 1],
        "kernel_size": one(draw, 5, 7),
        "ffn_expansion": one(draw, 2, 4),
        "hidden_size": one(draw, 8, 12),
    }


@st.composite
def vibevoice_asr(draw: Draw) -> Config:
    kind = "vibevoice_acoustic_tokenizer_encoder"
    return {
        "model_type": "vibevoice_asr",
        "acoustic_tokenizer_encoder_config": _tokenizer(draw, kind),
        "semantic_tokenizer_encoder_config": _tokenizer(draw, kind),
        "text_config": language(draw, "qwen2"),
    }


@st.composite
def vibevoice(draw: Draw) -> Config:
    acoustic = _tokenizer(draw, "vibevoice_acoustic_tokenizer")
    text = language(draw, "qwen2") | _flag(draw, "tie_word_embeddings")
    head = {
        "hidden_size": text["hidden_size"],
        "latent_size": acoustic["hidden_size"],
        "num_hidden_layers": one(draw, 1, 2),
        "intermediate_size": one(draw, 20, 28),
        "frequency_embedding_size": one(draw, 16, 32),
    }
    return {
        "model_type": "vibevoice",
        "audio_config": acoustic,
        "semantic_model_config": _tokenizer(draw, "vibevoice_acoustic_tokenizer_encoder"),
        "diffusion_head_config": head,
        "text_config": text,
    }


@st.composite
def dia(draw: Draw) -> Config:
    sizes = {"num_hidden_layers": one(draw, 1, 2), "intermediate_size": one(draw, 40, 52), "head_dim": 8}
    encoder = {"hidden_size": 24, "num_attention_heads": 3, "num_key_value_heads": 3, "vocab_size": 50, **sizes}
    decoder = {
        "hidden_size": one(draw, 24, 32),
        "num_attention_heads": 4,
        "num_key_value_heads": one(draw, 1, 2),
        "head_dim": one(draw, 6, 8),
        "num_hidden_layers": one(draw, 1, 3),
        "intermediate_size": one(draw, 20, 36),
        "cross_num_attention_heads": 2,
        "cross_num_key_value_heads": 2,
        "cross_head_dim": one(draw, 6, 10),
        "cross_hidden_size": 24,
        "num_channels": 3,
        "vocab_size": 40,
    }
    delays = {"delay_pattern": [0, 1, 2]}
    return {"model_type": "dia", "encoder_config": encoder, "decoder_config": decoder, **delays}


@st.composite
def moshi(draw: Draw) -> Config:
    kv, group = one(draw, 1, 2), one(draw, 1, 3)
    return {
        "model_type": "moshi",
        "vocab_size": 97,
        "hidden_size": 24,
        "head_dim": one(draw, 4, 8),
        "num_attention_heads": kv * group,
        "num_key_value_heads": kv,
        "num_hidden_layers": one(draw, 1, 2, 3),
        "ffn_dim": one(draw, 40, 52),
        "sliding_window": 9,
    }


@st.composite
def kyutai_speech_to_text(draw: Draw) -> Config:
    codec = {
        "model_type": "mimi",
        "num_filters": one(draw, 4, 6),
        "upsampling_ratios": one(draw, [3, 2], [4, 2, 2]),
        "kernel_size": one(draw, 5, 7),
        "last_kernel_size": 3,
        "residual_kernel_size": one(draw, 3, 5),
        "num_residual_layers": one(draw, 1, 2),
        "hidden_size": 24,
        "upsample_groups": one(draw, 24, 12),
        "num_attention_heads": 3,
        "num_key_value_heads": 3,
        "head_dim": 8,
        "num_hidden_layers": one(draw, 1, 2),
        "intermediate_size": one(draw, 40, 52),
        "vector_quantization_hidden_dimension": one(draw, 8, 10),
        "codebook_size": 16,
    }
    return draw(moshi()) | {
        "model_type": "kyutai_speech_to_text",
        "codec_config": codec,
        "num_codebooks": one(draw, 2, 4),
        "codebook_vocab_size": one(draw, 17, 19),
        "audio_pad_token_id": 0,
    }


def _flag(draw: Draw, name: str) -> Config:
    return {name: draw(st.booleans())}


KINDS = (
    dia, fun_asr_nano, granite_speech, granite_speech_plus, kyutai_speech_to_text, moshi, qwen3_asr, vibevoice,
    vibevoice_asr, voxtral_realtime,
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_small_model_has_the_parameters_of_its_class(kind: Any) -> None:
    @settings(
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        max_examples=4,
    )
    @given(config=kind())
    def check(config: Config) -> None:
        spec = from_hf_config(config)
        assert spec.reference is not None
        assert count_params(spec).total == parameters(build(spec.reference))

    check()
