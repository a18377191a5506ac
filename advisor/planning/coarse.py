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
from advisor.planning.demand import Demand
from advisor.planning.space import Candidate
from advisor.report import seconds_text
from advisor.simulator.promises import Promise
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
class Floor:
    """A promise and the least that it can be, in seconds."""

    promise: Promise
    least_s: float

    @property
    def over(self) -> float:
        """In limits."""
        return self.least_s / self.promise.limit.seconds

    def __str__(self) -> str:
        limit = seconds_text(self.promise.limit.seconds)
        return (
            f"{self.promise.name} is at least {seconds_text(self.least_s)} however many replicas, the limit is {limit}"
        )


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
    missed: Floor | None = None
    """The promise that no number of replicas keeps."""

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
    weights = {c.weights.id: table.weight_bytes(c.weights) for c in group}
    peaks = {
        tokens: float(peak_activation_bytes(architecture, Workload.of([1], tokens, 0), tp=first.layout)[0])
        for tokens in {min(r.budget_tokens, c.engine.activation_tokens) for r, c in zip(rules, group, strict=True)}
    }
    usable = np.array([usable_bytes(c.engine, c.terms.machine) or np.inf for c in group])
    held = [
        weights[c.weights.id] + c.engine.memory_gib * 2**30 + peaks[min(r.budget_tokens, c.engine.activation_tokens)]
        for r, c in zip(rules, group, strict=True)
    ]
    room = usable - np.array(held)
    alive = np.flatnonzero(room > 0)
    found = [Coarse(False, "weights, activations and engine leave no room for a cache", np.inf)] * len(group)
    if alive.size:
        places = alive.tolist()
        some, theirs = [group[i] for i in places], [rules[i] for i in places]
        for i, bound in zip(places, _alive(some, theirs, room[alive], demand, promises), strict=True):
            found[i] = bound
    return found


@dataclass(frozen=True, eq=False)
class _Times:
    """Seconds of passes of some candidates, engine included, at a few points."""

    step_s: Floats
    """By ``RUNNING`` sequences, with hardly a cached token: (…, B)."""
    reading_s: Floats
    """Per step and sequence, for cached tokens of a mean prompt: (…)."""
    alone_s: Floats
    """A prompt alone, by ``NEW`` tokens: (…, N)."""
    prompt_s: Floats
    """A pass that reads a prompt and steps 0 and then ``RUNNING`` sequences, its own attention aside: (…, 1 + B, N)."""


def _times(group: Sequence[Candidate], rules: Sequence[Rules], demand: Demand) -> _Times:
    table = compile_table(architecture_of(group[0].spec), group[0].layout)
    classes = machine_classes()
    settings = Settings(
        [
            Setting(
                c.terms.machine,
                efficiency(as_run_by(c.engine, c.terms.machine, c.weights), c.weights, classes),
                c.weights,
                float(CACHE_BITS[c.cache]),
            )
            for c in group
        ]
    )
    step_us, each_us = (
        np.array([getattr(c.engine, name) * 1e-6 for c in group])[:, None]
        for name in ("step_overhead_us", "step_request_us")
    )
    server = Server(table, settings, chunk_tokens=float(max(r.budget_tokens for r in rules)))
    new, running = np.array(NEW, dtype=float), np.array(RUNNING, dtype=float)
    cached = max(float(demand.input.mean()), 2.0)
    steps = Workload.of(np.repeat(running, 2), 1, np.tile([1.0, cached], len(RUNNING)), encode=0)
    seconds = server.pass_s(steps).reshape(len(group), len(RUNNING), 2)
    reading = np.min((seconds[..., 1] - seconds[..., 0]) / running, axis=1)
    n, b = (x.ravel() for x in np.meshgrid(new, running, indexing="xy"))
    alone, _, both = server.passes_s(Workload.of(1, n, 0, encode=1), Workload.of(b, 1, 1.0, encode=0))
    shape = (len(group), len(RUNNING), len(NEW))
    alone, both = alone.reshape(shape)[:, :1], both.reshape(shape)
    own = server.operators_s(Workload.of(1, new, 0, encode=1))[:, table.of_kind(Kind.ATTENTION)].sum(axis=1)
    own = own - own[:, :1]
    load = np.concatenate([[0.0], running])
    prompt_s = np.concatenate([alone, both], axis=1) - own[:, None, :]
    prompt_s += step_us[..., None] + (each_us * (1 + load))[..., None]
    return _Times(seconds[..., 0] + step_us + each_us * running, np.maximum(reading, 0), alone[:, 0], prompt_s)


def _fewest_passes(group: Sequence[Candidate], rules: Sequence[Rules], room: Floats, demand: Demand) -> Floats:
    """Passes with steps per request: those of one pass must fit into limit and cache together."""
    table = compile_table(architecture_of(group[0].spec), group[0].layout)
    bits = np.array([CACHE_BITS[c.cache] for c in group])
    per_token = np.empty(len(group))
    for value in np.unique(bits):
        far = [table.held_bytes(Workload.of([1], 0, length, encode=0), value) for length in (FAR, FAR + 1024)]
        per_token[bits == value] = float(far[1][0][0] - far[0][0][0]) / 1024
    held = float(((demand.own + np.maximum(demand.output - 2, 0) / 2) * (demand.output - 1)).mean())
    most = np.array([r.max_sequences for r in rules], dtype=float)
    further = max(float(demand.output.mean()) - 1, 0.0)
    return np.asarray(np.maximum(further / most, held * per_token / (room * group[0].layout.dp)))


def _alive(
    group: Sequence[Candidate], rules: Sequence[Rules], room: Floats, demand: Demand, promises: Sequence[Promise]
) -> list[Coarse]:
    """Bounds of candidates that have room for a cache."""
    times = _times(group, rules, demand)
    most_per_round = np.array([c.most_per_round for c in group], dtype=float)
    passes = _fewest_passes(group, rules, room, demand) / most_per_round
    further = max(float(demand.output.mean()) - 1, 0.0)
    new, running = np.array(NEW, dtype=float), np.array(RUNNING, dtype=float)
    work, usual = np.empty(len(group)), np.empty((2, len(group)))
    alike: dict[tuple[int, int, bool, float], list[int]] = {}
    for k, r in enumerate(rules):
        alike.setdefault((r.max_sequences, r.budget_tokens, r.prefix_cache, most_per_round[k]), []).append(k)
    for (sequences, budget, caches, per_round), some in alike.items():
        seen, reads = running <= sequences, new <= budget
        fresh = demand.fresh if caches else demand.input
        table_s = times.prompt_s[some][:, np.concatenate([[True], seen])][..., reads]
        steps_s, reading_s = times.step_s[some][:, seen], times.reading_s[some]
        rounds = further / per_round
        least = request_work_s(steps_s, running[seen], table_s, new[reads], passes[some], float(fresh.mean()), rounds)
        work[some] = MARGIN * (least + reading_s * rounds)
        whole = steps_s + running[seen] * reading_s[:, None]
        usual[1, some] = whole[:, 0] / per_round
        for k, step in zip(some, whole, strict=True):
            usual[0, k] = float(np.interp(float(np.median(fresh)), new, times.alone_s[k])) + float(step[0]) / 2
            if demand.rate is not None and work[k] > 0 and rounds:
                n_mean = float(concurrency(0.8 / work[k] * MARGIN * rounds, step, running[seen]))
                usual[1, k] = float(np.interp(min(n_mean, running[seen][-1]), running[seen], step)) / per_round
    missed = _missed(times, most_per_round, rules, demand, promises)
    return [
        Coarse(
            True, str(floor) if floor else "", float(work[k]),
            float(usual[0, k]) + c.engine.idle_request_ms * 1e-3, float(usual[1, k]), floor,
        )
        for k, (c, floor) in enumerate(zip(group, missed, strict=True))
    ]  # fmt: skip


def _missed(
    times: _Times, most_per_round: Floats, rules: Sequence[Rules], demand: Demand, promises: Sequence[Promise]
) -> list[Floor | None]:
    """For each candidate the first promise that a request alone on a replica breaks."""
    step_s = (times.step_s.min(axis=1) + times.reading_s) / most_per_round
    per_token_s = np.min(times.prompt_s / np.array(NEW, dtype=float), axis=(1, 2))
    least_s = np.min(times.prompt_s, axis=(1, 2))
    asked = {caches: _asked(demand, promises, caches) for caches in {r.prefix_cache for r in rules}}
    found: list[Floor | None] = []
    for k, r in enumerate(rules):
        floor = None
        for promise, (fresh_tokens, steps) in zip(promises, asked[r.prefix_cache], strict=True):
            prompt_s = max(per_token_s[k] * fresh_tokens, least_s[k])
            value = {"ttft": prompt_s, "e2e": prompt_s + step_s[k] * steps}.get(
                promise.limit.quantity, step_s[k] * steps
            )
            if MARGIN * value > promise.limit.seconds:
                floor = Floor(promise, float(MARGIN * value))
                break
        found.append(floor)
    return found


def _asked(demand: Demand, promises: Sequence[Promise], caches: bool) -> list[tuple[float, float]]:
    """For each promise what its statistic is at least of: (fresh prompt tokens, steps).

    A statistic of a sum of two columns is at least that of the first with the least of the second.
    """
    found = []
    for promise in promises:
        mine = demand.kind == promise.kind if promise.kind >= 0 else np.ones(len(demand.kind), dtype=bool)
        fresh = (demand.fresh if caches else demand.input)[mine]
        statistic_of = promise.limit.statistic
        match promise.limit.quantity:
            case "ttft":
                found.append((statistic(fresh, statistic_of), 0.0))
            case "tpot" | "itl":
                found.append((0.0, float(np.all(demand.output[mine] > 1))))
            case "e2e":
                found.append((float(fresh.min()), statistic(demand.output[mine] - 1, statistic_of)))
            case _:
                found.append((0.0, 0.0))
    return found


def statistic(values: Floats, name: str) -> float:
    """A mean, or ``p95`` and the like."""
    values = values[~np.isnan(values)]
    if not values.size:
        return 0.0
    return float(values.mean()) if name == "mean" else float(np.quantile(values, float(name[1:]) / 100))
