"""A real model with the inputs that its kind takes."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal
from unittest.mock import patch

import torch

from calculators.images import tokens_per_image
from calculators.reference.audio import audio_inputs, audio_tokens, ears, hear, listens
from calculators.reference.audio import encoded as heard
from calculators.reference.caches import cached_tensors, fresh_cache, keeps_states, with_states
from calculators.reference.counting import traceable
from calculators.reference.image_inputs import latents, pictures, pixels
from calculators.reference.models import build
from calculators.reference.observation import Setting
from calculators.reference.seeing import images, prepare, real_sizes
from catalog.audio import AudioEmbedding
from catalog.mixers import S4, Attention, Mamba, Mixer, RgLru, Rwkv
from catalog.mixers.long import LongAttention, RandomBlocks
from catalog.spec import Architecture, ModelSpec, PatchEmbedding, Reference, Stack, TokenEmbedding

Kind = Literal["decoder", "encoder", "encoder-decoder", "vision", "vision-language", "dual", "denoiser", "autoencoder"]

PLAIN_TOKENS, SOURCE_TOKENS, BEYOND = 256, 192, 64
"""Lengths that are run: usual; of a source; past a window or a scan's block."""

LOOPED_TOKENS, LOOPED_TRACE_TOKENS = 16, 6
"""Lengths where the reference loops over tokens in Python: run, and traced, which is slower still."""

BATCH = 2
"""Two sequences, so that a cost per batch and one per sequence cannot be confused."""


def kind_of(architecture: Architecture) -> Kind:
    """What goes in and out, by the roles of the stacks."""
    roles = {stack.role for stack in architecture.stacks}
    if "denoiser" in roles or "painter" in roles:
        return "denoiser" if "denoiser" in roles else "autoencoder"
    if "decoder" in roles:
        return "vision-language" if "vision" in roles else "encoder-decoder" if "encoder" in roles else "decoder"
    if "vision" in roles:
        return "dual" if "encoder" in roles else "vision"
    return "encoder"


def _mixers(architecture: Architecture) -> list[Mixer]:
    layers = (layer for stack in architecture.stacks for group in stack.groups for layer in group.layers)
    return [mixer for layer in layers for mixer in layer.mixers]


def is_looped(architecture: Architecture) -> bool:
    """Whether the reference runs through the tokens in Python: Mamba-1, RG-LRU, RWKV, S4."""
    return any(isinstance(mixer, Mamba | RgLru | Rwkv | S4) for mixer in _mixers(architecture))


def is_chunked(architecture: Architecture) -> bool:
    """Whether the reference scans in blocks, each ending in a state for the next."""
    return any(hasattr(m, "chunk") and not isinstance(m, Attention) for m in _mixers(architecture))


def text_tokens(architecture: Architecture) -> int:
    """A length that shows what a model does: beyond its windows and its scan's block, few where the scan is a loop."""
    if is_looped(architecture):
        return LOOPED_TOKENS
    mixers = _mixers(architecture)
    patterns = [mixer.pattern for mixer in mixers if isinstance(mixer, LongAttention)]
    if blocks := [p.shortest + p.block for p in patterns if isinstance(p, RandomBlocks)]:
        return max(blocks)
    limits = [mixer.window for mixer in mixers if isinstance(mixer, Attention) and mixer.window and mixer.causal]
    limits += [chunk for mixer in mixers if (chunk := getattr(mixer, "chunk", None))]
    return max(limits) + BEYOND if limits else PLAIN_TOKENS


class Subject:
    """A real model on the meta device, ready to run."""

    def __init__(self, architecture: Architecture, reference: Reference) -> None:
        self.architecture, self.reference = architecture, reference
        self.kind = kind_of(architecture)
        self.model = build(reference)
        prepare(self.model)
        self._accepted = inspect.signature(self.model.forward).parameters
        self._keeps_states = keeps_states(self.model)

    @classmethod
    def of(cls, spec: ModelSpec) -> Subject:
        """The model that a spec names.

        Raises:
            ValueError: If it names none, or one that does not exist.
        """
        if isinstance(spec.architecture, str) or spec.reference is None:
            raise ValueError(f"{spec.id} names no PyTorch model")
        return cls(spec.architecture, spec.reference)

    @property
    def caches(self) -> bool:
        """Whether the model decodes step by step."""
        knows = {"use_cache", "past_key_values", "cache_params"} & set(self._accepted)
        return bool(knows) and self.kind in ("decoder", "encoder-decoder", "vision-language")

    def setting(self, *, images: int = 0) -> Setting:
        """The pass that is run to compare FLOPs."""
        match self.kind:
            case "vision" | "denoiser" | "autoencoder":
                return Setting(BATCH)
            case "dual":
                embedding = self._stack(TokenEmbedding).embedding
                return Setting(BATCH, min(PLAIN_TOKENS, getattr(embedding, "positions", 0) or PLAIN_TOKENS))
            case "encoder-decoder":
                return Setting(BATCH, text_tokens(self.architecture) // 2, source=self._source_tokens())
            case _:
                room = self._projected_tokens() * images
                return Setting(BATCH, text_tokens(self.architecture) + room, images=images)

    def traced_setting(self) -> Setting:
        """The pass that is traced: one sequence."""
        setting = replace(self.setting(), batch=1)
        return replace(setting, new=LOOPED_TRACE_TOKENS) if is_looped(self.architecture) else setting

    def run(self, setting: Setting, *, cache: Any = None, encoded: Any = None) -> Any:
        """One forward pass of all sequences, with a cache where the model keeps one.

        Args:
            setting: Lengths; ``past`` must be what ``cache`` holds.
            cache: Cache of an earlier pass.
            encoded: The encoder's output of an earlier pass, so that it is not run again.
        """
        from transformers.modeling_outputs import MoeModelOutputWithPast

        inputs = self.inputs(setting)
        if self.caches:
            if self.kind != "encoder-decoder":  # their decoders cache by default, and an encoder may refuse to
                inputs["use_cache"] = True
            if cache is None and self._keeps_states:
                cache = fresh_cache(self.model)
            if cache is not None:
                inputs[self._cache_name] = cache
        if encoded is not None:
            del inputs[self._source_name]
            packed = heard(encoded) if self._audio() else MoeModelOutputWithPast(last_hidden_state=encoded)
            inputs["encoder_outputs"] = packed
        with unchecked(), real_sizes():
            output = self.model(**inputs)
        if self.caches and self._keeps_states:
            output.past_key_values = with_states(cache, self.model)
        return output

    def cache_of(self, output: Any) -> Any:
        """The cache that a pass returned, or nothing."""
        return getattr(output, self._cache_name, None)

    def inputs(self, setting: Setting) -> dict[str, Any]:
        """Arguments of one forward pass, shapes without data, except numbers that the model reads as numbers."""
        match self.kind:
            case "decoder" | "encoder":
                return {"input_ids": _ids(setting.batch, setting.new), **self._lengths(setting)}
            case "encoder-decoder":
                return {
                    self._source_name: self._source(setting),
                    "decoder_input_ids": _ids(setting.batch, setting.new),
                }
            case "vision":
                return pixels(self.architecture, self._accepted, setting.batch)
            case "dual":
                ids = {"input_ids": _ids(setting.batch, setting.new)}
                return ids | pixels(self.architecture, self._accepted, setting.batch)
            case "autoencoder":
                return {"sample": pictures(self.architecture, setting.batch)}
            case "vision-language":
                ids = {"input_ids": _ids(setting.batch, setting.new)}
                if "token_type_ids" in self._accepted:  # a mask is built from both, or from neither
                    ids["attention_mask"] = _ids(setting.batch, setting.past + setting.new)
                return ids | (self._images(setting) if setting.images and not setting.past else {})
            case "denoiser":
                return latents(self.architecture, self.reference, self._accepted, setting.batch)

    def traceable(self, setting: Setting) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
        """The model as a function from tensors to tensors, without a cache, and its inputs.

        A scan in blocks hands its last state over too: without a cache nobody reads it, and a trace drops its work.
        """
        inputs = self.inputs(setting)
        tensors = {name: value for name, value in inputs.items() if isinstance(value, torch.Tensor)}
        rest = {name: value for name, value in inputs.items() if name not in tensors}
        kept = self._cache_name if self.caches and is_chunked(self.architecture) else None
        if "use_cache" in self._accepted or self.kind == "encoder-decoder":
            rest["use_cache"] = kept is not None
        return _Traceable(self.model, tuple(tensors), rest, kept), tuple(tensors.values())

    def _lengths(self, setting: Setting) -> dict[str, Any]:
        """XLM compares the lengths of texts, real numbers, with the width of the batch."""
        if "lengths" not in self._accepted:
            return {}
        lengths = torch.full((setting.batch,), setting.new)
        return {"lengths": lengths, "attention_mask": _ids(setting.batch, setting.new)}

    @property
    def _cache_name(self) -> str:
        return next((name for name in ("cache_params", "state") if name in self._accepted), "past_key_values")

    @property
    def listens(self) -> bool:
        """Whether the model has a tower that hears beside its text."""
        return self.kind == "decoder" and listens(self.architecture)

    def hearing(self, batch: int = BATCH) -> Setting:
        """The pass of that tower alone."""
        return Setting(batch, source=self._source_tokens())

    def hear(self, setting: Setting) -> None:
        """Run that tower and its connector."""
        kind = str(self.reference.config.get("model_type"))
        with unchecked():
            hear(self.model, self.architecture, kind, setting.batch, setting.source)

    @property
    def _source_name(self) -> str:
        """The argument that an encoder reads."""
        known = ("input_features", "input_values", "input_ids")
        return next(name for name in known if name in self._accepted) if self._audio() else "input_ids"

    def _audio(self) -> AudioEmbedding | None:
        """The front end of the stack that hears, if one does."""
        return next(iter(ears(self.architecture)), None)

    def _source_tokens(self) -> int:
        audio = self._audio()
        return audio_tokens(audio, SOURCE_TOKENS) if audio else SOURCE_TOKENS

    def _source(self, setting: Setting) -> torch.Tensor:
        if self._audio() is None:
            return _ids(setting.batch, setting.source)
        return audio_inputs(
            self.architecture, str(self.reference.config.get("model_type")), setting.batch, setting.source
        )

    def _stack(self, kind: type[PatchEmbedding] | type[TokenEmbedding]) -> Stack:
        return next(stack for stack in self.architecture.stacks if isinstance(stack.embedding, kind))

    def _patches(self) -> PatchEmbedding:
        embedding = self._stack(PatchEmbedding).embedding
        assert isinstance(embedding, PatchEmbedding)
        return embedding

    def _projected_tokens(self) -> int:
        if self.kind != "vision-language":
            return 0
        return tokens_per_image(self.architecture)

    def _images(self, setting: Setting) -> dict[str, Any]:
        return images(self.reference, self._accepted, self._patches(), setting)


class _Traceable(torch.nn.Module):
    """A model called with positional tensors that returns tensors only: all of them, or a trace drops their work."""

    def __init__(self, model: torch.nn.Module, names: tuple[str, ...], rest: dict[str, Any], kept: str | None) -> None:
        super().__init__()
        self.model, self.names, self.rest, self.kept = model, names, rest, kept

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        inputs = dict(zip(self.names, tensors, strict=True)) | self.rest
        with unchecked(), traceable():
            output = self.model(**inputs, return_dict=self.kept is not None)
        parts = output if self.kept is None else (output.logits, *cached_tensors(getattr(output, self.kept)))
        return tuple(part for part in parts if isinstance(part, torch.Tensor))


@contextmanager
def unchecked() -> Iterator[None]:
    """Switch off transformers' checks of input values: on the meta device there are none to look at.

    A mask that might hide nothing is kept, because only its values could tell; it costs no FLOPs.
    """
    from torch.fx.experimental import _config as tracing_settings
    from transformers import PreTrainedModel, masking_utils

    name = "TRANSFORMERS_DISABLE_TORCH_CHECK"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        with (
            patch.object(PreTrainedModel, "warn_if_padding_and_no_attention_mask", _nothing),
            patch.object(masking_utils, "_ignore_bidirectional_mask_sdpa", _nothing),
            patch.object(masking_utils, "find_packed_sequence_indices", _nothing),
            patch.object(tracing_settings, "meta_nonzero_assume_all_nonzero", True),
        ):
            yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _nothing(*_: Any) -> None:
    """In place of a check."""


def _ids(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.long, device="meta")


def _real(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="meta")
