"""A model on a machine as the simulator needs it: rules, times of passes, room for cache, price."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from advisor.estimating.drafting import Draft, acceptance_of, draft_of
from advisor.estimating.memory import memory_of
from advisor.estimating.resolve import Resolved, passes_of, resolve, server_of
from advisor.scenario import Scenario
from advisor.simulator.memory import Memory
from advisor.simulator.rules import PRESETS, Rules, preset
from advisor.simulator.steps import StepModel
from advisor.simulator.timed import Floats, Step, Timed, grid, knots_of, own_s, step_tables, timed
from calculators.serving import Server
from calculators.speculative import further_logits_s, round_s, verification
from calculators.workload import Workload
from catalog.errors import BadInput, DoesNotFit

FAR = 2**20
"""Tokens at which windows are full and what each further token takes is read off."""
PROMPT_GRID = 72
WHOLE: dict[str, Any] = {
    "chunked": False, "reserve": "all", "prefix_cache": False, "chunk_tokens": 0, "output_share": None,
}  # fmt: skip
"""Rules of models that answer in one pass, or in so many equal ones."""
DENOMINATOR = 16
"""Tokens per speculative round are rounded to so many parts."""


@dataclass(frozen=True, eq=False)
class Service:
    """One replica of a model on devices."""

    rules: Rules
    steps: StepModel
    memory: Memory
    request_s: float = 0.0
    """From request to queue and back of an idle engine, besides the passes; holds up nobody else."""
    devices: int = 1
    usd_per_hour: float | None = None
    watts: float | None = None
    """Nominal power of all devices."""
    input_tokens: int | None = None
    """Tokens of every request, where the model says so and not the traffic: frames of audio, one picture."""
    output_tokens: int | None = None
    """The same for what is written: one answer, so many denoising steps."""
    unit: str = "tokens"
    case: Resolved | None = None

    @property
    def cache_tokens(self) -> int:
        """Tokens that fit, in blocks full of them."""
        return self.rules.block_tokens * (self.memory.units // self.memory.per_block) if self.memory.per_block else 0


def service_of(
    scenario: Scenario,
    rules: Rules | str | None = None,
    *,
    memory_share: float | None = None,
    cache_tokens: int | None = None,
    **limits: object,
) -> Service:
    """A replica of what a scenario describes (its batch and lengths do not matter here).

    Args:
        scenario: Model, machine, layout and formats.
        rules: How the engine schedules, or the name of a preset; by default the engine's own.
        memory_share: Share of the nominal memory that the engine may take (vLLM's ``gpu_memory_utilization``).
        cache_tokens: Room for so many cached tokens, where it is known, instead of what is calculated.
        limits: Fields of ``Rules`` to set.

    Raises:
        BadInput: If a name is unknown, or weights and activations leave no room for a cache.
    """
    case = resolve(scenario)
    own = preset(rules) if isinstance(rules, str) else rules or _usual(case)
    if not isinstance(rules, Rules):
        own = own.with_(steps_ahead=min(1, case.engine.steps_ahead))
    if not own.context_tokens and case.generates and not case.encoder_decoder:
        own = own.with_(context_tokens=case.spec.context_tokens or 0)
    if memory_share is not None and not 0 < memory_share <= 1:
        raise BadInput(f"memory share must be between 0 and 1, got {memory_share:g}")
    if cache_tokens is not None and cache_tokens < 1:
        raise BadInput(f"cache_tokens must be at least 1, got {cache_tokens}")
    if case.generates and not case.encoder_decoder:
        return _decoder(case, own, memory_share, cache_tokens, limits)
    if case.generates:
        return _encoder_decoder(case, own, memory_share, cache_tokens, limits)
    return _single_pass(case, own, limits)


def _usual(case: Resolved) -> Rules:
    rules = PRESETS.get(case.engine.id, PRESETS["vllm"])
    if case.engine.id == "vllm":
        return rules.with_(budget_tokens=max(rules.max_sequences, case.engine.activation_tokens))
    return rules


def _service(case: Resolved, rules: Rules, steps: StepModel, memory: Memory, **rest: object) -> Service:
    devices = case.scenario.layout.devices
    return Service(
        rules,
        steps,
        memory,
        request_s=case.engine.idle_request_ms * 1e-3,
        devices=devices,
        usd_per_hour=None if case.price is None else case.price.usd_per_hour * devices,
        watts=None if case.machine.tdp_w is None else case.machine.tdp_w * devices,
        case=case,
        **rest,  # type: ignore[arg-type]
    )


def _decoder(
    case: Resolved, rules: Rules, share: float | None, tokens: int | None, limits: dict[str, object]
) -> Service:
    rules = rules.with_(**limits)
    server, draft = server_of(case), draft_of(case) if case.scenario.speculate else None
    memory = _memory(case, server, rules, share, tokens, draft)
    longest = min(memory.longest(rules.block_tokens), 2**20)
    if (ranks := case.scenario.layout.dp) > 1:  # no request may be longer than what one rank holds
        longest = min(longest, replace(memory, units=memory.units // ranks).longest(rules.block_tokens))
        rules = rules.with_(context_tokens=min(rules.context_tokens or longest, longest))
    steps = timed(
        server, most=rules.max_sequences, budget=rules.budget_tokens, longest=longest, images=case.scenario.images
    )
    if draft is not None:
        steps = _speculating(case, server, draft, rules, steps)
    return _service(case, rules, steps, memory)


def _memory(
    case: Resolved, server: Server, rules: Rules, share: float | None, tokens: int | None, draft: Draft | None
) -> Memory:
    """Room for cache on one device, in bytes; what is kept per block, per window and per request."""
    ranks, block = case.scenario.layout.dp, rules.block_tokens
    tables = [server.table] + ([draft.table(case)] if draft else [])

    def held(length: int) -> tuple[float, float]:
        w = Workload.of([ranks], 0, length, encode=0)
        parts = [t.held_bytes(w, case.cache_bits) for t in tables]
        return float(sum(p[0][0] for p in parts)), float(sum(p[1][0] for p in parts))

    far, further = held(FAR), held(FAR + block)
    per_block = round(further[0] - far[0])
    windowed = far[0] - (further[0] - far[0]) / block * FAR
    window = max((k + 1 for k in knots_of(server.table)), default=0)
    per_window = round(windowed / -(-window // block)) if window and windowed > 1 else 0
    memory = Memory(0, max(per_block, 0), window, per_window, round(far[1]))
    if tokens is not None:
        return replace(memory, units=memory.whole(tokens, block))
    room = _room(case, rules, share)
    if room < memory.whole(block, block):
        raise DoesNotFit(
            f"{case.spec.id} on {case.scenario.layout.devices} × {case.machine.id}: weights, activations and engine "
            f"leave {max(room, 0) / 2**30:.1f} GiB for the cache; a smaller weight format or more devices would help"
        )
    return replace(memory, units=room * ranks)  # a request is held by one of them


def _room(case: Resolved, rules: Rules, share: float | None) -> int:
    one = replace_scenario(case, batch=1, input_tokens=rules.budget_tokens, output_tokens=1, cached_prefix=0)
    held = memory_of(one)
    if share is None:
        usable = held.usable_bytes
    else:
        usable = None if case.machine.memory_bytes is None else case.machine.memory_bytes * share
    if usable is None:
        raise BadInput(f"the memory of {case.machine.id} depends on what is fitted: give cache_tokens")
    return int(usable - held.weights_bytes - held.activation_bytes - held.overhead_bytes - held.draft_bytes)


def replace_scenario(case: Resolved, **changes: object) -> Resolved:
    """The same case under another load."""
    return replace(case, scenario=case.scenario.model_copy(update=changes))


def _speculating(case: Resolved, server: Server, draft: Draft, rules: Rules, plain: Timed) -> Timed:
    """Steps are rounds: so many drafts and one verification, which yield ``advance`` tokens on average."""
    drafted = case.scenario.speculative_tokens
    length = acceptance_of(case, draft, drafted).p50
    drafts = draft.server(case)

    def seconds(sequences: ArrayLike, cached: ArrayLike) -> Floats:
        step = Workload.of(sequences, 1, cached, encode=0)
        return round_s(server, drafts, step, drafted, length).total_s

    knots = sorted({*knots_of(server.table), *knots_of(drafts.table)})
    step_s, caps, token_s = step_tables(Step(seconds, knots), rules.max_sequences)
    part = Fraction(length).limit_denominator(DENOMINATOR)
    at = 1024
    new, running = np.array(plain.new), np.array(plain.running[1:])
    prompt = Workload.of(1, new[None, :], 0, images=case.scenario.images, encode=1)
    step = Workload.of(running[:, None], 1, at, encode=0)
    alone, _, both = server.passes_s(prompt, verification(step, drafted))
    reads = drafts.pass_s(Workload.of(1, new, 0, encode=1))
    both = both + further_logits_s(server, step, drafted) + round_s(server, drafts, step, drafted, length).draft_s
    cached_s = [
        sum(rate[b] * b * (min(at, cap) if cap else at) for cap, rate in zip(caps, token_s, strict=True))
        for b in running.tolist()
    ]
    shared = np.concatenate([alone[:1], both - np.array(cached_s)[:, None]]) + reads[None, :]
    return replace(
        plain,
        step_s=step_s,
        caps=caps,
        token_s=token_s,
        advance=(part.numerator, part.denominator),
        shared=shared.tolist(),
    )


def _encoder_decoder(
    case: Resolved, rules: Rules, share: float | None, tokens: int | None, limits: dict[str, object]
) -> Service:
    """The prompt goes through the encoder in one pass; its keys and values stay, the decoder's grow.

    The encoder's tokens count as the request's cached tokens: cross-attention reads each once per step as
    self-attention does, and where a layer's two differ, that of the scenario's own length is right.
    """
    server = server_of(case)
    source = case.source_tokens
    rules = rules.with_(chunked=False, prefix_cache=False, chunk_tokens=0, **limits)
    rules = rules.with_(budget_tokens=max(rules.budget_tokens, 2 * source))
    fixed = source if source != case.scenario.input_tokens else None

    def seconds(sequences: ArrayLike, cached: ArrayLike) -> Floats:
        done = np.maximum(np.asarray(cached) - source, 1)
        return server.pass_s(Workload.of(sequences, 1, done, source=source, encode=0))

    step = Step(lambda b, c: seconds(b, np.asarray(c) + source))
    step_s, caps, token_s = step_tables(step, rules.max_sequences)
    step_s = [a - b * source * sum(r[b] for r in token_s) for b, a in enumerate(step_s)]
    new, running = np.array(grid(rules.budget_tokens, PROMPT_GRID)), np.array(grid(rules.max_sequences, 24))
    if fixed:
        prompts = Workload.of(new[None, :] / source, 1, 0, source=source, encode=1)
    else:
        prompts = Workload.of(1, 1, 0, source=new[None, :], encode=1)
    at = source + 64
    alone, _, both = server.passes_s(prompts, Workload.of(running[:, None], 1, 64, source=source, encode=0))
    cached_s = np.array([sum(r[b] for r in token_s) * b * at for b in running.tolist()])
    shared = np.concatenate([alone[:1], both - cached_s[:, None]])
    nothing = [0.0] * len(new)
    own = nothing if fixed else _own_of_source(server, new)
    steps = Timed(
        step_s, caps, token_s, (1, 1), new=new.tolist(), running=[0, *running.tolist()], shared=shared.tolist(),
        own=own, past=[0, 1], reading=[nothing, nothing],
    )  # fmt: skip
    return _service(case, rules, steps, _memory_of_source(case, server, rules, share, tokens), input_tokens=fixed)


def _own_of_source(server: Server, new: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[float]:
    from calculators.operators import Kind

    own = server.table.of_kind(Kind.ATTENTION)
    seconds = server.operators_s(Workload.of(1, 1, 0, source=new, encode=1))[0, own].sum(axis=0)
    return [float(s) for s in seconds - seconds[0]]


def _memory_of_source(case: Resolved, server: Server, rules: Rules, share: float | None, tokens: int | None) -> Memory:
    source, block = case.source_tokens, rules.block_tokens
    table = server.table

    def held(length: int) -> float:
        parts = table.held_bytes(Workload.of([1], 0, length, source=source, encode=0), case.cache_bits)
        return float(parts[0][0] + parts[1][0])

    per_block = round((held(FAR) - held(0)) / FAR * block)
    fixed = max(0, round(held(0) - per_block / block * source))
    memory = Memory(0, per_block, per_request=fixed)
    units = memory.whole(tokens, block) if tokens is not None else _room(case, rules, share)
    return replace(memory, units=units)


def _single_pass(case: Resolved, rules: Rules, limits: dict[str, object]) -> Service:
    """Encoders take a budget of tokens per pass; whatever sees pictures or sound, or draws, so many requests."""
    server = server_of(case)
    steps, guided = passes_of(case)
    if case.spec.family == "encoder":
        rules = replace(rules, **WHOLE).with_(**limits)
        new = np.array(grid(rules.budget_tokens, PROMPT_GRID))
        seconds = server.pass_s(Workload.of(1, new, 0))
        table, own = [seconds.tolist()] * 2, own_s(server, new)
        model = Timed(
            [float(seconds[0])] * (rules.max_sequences + 1), (), (), (1, 1), new=new.tolist(), running=[0, 1],
            shared=table, own=own, past=[0, 1], reading=[[0.0] * len(new)] * 2,
        )  # fmt: skip
        return _service(case, rules, model, Memory(2**60), output_tokens=1)
    rules = replace(rules, **WHOLE).with_(**limits)
    most = min(rules.max_sequences, 64 if steps > 1 else 256)
    most = int(str(limits.get("max_sequences") or most))
    rules = rules.with_(max_sequences=most, budget_tokens=most, block_tokens=1)
    batches = np.arange(1, most + 1)
    tokens = 1 if steps > 1 else case.scenario.input_tokens
    seconds = server.pass_s(Workload.of(batches * guided, case.scenario.input_tokens if tokens > 1 else 1, 0))
    table = [float(seconds[0]), *seconds.tolist()]
    return _service(case, rules, Requests(table), Memory(2**60), input_tokens=1, output_tokens=steps, unit="requests")


@dataclass(frozen=True, eq=False)
class Requests:
    """Passes that take what their number of requests says: pictures, denoising steps."""

    step_s: list[float]
    caps: tuple[int, ...] = ()
    token_s: tuple[list[float], ...] = ()
    advance: tuple[int, int] = (1, 1)

    def scaled(self, share: float) -> Requests:
        """Every time so many times as long."""
        return replace(self, step_s=[share * s for s in self.step_s])

    def prompt_s(self, new: int, running: int) -> float:
        """A pass of all of them."""
        return self.step_s[min(new + running, len(self.step_s) - 1)]

    def past_s(self, new: int, past: int) -> float:
        """Nothing is cached."""
        return 0.0

    def alone_s(self, new: int) -> float:
        """Nothing is shared unevenly."""
        return 0.0
