"""What an engine costs besides the model's arithmetic: memory, time per request, time per iteration.

Run from the repository root::

    python -m benchmarks.engine_constants

prints how each constant in ``catalog/engines`` was come by. Nothing is written: the constants are kept by hand.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.kernel_fits import read
from benchmarks.predictions import Prediction, predict
from benchmarks.serving_runs import RATE_MODELS, Run, closed_loops, constant_rates
from calculators.activations import peak_activation_bytes
from calculators.memory import kv_cache_bytes
from calculators.params import architecture_of
from calculators.workload import Workload
from catalog.loader import load

FACTS = Path(__file__).resolve().parents[2] / "shared" / "facts"
GIB = 2**30

VLLM_BUDGETS = RATE_MODELS | {"meta-llama/Llama-3.1-8B": "llama-3.1-8b"}
GGUF_MODELS = {
    "Mistral-Small-3.1-24B-Instruct-2503-UD-Q4_K_XL": "mistral-small-24b",
    "Qwen3-32B-Q8_0": "qwen3-32b",
    "gpt-oss-120b-F16": "gpt-oss-120b",
    "gpt-oss-20b-F16": "gpt-oss-20b",
    "llama-2-7b.Q4_K_M": "llama-2-7b",
    "shisa-v2-llama3.1-8b.i1-Q4_K_M": "llama-3.1-8b",
    "shisa-v2-llama3.3-70b.i1-Q4_K_M": "llama-3.1-70b",
}
LLAMA_CPP_TOKENS = 512
"""Tokens that llama.cpp computes at a time unless told otherwise (``--ubatch-size``)."""
LLAMA_CPP_PAGE = 256
"""Its cache is rounded up to so many positions."""
STEP_GRID_S = np.arange(0, 3.05e-3, 5e-5)


@dataclass(frozen=True)
class Memory:
    """One measured server: what it holds besides weights and cache, and our activations for its largest pass."""

    name: str
    model: str
    besides_gib: float
    activations_gib: float

    @property
    def constant_gib(self) -> float:
        return self.besides_gib - self.activations_gib


def _activations_gib(model: str, tokens: int, tp: int) -> float:
    architecture = architecture_of(load(model))
    return float(peak_activation_bytes(architecture, Workload.of(1, tokens, 0), tp=tp)) / GIB


def vllm_memory(facts: Path) -> Iterator[Memory]:
    """Runs whose token budget per pass is printed."""
    for row in read(facts / "measured" / "vllm_memory_budget.csv"):
        tokens = re.search(r"mbt (\d+)", row["note"])
        if row["model"] not in VLLM_BUDGETS or not row["implied_non_kv_overhead_gib"] or tokens is None:
            continue
        model, tp = VLLM_BUDGETS[row["model"]], int(row["tp"])
        yield Memory(
            f"{row['hardware']} x{tp}, {tokens[1]} tokens, vLLM {row['engine_version']}",
            model,
            float(row["implied_non_kv_overhead_gib"]),
            _activations_gib(model, int(tokens[1]), tp),
        )


def llama_cpp_memory(facts: Path) -> Iterator[Memory]:
    """Peaks of llama-bench on a Ryzen AI MAX+ 395, reading prompts (512 and 4,096 tokens): HIP, rocWMMA and Vulkan.

    File and cache are subtracted; so is nothing for the embedding table, which HIP builds leave in host memory, because
    we count it as weights.
    """
    rows = read(facts / "measured" / "memory_and_params_published.csv")
    files = {row["model"]: float(row["value"]) for row in rows if row["quantity"] == "weights_file_size"}
    for row in rows:
        printed = row["model"]
        if row["quantity"] != "gpu_memory_peak_measured" or printed not in GGUF_MODELS or printed not in files:
            continue
        tokens = int(float(row["context"]))
        if tokens not in (512, 4096):
            continue
        spec = load(GGUF_MODELS[printed])
        cache = kv_cache_bytes(spec, -(-tokens // LLAMA_CPP_PAGE) * LLAMA_CPP_PAGE)
        besides = float(row["value"]) / 1024 - (files[printed] + cache) / GIB
        build = re.search(r"llama\.cpp-(\w+)", row["notes"])
        yield Memory(build[1] if build else "", spec.id, besides, _activations_gib(spec.id, LLAMA_CPP_TOKENS, 1))


def waits_s(runs: Sequence[Run], predictions: Sequence[Prediction]) -> dict[tuple[str, str], float]:
    """By model and machine, the median of what a first token takes at a constant rate besides waiting and computing."""
    pairs: dict[tuple[str, str], list[float]] = defaultdict(list)
    for run, prediction in zip(runs, predictions, strict=True):
        if run.kind == "constant rate" and run.ttft_s is not None:
            pairs[run.pair].append(run.ttft_s - prediction.ttft_s)
    return {pair: median(found) for pair, found in pairs.items()}


def request_overhead_s(waits: dict[tuple[str, str], float], without: tuple[str, str] | None = None) -> float:
    """Median over pairs of model and machine, every pair weighing the same; never negative."""
    return max(0.0, median(wait for pair, wait in waits.items() if pair != without))


def _step_loss(step_s: float, runs: Sequence[Run], predictions: Sequence[Prediction]) -> dict[tuple[str, str], float]:
    """Median absolute error of TPOT by pair, with a constant added to every iteration."""
    errors: dict[tuple[str, str], list[float]] = defaultdict(list)
    for run, p in zip(runs, predictions, strict=True):
        assert run.tpot_s is not None
        errors[run.pair].append(abs((p.tpot_s + step_s) / run.tpot_s - 1))
    return {pair: median(found) for pair, found in errors.items()}


def step_overhead(runs: Sequence[Run], predictions: Sequence[Prediction]) -> tuple[float, float, float]:
    """A constant per iteration, and the mean over pairs of the held-out error without and with it.

    Each pair of model and machine is judged with the constant that suits the others best.
    """
    losses = [_step_loss(step_s, runs, predictions) for step_s in STEP_GRID_S]
    pairs = sorted(losses[0])

    def best(others: Sequence[tuple[str, str]]) -> int:
        return int(np.argmin([np.mean([loss[pair] for pair in others]) for loss in losses]))

    held = [losses[best([p for p in pairs if p != pair])][pair] for pair in pairs] if len(pairs) > 1 else [np.nan]
    without = float(np.mean([losses[0][pair] for pair in pairs]))
    return float(STEP_GRID_S[best(pairs)]), without, float(np.mean(held))


def _memory_lines(name: str, found: Sequence[Memory], *, by_model: bool) -> Iterator[str]:
    yield f"MEMORY {name}: GiB per device besides weights, cache and our activations"
    groups: dict[str, list[Memory]] = defaultdict(list)
    for memory in found:
        groups[memory.model if by_model else f"{memory.name}: {memory.model}"].append(memory)
    for label, members in groups.items():
        constants = [m.constant_gib for m in members]
        yield (
            f"  {label:70} runs {len(members):3}  median {median(constants):5.2f}  "
            f"({min(constants):5.2f} to {max(constants):5.2f}; activations {members[0].activations_gib:.2f})"
        )
    yield f"  median of {len(groups)}: {median(median(m.constant_gib for m in g) for g in groups.values()):.2f}"


def lines(facts: Path) -> Iterator[str]:
    """The report."""
    yield from _memory_lines("vllm", list(vllm_memory(facts)), by_model=False)
    yield from _memory_lines("llama.cpp", list(llama_cpp_memory(facts)), by_model=True)
    yield ""
    rates = list(constant_rates(facts))
    waits = waits_s(rates, predict(rates))
    yield "REQUEST vllm at constant rates: TTFT besides half a step and the shared pass, ms"
    for pair, wait in sorted(waits.items(), key=lambda item: item[1]):
        rest = request_overhead_s(waits, pair)
        yield f"  {' on '.join(pair):40} {1e3 * wait:6.1f}   (median of the others {1e3 * rest:.1f})"
    yield f"  median of {len(waits)} pairs: {1e3 * request_overhead_s(waits):.1f}"
    yield ""
    yield "STEP a constant per iteration, judged on pairs of model and machine that it was not fitted on"
    runs = [run for run in (*closed_loops(facts), *rates) if run.doubt is None]
    for engine in sorted({run.engine for run in runs}):
        for label, most in (("all batches", np.inf), ("batch <= 8", 8)):
            own = [run for run in runs if run.engine == engine and run.clients <= most]
            if len({run.pair for run in own}) < 2:
                yield f"  {engine:14} {label:12} too few pairs"
                continue
            best, without, held = step_overhead(own, predict(own))
            yield (
                f"  {engine:14} {label:12} runs {len(own):4}  best {1e6 * best:5.0f} us  "
                f"held-out error {100 * without:.1f} % without, {100 * held:.1f} % with"
            )


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=Path, default=FACTS)
    for line in lines(parser.parse_args().facts):
        print(line)


if __name__ == "__main__":
    main()
