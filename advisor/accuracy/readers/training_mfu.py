"""FLOPs of a training step per token: a reported rate of FLOPs over the reported rate of tokens, against ours.

No time of training is predicted. Who prints FLOP/s counts a model's FLOPs by a formula of their own, without
recomputation; causal attention is counted whole by older ones and by half by newer ones.

Source:
    Megatron-LM ``num_floating_point_operations`` (half the mask; whole before core 0.12); NeMo's tables of 2024 and
    llm-foundry's ``12 L d s^2`` (whole).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Row, Skipped
from advisor.accuracy.names import machine_of, model_of
from advisor.accuracy.readers.serving_end_to_end import number
from calculators.flops import Counting
from calculators.training import training_flops
from catalog.importers.huggingface import from_hf_config
from catalog.loader import load, load_machine
from catalog.spec import ModelSpec

WHOLE = ("llm-foundry", "NVIDIA/NeMo/docs", "TinyLlama")
"""Sources that count the square of causal attention."""
NAMES = {
    "GPT3-175B": "gpt-3-175b", "DeepSeekV3": "deepseek-v3", "DeepSeekV4 Flash": "deepseek-v4-flash",
    "Kimi_K2": "kimi-k2",
    "Nemotron_3_Nano": "nemotron-3-nano-30b-a3b", "Nemotron_3_Super": "nemotron-3-super-120b-a12b",
}  # fmt: skip
MPT = {
    "125m": (768, 12, 12), "350m": (1024, 24, 16), "760m": (1536, 24, 12), "1b": (2048, 24, 16), "3b": (2560, 32, 20),
    "13b": (5120, 40, 40), "30b": (7168, 48, 56), "70b": (8192, 80, 64),
}  # fmt: skip
"""Width, layers and heads of llm-foundry's MPT by name; the parameters printed in its table are theirs to 0.5 %."""
VOCABULARY = 50368


@lru_cache(maxsize=32)
def spec_of(name: str) -> ModelSpec | None:
    """The catalog's model, or an MPT of llm-foundry's table; ``None`` for others."""
    plain = re.sub(r" \(.*", "", name)
    size = plain.removeprefix("MPT-")
    if plain != size and size in MPT:
        width, layers, heads = MPT[size]
        given = {"d_model": width, "n_layers": layers, "n_heads": heads, "vocab_size": VOCABULARY}
        return from_hf_config({"model_type": "mpt", "expansion_ratio": 4, **given}, name=plain)
    found = NAMES.get(plain) or model_of(plain)
    return None if found is None else load(found)


@lru_cache(maxsize=1024)
def flops_per_token(name: str, tokens: int, count: Counting) -> float | None:
    """Of a step over one sequence; ``None`` for models that nobody knows."""
    spec = spec_of(name)
    return None if spec is None else training_flops(spec, tokens, count=count) / tokens


def _one(line: int, row: Row, given: Given) -> Comparison | str:
    tokens_per_s, length = number(row, "tokens_per_s_per_gpu"), number(row, "seq")
    flops_per_s, share = number(row, "tflops_per_gpu"), number(row, "mfu_pct")
    notes = str(row["notes"])
    if not flops_per_s and not share:
        what = "memory" if row["memory_gb"] else "tokens a second" if tokens_per_s else "durations"
        return f"{what} of training without FLOPs: not predicted"
    if not tokens_per_s or not length:
        return "FLOP/s without tokens a second or their sequence: no FLOPs per token"
    if re.search(r"lora|fine-?tun|sft|packed", notes, re.IGNORECASE):
        return "fine-tuning: adapters, or packed sequences whose lengths are not given"
    machine = given.machine or machine_of(str(row["hardware"]))[0]
    count: Counting = "executed" if any(word in row["source"] for word in WHOLE) else "needed"
    predicted = flops_per_token(given.model or row["model"], int(length), count)
    if predicted is None:
        return f"not in the catalog: {row['model']}"
    if not flops_per_s:
        peak = load_machine(machine).peak_tflops.get("bf16") if machine and "bf16" in row["precision"] else None
        if peak is None:
            return "a share of a peak that is not known"
        flops_per_s = peak * (share or 0) / 100
    keys = {
        "machine": machine or str(row["hardware"]), "model": re.sub(r" \(.*", "", row["model"]), "input": f"{length:g}",
        "counting": count, "source": row["source"].split("@")[0],
    }  # fmt: skip
    return Comparison(line, "flops per token", "FLOP", flops_per_s * 1e12 / tokens_per_s, predicted, keys)


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    for line, row in enumerate(file.rows, 1):
        found = _one(line, row, given)
        yield Skipped(line, found) if isinstance(found, str) else found


READER = Reader(
    layout="training_mfu",
    about="FLOPs of a training step per token, as reported by their rates",
    columns=frozenset({"model", "hardware", "seq", "tflops_per_gpu", "mfu_pct", "tokens_per_s_per_gpu", "notes"}),
    compare=_compare,
    by=("counting", "model"),
)
