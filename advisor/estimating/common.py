"""What every estimate holds, whether its model writes or answers in one pass."""

from __future__ import annotations

from typing import Any

from advisor.answer import Flops, Memory
from advisor.estimating.notes import notes_of
from advisor.estimating.resolve import Resolved, passes_of, prompt_tokens
from calculators.cost import usd_per_million
from calculators.flops import count_flops, total_form
from calculators.params import count_params
from calculators.workload import Workload


def common(case: Resolved, memory: Memory) -> dict[str, Any]:
    """The fields of ``Estimate`` that do not depend on how the model answers."""
    s = case.scenario
    return {
        "scenario": s.model_dump(),
        "model": case.spec.id,
        "family": case.spec.family,
        "machine": case.machine.id,
        "n_gpus": s.layout.devices,
        "weights": case.weights.id,
        "kv": s.cache,
        "engine": case.engine.id,
        "params": count_params(case.spec),
        "memory": memory,
        "notes": notes_of(case, memory),
    }


def flops_of(case: Resolved) -> Flops:
    """FLOPs of the whole batch: of the prompt, and of a step half-way through the answers."""
    s = case.scenario
    if not case.generates:
        batch = s.batch * passes_of(case)[1]
        executed, needed = (count_flops(case.spec, prompt_tokens(case), 0, batch, c) for c in ("executed", "needed"))
        return Flops(executed, 0, needed, 0)
    prompt = prompt_tokens(case)
    new, past = (1, s.output_tokens // 2) if case.encoder_decoder else (prompt, prompt + s.output_tokens // 2)
    source = case.source_tokens
    cached = s.cached_prefix
    read = Workload.exact(s.batch, new - cached, cached, source=source, images=s.images, encode=1)
    step = Workload.exact(s.batch, 1, max(past, 1), source=source, images=s.images, encode=0)
    eager, good = (total_form(case.architecture, count) for count in ("executed", "needed"))
    return Flops(*(int(form.value(w)) for form in (eager, good) for w in (read, step)))


def usd_for(seconds: float, hourly: float | None) -> float | None:
    """Dollars for a million times so many seconds; ``None`` without a price."""
    return None if hourly is None else float(usd_per_million(seconds, hourly))
