"""Audio as real models take it: mel bins by frames, frames by mel bins, or samples of the wave."""

from __future__ import annotations

import inspect
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


def listens(architecture: Architecture) -> bool:
    """Whether a tower's tokens join those of the text, rather than being read by cross-attention."""
    return any(stack.role == "audio" and isinstance(stack.embedding, AudioEmbedding) for stack in architecture.stacks)


def hear(model: torch.nn.Module, architecture: Architecture, model_type: str, batch: int, tokens: int) -> None:
    """Tower and connector by themselves.

    Whole models put what they heard where the text's tokens say so, and on the meta device those say nothing.
    """
    inner: Any = model.get_submodule("model")
    features = audio_inputs(architecture, model_type, batch, tokens)
    masks: dict[str, Any] = {}
    if "input_features_mask" in inspect.signature(inner.audio_tower.forward).parameters:
        masks["input_features_mask"] = torch.empty(features.shape[0], features.shape[-1], device="meta")
    heard = inner.audio_tower(features, **masks).last_hidden_state
    projector = inner.multi_modal_projector
    first = next(part for part in projector.modules() if isinstance(part, torch.nn.Linear))
    projector(heard.reshape(-1, first.in_features))
