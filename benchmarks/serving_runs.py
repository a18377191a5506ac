"""Measured serving runs and single streams, under the catalog's ids.

Only plain tensor parallelism on one node is read. Whatever leaves doubt about what was measured keeps its row, with the
reason in ``doubt``, and stays out of the bands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.kernel_fits import MACHINES, Row, read
from benchmarks.single_stream import STREAM_MACHINES, slug_of
from catalog.loader import model_ids

ENGINES = {"vllm": "vllm", "trtllm": "tensorrt-llm", "sglang": "sglang"}

CLOSED_MODELS = {
    "Qwen/Qwen3-32B": "qwen3-32b",
    "deepseek-ai/DeepSeek-R1": "deepseek-r1",
    "meta-llama/Meta-Llama-3.1-70B": "llama-3.1-70b",
    "meta-llama/Meta-Llama-3.1-8B": "llama-3.1-8b",
    "openai/gpt-oss-120b": "gpt-oss-120b",
}
CLOSED_MACHINES = ("h100_sxm", "h200_sxm", "b200_sxm")
CLOSED_FORMATS = {"": "bf16", "fp8": "fp8", "fp8_block": "fp8", "nvfp4": "nvfp4"}

RATE_MODELS = {
    "mistralai/Mixtral-8x7B-v0.1": "mixtral-8x7b",
    "mistralai/Mixtral-8x22B-v0.1": "mixtral-8x22b",
    "mistralai/Mixtral-8x22B-Instruct-v0.1": "mixtral-8x22b",
    "mistralai/Mistral-Nemo-Instruct-2407": "mistral-nemo-12b",
    "meta-llama/Llama-2-7b-hf": "llama-2-7b",
    "meta-llama/Llama-3.1-8B-Instruct": "llama-3.1-8b",
    "meta-llama/Llama-3.1-70B-Instruct": "llama-3.1-70b",
    "Qwen/Qwen2.5-7B-Instruct": "qwen2.5-7b",
    "Qwen/Qwen3-14B": "qwen3-14b",
}
RATE_MACHINES = {"H100-80GB-SXM": "h100-sxm", "A100-80GB-SXM": "a100-sxm4-80gb", "L40S-48GB": "l40s"}

LOCAL_MACHINES = STREAM_MACHINES | {
    "Intel 265K Custom PC (Nvidia RTX 4090) [GPU]": "rtx-4090",
    "Intel 13900K (Nvidia 4090) [GPU]": "rtx-4090",
    "Intel 265K Custom PC (Nvidia RTX 3060) [GPU]": "rtx-3060-12gb",
    "Ryzen 9 9950X (AMD 7900 XT) [GPU]": "rx-7900-xt",
    "Mac Studio (M3 Ultra 512GB) [GPU]": "apple-m3-ultra",
    "M1 Ultra (48 GPU Core) 64GB [GPU]": "apple-m1-ultra",
    "M1 Max Mac Studio (10 core - 64GB) [GPU]": "apple-m1-max",
    "M4 Mac mini (10 core - 32GB) [GPU]": "apple-m4",
    "1x Apple M1 Max (32.0 GB, macos)": "apple-m1-max",
    "1x Apple M3 Pro (36.0 GB, macos)": "apple-m3-pro",
}
"""Single machines that the catalog has; with them those of ``single_stream.py``."""

LOCAL_MODELS = {
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

OLLAMA_TAGS = {
    "Llama 3.2:3b": ("llama-3.2-3b", "gguf-q4_k_m"),
    "Llama 3.1:70b": ("llama-3.1-70b", "gguf-q4_k_m"),
    "DeepSeek R1 14b": ("qwen2.5-14b", "gguf-q4_k_m"),
    "gpt-oss 20b": ("gpt-oss-20b", "mxfp4-experts"),
    "qwen3:8b": ("qwen3-8b", "gguf-q4_k_m"),
    "llama3.2:1b": ("llama-3.2-1b", "gguf-q8_0"),
}
"""What Ollama serves under a bare name (its library pages); the tables do not print it."""

LOCAL_FORMATS = {
    "q4_k_m": "gguf-q4_k_m",
    "q4_k - medium": "gguf-q4_k_m",
    "q8_0": "gguf-q8_0",
    "q4_0": "gguf-q4_0",
    "f16": "fp16",
    "bf16": "bf16",
}


@dataclass(frozen=True)
class Run:
    """What one measurement says of one setting."""

    kind: str
    """``closed loop``, ``constant rate`` or ``single stream``."""
    engine: str
    machine: str
    model: str
    weights: str
    cache_bits: float
    tp: int
    clients: float
    """Requests in flight; at a constant rate the rate times the measured answer time (Little's law)."""
    input_tokens: float
    output_tokens: float
    ttft_s: float | None
    tpot_s: float | None
    doubt: str | None = None
    """Why it stays out of fits and bands."""

    @property
    def pair(self) -> tuple[str, str]:
        """Model and machine: what errors are weighted by."""
        return self.model, self.machine

    @property
    def setting(self) -> tuple[str, str, str, float, int]:
        """What is compiled once."""
        return self.model, self.machine, self.weights, self.cache_bits, self.tp


def _number(row: Row, name: str) -> float | None:
    return float(row[name]) if row[name] not in ("", "nan") else None


def _closed_cache_bits(model: str, machine: str) -> float:
    """Element size of the cache in the published launch scripts (SemiAnalysisAI/InferenceX, benchmarks/*.sh)."""
    if model == "llama-3.1-70b" or (machine == "b200-sxm" and model in ("gpt-oss-120b", "deepseek-r1")):
        return 8
    return 16


def _closed_doubt(row: Row, model: str, machine: str) -> str | None:
    if model == "deepseek-r1" and not (machine == "h200-sxm" and row["backend"] == "sglang"):
        return "may use multi-token prediction (the same setting is listed up to 2.3 times apart)"
    return None


def closed_loops(facts: Path) -> Iterator[Run]:
    """Aggregated servers under a fixed number of clients, each listed once.

    The identifier's ``tpN`` is the number of devices: ``tp_size`` of expert-parallel rows is their product. Rows whose
    batch is not the concurrency count several replicas, those without a concurrency only an upper limit: left out.
    """
    seen = set()
    for row in read(facts / "measured" / "serving_end_to_end.csv"):
        found = re.search(r"_tp(\d+)", row["id"])
        experts = re.search(r"_ep(\d+)", row["id"])
        clients, batch = _number(row, "silicon_concurrency"), _number(row, "batch_size")
        plain = (
            row["mode"] == "agg"
            and row["model_path"] in CLOSED_MODELS
            and row["system"] in CLOSED_MACHINES
            and (_number(row, "pp_size") or 1) == 1
            and (_number(row, "attention_dp_size") or 1) == 1
            and float(experts[1] if experts else _number(row, "moe_ep_size") or 1) <= 1
            and clients is not None
            and clients == batch
        )
        if not plain or found is None or clients is None:
            continue
        model, machine = CLOSED_MODELS[row["model_path"]], MACHINES[row["system"]]
        key = (model, machine, row["backend"], row["gemm_quant_mode"], found[1], row["isl"], row["osl"], clients)
        times = (row["silicon_ttft_ms"], row["silicon_tpot_ms"])
        if (key, times) in seen:
            continue
        seen.add((key, times))
        yield Run(
            kind="closed loop",
            engine=ENGINES[row["backend"]],
            machine=machine,
            model=model,
            weights="mxfp4-experts" if model == "gpt-oss-120b" else CLOSED_FORMATS[row["gemm_quant_mode"]],
            cache_bits=_closed_cache_bits(model, machine),
            tp=int(found[1]),
            clients=clients,
            input_tokens=float(row["isl"]),
            output_tokens=float(row["osl"]),
            ttft_s=float(times[0]) * 1e-3,
            tpot_s=float(times[1]) * 1e-3,
            doubt=_closed_doubt(row, model, machine),
        )


def constant_rates(facts: Path) -> Iterator[Run]:
    """vLLM 0.15 under requests at a constant rate, stage by stage."""
    seen = set()
    for name in ("serving_vllm_load_tests.csv", "serving_vllm_stages.csv"):
        for row in read(facts / "measured" / name):
            if row["stage"] in ("all", "summary") or row["model"] not in RATE_MODELS:
                continue
            rate = float(row["rate_req_s"])
            key = (row["model"], row["hardware"], row["tp"], row["isl"], rate, row["ttft_mean_ms"])
            if key in seen:
                continue
            seen.add(key)
            yield Run(
                kind="constant rate",
                engine="vllm",
                machine=RATE_MACHINES[row["hardware"]],
                model=RATE_MODELS[row["model"]],
                weights="bf16",
                cache_bits=16,
                tp=int(row["tp"]),
                clients=rate * float(row["e2e_mean_ms"]) * 1e-3,
                input_tokens=float(row["isl"]),
                output_tokens=float(row["osl"]),
                ttft_s=float(row["ttft_mean_ms"]) * 1e-3,
                tpot_s=float(row["tpot_mean_ms_derived"]) * 1e-3,
            )


def _local_names(row: Row, known: dict[str, None]) -> tuple[str, str] | None:
    """Model and format of a row of decode_single_stream.csv, where both are certain."""
    name = row["model"]
    if name in OLLAMA_TAGS:
        return OLLAMA_TAGS[name]
    if "UD-" in name:
        return None  # mixed by tensor, no format of the catalog
    stem = re.sub(r"\(.*?\)|\.gguf$", "", name.rsplit("/", 1)[-1]).strip()
    inside = re.search(r"[-.](Q\d\w*|BF16|F16)(-fp16)?$", stem, re.IGNORECASE)
    quant = (inside[1] if inside else row["quant"]).lower()
    model = slug_of(stem.removesuffix("-fp16"), known)
    if model is None:
        text = stem[: inside.start()] if inside else stem
        text = re.sub(r"-(instruct|it|chat)(?=-|$)", "", text.lower().replace("_", "-").replace(" ", "-"))
        tails = [tail for tail in LOCAL_MODELS if text.endswith(tail)]
        tails += [tail for tail in known if text in (tail, f"meta-{tail}", f"qwen-{tail}", f"microsoft-{tail}")]
        model = LOCAL_MODELS.get(tails[0], tails[0]) if tails else None
    if model is None:
        return None
    if model.startswith("gpt-oss"):
        return (model, "mxfp4-experts") if quant == "f16" else None
    return (model, LOCAL_FORMATS[quant]) if quant in LOCAL_FORMATS else None


def single_streams(facts: Path) -> Iterator[Run]:
    """llama.cpp and Ollama, one request at a time on one device."""
    known = dict.fromkeys(model_ids())
    for row in read(facts / "measured" / "decode_single_stream.csv"):
        machine = LOCAL_MACHINES.get(row["hardware"])
        names = _local_names(row, known)
        if machine is None or names is None or not re.search(r"llama|ollama", row["engine"], re.IGNORECASE):
            continue
        depth = re.search(r"@ ?d(\d+)|depth\(existing KV\)=(\d+)", row["notes"])
        past = float(next((g for g in depth.groups() if g), 0)) if depth else 0.0
        prompt, speed = _number(row, "prompt_len"), _number(row, "prompt_tok_s")
        wrote, pace = _number(row, "gen_len") or 128.0, _number(row, "gen_tok_s")
        if speed is not None and past == 0 and prompt is not None and 128 <= prompt <= 4096:
            yield _single(machine, names, prompt, 1.0, ttft_s=prompt / speed)
        if pace is not None and pace >= 1:  # slower: spilled to disk
            yield _single(machine, names, past, wrote, tpot_s=1 / pace)


def _single(machine: str, names: tuple[str, str], given: float, written: float, **measured: float) -> Run:
    return Run(
        "single stream", "llama.cpp", machine, *names, 16, 1, 1, given, written,
        measured.get("ttft_s"), measured.get("tpot_s"),
    )  # fmt: skip
