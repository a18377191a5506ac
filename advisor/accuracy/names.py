"""Names as benchmarks print them, and the catalog's ids."""

from __future__ import annotations

import re
from functools import lru_cache

from catalog.loader import all_machines, all_models, load

TABLE_MACHINES = {
    "a100_sxm": "a100-sxm4-80gb",
    "h100_sxm": "h100-sxm",
    "h200_sxm": "h200-sxm",
    "b200_sxm": "b200-sxm",
    "b300_sxm": "b300-sxm",
    "gb200": "gb200-nvl72",
    "gb300": "gb300-nvl72",
    "l40s": "l40s",
    "rtx_pro_6000_server": "rtx-pro-6000-blackwell-server",
    "b60": "arc-pro-b60",
}
"""``system`` in the tables of NVIDIA aiconfigurator."""

MACHINE_WORDS = (
    (r"a100.*sxm4?.*40|a100-40gb.*sxm", "a100-sxm4-40gb"),
    (r"a100.*pcie.*40", "a100-pcie-40gb"),
    (r"a100.*pcie", "a100-pcie-80gb"),
    (r"a100.*40 ?gb", "a100-sxm4-40gb"),
    (r"a100.*sxm|a100.*80 ?gb", "a100-sxm4-80gb"),
    (r"gh200.*(96|480) ?gb", "gh200-96gb"),
    (r"gh200", "gh200-144gb"),
    (r"h100.*nvl", "h100-nvl"),
    (r"h100.*pcie", "h100-pcie"),
    (r"h100.*80|h100.*sxm|h100", "h100-sxm"),
    (r"h200.*nvl", "h200-nvl"),
    (r"h200", "h200-sxm"),
    (r"h20(?!0)", "h20"),
    (r"gb300", "gb300-nvl72"),
    (r"gb200", "gb200-nvl72"),
    (r"b300", "b300-sxm"),
    (r"b200", "b200-sxm"),
    (r"pro.?6000.*black.*(max)", "rtx-pro-6000-blackwell-maxq"),
    (r"pro.?6000.*(server|\bse\b)", "rtx-pro-6000-blackwell-server"),
    (r"pro.?6000.*black|pro.?6000", "rtx-pro-6000-blackwell-ws"),
    (r"(rtx.?)?6000.*ada", "rtx-6000-ada"),
    (r"a6000", "rtx-a6000"),
    (r"l40s", "l40s"),
    (r"l40", "l40"),
    (r"\bl4\b|l4[- ]pcie", "l4"),
    (r"a10g", "a10g"),
    (r"\ba10\b", "a10"),
    (r"\ba30\b", "a30"),
    (r"\ba40\b", "a40"),
    (r"\bt4\b|tesla.?t4", "t4"),
    (r"v100.*sxm.*32", "v100-sxm2-32gb"),
    (r"v100.*pcie.*32", "v100-pcie-32gb"),
    (r"v100.*pcie", "v100-pcie-16gb"),
    (r"v100", "v100-sxm2-16gb"),
    (r"mi455", "mi455x"),
    (r"mi355", "mi355x"),
    (r"mi325", "mi325x"),
    (r"mi300x", "mi300x"),
    (r"mi250x", "mi250x"),
    (r"mi250", "mi250"),
    (r"mi210", "mi210"),
    (r"gaudi ?3", "gaudi3"),
    (r"gaudi ?2", "gaudi2"),
    (r"gb10|dgx spark", "gb10-dgx-spark"),
    (r"ai max\+? ?395|strix halo|radeon 8060s", "ryzen-ai-max-395"),
    (r"b60", "arc-pro-b60"),
    (r"b580", "arc-b580"),
)
"""The first pattern that a name holds decides; anything vaguer is unknown."""

FORMATS = {
    "bf16": "bf16", "fp16": "bf16", "bf16/fp16": "bf16", "fp16/bf16": "bf16", "float16": "bf16", "bfloat16": "bf16",
    "fp32": "fp32", "float32": "fp32",
    "fp8": "fp8", "fp8_block": "fp8-block", "fp8-block": "fp8-block", "fp8/fp8 kv": "fp8", "w8a8-fp8": "fp8",
    "nvfp4": "nvfp4", "fp4": "nvfp4", "nvfp4 weights": "nvfp4",
    "int8": "int8", "w8a8": "int8",
}  # fmt: skip
"""Precisions as servers print them; half precision is bf16, which takes the same time."""

CONSUMER = re.compile(r"\b(rx )?([2-9]\d{3}|[2-9]\d{2}m?)[ -]?(ti super|ti|super|xtx|xt|xl)?(?=$|[ ,)\]-])")
APPLE = re.compile(r"\bm(\d)( pro| max| ultra)?\b")
SIBLINGS = {
    "deepseek-r1-distill-llama-8b": "llama-3.1-8b",
    "deepseek-r1-distill-qwen-7b": "qwen2.5-7b",
    "deepseek-r1-distill-qwen-14b": "qwen2.5-14b",
    "deepseek-r1-0528-qwen3-8b": "qwen3-8b",
    "hermes-3-llama-3.1-8b": "llama-3.1-8b",
    "llama-3.1-tulu-3-8b": "llama-3.1-8b",
    "llama-3.1-nemotron-nano-8b-v1": "llama-3.1-8b",
    "mistral-nemo-2407": "mistral-nemo-12b",
    "mistral-small-24b-2501": "mistral-small-24b",
    "mistral-small-3.2-24b-2506": "mistral-small-24b",
    "phi-3.5-mini": "phi-3-mini-128k",
    "phi-4-reasoning-plus": "phi-4",
    "qwen2.5-coder-3b": "qwen2.5-3b",
    "qwen2.5-coder-7b": "qwen2.5-7b",
    "qwen2.5-coder-14b": "qwen2.5-14b",
    "qwen2.5-coder-32b": "qwen2.5-32b",
    "qwen2-7b": "qwen2.5-7b",
    "qwen3-4b-2507": "qwen3-4b",
    "qwen3moe-30b.a3b": "qwen3-30b-a3b",
    "qwen3-30b-a3b-2507": "qwen3-30b-a3b",
    "qwen3-30b-a3b-thinking-2507": "qwen3-30b-a3b",
    "qwen3-coder-30b-a3b": "qwen3-30b-a3b",
    "huggingfacetb-smollm3-3b": "smollm3-3b",
    "yi-1.5-34b": "yi-34b",
    "llama3.3-70b": "llama-3.1-70b",
}
"""Fine-tunes and siblings with exactly the shapes of a catalogued model."""
SUFFIXES = re.compile(
    r"[-.](instruct|it|chat|hf|base|i1|ud|i?q\d\w*|f16|xl|v\d+(\.\d+)?-instruct|fp8|nvfp4|fp4|bf16|fp16|w8a8|w4a16|awq|gptq|gguf|mxfp4|dynamic|"
    r"int4|int8|qat|mlx|\d-?bit)(?=-|$)"
)


def machine_of(name: str) -> tuple[str | None, int]:
    """Catalog id of one device and how many of them a printed name says: ``8x NVIDIA H200-SXM-141GB``.

    ``None`` where the name fits no machine of the catalog for certain.
    """
    text = name.strip().lower()
    ids = _machine_ids()
    if text in TABLE_MACHINES:
        return TABLE_MACHINES[text], 1
    if text in ids:
        return ids[text], 1
    count = re.match(r"(\d+)\s?x ", text)
    devices = int(count[1]) if count else 1
    text = text[count.end() :] if count else text
    inside = re.search(r"\((?:nvidia|amd|intel) (.+?)\)", text)  # "a host (with its card) [GPU]"
    if inside:
        text = inside[1]
    bare = re.sub(r"\(.*?\)|\[.*?\]", "", text).strip()
    for each in (bare, re.sub(r"[ _]", "-", bare)):
        if each in ids:
            return ids[each], devices
    if re.search(r"\(x ?\d+\)|cpu|xeon|virtual", text) and "[gpu]" not in text:
        return None, devices
    spaced = re.sub(r"[_-]", " ", bare)
    for pattern, machine in MACHINE_WORDS:
        if re.search(pattern, text) or re.search(pattern, spaced):
            return machine if machine in ids else None, devices
    return _consumer(re.sub(r"(?<=[a-z])(?=\d{4})", " ", spaced if APPLE.search(spaced) else text), ids), devices


def _consumer(text: str, ids: dict[str, str]) -> str | None:
    """A GeForce, Radeon or Apple chip by its number."""
    apple, card = APPLE.search(text), CONSUMER.search(text)
    if apple and not card:
        wanted = [f"apple-m{apple[1]}{(apple[2] or '').replace(' ', '-')}"]
    elif card:
        number = "-".join(part for part in (card[2], (card[3] or "").replace(" ", "-")) if part)
        wanted = [f"rx-{number}"] if card[1] or "xt" in number else [f"rtx-{number}", f"rx-{number}"]
    else:
        return None
    fitting = {
        ids[each] for each in ids for name in wanted if each == name or re.fullmatch(re.escape(name) + r"-\d+gb", each)
    }
    return fitting.pop() if len(fitting) == 1 else None


@lru_cache(maxsize=1)
def _machine_ids() -> dict[str, str]:
    machines = all_machines()
    return {m.id: m.id for m in machines} | {m.name.lower(): m.id for m in machines}


def model_of(name: str) -> str | None:
    """Catalog id of a model as printed: an id, an alias, a hub name or a sibling of the same shape.

    ``None`` where none fits for certain.
    """
    index = _model_index()
    for text in _spellings(name):
        if text in index:
            return index[text]
        if SIBLINGS.get(text) in index:
            return index[SIBLINGS[text]]
    return None


def _spellings(name: str) -> list[str]:
    """A name as printed, then ever barer."""
    text = name.strip().lower()
    tail = text.rsplit("/", 1)[-1]
    stem = re.sub(r"\(.*?\)|\.gguf$", "", tail).strip()
    stem = re.sub(r"[-._](ud-|i1-)?(i?q\d\w*|bf16|f16|fp16|mxfp4)(-gguf)?$", "", stem)
    stem = re.sub(r"^(?!phi|qwen\d)[a-z]+(-[a-z0-9]+)?_(?=[a-z])", "", stem)  # an organisation
    dashed = re.sub(r"[ _:]+", "-", stem).strip("-")
    dashed = re.sub(r"^(meta|qwen|mistralai|microsoft|nvidia)-(?=[a-z])", "", dashed)
    numbered = re.sub(r"^llama-?v?(\d)", r"llama-\1", dashed)
    bare = SUFFIXES.sub("", SUFFIXES.sub("", numbered))
    undated = re.sub(r"-\d{4}$", "", bare)
    return list(dict.fromkeys((text, tail, dashed, numbered, bare, undated)))


@lru_cache(maxsize=1)
def _model_index() -> dict[str, str]:
    """Spellings to ids; one that could mean two models with different ids is left out unless it is an id."""
    index: dict[str, str] = {}
    unclear: set[str] = set()
    models = all_models()
    for spec in models:
        for alias in (spec.name, *spec.aliases):
            for text in _spellings(alias):
                if index.setdefault(text, spec.id) != spec.id:
                    unclear.add(text)
    for text in unclear:
        del index[text]
    return index | {spec.id: spec.id for spec in models}


def format_of(precision: str, model: str) -> str | None:
    """Weight format that a printed precision means for a model; ``None`` where it is not certain.

    Models that are published in 4 bits keep them whatever the rest of the pass runs in, and those published in blocks
    of 8 bits are not quantised anew.
    """
    published = load(model).published_weights
    text = precision.strip().lower()
    if "mxfp4" in (published or "") and text in ("", "bf16", "fp4", "mxfp4", "nvfp4", "fp8"):
        return published
    if text == "":
        return "bf16"
    found = FORMATS.get(text)
    return "fp8-block" if found == "fp8" and published == "fp8-block" else found
