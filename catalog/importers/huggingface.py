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
from catalog.importers import decoders, encoders, gpt, mixtures, recurrent, seq2seq, vision
from catalog.importers.defaults import DEFAULTS
from catalog.importers.departures import departure_of
from catalog.importers.fields import Fields
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


Read = Callable[[Fields, str], Architecture]


@dataclass(frozen=True, slots=True)
class Type:
    """How to read one ``model_type``."""

    family: Family
    class_name: str
    """The class built where the configuration names none."""
    read: Read


def _causal(prefix: str, read: Callable[[Fields, bool], Architecture], family: Family = "decoder") -> Type:
    def by_class(f: Fields, class_name: str) -> Architecture:
        ending = _ending(f, class_name, prefix, ("Model", "ForCausalLM", "LMHeadModel"))
        return read(f, ending != "Model")

    head = "LMHeadModel" if prefix in ("GPT2", "CTRL") else "ForCausalLM"
    return Type(family, prefix + head, by_class)


def _masked(
    prefix: str,
    default: str,
    read: Callable[[Fields, encoders.Heads], Architecture],
    heads: Callable[[Fields], Mapping[str, encoders.Heads]] = encoders.bert_heads,
) -> Type:
    def by_class(f: Fields, class_name: str) -> Architecture:
        known = heads(f)
        return read(f, known[_ending(f, class_name, prefix, known)])

    return Type("encoder", prefix + default, by_class)


def _seq2seq(prefix: str, read: Callable[[Fields], Architecture]) -> Type:
    """The bare model holds the same parameters as the one with the tied head; both are read as the latter."""

    def by_class(f: Fields, class_name: str) -> Architecture:
        _ending(f, class_name, prefix, ("Model", "ForConditionalGeneration"))
        return read(f)

    return Type("encoder-decoder", f"{prefix}ForConditionalGeneration", by_class)


def _only(class_name: str, family: Family, read: Callable[[Fields], Architecture]) -> Type:
    def by_class(f: Fields, given: str) -> Architecture:
        if given != class_name:
            raise unknown(f"class in {f.where}, field 'architectures':", given, [class_name])
        return read(f)

    return Type(family, class_name, by_class)


def _ending(f: Fields, class_name: str, prefix: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    ending = class_name.removeprefix(prefix)
    if ending not in known:
        raise unknown(f"class in {f.where}, field 'architectures':", class_name, [prefix + end for end in known])
    return ending


def _vit(f: Fields, class_name: str) -> Architecture:
    return vision.vit(f, _ending(f, class_name, "ViT", ("Model", "ForImageClassification")) != "Model")


TYPES: dict[str, Type] = {
    "albert": _masked("Albert", "ForPreTraining", encoders.albert, encoders.albert_heads),
    "apertus": _causal("Apertus", decoders.apertus),
    "arcee": _causal("Arcee", decoders.arcee),
    "bamba": _causal("Bamba", recurrent.bamba, "hybrid"),
    "bart": _seq2seq("Bart", seq2seq.bart),
    "bert": _masked("Bert", "ForPreTraining", encoders.bert),
    "biogpt": _causal("BioGpt", gpt.biogpt),
    "bloom": _causal("Bloom", gpt.bloom),
    "codegen": _causal("CodeGen", gpt.gptj),
    "cohere": _causal("Cohere", decoders.cohere),
    "cohere2": _causal("Cohere2", decoders.cohere2),
    "ctrl": _causal("CTRL", gpt.ctrl),
    "cwm": _causal("Cwm", decoders.cwm),
    "deepseek_v2": _causal("DeepseekV2", mixtures.deepseek, "moe"),
    "deepseek_v3": _causal("DeepseekV3", mixtures.deepseek, "moe"),
    "deberta-v2": _masked("DebertaV2", "Model", encoders.deberta_v2, encoders.bare_heads),
    "dinov2": _only("Dinov2Model", "vision", vision.dinov2),
    "dots1": _causal("Dots1", mixtures.dots1, "moe"),
    "ernie4_5": _causal("Ernie4_5", decoders.ernie4_5),
    "ernie4_5_moe": _causal("Ernie4_5_Moe", mixtures.ernie4_5_moe, "moe"),
    "exaone4": _causal("Exaone4", decoders.exaone4),
    "falcon": _causal("Falcon", gpt.falcon),
    "distilbert": _masked("DistilBert", "ForMaskedLM", encoders.distilbert, encoders.bare_heads),
    "electra": _masked("Electra", "ForPreTraining", encoders.electra, encoders.electra_heads),
    "falcon_mamba": _causal("FalconMamba", recurrent.falcon_mamba, "ssm"),
    "gemma": _causal("Gemma", decoders.gemma),
    "gemma2": _causal("Gemma2", decoders.gemma2),
    "gemma3_text": _causal("Gemma3", decoders.gemma3),
    "glm": _causal("Glm", decoders.glm),
    "glm4": _causal("Glm4", decoders.glm4),
    "glm4_moe": _causal("Glm4Moe", mixtures.glm4_moe, "moe"),
    "gpt2": _causal("GPT2", gpt.gpt2),
    "gpt_bigcode": _causal("GPTBigCode", gpt.gpt_bigcode),
    "gpt_neox": _causal("GPTNeoX", gpt.gpt_neox),
    "gpt_oss": _causal("GptOss", mixtures.gpt_oss, "moe"),
    "gptj": _causal("GPTJ", gpt.gptj),
    "granite": _causal("Granite", decoders.llama),
    "granitemoe": _causal("GraniteMoe", mixtures.granitemoe, "moe"),
    "granitemoeshared": _causal("GraniteMoeShared", mixtures.granitemoe, "moe"),
    "helium": _causal("Helium", decoders.helium),
    "hunyuan_v1_dense": _causal("HunYuanDenseV1", decoders.hunyuan_v1_dense),
    "hunyuan_v1_moe": _causal("HunYuanMoEV1", mixtures.hunyuan_v1_moe, "moe"),
    "jamba": _causal("Jamba", recurrent.jamba, "hybrid"),
    "kimi_k2": _causal("DeepseekV3", mixtures.deepseek, "moe"),
    "llama": _causal("Llama", decoders.llama),
    "llava": _only("LlavaForConditionalGeneration", "vision-language", vision.llava),
    "m2m_100": _seq2seq("M2M100", seq2seq.m2m_100),
    "mamba": _causal("Mamba", recurrent.mamba, "ssm"),
    "mamba2": _causal("Mamba2", recurrent.mamba2, "ssm"),
    "minimax_m2": _causal("MiniMaxM2", mixtures.minimax_m2, "moe"),
    "ministral": _causal("Ministral", decoders.mistral),
    "ministral3": _causal("Ministral3", decoders.mistral),
    "marian": _only("MarianMTModel", "encoder-decoder", seq2seq.marian),
    "mbart": _seq2seq("MBart", seq2seq.mbart),
    "mistral": _causal("Mistral", decoders.mistral),
    "mixtral": _causal("Mixtral", mixtures.mixtral, "moe"),
    "modernbert": _masked("ModernBert", "ForMaskedLM", encoders.modernbert, encoders.modernbert_heads),
    "mpt": _causal("Mpt", gpt.mpt),
    "nemotron": _causal("Nemotron", gpt.nemotron),
    "mt5": _seq2seq("MT5", seq2seq.t5),
    "nemotron_h": _causal("NemotronH", recurrent.nemotron_h, "hybrid"),
    "olmo": _causal("Olmo", decoders.olmo),
    "nllb-moe": _seq2seq("NllbMoe", seq2seq.nllb_moe),
    "nomic_bert": _masked("NomicBert", "Model", encoders.nomic, encoders.nomic_heads),
    "olmo2": _causal("Olmo2", decoders.olmo2),
    "olmo3": _causal("Olmo3", decoders.olmo3),
    "olmoe": _causal("Olmoe", mixtures.olmoe, "moe"),
    "opt": _causal("OPT", gpt.opt),
    "persimmon": _causal("Persimmon", gpt.persimmon),
    "phi": _causal("Phi", gpt.phi),
    "pegasus": _seq2seq("Pegasus", seq2seq.pegasus),
    "phi3": _causal("Phi3", decoders.phi3),
    "phimoe": _causal("Phimoe", mixtures.phimoe, "moe"),
    "qwen2": _causal("Qwen2", decoders.qwen2),
    "qwen2_moe": _causal("Qwen2Moe", mixtures.qwen2_moe, "moe"),
    "qwen2_vl": _only("Qwen2VLForConditionalGeneration", "vision-language", vision.qwen2_vl),
    "qwen3": _causal("Qwen3", decoders.qwen3),
    "qwen3_moe": _causal("Qwen3Moe", mixtures.qwen3_moe, "moe"),
    "roberta": _masked("Roberta", "ForMaskedLM", encoders.bert),
    "seed_oss": _causal("SeedOss", decoders.seed_oss),
    "smollm3": _causal("SmolLM3", decoders.smollm3),
    "stablelm": _causal("StableLm", gpt.stablelm),
    "starcoder2": _causal("Starcoder2", gpt.starcoder2),
    "switch_transformers": _only("SwitchTransformersForConditionalGeneration", "encoder-decoder", seq2seq.switch),
    "t5": _seq2seq("T5", seq2seq.t5),
    "umt5": _seq2seq("UMT5", seq2seq.umt5),
    "vit": Type("vision", "ViTForImageClassification", _vit),
    "xglm": _causal("XGLM", gpt.xglm),
    "xlm-roberta": _masked("XLMRoberta", "ForMaskedLM", encoders.bert),
}
BUILT_AS = {"kimi_k2": "deepseek_v3"}
"""Types published with code of their own, and the type of transformers that builds exactly the same layers."""

DENOISERS: dict[str, tuple[Family, Callable[[Fields], Architecture]]] = {
    "DiTTransformer2DModel": ("diffusion", vision.dit),
    "PixArtTransformer2DModel": ("diffusion", vision.pixart),
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
            raise unknown(f"model_type in {where}:", model_type, TYPES)
        entry = TYPES[model_type]
        given = config.get("architectures")
        named = given[0] if isinstance(given, list) and given and isinstance(given[0], str) else entry.class_name
        fields = Fields(config, where, DEFAULTS.get(BUILT_AS.get(model_type, model_type)))
        chosen = class_name or named
        return Imported(entry.read(fields, chosen), entry.family, chosen, tuple(fields.unread()))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "architecture"
        raise BadInput(f"{where}: {place}: {first['msg'].removeprefix('Value error, ')}") from error


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
        if (method, bits) in known:
            return known[method, bits]
    dtype = str(config.get("dtype") or config.get("torch_dtype") or "bfloat16").removeprefix("torch.")
    return {"float32": "fp32", "float16": "fp16"}.get(dtype, "bf16")


def from_hf_config(config: Mapping[str, Any], *, name: str | None = None, where: str = "config.json") -> ModelSpec:
    """A ``ModelSpec`` from a parsed Hugging Face configuration.

    Raises:
        BadInput: As ``read_config``.
    """
    imported = read_config(config, where)
    title = name or str(config.get("_name_or_path") or config.get("model_type") or imported.class_name)
    context = config.get("max_position_embeddings") or config.get("n_positions")
    settings = {key: value for key, value in config.items() if key not in ("architectures", "transformers_version")}
    if settings.get("model_type") in BUILT_AS:
        settings["model_type"] = BUILT_AS[settings["model_type"]]
    return ModelSpec(
        id=re.sub(r"[^a-z0-9._+-]+", "-", title.split("/")[-1].lower()).strip("-.") or "imported",
        name=title,
        family=imported.family,
        published_weights=_published(config),
        context_tokens=context if isinstance(context, int) and context > 0 else None,
        architecture=imported.architecture,
        reference=Reference(
            library="diffusers" if "_class_name" in config else "transformers",
            class_name=imported.class_name,
            config=settings,
            departure=departure_of(imported.class_name, imported.architecture),
        ),
        sources=(f"imported from {where}",),  # type: ignore[arg-type]
        notes=f"Fields not understood: {', '.join(imported.unread)}" if imported.unread else None,
    )
