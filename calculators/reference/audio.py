"""Audio as real models take it: mel bins by frames, frames by mel bins, or samples of the wave."""

from __future__ import annotations

from typing import Any

import torch

from catalog.audio import AudioEmbedding
from catalog.spec import Architecture

TIME_FIRST = frozenset("canary cohere_asr granite_speech pop2piano seamless_m4t seamless_m4t_v2 speech_to_text".split())
"""Types that take (batch, frames, features); the others take (batch, features, frames)."""


def ears(architecture: Architecture) -> list[AudioEmbedding]:
    """What hears, first the embedding of the audio itself, then those that take an earlier stack's tokens as frames."""
    return [stack.embedding for stack in architecture.stacks if isinstance(stack.embedding, AudioEmbedding)]


def audio_tokens(embedding: AudioEmbedding, usual: int) -> int:
    """Tokens that are run: the length of a position table, which is the only one that its class accepts."""
    return embedding.positions or usual


def encoded(hidden: torch.Tensor) -> Any:
    """What an encoder returned, as decoders take it; some ask it for a mask."""
    from transformers.models.moonshine.modeling_moonshine import MoonshineEncoderModelOutput

    return MoonshineEncoderModelOutput(last_hidden_state=hidden)


def audio_inputs(architecture: Architecture, model_type: str, batch: int, tokens: int) -> torch.Tensor:
    """Audio that becomes so many tokens, shapes without data."""
    embedding, *readers = ears(architecture)
    frames = tokens
    for part in (*reversed([part for part in readers if part.reads]), embedding):
        frames = part.frames(frames)
    shape: tuple[int, ...] = (batch, embedding.features, frames)
    if embedding.features == 1:
        shape = (batch, frames)
    elif model_type in TIME_FIRST:
        shape = (batch, frames, embedding.features)
    return torch.empty(shape, dtype=torch.bfloat16, device="meta")
