"""One point of a grid. A plain function of plain data, so that any process anywhere can run it."""

from __future__ import annotations

from typing import Any

from catalog.errors import BadInput

LATENCIES = ("ttft", "tpot", "itl", "e2e", "queue")
STATISTICS = ("mean", "p50", "p90", "p95", "p99")
ESTIMATED = (
    "n_gpus", "fits", "memory_bytes_per_gpu", "max_batch", "ttft_s", "ttft_p10_s", "ttft_p90_s", "tpot_s", "tpot_p10_s",
    "tpot_p90_s", "e2e_s", "throughput", "throughput_unit", "badge", "usd_per_hour", "usd_per_million_input_tokens",
    "usd_per_million_output_tokens", "joules_per_request",
)  # fmt: skip
SIMULATED = (
    "n_gpus", "saturated", "kept", "largest_rate_per_s", "finished", "refused", "requests_per_s",
    "output_tokens_per_s", "goodput_per_s", *(f"{q}_{s}_s" for q in LATENCIES for s in STATISTICS), "utilisation",
    "mean_batch", "cache_peak", "preemptions", "usd_per_hour", "usd_per_million_tokens", "joules_per_token",
)  # fmt: skip
COLUMNS = {"estimate": ESTIMATED, "simulate": SIMULATED}


def evaluate(what: str, point: dict[str, Any]) -> dict[str, Any]:
    """Columns of a point; of one that is refused only ``error``, which says why."""
    try:
        values = _estimate(point) if what == "estimate" else _simulate(point)
    except BadInput as error:
        return {"error": str(error)}
    return {**dict(zip(COLUMNS[what], values, strict=True)), "error": ""}


def _estimate(point: dict[str, Any]) -> list[Any]:
    from advisor.estimate import estimate

    e = estimate(**point)
    first, step = e.time.ttft_s, e.time.tpot_s
    return [
        e.n_gpus, e.memory.fits, e.memory.total_bytes_per_gpu, e.memory.max_batch,
        *((first.p50, first.p10, first.p90) if first else (None,) * 3),
        *((step.p50, step.p10, step.p90) if step else (None,) * 3),
        e.time.e2e_s.p50, e.throughput.total, e.throughput.unit, e.time.e2e_s.badge, e.cost.usd_per_hour,
        e.cost.usd_per_million_input_tokens, e.cost.usd_per_million_output_tokens,
        e.energy.joules_per_request.p50 if e.energy else None,
    ]  # fmt: skip


def _simulate(point: dict[str, Any]) -> list[Any]:
    from advisor.simulator.simulate import simulate

    s = simulate(**point)
    o = s.outcome
    latencies = [
        getattr(latency, name) if (latency := getattr(o, f"{q}_s")) is not None else None
        for q in LATENCIES
        for name in STATISTICS
    ]
    return [
        s.service.devices, o.verdict.saturated, s.kept, s.largest_rate, o.finished, sum(o.refused.values()),
        o.requests_per_s, o.output_tokens_per_s, o.goodput_per_s, *latencies, o.utilisation, o.mean_batch,
        o.cache_peak, o.preemptions, o.usd_per_hour, o.usd_per_million_tokens, o.joules_per_token,
    ]  # fmt: skip
