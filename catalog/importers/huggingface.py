"""Hugging Face ``config.json`` to ``ModelSpec``, without torch and without executing anything.

A type costs one function that says which field is what (``decoders``, ``gpt``, ``encoders`` ...) and one line in
``TYPES``. ``architectures`` decides the head; where it is absent, the type's usual class does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from catalog.errors import BadInput, unknown
from catalog.importers import (
    audio,
    audio_decoders,
    audio_language,
    audio_towers,
    bert_like,
    blt,
    codecs,
    compact_encoders,
    composite,
    conformers,
    decoders,
    denoisers,
    encoders,
    gemma,
    gpt,
    gpt_early,
    hybrids,
    image_types,
    inkling,
    joint,
    latent,
    linear,
    llama_kin,
    long_encoders,
    masked_vision,
    mixtures,
    multimodal,
    odd_encoders,
    perceiver,
    recurrences,
    recurrent,
    research,
    routed,
    seamless,
    seq2seq,
    seq2seq_more,
    sparse,
    streams,
    t5gemma,
    unet,
    waves,
    zamba,
    zaya,
)
from catalog.importers.defaults import defaults_of
from catalog.importers.departures import departure_of
from catalog.importers.fields import Fields
from catalog.importers.kinds import Type
from catalog.importers.multi_token import with_multi_token
from catalog.importers.renamed import in_known_words
from catalog.spec import Architecture, Family, ModelSpec, Reference


@dataclass(frozen=True, slots=True)
class Imported:
    """What a configuration says."""

    architecture: Architecture
    family: Family
    class_name: str
    """The PyTorch class that the counts are for."""
    unread: tuple[str, ...]
    """Fields that are not understood and might change a count."""


MODULES = (
    audio,
    audio_decoders,
    audio_language,
    bert_like,
    blt,
    codecs,
    conformers,
    compact_encoders,
    composite,
    decoders,
    encoders,
    gemma,
    gpt,
    gpt_early,
    hybrids,
    inkling,
    latent,
    linear,
    llama_kin,
    long_encoders,
    masked_vision,
    mixtures,
    odd_encoders,
    perceiver,
    recurrences,
    recurrent,
    seamless,
    research,
    routed,
    seq2seq,
    sparse,
    streams,
    seq2seq_more,
    t5gemma,
    multimodal,
    zamba,
    zaya,
    image_types,
    waves,
    audio_towers,
)
TYPES: dict[str, Type] = {name: entry for module in MODULES for name, entry in module.TYPES.items()}
BUILT_AS = {
    "gpt-sw3": "gpt2",
    "kimi_k2": "deepseek_v3",
}
"""Types published with code of their own, and the type of transformers that builds exactly the same layers."""

DENOISERS: dict[str, tuple[Family, Callable[[Fields], Architecture]]] = {
    "AutoencoderKL": ("diffusion", unet.autoencoder),
    "DiTTransformer2DModel": ("diffusion", denoisers.dit),
    "FluxTransformer2DModel": ("diffusion", joint.flux),
    "PixArtTransformer2DModel": ("diffusion", denoisers.pixart),
    "SD3Transformer2DModel": ("diffusion", joint.sd3),
    "UNet2DConditionModel": ("diffusion", unet.unet),
}
"""Classes of diffusers, told apart by ``_class_name``."""


def read_config(config: Mapping[str, Any], where: str = "config.json", class_name: str | None = None) -> Imported:
    """Read a configuration.

    Args:
        config: The parsed ``config.json``.
        where: How error messages call it, normally the path.
        class_name: The PyTorch class to count for, over ``architectures``.

    Raises:
        BadInput: If the type is unknown, or a field is missing or impossible; the message names it.
    """
    config = in_known_words(config, where)
    denoiser = config.get("_class_name")
    try:
        if denoiser is not None:
            if denoiser not in DENOISERS:
                raise unknown(f"class in {where}, field '_class_name':", str(denoiser), DENOISERS)
            family, read = DENOISERS[denoiser]
            fields = Fields(config, where)
            return Imported(read(fields), family, denoiser, tuple(fields.unread()))
        model_type = config.get("model_type")
        if not isinstance(model_type, str):
            raise BadInput(f"{where}: field 'model_type' is missing; a Hugging Face config names its type there")
        if model_type not in TYPES:
            known = str(unknown(f"model_type in {where}:", model_type, TYPES))
            raise BadInput(f"{known}; if PyTorch has the class, `whicharch import --trace` counts on it")
        entry = TYPES[model_type]
        given = config.get("architectures")
        named = given[0] if isinstance(given, list) and given and isinstance(given[0], str) else entry.class_name
        fields = Fields(config, where, defaults_of(BUILT_AS.get(model_type, model_type)))
        chosen = class_name or named
        return Imported(entry.read(fields, chosen), entry.family, chosen, tuple(fields.unread()))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "architecture"
        raise BadInput(f"{where}: {place}: {first['msg'].removeprefix('Value error, ')}") from error


BLOCK = [128, 128]
"""Weights that share a scale in DeepSeek-V3's way of publishing; other blocks are no format of the catalog."""


def _published(config: Mapping[str, Any]) -> str:
    """The weight format that a configuration declares; 16 bits where it says nothing."""
    quantized = config.get("quantization_config")
    if isinstance(quantized, Mapping):
        method, bits = quantized.get("quant_method"), quantized.get("bits")
        known: dict[tuple[object, object], str] = {
            ("fp8", None): "fp8",
            ("mxfp4", None): "mxfp4-experts",
            ("awq", 4): "awq-int4",
            ("gptq", 4): "gptq-int4",
        }
        if method == "fp8" and quantized.get("weight_block_size") == BLOCK:
            return "fp8-block-mxfp4-experts" if config.get("expert_dtype") == "fp4" else "fp8-block"
        if (method, bits) in known:
            return known[method, bits]
    dtype = str(config.get("dtype") or config.get("torch_dtype") or "bfloat16").removeprefix("torch.")
    return {"float32": "fp32", "float16": "fp16"}.get(dtype, "bf16")


def from_hf_config(
    config: Mapping[str, Any], *, name: str | None = None, where: str = "config.json", mtp: bool = False
) -> ModelSpec:
    """A ``ModelSpec`` from a parsed Hugging Face configuration.

    Args:
        config: The parsed ``config.json``.
        name: What the model is called; by default what the configuration says.
        where: How error messages call it.
        mtp: Add the multi-token-prediction layers that the configuration names. transformers does not build them,
            so such a spec has no reference.

    Raises:
        BadInput: As ``read_config``, or if no such layers are named.
    """
    config = in_known_words(config, where)
    imported = read_config(config, where)
    title = name or str(config.get("_name_or_path") or config.get("model_type") or imported.class_name)
    context = config.get("max_position_embeddings") or config.get("n_positions")
    settings = {key: value for key, value in config.items() if key not in ("architectures", "transformers_version")}
    entry = TYPES.get(str(config.get("model_type")))
    if settings.get("model_type") in BUILT_AS:
        settings["model_type"] = BUILT_AS[settings["model_type"]]
    reference = Reference(
        library="diffusers" if "_class_name" in config else entry.library if entry is not None else "transformers",
        class_name=imported.class_name,
        config=settings,
        departure=departure_of(imported.class_name, imported.architecture),
    )
    return ModelSpec(
        id=re.sub(r"[^a-z0-9._+-]+", "-", title.split("/")[-1].lower()).strip("-.") or "imported",
        name=title,
        family=imported.family,
        published_weights=_published(config),
        context_tokens=context if isinstance(context, int) and context > 0 else None,
        architecture=with_multi_token(imported.architecture, config, where) if mtp else imported.architecture,
        reference=None if mtp else reference,
        sources=(f"imported from {where}",),  # type: ignore[arg-type]
        notes=_doubts(imported, entry),
    )


def _doubts(imported: Imported, entry: Type | None) -> str | None:
    """What a reader of the counts should know."""
    doubts = [f"Fields not understood: {', '.join(imported.unread)}."] if imported.unread else []
    if entry is not None and entry.proof == "parameters":
        doubts.append(f"Of {imported.class_name} only parameters are proven against PyTorch, not FLOPs and cache.")
    return " ".join(doubts) or None
