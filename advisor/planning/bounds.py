"""What a replica can do at most, in closed form: no plan below these bounds can keep up, so no better one is lost.

Work. Take any numbers π, a, b ≥ 0 such that every pass takes at least ``π·new + (a + b·B if B else 0)`` seconds, what
its cached tokens take aside, ``new`` being prompt tokens read and ``B`` running sequences. Then requests that bring
``N`` prompt tokens that no cache holds and ``O`` further tokens need at least ``π·N + a·P + b·O + ρ·K`` seconds of one
replica: ``ρ·K`` is the least that reading ``K`` cached tokens takes, and there are ``P ≥ max(O / most sequences,
tokens held over all steps / room)`` passes, because those of one pass must fit into the cache together. Of all such
numbers those are taken that give most. A replica has one second per second: at ``λ`` requests per second that need
``w`` seconds each, fewer than ``λ·w`` replicas fall behind without end (Little's law: their queue has no mean).

Latency. A request alone on a replica waits for nobody: no request is faster than that, so no percentile is.

Concurrency. With ``X`` further tokens per second a replica has on average ``N = X·t(N)`` sequences running, ``t`` the
time of a step: Little's law as a fixed point. Where ``N/t(N)`` is concave no mix of batches has a shorter mean step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.planning.demand import Demand
from advisor.simulator.service import Service

Floats = NDArray[np.float64]
PARTS = np.linspace(0, 1, 9)
"""Of a step's time that is charged to the step where a pass reads prompts too."""
EXACT = 1 - 1e-9


def request_work_s(
    step_s: Floats,
    batches: Floats,
    prompt_s: Floats,
    new: Floats,
    passes: Floats,
    fresh: float,
    steps: float,
) -> Floats:
    """Least seconds of a replica per request, cached tokens aside.

    Args:
        step_s: A pass of ``batches`` sequences: (…, B).
        batches: Sequences, rising from 1: (B,).
        prompt_s: A pass that reads ``new`` tokens and steps 0 and then ``batches`` sequences: (…, 1 + B, N).
        new: Prompt tokens: (N,).
        passes: Fewest passes with steps per request: (…).
        fresh: Prompt tokens per request.
        steps: Steps per request.
    """
    shape = step_s.shape[:-1]
    best = np.zeros(shape)
    if step_s.shape[-1] > 1:
        slopes = (step_s[..., 1:] - step_s[..., :1]) / (batches[1:] - batches[0])
        slopes = np.concatenate([np.zeros((*shape, 1)), np.maximum(slopes, 0)], axis=-1)
        if slopes.shape[-1] > 24:
            slopes = slopes[..., np.unique(np.linspace(0, slopes.shape[-1] - 1, 24).astype(int))]
    else:
        slopes = np.zeros((*shape, 1))
    fixed = np.maximum(np.min(step_s[..., None, :] - slopes[..., :, None] * batches, axis=-1), 0)
    own = fixed * passes[..., None] + slopes * steps
    pick = np.argmax(own, axis=-1)[..., None]
    a, b = (np.take_along_axis(x, pick, axis=-1)[..., 0] for x in (fixed, slopes))
    # Where slopes were cut at zero, b·B may exceed a step: then charge what is left.
    b = np.minimum(b, np.min((step_s - a[..., None]) / batches, axis=-1))
    line = np.concatenate([np.zeros((*shape, 1)), a[..., None] + b[..., None] * batches], axis=-1)
    for part in PARTS:
        rest = np.maximum(np.min((prompt_s - part * line[..., None]) / new, axis=(-2, -1)), 0)
        feasible = np.min(prompt_s - part * line[..., None], axis=(-2, -1)) >= 0
        work = np.where(feasible | (part == 0), rest * fresh + part * (a * passes + b * steps), 0.0)
        best = np.maximum(best, work)
    return np.asarray(best)


@dataclass(frozen=True, eq=False)
class Bound:
    """What one replica of a service needs for requests of a demand, at least."""

    work_s: float
    """Per request."""
    ttft_s: Floats
    """Of each request alone."""
    tpot_s: Floats
    """Of each request alone; ``nan`` where nothing further is written."""
    refused: int
    """Requests that can never fit."""
    demand: Demand
    """What was asked."""

    def replicas(self, rate: float | None) -> int:
        """The fewest that keep up."""
        return max(1, int(np.ceil(rate * self.work_s * EXACT))) if rate is not None else 1


def bound_of(service: Service, demand: Demand) -> Bound:
    """Bounds from the tables that the simulator itself reads."""
    steps, rules, memory = service.steps, service.rules, service.memory
    most = min(rules.max_sequences, len(steps.step_s) - 1)
    batches = np.arange(1, most + 1, dtype=float)
    step_s = np.array(steps.step_s[1 : most + 1])
    new, prompt_s = _prompts(service, most)
    given, output, fresh = demand.input, demand.output, demand.fresh
    if service.input_tokens is not None:
        given = fresh = np.full_like(given, float(service.input_tokens))
    if service.output_tokens is not None:
        output = np.full_like(output, float(service.output_tokens))
    if not rules.prefix_cache:
        fresh = given
    further = np.maximum(output - 1, 0)
    advance = steps.advance[0] / steps.advance[1]
    rounds = further / advance
    cached_s = _reading(service, given, further, advance)
    own = np.minimum(demand.own, given)
    held = memory.per_block / rules.block_tokens * (own + np.maximum(further - 1, 0) / 2) * rounds
    room = memory.units if memory.units < 2**60 else np.inf
    passes = max(float(rounds.mean()) / most, float(held.mean()) / room if room else 0.0)
    work = request_work_s(
        step_s, batches, prompt_s, new, np.array(passes), float(fresh.mean()), float(rounds.mean())
    )  # fmt: skip
    per_token = float(np.min(prompt_s / new))
    first = np.maximum(per_token * fresh, float(prompt_s.min())) + service.request_s
    with np.errstate(invalid="ignore", divide="ignore"):
        each = min(float(step_s.min()), float(prompt_s.min())) / advance + cached_s / np.maximum(further, 1)
        tpot = np.where(further > 0, each, np.nan)
    longest = memory.longest(rules.block_tokens) if memory.per_block else 2**62
    refused = int(np.count_nonzero(given > longest))
    return Bound(float(work) + float(cached_s.mean()), first, tpot, refused, demand)


def _prompts(service: Service, most: int) -> tuple[Floats, Floats]:
    """(new tokens, seconds of a pass by running sequences and new tokens), what prompts do not share left out.

    On the grid of the service's own tables: between its points they are bilinear, so that a bound that holds on them
    holds everywhere.
    """
    steps, rules = service.steps, service.rules
    known: list[int] | range | None = getattr(steps, "new", None)
    if known is None:
        known = range(1, rules.budget_tokens + 1) if rules.budget_tokens <= 512 else _grid(rules.budget_tokens)
    new = sorted({n for n in known if n <= rules.budget_tokens} | {1, rules.budget_tokens})
    running: list[int] = [b for b in getattr(steps, "running", None) or _grid(most) if 0 < b <= most]
    running = sorted({*running, 1, most})
    table = np.array([[steps.prompt_s(n, b) - steps.alone_s(n) for n in new] for b in [0, *running]])
    # The rows that are not on the grid lie between those that are.
    batches = np.array([0, *running], dtype=float)
    every = np.arange(0, most + 1, dtype=float)
    full = np.stack([np.interp(every, batches, table[:, j]) for j in range(len(new))], axis=1)
    return np.array(new, dtype=float), full


def _grid(most: int) -> list[int]:
    return sorted({round(float(x)) for x in np.geomspace(1, max(most, 2), 48)})


def _reading(service: Service, given: Floats, further: Floats, advance: float) -> Floats:
    """Least seconds that all steps of each request spend on its cached tokens."""
    steps = service.steps
    seconds = np.zeros_like(given)
    for cap, rate in zip(steps.caps, steps.token_s, strict=True):
        seconds += float(np.min(np.array(rate[1:]))) * _tokens(given, further, cap) / advance
    return np.maximum(seconds, 0)


def _tokens(given: Floats, further: Floats, cap: int) -> Floats:
    """Cached tokens that all steps of a request read: Σ min(given + k, cap) for k from 0 on."""
    whole = further * given + further * (further - 1) / 2
    if not cap:
        return np.asarray(np.maximum(whole, 0))
    below = np.clip(cap - given, 0, further)
    return np.asarray(np.maximum(below * given + below * (below - 1) / 2 + (further - below) * cap, 0))


def concurrency(tokens_per_s: ArrayLike, step_s: Floats, batches: Floats) -> Floats:
    """Sequences running on average: the fixed point ``N = X·t(N)``; infinite where steps cannot keep up.

    Args:
        tokens_per_s: Further tokens per second of a replica: (…).
        step_s: A step of ``batches`` sequences, their cached tokens included: (…, B).
        batches: Sequences, rising: (B,).
    """
    rates = np.asarray(tokens_per_s, dtype=float)[..., None]
    made = batches / step_s
    made = np.maximum.accumulate(made, axis=-1)
    enough = made >= rates
    first = np.argmax(enough, axis=-1)
    found = np.any(enough, axis=-1)
    right = np.take_along_axis(made, first[..., None], axis=-1)[..., 0]
    left = np.take_along_axis(made, np.maximum(first - 1, 0)[..., None], axis=-1)[..., 0]
    upper, lower = batches[first], batches[np.maximum(first - 1, 0)]
    span = np.where(right > left, right - left, 1.0)
    value = np.where(first > 0, lower + (upper - lower) * (rates[..., 0] - left) / span, rates[..., 0] / right * upper)
    return np.asarray(np.where(found, value, np.inf))
