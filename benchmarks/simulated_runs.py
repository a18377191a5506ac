"""How far simulated runs are from measured ones, request by request and percentile by percentile.

Run from the repository root::

    python -m benchmarks.simulated_runs              # with the catalog's constants
    python -m benchmarks.simulated_runs --left-out   # with what the other pairs of model and machine say of the engine

vLLM 0.15 at constant rates (stages of load tests), and vLLM 0.19 with 300 requests of ShareGPT on one RTX 4090 (full
cache) and one RTX PRO 6000 (of which totals are published). Errors are simulated over measured minus one.

Machines' constants come from kernels, never from these runs. Three of the engine's come from runs like these: what a
pass and each of its requests cost (closed loops and constant rates together, ``benchmarks/engine_constants.py``) and
the time per request. ``--left-out`` chooses all three anew for each pair of model and machine, from all other pairs.
The ShareGPT runs took no part in anything.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from advisor.accuracy.runs import RATE
from advisor.scenario import Scenario
from advisor.simulator.dispatch import Pool
from advisor.simulator.edge import weighed
from advisor.simulator.jobs import Jobs
from advisor.simulator.metrics import Columns, Outcome, Verdict, columns, outcome
from advisor.simulator.service import Service, service_of
from advisor.simulator.setup import replace_jobs
from advisor.simulator.timed import Timed
from benchmarks.engine_constants import FACTS, STEP_REQUEST_US, STEP_US, best_for_all, step_losses
from benchmarks.kernel_fits import Row, read
from catalog.loader import load_engine

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
REQUEST_MS = range(25)
BARS = {"TTFT": 0.12, "TTFT p99": 0.25, "TPOT": 0.05, "E2E": 0.05}
"""Median absolute errors asked for."""
WORDS = ("keeps up", "at the edge", "saturated")
PRO_6000 = "RTX PRO 6000 Blackwell"


Pair = tuple[str, str]


@dataclass(frozen=True)
class Costs:
    """What the engine is taken to cost."""

    step_us: float
    each_us: float
    request_ms: float


@dataclass(frozen=True)
class Stage:
    """One measured stage and its simulation, the engine's time per request aside."""

    label: str
    pair: Pair
    row: Row
    columns: Columns
    before: int
    verdict: Verdict

    @property
    def measured_saturated(self) -> bool:
        """Whether the queue grew."""
        return float(self.row["ttft_mean_ms"]) * 1e-3 > QUEUED

    def errors(self, request_s: float) -> dict[str, float]:
        """Of means and of the 99th percentile."""
        c = self.columns
        ttft, tpot, e2e = (
            c.ttft_s[self.before :] + request_s,
            c.tpot_s[self.before :],
            c.e2e_s[self.before :] + request_s,
        )
        pairs = {
            "TTFT": (np.mean(ttft), "ttft_mean_ms"),
            "TTFT p99": (np.quantile(ttft, 0.99), "ttft_p99_ms"),
            "TPOT": (np.mean(tpot), "tpot_mean_ms_derived"),
            "E2E": (np.mean(e2e), "e2e_mean_ms"),
            "E2E p99": (np.quantile(e2e, 0.99), "e2e_p99_ms"),
        }
        return {name: float(value) / (float(self.row[column]) * 1e-3) - 1 for name, (value, column) in pairs.items()}


@dataclass(frozen=True)
class Compared:
    """One measured stage beside its simulation."""

    label: str
    pair: Pair
    errors: dict[str, float]
    verdict: Verdict
    measured_saturated: bool


def catalogued() -> Costs:
    """As the catalog has them."""
    engine = load_engine("vllm")
    return Costs(engine.step_overhead_us, engine.step_request_us, engine.idle_request_ms)


def with_costs(service: Service, costs: Costs) -> Service:
    """The same server with other costs per pass and per request of a pass."""
    now, steps = catalogued(), service.steps
    assert isinstance(steps, Timed)
    more, each = (costs.step_us - now.step_us) * 1e-6, (costs.each_us - now.each_us) * 1e-6
    step_s = [seconds + more + each * b for b, seconds in enumerate(steps.step_s)]
    shared = [
        [seconds + more + each * (1 + b) for seconds in row] for b, row in zip(steps.running, steps.shared, strict=True)
    ]
    return replace(service, steps=replace(steps, step_s=step_s, shared=shared))


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


def measured_stages(facts: Path) -> Iterator[tuple[str, Row]]:
    """(model, row) of all stages at constant rates whose model the catalog has, each once."""
    seen = set()
    for name in ("serving_vllm_load_tests.csv", "serving_vllm_stages.csv"):
        for row in read(facts / "measured" / name):
            model = MODELS.get(row["model"])
            key = (model, row["hardware"], row["tp"], row["isl"], row["rate_req_s"], row["ttft_mean_ms"])
            if model is None or row["stage"] in ("all", "summary") or key in seen:
                continue
            seen.add(key)
            yield model, row


def simulated(model: str, row: Row, costs: Costs) -> Stage:
    """A stage as the simulator has it."""
    before = 0 if row["stage"] in ("0", "stage_0") else PROMPTS  # later stages find the cache filled
    machine = RATE_MACHINES[row["hardware"]]
    service, jobs = with_costs(vllm(row, model, "vllm-v1"), costs), steady(row, before)
    o = judged(service, jobs)
    label = f"{model} {machine} tp{row['tp']} {row['isl']}/{row['osl']} {row['rate_req_s']}/s"
    return Stage(label, (model, machine), row, columns(jobs), before, o.verdict)


def judged(service: Service, jobs: Jobs) -> Outcome:
    """The requests served, and where that is saturated whether it hangs on the error of the passes' times."""

    def run(services: Sequence[Service], own: Jobs) -> Outcome:
        pool = Pool(own, list(services))
        pool.run()
        return outcome(own, [pool], request_s=service.request_s)

    anew = replace_jobs(jobs)
    return weighed(run([service], jobs), [service], lambda services: run(services, anew))


def stages(facts: Path, left_out: bool = False) -> Iterator[Compared]:
    """All stages, the engine's costs as catalogued or as the other pairs say."""
    known = catalogued()
    steps = left_out_steps(facts) if left_out else {}
    found = []
    for model, row in measured_stages(facts):
        step_us, each_us = steps.get((model, RATE_MACHINES[row["hardware"]]), (known.step_us, known.each_us))
        found.append(simulated(model, row, Costs(step_us, each_us, 0.0)))
    for stage in found:
        request_ms = left_out_request_ms(found, stage.pair) if left_out else known.request_ms
        errors = stage.errors(request_ms * 1e-3)
        yield Compared(stage.label, stage.pair, errors, stage.verdict, stage.measured_saturated)


def left_out_steps(facts: Path) -> dict[Pair, tuple[float, float]]:
    """(microseconds per pass, per request of a pass) by pair, from the closed loops and rates of all others."""
    _, losses = step_losses(facts)
    _, held = best_for_all(losses["vllm"])
    grid = [(float(a), float(q)) for a in STEP_US for q in STEP_REQUEST_US]
    return {(key[0], key[1]): grid[point] for key, point in held.items() if key[3] == RATE}


def left_out_request_ms(found: Sequence[Stage], pair: Pair) -> float:
    """The time per request with the least mean of the median errors of the other pairs' first tokens."""
    losses = []
    for request_ms in REQUEST_MS:
        errors: dict[Pair, list[float]] = defaultdict(list)
        for stage in found:
            if stage.pair != pair:
                mean = float(np.mean(stage.columns.ttft_s[stage.before :])) + request_ms * 1e-3
                errors[stage.pair].append(abs(mean / (float(stage.row["ttft_mean_ms"]) * 1e-3) - 1))
        losses.append(float(np.mean([np.median(e) for e in errors.values()])))
    return float(REQUEST_MS[int(np.argmin(losses))])


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
        o, c = judged(service, jobs), columns(jobs, service.request_s)
        said = "as measured" if known else "as calculated (measured: 41,408)"
        room = f"{service.cache_tokens:,} tokens of cache {said}"
        yield f"ShareGPT on rtx-4090, {room}: {o.preemptions} preemptions, {o.verdict.word} (measured: saturated)"
        for name, ours in (("ttft_ms", c.ttft_s), ("tpot_ms", c.tpot_s), ("e2e_ms", c.e2e_s)):
            theirs = np.array([float(r[name]) for r in rows]) * 1e-3
            quantiles = [np.quantile(ours, q) / np.quantile(theirs, q) - 1 for q in (0.5, 0.9, 0.99)]
            each = float(np.median(np.abs(ours / theirs - 1)))
            mean = 100 * (ours.mean() / theirs.mean() - 1)
            spread = " ".join(f"{100 * q:+6.1f}" for q in quantiles)
            yield f"  {name:8} mean {mean:+6.1f} %   p50 p90 p99 {spread}   request by request {100 * each:.1f} %"


def pro_6000(facts: Path) -> Iterator[str]:
    """The same requests on an RTX PRO 6000, at most 128 at a time (meta.json of its run), against published totals."""
    rows = list(read(facts / "measured" / "serving_vllm_sharegpt_requests.csv"))
    service = service_of(
        Scenario(model="llama-3.1-8b", machine="rtx-pro-6000-blackwell-server", weights="bf16"), "vllm",
        memory_share=0.92, budget_tokens=2048, max_sequences=128,
    )  # fmt: skip
    jobs = Jobs(
        arrival=[float(r["arrival_s"]) for r in rows],
        input=[int(r["isl"]) for r in rows],
        output=[int(r["osl"]) for r in rows],
    )
    o, c = judged(service, jobs), columns(jobs, service.request_s)
    ours = {"mean TTFT ms": c.ttft_s.mean() * 1e3, "mean TPOT ms": c.tpot_s.mean() * 1e3,
            "output tok/s": o.output_tokens_per_s}  # fmt: skip
    theirs = {
        row["metric"]: float(row["value"])
        for row in read(facts / "measured" / "serving_throughput.csv")
        if row["model"] == "Llama-3.1-8B" and row["hardware"] == PRO_6000
    }
    parts = [f"{name} {100 * (value / theirs[name] - 1):+.1f} %" for name, value in ours.items()]
    yield (
        f"ShareGPT on rtx-pro-6000-blackwell-server: {', '.join(parts)}; {o.verdict.word} (measured: first tokens "
        f"{theirs['mean TTFT ms'] * 1e-3:.1f} s, saturated)"
    )


def lines(found: list[Compared]) -> Iterator[str]:
    """A row per stage, then medians over stages and over pairs, and the verdicts."""
    names = list(found[0].errors)
    yield f"{'errors in %':52} " + " ".join(f"{name:>9}" for name in names)
    for c in found:
        yield (
            f"{c.label:52} "
            + " ".join(f"{100 * c.errors[name]:+9.1f}" for name in names)
            + (f"  {c.verdict.word}" if c.verdict.saturated else "")
        )
    pairs: dict[Pair, list[Compared]] = defaultdict(list)
    for c in found:
        pairs[c.pair].append(c)
    yield ""
    for pair, own in pairs.items():
        middle = [np.median([abs(c.errors[name]) for c in own]) for name in names]
        yield f"{' '.join(pair) + f', {len(own)} stages':52} " + " ".join(f"{100 * m:9.1f}" for m in middle)
    for label, statistic in (("median absolute", 0.5), ("90th percentile", 0.9)):
        sizes = {name: np.quantile([abs(c.errors[name]) for c in found], statistic) for name in names}
        yield f"{label:52} " + " ".join(f"{100 * size:9.1f}" for size in sizes.values())
    yield f"{'asked for':52} " + " ".join(f"{100 * BARS[name]:9.1f}" if name in BARS else " " * 9 for name in names)
    counts = Counter((c.measured_saturated, c.verdict.word) for c in found)
    for measured, word in ((False, "healthy"), (True, "saturated")):
        called = ", ".join(f"{name} {counts[measured, name]}" for name in WORDS)
        yield f"measured {word + ', called:':20} {called}"


def main() -> None:
    """Print all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=Path, default=FACTS)
    parser.add_argument("--left-out", action="store_true", help="the engine's costs from the other pairs")
    options = parser.parse_args()
    found = list(stages(options.facts, options.left_out))
    for line in (*lines(found), "", *sharegpt(options.facts), *pro_6000(options.facts)):
        print(line)


if __name__ == "__main__":
    main()
