"""Names in single-stream tables: hosts, model files and engines, and the catalog's ids."""

from __future__ import annotations

import re
from functools import lru_cache

from catalog.gguf_blocks import DEFAULTS
from catalog.loader import all_models, format_ids

HOSTS = (
    (r"3080 ?10gb", "rtx-3080-10gb"),
    (r"3080 ti", "rtx-3080-ti"),
    (r"2080 ti", "rtx-2080-ti"),
    (r"rtx 2080", "rtx-2080"),
    (r"4070 ti\)", "rtx-4070-ti"),
    (r"rtx 5070", "rtx-5070"),
    (r"4090", "rtx-4090"),
    (r"rtx 3060", "rtx-3060-12gb"),
    (r"rtx 3090", "rtx-3090"),
    (r"rtx 5000 ada", "rtx-5000-ada"),
    (r"rtx 6000 ada", "rtx-6000-ada"),
    (r"rtx a4000", "rtx-a4000"),
    (r"a40 48gb", "a40"),
    (r"a100 pcie", "a100-pcie-80gb"),
    (r"a100-sxm4-40gb", "a100-sxm4-40gb"),
    (r"a100-80gb|a100-sxm4-80gb", "a100-sxm4-80gb"),
    (r"tesla t4", "t4"),
    (r"gb10", "gb10-dgx-spark"),
    (r"7900 xtx", "rx-7900-xtx"),
    (r"7900 xt", "rx-7900-xt"),
    (r"ai max\+ 395", "ryzen-ai-max-395"),
    (r"m1 max", "apple-m1-max"),
    (r"m1 ultra", "apple-m1-ultra"),
    (r"m1 pro", "apple-m1-pro"),
    (r"apple m1\b", "apple-m1"),
    (r"m2 max", "apple-m2-max"),
    (r"m2 ultra", "apple-m2-ultra"),
    (r"m2 pro", "apple-m2-pro"),
    (r"apple m2\b", "apple-m2"),
    (r"m3 max", "apple-m3-max"),
    (r"m3 ultra", "apple-m3-ultra"),
    (r"m3 pro", "apple-m3-pro"),
    (r"apple m3\b", "apple-m3"),
    (r"m4 max", "apple-m4-max"),
    (r"m4 pro", "apple-m4-pro"),
    (r"apple m4\b|m4 mac mini", "apple-m4"),
    (r"gaudi3", "gaudi3"),
    (r"sapphire rapids xeon", "xeon-8480plus"),
)
"""The first pattern that a printed host holds decides."""

ENGINES = (
    (r"ollama|llama\.?cpp", "llama.cpp"),
    (r"mlx", "mlx"),
    (r"gpt-fast", "gpt-fast"),
    (r"litgpt|transformers|autogptq", "transformers"),
    (r"vllm", "vllm"),
    (r"mlc", "mlc-llm"),
    (r"exllama", "exllamav2"),
    (r"autoawq", "autoawq"),
    (r"habana", "optimum-habana"),
)

OLLAMA_TAGS = {
    "llama 3.2:3b": ("llama-3.2-3b", "gguf-q4_k_m"),
    "llama 3.1:70b": ("llama-3.1-70b", "gguf-q4_k_m"),
    "llama 3.1:405b": ("llama-3.1-405b", "gguf-q4_k_m"),
    "deepseek r1 14b": ("qwen2.5-14b", "gguf-q4_k_m"),
    "deepseek r1 671b": ("deepseek-r1", "gguf-q4_k_m"),
    "gpt-oss 20b": ("gpt-oss-20b", "mxfp4-experts"),
    "qwen3:8b": ("qwen3-8b", "gguf-q4_k_m"),
    "llama3.2:1b": ("llama-3.2-1b", "gguf-q8_0"),
    "gemma3:4b": ("gemma-3-4b", "gguf-q4_k_m"),
    "deepseek-r1:7b": ("qwen2.5-7b", "gguf-q4_k_m"),
    "qwen2.5-coder:14b": ("qwen2.5-14b", "gguf-q4_k_m"),
    "qwen3.6:27b": ("qwen3.5-27b", "gguf-q4_k_m"),
}
"""What Ollama serves under a bare name (its library pages); the tables do not print it."""

SIBLINGS = {
    "aya-expanse-8b": "aya-23-8b",
    "deepseek-coder-v2-lite": "deepseek-v2-lite",
    "deepseek-r1-0528-qwen3-8b": "qwen3-8b",
    "deepseek-r1-distill-llama-8b": "llama-3.1-8b",
    "deepseek-r1-distill-qwen-14b": "qwen2.5-14b",
    "deepseek-r1-distill-qwen-7b": "qwen2.5-7b",
    "deepseek-v4-flash-0731": "deepseek-v4-flash",
    "devstral-small-2507": "mistral-small-24b",
    "ernie-4.5-21b-a3b-pt": "ernie-4.5-21b-a3b",
    "gemma3-4b": "gemma-3-4b",
    "glm-4-9b": "glm-4-9b-chat",
    "granite-3.1-8b": "granite-3.3-8b",
    "hermes-3-llama-3.1-8b": "llama-3.1-8b",
    "hunyuan-a13b-instruct": "hunyuan-a13b",
    "lfm2.5-1.2b": "lfm2-1.2b",
    "lfm2.5-1.2b-thinking": "lfm2-1.2b",
    "lfm2.5-1.2b-jp-202606": "lfm2-1.2b",
    "lfm2.5-2.6b": "lfm2-2.6b",
    "lfm2.5-350m": "lfm2-350m",
    "lfm2.5-8b-a1b": "lfm2-8b-a1b",
    "llama-3.1-nemotron-nano-8b-v1": "llama-3.1-8b",
    "llama-3.1-tulu-3-8b": "llama-3.1-8b",
    "llama-4-scout-17b-16e": "llama-4-scout",
    "llama2-70b": "llama-2-70b",
    "magistral-small-2507": "mistral-small-24b",
    "mistral-7b": "mistral-7b-v0.1",
    "mistral-nemo-2407": "mistral-nemo-12b",
    "mistral-small-24b-2501": "mistral-small-24b",
    "mistral-small-3.1-24b-2503": "mistral-small-24b",
    "mistral-small-3.2-24b-2506": "mistral-small-24b",
    "nemotron-120b.a12b": "nemotron-3-super-120b-a12b",
    "nemotron-3-nano-omni-30b-a3b": "nemotron-3-nano-30b-a3b",
    "nemotron-3-nano-omni-30b-a3b-reasoning": "nemotron-3-nano-30b-a3b",
    "nouscoder-14b": "qwen3-14b",
    "olmo-2-0325-32b": "olmo-2-32b",
    "olmo-2-1124-13b": "olmo-2-13b",
    "olmo-2-1124-7b": "olmo-2-7b",
    "phi-1.5-1.3b": "phi-1.5",
    "phi-3.5-mini": "phi-3-mini-128k",
    "phi-4-reasoning-plus": "phi-4",
    "phind-codellama-34b": "codellama-34b",
    "qwen2.5-coder-3b": "qwen2.5-3b",
    "qwen3-235b-a22b-2507": "qwen3-235b-a22b",
    "qwen3-30b-a3b-2507": "qwen3-30b-a3b",
    "qwen3-30b-a3b-thinking-2507": "qwen3-30b-a3b",
    "qwen3-4b-2507": "qwen3-4b",
    "qwen3-coder-30b-a3b": "qwen3-30b-a3b",
    "qwen3-coder-next": "qwen3-next-80b-a3b",
    "qwen3-omni-30b-a3b": "qwen3-30b-a3b",
    "qwen3-omni-30b-a3b-thinking": "qwen3-30b-a3b",
    "qwen3.6-27b": "qwen3.5-27b",
    "qwen3.6-35b-a3b": "qwen3.5-35b-a3b",
    "qwen3moe-30b.a3b": "qwen3-30b-a3b",
    "tinyllama-1b": "tinyllama-1.1b",
    "vicuna-7b": "llama-2-7b",
    "yi-1.5-34b": "yi-34b",
}
"""Fine-tunes and siblings with the shapes of a catalogued model (parameter counts agree within 0.3 %)."""

FORMATS = {
    "q4_k - medium": "gguf-q4_k_m",
    "q4_k": "gguf-q4_k_m",
    "q3_k - medium": "gguf-q3_k_m",
    "mxfp4 moe": "gguf-mxfp4",
    "mxfp4": "gguf-mxfp4",
    "f16": "fp16",
    "fp16": "fp16",
    "bf16": "bf16",
    "awq-int4": "awq-int4",
    "awq": "awq-int4",
    "bnb.nf4": "nf4-plain",
    "bnb.nf4-dq": "nf4",
    "int8 weight-only": "int8-channel",
    "int4 weight-only g=32": "int4-g32",
}
TUNED = re.compile(r"qwen3\.[56]-(27b|35b-a3b)-\w|gemma-4-(26b-a4b|31b)")
"""Fine-tunes that carry their base in their name."""


def host_of(name: str) -> tuple[str | None, int]:
    """Machine of the catalog and how many of them; ``None`` where there is none, or the work is shared with a CPU."""
    text = name.lower().replace("\u2011", "-")
    count = re.match(r"(\d+)x ", text)
    devices = int(count[1]) if count else 1
    if re.search(r"\[cpu\]|\[gpu/cpu\]|iris|integrated|cluster|pi 5\b.*\[cpu|gcd", text):
        return None, devices
    return next((machine for pattern, machine in HOSTS if re.search(pattern, text)), None), devices


def engine_of(name: str) -> str | None:
    """The engine's id; Ollama runs llama.cpp."""
    return next((engine for pattern, engine in ENGINES if re.search(pattern, name.lower())), None)


@lru_cache(maxsize=1)
def _known() -> dict[str, str]:
    known: dict[str, str] = {}
    for spec in all_models():
        for alias in spec.aliases:
            known.setdefault(alias.lower().rsplit("/", 1)[-1], spec.id)
    return known | {spec.id: spec.id for spec in all_models()}


TYPES = re.compile(
    r"[-._](?:ud-)?(?:i1-)?(?:qat-)?((?:i?q\d\w*|tq\d_0|bf16|f16|fp16|mxfp4|nvfp4)(?:_xl)?(?:[-.]q\d|-fast)?|awq(?:-int4)?"
    r"|[2-8]bit|int4|gptq)$"
)
DYNAMIC = re.compile(r"(^|[-_.])ud[-_.]|_xl$", re.IGNORECASE)
"""Mixed by tensor as Unsloth or the publisher saw fit: no recipe of llama.cpp's."""


def stem_of(name: str) -> tuple[str, str]:
    """A printed name as (model, quantization), lower case, without publisher, file ending and size."""
    text = re.sub(r"\(.*?\)|\.gguf$", "", name.strip()).strip().rsplit("/", 1)[-1].lower()
    text = re.sub(r"(?<=\d)_(?=\d)", ".", text.replace(" ", "-")) if "internlm2_5" in text else text.replace(" ", "-")
    if re.search(r"q\d\w*-fp16$", text):
        text = text.removesuffix("-fp16")
    found = TYPES.search(text)
    quant = found[1] if found else ""
    text = text[: found.start()] if found else text
    text = re.sub(r"^(?:[a-z0-9-]+_|meta-|nvidia-|c4ai-|mawdistical-|shisa-v2-)", "", text)
    text = re.sub(r"-(ud|i1|qat)$", "", text)
    text = re.sub(r"-(instruct|it|chat|hf|pt|reasoning)(?=-|$)", "", text)
    text = re.sub(r"^llama-?(\d)", r"llama-\1", text).replace("llama3", "llama-3")
    return text.replace("_", "-"), quant


def model_of(name: str) -> str | None:
    """The catalogued model that a printed name means for certain, or ``None``."""
    if name.lower() in OLLAMA_TAGS:
        return OLLAMA_TAGS[name.lower()][0]
    text, _ = stem_of(name)
    tuned = TUNED.match(text)
    if tuned:
        text = tuned[0].rstrip("-abcdefghijklmnopqrstuvwxyz") if text.startswith("qwen") else tuned[0]
        text = f"qwen3.5-{tuned[1]}" if text.startswith("qwen") else text
    text = SIBLINGS.get(text, text)
    return _known().get(text)


def format_of(name: str, quant: str, engine: str) -> str | None:
    """Id of the weight format; empty where only the file's size tells, ``None`` where nothing does."""
    if name.lower() in OLLAMA_TAGS:
        return OLLAMA_TAGS[name.lower()][1]
    _, inside = stem_of(name)
    text = inside or quant.lower()
    if DYNAMIC.search(name.removesuffix(".gguf")) and not re.search(r"bf16|f16", text):
        return ""
    if engine == "mlx":
        return f"mlx-{text.removesuffix('bit')}bit" if text.endswith("bit") else None
    if "gpt-oss" in name.lower():
        return "mxfp4-experts" if text == "f16" else "gguf-mxfp4" if "mxfp4" in text else None
    if text.upper() in DEFAULTS and f"gguf-{text}" in format_ids():
        return f"gguf-{text}"
    if engine == "llama.cpp" and text == "q4_k":
        return "gguf-q4_k_m"
    return FORMATS.get(text)
