"""What whole-model decoding says of machines without kernel tables: batch 1, one machine, dense models.

The fixed time of a layer is that of shared/lessons.md; what remains of a token's time is read as streaming weights.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.kernel_fits import Errors, Hardware, read

LAYER_US = 46.0
"""Fixed time of one layer in local single-stream decoding, in microseconds (755 rows; see shared/lessons.md)."""
LAYER_KERNELS = 9
"""Kernels of such a layer: two norms, QKV, rotary, attention, output, gate-up, activation, down."""
LOCAL_MEMORY = 0.77
"""Share of nominal bandwidth over all local single-stream rows (shared/lessons.md: 755 rows, 14.8 % median error)."""

STREAM_MACHINES = {
    "3080 10GB": "rtx-3080-10gb",
    "4090 24GB": "rtx-4090",
    "RTX 6000 Ada 48GB": "rtx-6000-ada",
    "DGX Spark (GB10)": "gb10-dgx-spark",
    "1x NVIDIA GB10 (121.63 GB, linux)": "gb10-dgx-spark",
    "A40 48GB": "a40",
    "A100 PCIe 80GB": "a100-pcie-80gb",
    "AMD Ryzen AI MAX+ 395 (Radeon 8060S)": "ryzen-ai-max-395",
    "1x AMD Radeon RX 7900 XT (19.98 GB, linux)": "rx-7900-xt",
    "M1 Max 32\u2011Core GPU 64GB": "apple-m1-max",
    "1x Apple M4 Pro (24.0 GB, macos)": "apple-m4-pro",
    "CPU 48-core Sapphire Rapids Xeon": "xeon-8480plus",
}
"""Hardware as printed by the sources and ids in ``hardware.csv``."""

STREAM_BITS = {"Q4_K_M": 4.8944, "AWQ-INT4": 4.16}
"""Bits per weight where no file size is printed (``quantization.csv``: gguf-Q4_K_M, awq-int4 g128)."""

STREAM_MODELS = {"llama-2-7b": "llama-2-7b", "mistral-7b": "mistral-7b-v0.1", "vicuna-7b": "llama-2-7b"}
"""Names that differ from the slug of their configuration."""

XEON_CORES_SHARE = 48 / 56
"""The Xeon of the tables has 48 cores, the one in ``hardware.csv`` 56, with the same eight DDR5-4800 channels."""


@dataclass(frozen=True)
class Stream:
    """One batch-1 measurement of a dense model."""

    machine: str
    model: str
    quant: str
    bytes_read: float
    layers: int
    params: float
    prompt: float
    decode_s: float | None
    prompt_tok_s: float | None


def dense_models(facts: Path) -> dict[str, tuple[float, float, int]]:
    """``{slug: (parameters, share that decoding reads, layers)}`` of dense text models with a checked count."""
    models = {}
    for path in (facts / "hf_configs").glob("*.json"):
        entry = json.loads(path.read_text(encoding="utf-8"))
        config, params = entry["config"], (entry.get("check") or {}).get("meta_params")
        layers, vocabulary, hidden = (config.get(key) for key in ("num_hidden_layers", "vocab_size", "hidden_size"))
        if not (params and layers and vocabulary and hidden) or any("expert" in key for key in config):
            continue
        table = 0 if config.get("tie_word_embeddings") else vocabulary * hidden
        models[path.stem] = (float(params), 1 - table / params, int(layers))
    return models


def slug_of(name: str, known: Mapping[str, object]) -> str | None:
    """The configuration a printed model name means, or ``None``."""
    text = re.sub(r"\(.*?\)|\.gguf$", "", name).strip().lower().replace(" ", "-")
    text = re.sub(r"^(meta-|[a-z]+ai_|shisa-v2-)|[-.](ud-)?(i1-)?(q\d\w*|bf16|f16|fp16|iq\w+)$", "", text)
    text = re.sub(r"-(instruct|it|chat)(?=-|$)", "", re.sub(r"[-.](ud-)?(i1-)?(q\d\w*)$", "", text))
    text = STREAM_MODELS.get(text, re.sub(r"^llama(\d)", r"llama-\1", text))
    return text if text in known else None


def streams(facts: Path) -> Iterator[Stream]:
    """Clean rows: one machine of ``hardware.csv``, a dense model, an empty or short context."""
    models = dense_models(facts)
    for row in read(facts / "measured" / "decode_single_stream.csv"):
        machine, slug = STREAM_MACHINES.get(row["hardware"]), slug_of(row["model"], models)
        notes, quant = row["notes"], row["quant"]
        if machine is None or slug is None or re.search(r"@ ?d|depth [1-9]|depth\(existing KV\)=[1-9]", notes):
            continue
        params, read_share, layers = models[slug]
        if "Q4_K_M" in row["model"]:
            quant = "Q4_K_M"
        if row["file_size_gb"]:
            unit = 1e9 if "GB (1e9)" in notes else 2**30
            size = float(row["file_size_gb"]) * unit
        elif quant in STREAM_BITS:
            size = params * STREAM_BITS[quant] / 8
        else:
            continue
        prompt = float(row["prompt_len"] or 0)
        speed, prompt_speed = float(row["gen_tok_s"] or 0), float(row["prompt_tok_s"] or 0)
        yield Stream(
            machine,
            slug,
            quant,
            size * read_share,
            layers,
            params,
            prompt,
            1 / speed if speed and prompt <= 1024 else None,
            prompt_speed if prompt_speed and 512 <= prompt <= 2048 else None,
        )


@dataclass(frozen=True)
class StreamRates:
    """What single-stream measurements say of one machine: best backend of each model, then the median of models."""

    machine: str
    models: int
    memory: float
    """Share of the bandwidth after ``LAYER_US`` per layer."""
    compute: float | None
    """Whole-prompt FLOPs over the peak of 16-bit products: attention, norms and dequantisation are in it."""
    errors: Errors
    """Of decode times under the class default."""


def stream_rates(facts: Path, hardware: Mapping[str, Hardware]) -> dict[str, StreamRates]:
    """Memory and compute shares that a whole model reaches, by machine, at ``LAYER_US`` per layer."""
    memory: dict[str, dict[tuple[str, str], list[tuple[float, Stream]]]] = defaultdict(lambda: defaultdict(list))
    compute: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for s in streams(facts):
        machine = hardware[s.machine]
        if s.decode_s is not None and s.decode_s > s.layers * LAYER_US * 1e-6:
            share = s.bytes_read / machine.bandwidth / (s.decode_s - s.layers * LAYER_US * 1e-6)
            memory[s.machine][s.model, s.quant].append((share, s))
        if s.prompt_tok_s is not None:
            peak = machine.peaks.get("bf16") or machine.peaks["fp16"]
            peak *= XEON_CORES_SHARE if s.machine == "xeon-8480plus" else 1.0
            compute[s.machine][s.model, s.quant].append(2 * s.params * s.prompt_tok_s / peak)
    rates = {}
    for name, by_model in sorted(memory.items()):
        best = [max(found, key=lambda pair: pair[0]) for found in by_model.values()]
        share = median(pair[0] for pair in best)
        seconds = np.array([pair[1].decode_s for pair in best], dtype=np.float64)
        assumed = share if hardware[name].kind == "cpu" else LOCAL_MEMORY
        predicted = np.array(
            [p[1].bytes_read / (hardware[name].bandwidth * assumed) + p[1].layers * LAYER_US * 1e-6 for p in best]
        )
        peaks = [max(found) for found in compute[name].values()]
        rates[name] = StreamRates(
            name, len(best), share, median(peaks) if peaks else None, Errors.of(predicted, seconds)
        )
    return rates
