"""How fast whicharch is: start-up, answers and sweeps, in CPU seconds; medians.

Run from the repository root with the package installed::

    python -m benchmarks.speed              # everything
    python -m benchmarks.speed sweep        # help, estimate, recommend, plan, sweep, catalog, evaluate, import or tui

Prints a line per number with its target. Nothing here is a test: machines differ.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")  # CPU seconds of one thread; more of them gain nothing on such matrices
RUNS = 7
EXAMPLE = "--task chat --context 16k --users 8 --ttft 1s --tpot 60ms"


def command_cpu_s(arguments: str, runs: int = RUNS) -> float:
    """Median CPU seconds of a whole process."""
    code = "from advisor.cli import main; main()"
    times = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code, *arguments.split()], capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return median(times)


def call_cpu_s(function: Callable[[], object], runs: int = 3) -> float:
    """Median CPU seconds of a call."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return median(times)


def show(name: str, seconds: float, target: str) -> None:
    """One line of the report."""
    print(f"{name:<58}{seconds:8.3f} s CPU   target {target}", flush=True)


def bench_help() -> None:
    """Start-up alone."""
    show("whicharch --help, whole process", command_cpu_s("--help"), "0.2 s")


def bench_estimate() -> None:
    """One estimate: a whole process, and again in a running one."""
    arguments = "estimate llama-3.1-8b --machine h100-sxm --input 2k --output 500 --batch 8"
    show("whicharch estimate, whole process", command_cpu_s(arguments), "0.5 s")
    from advisor import estimate

    asked = {"model": "llama-3.1-8b", "machine": "h100-sxm", "batch": 8}
    estimate(**asked)
    show(
        "estimate() again in one process",
        call_cpu_s(lambda: [estimate(**asked) for _ in range(20)], 15) / 20,
        "0.002 s",
    )


def bench_recommend() -> None:
    """Recommending on one machine and on all that are rented out."""
    show(
        "whicharch recommend on one machine, whole process",
        command_cpu_s(f"recommend {EXAMPLE} --machine rtx-4090"),
        "1 s",
    )
    show("whicharch recommend, all rented machines, whole process", command_cpu_s(f"recommend {EXAMPLE}"), "0.7 s")
    show("whicharch ask, all rented machines, whole process", command_cpu_s("ask --assume chat for 5 users"), "0.7 s")
    from advisor import recommend

    wanted = {"task": "chat", "context_tokens": 16384, "users": 8, "ttft_s": 1.0, "tpot_s": 0.06}
    recommend(**wanted)
    ways = recommend(**wanted).considered
    show(f"recommend() again in one process, {ways:,} ways", call_cpu_s(lambda: recommend(**wanted)), "0.1 s")


def bench_catalog() -> None:
    """Loading the compiled catalog."""
    from catalog import loader

    def load_all() -> None:
        loader.refresh()
        for load in (loader.all_models, loader.all_machines, loader.all_formats, loader.all_tasks, loader.price_lists):
            load()

    load_all()
    show("loading the compiled catalog", call_cpu_s(load_all), "0.1 s")


def bench_plan() -> None:
    """The search of ``examples/wide.yaml``: 20 models, 15 machines, all layouts, finalists simulated."""
    from advisor import plan

    before, began = time.process_time(), time.perf_counter()
    found = plan(os.path.join(os.path.dirname(__file__), os.pardir, "examples", "wide.yaml"))
    seconds, wall = time.process_time() - before, time.perf_counter() - began
    show(f"plan over {found.considered:,} candidates, {found.runs} runs, one core", seconds, "20 s wall")
    print(f"{'  wall clock':<58}{wall:8.3f} s")


def bench_sweep() -> None:
    """A million points of one model."""
    import numpy as np

    from advisor import sweep

    models = ["llama-3.1-8b", "llama-3.1-70b", "mixtral-8x7b", "mamba-2.8b", "qwen3-32b"]
    machines = [
        "rtx-4090",
        "l4",
        "l40s",
        "a100-sxm4-80gb",
        "h100-sxm",
        "h200-sxm",
        "b200-sxm",
        "mi300x",
        "apple-m4-max",
        "l40",
    ]
    formats = ["bf16", "fp8", "awq-int4", "gguf-q4_k_m", "nvfp4"]
    batches = list(range(1, 81))
    contexts = [int(n) for n in np.geomspace(256, 131072, 50)]
    grid = sweep(models[:1], machines[:1], contexts=[1024])
    start = time.process_time()
    grid = sweep(models, machines, formats, batches, contexts)
    seconds = time.process_time() - start
    show(f"sweep of {grid.decode_s.size:,} points", seconds, "0.5 s")
    rate = grid.decode_s.size / seconds
    print(f"{'  points per CPU second, every operator of each':<58}{rate:12,.0f}   target 2,000,000")


def bench_evaluate() -> None:
    """A million evaluations operator by operator."""
    import numpy as np

    from calculators.evaluate import evaluate
    from calculators.workload import Workload
    from catalog.loader import load, load_format

    rng, n = np.random.default_rng(0), 1_000_000
    batch, past = rng.integers(1, 256, n).astype(float), rng.integers(0, 131072, n).astype(float)
    new = np.where(rng.random(n) < 0.5, 1.0, rng.integers(1, 8192, n))
    for name in ("llama-3.1-8b", "deepseek-v3"):
        spec, weights, w = load(name), load_format("bf16"), Workload.of(batch, new, past)
        rows = len(evaluate(spec, w.slice(slice(10)), weights).operators)
        show(f"{n:,} evaluations of {name} by {rows} operators", call_cpu_s(partial(evaluate, spec, w, weights)), "1 s")


def bench_import() -> None:
    """Reading a config.json."""
    from catalog.importers.defaults import _lines, defaults_of
    from catalog.importers.huggingface import from_hf_config
    from catalog.loader import all_models

    configs = [s.reference.config for s in all_models() if s.reference and s.reference.library == "transformers"]
    from_hf_config(configs[0])

    def first() -> None:
        _lines.cache_clear()
        defaults_of.cache_clear()
        from_hf_config(configs[0])

    show("importing a first config.json", call_cpu_s(first, 20), "0.005 s")
    started = time.process_time()
    for config in configs:
        from_hf_config(config)
    show("importing a config.json, mean of the catalog", (time.process_time() - started) / len(configs), "0.005 s")


def bench_tui() -> None:
    """From start to the first paint."""
    path = os.path.join(os.path.dirname(__file__), "tui_start.py")
    if os.path.exists(path):
        subprocess.run([sys.executable, path], check=False)


def bench_simulate() -> None:
    """Requests per CPU second, a million of them, and a recorded trace: drawn, served and summed up."""
    from pathlib import Path

    from advisor.scenario import Scenario
    from advisor.simulator.dispatch import Pool
    from advisor.simulator.jobs import Jobs
    from advisor.simulator.lengths import lengths
    from advisor.simulator.metrics import outcome
    from advisor.simulator.service import service_of
    from advisor.simulator.traces import load_trace
    from advisor.simulator.traffic import Traffic, jobs_of

    service = service_of(Scenario(model="llama-3.1-8b", machine="h100-sxm", input_tokens=1024, output_tokens=256))
    chat = Traffic(lengths(1024), lengths(256), rate=5.0)

    def serve(jobs: Jobs, replicas: int, router: str) -> None:
        pool = Pool(jobs, [service] * replicas, router)
        pool.run()
        outcome(jobs, [pool])

    def drawn(requests: int) -> float:
        return call_cpu_s(lambda: serve(jobs_of([chat], requests, 0), 1, "round-robin"), 9 if requests < 1e5 else 1)

    print(f"{'simulated requests per CPU second, one replica':<58}{10_000 / drawn(10_000):12,.0f}   target 100,000")
    trace = Path("../shared/facts/traces/mooncake_fast25_conversation.csv")
    if trace.exists():
        seconds = call_cpu_s(lambda: serve(load_trace(trace), 16, "prefix-aware"))
        show("Mooncake's conversations on 16 replicas, prefix-aware", seconds, "2 s")
    show("a million requests on one replica", drawn(1_000_000), "15 s")
    print(f"{'  memory':<58}{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:8.2f} GB      target 1 GB")


BENCHES = {
    "help": bench_help, "estimate": bench_estimate, "recommend": bench_recommend, "catalog": bench_catalog,
    "evaluate": bench_evaluate, "plan": bench_plan, "import": bench_import, "sweep": bench_sweep,
    "simulate": bench_simulate, "tui": bench_tui,
}  # fmt: skip

if __name__ == "__main__":
    for chosen in sys.argv[1:] or BENCHES:
        BENCHES[chosen]()
