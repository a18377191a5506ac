"""Bounds of a whole group of candidates at once, from few points of the calculators' times instead of full tables.

They only say in which order candidates are looked at and which are hopeless; what they miss between their points is
made up for by ``MARGIN``. ``bounds`` then repeats them exactly for those that are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.candidates import generates
from advisor.planning.bounds import concurrency, request_work_s
from advisor.planning.demand import Demand, Promise
from advisor.planning.space import Candidate
from advisor.simulator.rules import PRESETS, Rules
from calculators.activations import peak_activation_bytes
from calculators.efficiency import efficiency
from calculators.engine_rates import as_run_by, usable_bytes
from calculators.flops import reads_source
from calculators.memory import CACHE_BITS
from calculators.operators import Kind
from calculators.params import architecture_of
from calculators.roofline import Setting, Settings
from calculators.serving import Server
from calculators.table import compile_table
from calculators.workload import Workload
from catalog.loader import machine_classes

Floats = NDArray[np.float64]
MARGIN = 0.9
NEW = (1, 16, 64, 256, 1024, 2048, 4096, 8192, 16384)
RUNNING = (1, 2, 4, 8, 16, 32, 64, 128, 256)
FAR = 2**20


@dataclass(frozen=True, slots=True)
class Coarse:
    """What is known of a candidate before its tables are built."""

    fits: bool
    why: str
    """Why it cannot serve; empty where it may."""
    work_s: float
    """Per request, at least."""
    ttft_s: float = 0.0
    """Estimate of a usual request's, at little load."""
    tpot_s: float = 0.0
    """Estimate per further token where a replica has 80 % of the work it can do."""

    def replicas(self, rate: float | None) -> int:
        """The fewest that may keep up."""
        return max(1, int(np.ceil(rate * self.work_s))) if rate is not None else 1


UNKNOWN = Coarse(True, "", 0.0)
"""Of models whose tables are quick to build."""


def rules_of(candidate: Candidate) -> Rules:
    """As ``service_of`` takes them by default."""
    rules = PRESETS.get(candidate.engine.id, PRESETS["vllm"])
    if candidate.engine.id == "vllm":
        return rules.with_(budget_tokens=max(rules.max_sequences, candidate.engine.activation_tokens))
    return rules


def coarse_bounds(group: Sequence[Candidate], demand: Demand, promises: Sequence[Promise]) -> list[Coarse]:
    """Bounds of candidates of one model in one layout."""
    first = group[0]
    architecture = architecture_of(first.spec)
    if not generates(first.spec) or reads_source(architecture):
        return [UNKNOWN] * len(group)
    table = compile_table(architecture, first.layout)
    rules = [rules_of(c) for c in group]
    budgets = np.array([r.budget_tokens for r in rules])
    weights = {c.weights.id: table.weight_bytes(c.weights) for c in group}
    peaks = {
        int(tokens): float(
            peak_activation_bytes(
                architecture, Workload.of([1], min(int(tokens), c.engine.activation_tokens), 0), tp=first.layout
            )[0]
        )
        for tokens, c in zip(budgets, group, strict=True)
    }
    usable = np.array([usable_bytes(c.engine, c.terms.machine) or np.inf for c in group])
    room = usable - np.array(
        [
            weights[c.weights.id] + c.engine.memory_gib * 2**30 + peaks[int(n)]
            for c, n in zip(group, budgets, strict=True)
        ]
    )
    alive = np.flatnonzero(room > 0)
    found = [Coarse(False, "weights, activations and engine leave no room for a cache", np.inf)] * len(group)
    if alive.size:
        places = alive.tolist()
        some, theirs = [group[i] for i in places], [rules[i] for i in places]
        for i, bound in zip(places, _alive(some, theirs, room[alive], demand, promises), strict=True):
            found[i] = bound
    return found


def _alive(
    group: Sequence[Candidate], rules: Sequence[Rules], room: Floats, demand: Demand, promises: Sequence[Promise]
) -> list[Coarse]:
    layout = group[0].layout
    table = compile_table(architecture_of(group[0].spec), layout)
    classes = machine_classes()
    bits = np.array([CACHE_BITS[c.cache] for c in group])
    settings = Settings(
        [
            Setting(
                c.terms.machine,
                efficiency(as_run_by(c.engine, c.terms.machine, c.weights), c.weights, classes),
                c.weights,
                float(b),
            )
            for c, b in zip(group, bits, strict=True)
        ]
    )
    step_us, each_us = (
        np.array([getattr(c.engine, name) * 1e-6 for c in group])[:, None]
        for name in ("step_overhead_us", "step_request_us")
    )
    server = Server(table, settings, chunk_tokens=float(max(r.budget_tokens for r in rules)))
    mean_in, mean_out = float(demand.input.mean()), float(demand.output.mean())
    further = max(mean_out - 1, 0.0)
    new, running = np.array(NEW, dtype=float), np.array(RUNNING, dtype=float)
    steps = Workload.of(np.repeat(running, 2), 1, np.tile([1.0, max(mean_in, 2.0)], len(RUNNING)), encode=0)
    seconds = server.pass_s(steps).reshape(len(group), len(RUNNING), 2)
    reading = np.min((seconds[..., 1] - seconds[..., 0]) / running, axis=1)
    overhead = step_us + each_us * running
    step_s = seconds[..., 0] + overhead
    n, b = (x.ravel() for x in np.meshgrid(new, running, indexing="xy"))
    alone, _, both = server.passes_s(Workload.of(1, n, 0, encode=1), Workload.of(b, 1, 1.0, encode=0))
    shape = (len(group), len(RUNNING), len(NEW))
    alone, both = alone.reshape(shape)[:, :1], both.reshape(shape)
    own = server.operators_s(Workload.of(1, new, 0, encode=1))[:, table.of_kind(Kind.ATTENTION)].sum(axis=1)
    own = own - own[:, :1]
    load = np.concatenate([[0.0], running])
    prompt_s = np.concatenate([alone, both], axis=1) - own[:, None, :]
    prompt_s += step_us[..., None] + (each_us * (1 + load))[..., None]
    per_token = np.empty(len(group))
    for value in np.unique(bits):
        far = [table.held_bytes(Workload.of([1], 0, length, encode=0), value) for length in (FAR, FAR + 1024)]
        per_token[bits == value] = float(far[1][0][0] - far[0][0][0]) / 1024
    held = float(((demand.own + np.maximum(demand.output - 2, 0) / 2) * (demand.output - 1)).mean())
    most = np.array([r.max_sequences for r in rules], dtype=float)
    passes = np.maximum(further / most, held * per_token / room)
    cached = np.array([r.prefix_cache for r in rules])
    work = np.empty(len(group))
    usual = np.empty((2, len(group)))
    for k in range(len(group)):
        seen = running <= most[k]
        reads = new <= rules[k].budget_tokens
        fresh = demand.fresh if cached[k] else demand.input
        table_s = prompt_s[k][np.concatenate([[True], seen])][:, reads]
        work[k] = MARGIN * (
            float(
                request_work_s(
                    step_s[k, seen], running[seen], table_s, new[reads], passes[k], float(fresh.mean()), further
                )
            )
            + max(float(reading[k]), 0.0) * further
        )
        whole = step_s[k, seen] + running[seen] * max(float(reading[k]), 0.0)
        usual[1, k] = whole[0]
        usual[0, k] = float(np.interp(float(np.median(fresh)), new, alone[k, 0])) + float(whole[0]) / 2
        if demand.rate is not None and work[k] > 0 and further:
            rate = 0.8 / work[k] * MARGIN * further
            n_mean = float(concurrency(rate, whole, running[seen]))
            usual[1, k] = float(np.interp(min(n_mean, running[seen][-1]), running[seen], whole))
    floor = step_s.min(axis=1) + np.maximum(reading, 0)
    per_prompt = np.min(prompt_s / new, axis=(1, 2))
    least = np.min(prompt_s, axis=(1, 2))
    found = []
    for k, c in enumerate(group):
        fresh = demand.fresh if cached[k] else demand.input
        why = ""
        for promise in promises:
            value = _least(promise, demand, fresh, MARGIN * per_prompt[k], MARGIN * least[k], MARGIN * floor[k])
            if value > promise.limit.seconds:
                limit = promise.limit.seconds
                why = f"{promise.name} is at least {value:.3g} s however many replicas, the limit is {limit:g} s"
                break
        ttft_s = float(usual[0, k]) + c.engine.idle_request_ms * 1e-3
        found.append(Coarse(True, why, float(work[k]), ttft_s, float(usual[1, k])))
    return found


def _least(promise: Promise, demand: Demand, fresh: Floats, per_token: float, prompt: float, step: float) -> float:
    mine = slice(None) if promise.kind < 0 else demand.kind == promise.kind
    match promise.limit.quantity:
        case "ttft":
            values = np.maximum(per_token * fresh[mine], prompt)
        case "tpot" | "itl":
            return step if np.all(demand.output[mine] > 1) else 0.0
        case "e2e":
            values = np.maximum(per_token * fresh[mine], prompt) + step * (demand.output[mine] - 1)
        case _:
            return 0.0
    return statistic(values, promise.limit.statistic)


def statistic(values: Floats, name: str) -> float:
    """A mean, or ``p95`` and the like."""
    values = values[~np.isnan(values)]
    if not values.size:
        return 0.0
    return float(values.mean()) if name == "mean" else float(np.quantile(values, float(name[1:]) / 100))
