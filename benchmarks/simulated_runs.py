"""How far simulated runs are from measured ones, request by request and percentile by percentile.

Run from the repository root::

    python -m benchmarks.simulated_runs

vLLM 0.15 at constant rates (stages of load tests) and vLLM 0.19 with a full cache (ShareGPT, 300 requests on one RTX
4090). Nothing is fitted here: step times, cache and the time per request are the catalog's. Errors are simulated over
measured minus one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from advisor.scenario import Scenario
from advisor.simulator.dispatch import Pool
from advisor.simulator.jobs import Jobs
from advisor.simulator.metrics import Columns, columns, outcome
from advisor.simulator.service import Service, service_of
from benchmarks.engine_constants import FACTS
from benchmarks.kernel_fits import Row, read

MODELS = {
    "mistralai/Mixtral-8x7B-v0.1": "mixtral-8x7b",
    "mistralai/Mixtral-8x22B-v0.1": "mixtral-8x22b",
    "mistralai/Mixtral-8x22B-Instruct-v0.1": "mixtral-8x22b",
    "mistralai/Mistral-Nemo-Instruct-2407": "mistral-nemo-12b",
    "meta-llama/Llama-2-7b-hf": "llama-2-7b",
    "meta-llama/Llama-2-70b-hf": "llama-2-70b",
    "meta-llama/Llama-3.1-8B-Instruct": "llama-3.1-8b",
    "meta-llama/Llama-3.1-70B-Instruct": "llama-3.1-70b",
    "codellama/CodeLlama-34b-Instruct-hf": "codellama-34b",
    "Qwen/Qwen2.5-7B-Instruct": "qwen2.5-7b",
    "Qwen/Qwen3-14B": "qwen3-14b",
}
RATE_MACHINES = {"H100-80GB-SXM": "h100-sxm", "A100-80GB-SXM": "a100-sxm4-80gb", "L40S-48GB": "l40s"}
BLOCK = 16
PROMPTS = 100
"""Different prompts of a load test: the mean length that its client measured is the same to the second decimal over
3,000, 6,000 and 9,000 requests (591.63 tokens), and round only over multiples of 100. So all but the first hundred
prompts are in the prefix cache, and a first token costs little more than a step."""
QUEUED = 5.0
"""A measured mean first token above this many seconds is called saturated."""


@dataclass(frozen=True)
class Compared:
    """One measured stage beside its simulation."""

    label: str
    pair: tuple[str, str]
    errors: dict[str, float]
    saturated: bool
    measured_saturated: bool


def vllm(row: Row, model: str, rules: str) -> Service:
    """The server of a measured run, as its row describes it."""
    scenario = Scenario(model=model, machine=RATE_MACHINES[row["hardware"]], tp=int(row["tp"]), weights="bf16")
    return service_of(
        scenario,
        rules,
        memory_share=0.9,
        budget_tokens=int(row["max_num_batched_tokens"]),
        max_sequences=int(row["max_num_seqs"]),
    )


def steady(row: Row, before: int) -> Jobs:
    """Requests at a constant rate that go round and round through ``PROMPTS`` prompts, and so many before them."""
    rate = float(row["rate_req_s"])
    n = int(rate * float(row["duration_s"])) + before
    given = int(float(row.get("isl_measured_mean") or row["isl"]))
    blocks = given // BLOCK
    return Jobs(
        arrival=[i / rate for i in range(n)],
        input=[given] * n,
        output=[int(row["osl"])] * n,
        prefix=[range(1000 * (i % PROMPTS), 1000 * (i % PROMPTS) + blocks) for i in range(n)],
        prefix_tokens=BLOCK,
    )


def stages(facts: Path) -> Iterator[Compared]:
    """All stages at constant rates whose model the catalog has, each once."""
    seen = set()
    for name in ("serving_vllm_load_tests.csv", "serving_vllm_stages.csv"):
        for row in read(facts / "measured" / name):
            model = MODELS.get(row["model"])
            key = (model, row["hardware"], row["tp"], row["isl"], row["rate_req_s"], row["ttft_mean_ms"])
            if model is None or row["stage"] in ("all", "summary") or key in seen:
                continue
            seen.add(key)
            before = 0 if row["stage"] in ("0", "stage_0") else PROMPTS  # later stages find the cache filled
            service, jobs = vllm(row, model, "vllm-v1"), steady(row, before)
            pool = Pool(jobs, [service])
            pool.run()
            o = outcome(jobs, [pool], request_s=service.request_s)
            yield _compared(row, model, columns(jobs, service.request_s), before, o.verdict.saturated)


def _compared(row: Row, model: str, c: Columns, before: int, saturated: bool) -> Compared:
    ttft, tpot, e2e = (x[before:] for x in (c.ttft_s, c.tpot_s, c.e2e_s))
    pairs = {
        "TTFT": (np.mean(ttft), "ttft_mean_ms"),
        "TTFT p99": (np.quantile(ttft, 0.99), "ttft_p99_ms"),
        "TPOT": (np.mean(tpot), "tpot_mean_ms_derived"),
        "E2E": (np.mean(e2e), "e2e_mean_ms"),
        "E2E p99": (np.quantile(e2e, 0.99), "e2e_p99_ms"),
    }
    return Compared(
        f"{model} {RATE_MACHINES[row['hardware']]} tp{row['tp']} {row['isl']}/{row['osl']} {row['rate_req_s']}/s",
        (model, row["hardware"]),
        {name: float(simulated) / (float(row[column]) * 1e-3) - 1 for name, (simulated, column) in pairs.items()},
        saturated,
        float(row["ttft_mean_ms"]) * 1e-3 > QUEUED,
    )


def sharegpt(facts: Path) -> Iterator[str]:
    """The run with a full cache, by percentile and request by request."""
    rows = list(read(facts / "measured" / "serving_vllm_sharegpt_requests.csv"))
    for known in (41408, None):
        service = service_of(
            Scenario(model="llama-3.1-8b", machine="rtx-4090", weights="bf16"), "vllm",
            memory_share=0.9, cache_tokens=known, budget_tokens=2048, max_sequences=256,
        )  # fmt: skip
        jobs = Jobs(
            arrival=[float(r["arrival_s"]) for r in rows],
            input=[int(r["isl"]) for r in rows],
            output=[int(r["osl"]) for r in rows],
        )
        pool = Pool(jobs, [service])
        pool.run()
        o, c = outcome(jobs, [pool], request_s=service.request_s), columns(jobs, service.request_s)
        said = "as measured" if known else "as calculated (measured: 41,408)"
        found = "saturated" if o.verdict.saturated else "NOT SATURATED"
        room = f"{service.cache_tokens:,} tokens of cache {said}"
        yield f"ShareGPT on rtx-4090, {room}: {o.preemptions} preemptions, {found}"
        for name, ours in (("ttft_ms", c.ttft_s), ("tpot_ms", c.tpot_s), ("e2e_ms", c.e2e_s)):
            theirs = np.array([float(r[name]) for r in rows]) * 1e-3
            quantiles = [np.quantile(ours, q) / np.quantile(theirs, q) - 1 for q in (0.5, 0.9, 0.99)]
            each = float(np.median(np.abs(ours / theirs - 1)))
            mean = 100 * (ours.mean() / theirs.mean() - 1)
            spread = " ".join(f"{100 * q:+6.1f}" for q in quantiles)
            yield f"  {name:8} mean {mean:+6.1f} %   p50 p90 p99 {spread}   request by request {100 * each:.1f} %"


def lines(found: list[Compared]) -> Iterator[str]:
    """A row per stage, then medians."""
    names = list(found[0].errors)
    yield f"{'errors in %':52} " + " ".join(f"{name:>9}" for name in names)
    for c in found:
        yield (
            f"{c.label:52} "
            + " ".join(f"{100 * c.errors[name]:+9.1f}" for name in names)
            + ("  saturated" if c.saturated else "")
        )
    for label, statistic in (("median absolute", 0.5), ("90th percentile", 0.9)):
        sizes = {name: np.quantile([abs(c.errors[name]) for c in found], statistic) for name in names}
        yield f"{label:52} " + " ".join(f"{100 * size:9.1f}" for size in sizes.values())
    wrong = [c.label for c in found if c.saturated != c.measured_saturated]
    yield f"saturated or not: {len(found) - len(wrong)} of {len(found)} as measured; not: {', '.join(wrong) or 'none'}"


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=Path, default=FACTS)
    options = parser.parse_args()
    for line in (*lines(list(stages(options.facts))), "", *sharegpt(options.facts)):
        print(line)


if __name__ == "__main__":
    main()
