"""A fixed answer of the planner."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from advisor.launch import Launch
from advisor.planning.result import Api, Choice, Month, Percentile, Plan, RunnerUp, Terms


def choice(machine: str, usd: float, e2e_s: float, **more: Any) -> Choice:
    fields: dict[str, Any] = {
        "model": "tiny-2l", "weights": "fp8", "cache": "bf16", "machine": machine, "pricing": "on-demand",
        "price_basis": "on-demand, tests", "tp": 1, "pp": 1, "ep": 1, "engine": "vllm", "replicas": 2, "spare": 1,
        "devices": 2, "usd_per_hour": usd, "usd_per_month": 730 * usd, "utilisation": 0.5, "mean_batch": 8.0,
        "cache_peak": 0.25, "preemptions": 0.0, "usd_per_million_tokens": 0.05, "joules_per_token": 0.2,
        "promise_used": 0.8,
        "percentiles": (
            Percentile("ttft.p95", 0.8, 0.7, 0.9, 1.0, 0.8), Percentile("tpot.p95", 0.03, None, None, 0.02, 0.03),
            Percentile("e2e.p50", e2e_s, None, None, None, None),
        ),
    }  # fmt: skip
    return Choice(**fields | more)


def plan() -> Plan:
    best = choice("l4", 1.0, 8.0)
    return Plan(
        name="tests", promises=("ttft.p95 < 1 s",), best=best, split=None, nearest=None, miss="",
        front=(best, choice("h100-sxm", 6.0, 2.0)),
        runners_up=(RunnerUp("tiny-32l, l4", "too [/slow]", 1.5, True), RunnerUp("x, y", "does not fit", None, False)),
        months=(Month(1, 8.0, None, 2, 2, 730.0, True), Month(2, 16.0, None, 4, 4, 1460.0, False)),
        breaks_in=2, ends_in=None, headroom=0.2,
        apis=(Api("gpt-x", "Someone", (900.0, 1800.0), 0.5, 0.0, 3.0, "tests"),),
        terms=(Terms("bought", 2000.0, 0.5, 1.5, "tests"),),
        launches=(Launch("vLLM", "vllm serve tiny-2l"),),
        considered=9, built=3, simulated=2, runs=5, requests=1000, notes=("a note [/x]",),
        series={"from_s": [0.0, 1.0], "to_s": [1.0, 2.0], "utilisation": [0.5, 1.0], "writing": [1.0, 2.0],
                "waiting": [0.0, 3.0], "input_tokens_per_s": [10.0, 20.0], "output_tokens_per_s": [5.0, 6.0],
                "cache_share": [0.1, 0.2], "preemptions": [0.0, 0.0]},
    )  # fmt: skip


def miss() -> Plan:
    near = choice("l4", 9.0, 8.0)
    return replace(
        plan(), best=None, nearest=near, miss="ttft.p95 is 3 s", front=(), months=(), apis=(), terms=(), launches=(),
        series={},
    )  # fmt: skip
