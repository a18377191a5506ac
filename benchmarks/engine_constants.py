"""What an engine costs besides the model's arithmetic: memory, time per request, time per iteration.

Run from the repository root::

    python -m benchmarks.engine_constants

prints how each constant in ``catalog/engines`` was come by. Nothing is written: the constants are kept by hand.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from advisor.accuracy.names import model_of
from advisor.accuracy.readers import serving_end_to_end, serving_vllm
from advisor.accuracy.runs import CLOSED, RATE, Run, engine_of, predict
from benchmarks.kernel_fits import read
from calculators.activations import peak_activation_bytes
from calculators.imbalance import DEFAULT, Routing
from calculators.memory import kv_cache_bytes
from calculators.params import architecture_of
from calculators.workload import Workload
from catalog.loader import load

FACTS = Path(__file__).resolve().parents[2] / "shared" / "facts"
GIB = 2**30
Array = NDArray[np.float64]

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
        model = model_of(row["model"])
        if model is None or not row["implied_non_kv_overhead_gib"] or tokens is None:
            continue
        tp = int(row["tp"])
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


# --- times of engines --------------------------------------------------------------------------------------------

STEP_US = np.array([0, 50, 100, 150, 200, 300, 400, 500, 600, 800, 1000, 1500])
STEP_REQUEST_US = np.array([0, 3, 6, 10, 15, 20, 25, 30, 40, 50])
COSTS = ("step_overhead_us", "step_request_us", "idle_request_ms", "busy_request_ms")
REQUEST_MS = np.arange(0, 405, 5.0)


@dataclass(frozen=True)
class Measured:
    """Served runs of all engines, and what is predicted for them without any cost of the engine."""

    runs: list[Run]
    ttft_s: Array
    tpot_s: Array

    @classmethod
    def of(cls, facts: Path, keep: Sequence[str] = (), routing: Routing = DEFAULT) -> Measured:
        """Runs without doubt that fit; ``keep`` names the engines' constants that stay."""
        runs = served_runs(facts)
        zero = {name: 0.0 for name in COSTS if name not in keep}
        found = predict(runs, engines=lambda name: engine_of(name).model_copy(update=zero), routing=routing)
        good = [(r, p) for r, p in zip(runs, found, strict=True) if r.kind != CLOSED or p.fits]
        times = np.array([(p.ttft_s, p.tpot_s) for _, p in good])
        return cls([r for r, _ in good], times[:, 0], times[:, 1])

    def groups(self, engine: str, kinds: Sequence[str]) -> dict[tuple[str, ...], NDArray[np.intp]]:
        """Rows by model, machine, format and kind."""
        found: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for index, run in enumerate(self.runs):
            if run.engine == engine and run.kind in kinds:
                found[run.model, run.machine, run.weights, run.kind].append(index)
        return {key: np.array(rows) for key, rows in found.items()}


def served_runs(facts: Path) -> list[Run]:
    """Closed loops and constant rates, each once and without doubt."""
    measured = facts / "measured"
    found = list(serving_end_to_end.runs(read(measured / "serving_end_to_end.csv")))
    for name in ("serving_vllm_load_tests.csv", "serving_vllm_stages.csv"):
        found += serving_vllm.runs(read(measured / name))
    once = {}
    for run in found:
        if isinstance(run, Run) and run.doubt is None:
            once.setdefault((run.setting, run.clients, run.input_tokens, run.output_tokens, run.ttft_s), run)
    return list(once.values())


def best_for_all(losses: Mapping[tuple[str, ...], Array]) -> tuple[int, dict[tuple[str, ...], int]]:
    """Which point of a grid suits all groups best, every one weighing the same, and which suits each one's others.

    A group's others are those of another pair of model and machine.
    """

    def best(keys: Sequence[tuple[str, ...]]) -> int:
        return int(np.argmin(sum(losses[key] for key in keys)))

    held = {}
    for key in losses:
        others = [other for other in losses if other[:2] != key[:2]]
        held[key] = best(others or [key])
    return best(list(losses)), held


def _fit(engine: str, what: str, points: Sequence[str], losses: Mapping[tuple[str, ...], Array]) -> Iterator[str]:
    chosen, held = best_for_all(losses)
    without = float(np.mean([loss[0] for loss in losses.values()]))
    left_out = float(np.mean([losses[key][point] for key, point in held.items()]))
    yield (
        f"{engine}, {what}: {points[chosen]}; mean over {len(losses)} groups of the median error {100 * without:.1f} % "
        f"without, {100 * left_out:.1f} % on pairs of model and machine left out"
    )
    for key, loss in losses.items():
        own = int(np.argmin(loss))
        yield (
            f"    {' '.join(key):60} {100 * loss[0]:5.1f} % without, {100 * loss[held[key]]:5.1f} % with the others' "
            f"{points[held[key]]}, {100 * loss[own]:5.1f} % with its own {points[own]}"
        )


def step_losses(facts: Path, routing: Routing = DEFAULT) -> tuple[list[str], dict[str, dict[tuple[str, ...], Array]]]:
    """(settings of both costs per iteration, median errors of the time per token by engine, group and setting)."""
    all_runs = Measured.of(facts, routing=routing)
    clients, output = (np.array([getattr(r, n) for r in all_runs.runs]) for n in ("clients", "output_tokens"))
    tpot = np.array([r.tpot_s or np.nan for r in all_runs.runs])
    per_request = clients + np.maximum(clients - 1, 0) / np.maximum(output, 1)
    grid = [(a * 1e-6, q * 1e-6) for a in STEP_US for q in STEP_REQUEST_US]
    names = [f"{1e6 * a:.0f} us + {1e6 * q:.0f} us a request" for a, q in grid]
    found = {}
    for engine in ("vllm", "tensorrt-llm", "sglang"):
        losses = {}
        for key, rows in all_runs.groups(engine, (CLOSED, RATE)).items():
            more = np.array([a + q * per_request[rows] for a, q in grid])
            losses[key] = np.nanmedian(np.abs((all_runs.tpot_s[rows] + more) / tpot[rows] - 1), axis=1)
        found[engine] = losses
    return names, found


def step_lines(facts: Path) -> Iterator[str]:
    """Costs per iteration: a constant, and one for each request."""
    names, found = step_losses(facts)
    for engine, losses in found.items():
        yield from _fit(engine, "per iteration", names, losses)


def request_lines(facts: Path) -> Iterator[str]:
    """Costs per request, with the catalogued costs per iteration: closed loops, and requests that come one by one."""
    with_steps = Measured.of(facts, ("step_overhead_us", "step_request_us"))
    ttft = np.array([r.ttft_s or np.nan for r in with_steps.runs])
    names = [f"{ms:.0f} ms" for ms in REQUEST_MS]
    for engine, kind in (("vllm", RATE), ("vllm", CLOSED), ("tensorrt-llm", CLOSED), ("sglang", CLOSED)):
        losses = {}
        for key, rows in with_steps.groups(engine, (kind,)).items():
            more = 1e-3 * REQUEST_MS[:, None]
            losses[key] = np.nanmedian(np.abs((with_steps.ttft_s[rows] + more) / ttft[rows] - 1), axis=1)
        yield from _fit(engine, f"per request, {kind}", names, losses)


# --- the report --------------------------------------------------------------------------------------------------


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
    yield from step_lines(facts)
    yield from request_lines(facts)


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=Path, default=FACTS)
    for line in lines(parser.parse_args().facts):
        print(line)


if __name__ == "__main__":
    main()
