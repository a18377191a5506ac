"""Times of a model in service: one prefill, one decode step, and what a closed loop of clients sees of them.

All inputs broadcast; all times are seconds.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, fields, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calculators.efficiency import Efficiency
from calculators.imbalance import DEFAULT, Routing
from calculators.operators import Kind
from calculators.over_output import passes_over_output_s
from calculators.overlap import delay_share, pipelined
from calculators.plan import SINGLE, Layout
from calculators.rates import pass_time
from calculators.roofline import Setting, Settings
from calculators.table import Floats, Table, compile_table
from calculators.workload import Workload
from catalog.engine import PassHabits
from catalog.machine import Machine
from catalog.spec import Architecture
from catalog.values import dataclass
from catalog.weight_format import WeightFormat

CHUNK = 8192
"""Workloads evaluated at a time, so that intermediate arrays stay in the processor's cache."""
MOST_LOAD = 0.95
"""Share of the time spent on prompts up to which the formula of a queue is used."""
REQUESTS_EACH = 10
"""Requests of each client in the closed loop that times to the first token are means over."""
OWN_STATE = (Kind.ATTENTION, Kind.SCAN, Kind.CONVOLUTION)
"""Operators that read what each sequence keeps: in a shared pass prompts and steps cost them separately."""


@dataclass(frozen=True, eq=False)
class Server:
    """One model in a layout, in one or many settings (C of them)."""

    table: Table
    settings: Settings
    _: KW_ONLY
    step_overhead_s: float = 0.0
    """What the engine spends per iteration besides kernels."""
    chunk_tokens: float = np.inf
    """Into what pieces the engine cuts prompts; pipeline stages work on several of them at once."""
    habits: tuple[PassHabits | None, ...] = ()
    """How the engine of each setting runs a model that answers in one pass; none for models that write."""
    step_request_s: float = 0.0
    """The same for each request of the iteration: scheduling, sampling, detokenisation, streaming."""

    @classmethod
    def of(
        cls,
        architecture: Architecture,
        machine: Machine,
        eff: Efficiency,
        weights: WeightFormat,
        cache_bits: float,
        layout: Layout | int = SINGLE,
        step_overhead_s: float = 0.0,
        chunk_tokens: float = np.inf,
        habits: tuple[PassHabits | None, ...] = (),
        step_request_s: float = 0.0,
        routing: Routing = DEFAULT,
    ) -> Self:
        """One setting."""
        settings = Settings([Setting(machine, eff, weights, cache_bits)])
        table = compile_table(architecture, layout, routing)
        return cls(
            table,
            settings,
            step_overhead_s=step_overhead_s,
            chunk_tokens=chunk_tokens,
            habits=habits,
            step_request_s=step_request_s,
        )

    def overhead_s(self, w: Workload) -> Floats:
        """What the engine spends on passes besides kernels: affine in the requests of the pass."""
        return np.asarray(self.step_overhead_s + self.step_request_s * w.batch, dtype=np.float64)

    def operators_s(self, w: Workload) -> Floats:
        """Seconds by operator for flat workloads: shape (C, operators, N)."""
        if self.habits:
            return pass_time(self.settings, self.table, w, self.habits).operators_s
        return self.settings.operator_seconds(self.table, w)

    def pass_s(self, w: Workload) -> Floats:
        """Seconds of one forward pass: shape (C, N), for one setting the workload's own shape.

        A pipeline divides the sequences into micro-batches (``in_flight``); the time is one micro-batch's through all
        stages while the others fill them.
        """
        flat = self.in_flight(w).reshape(-1)
        total = np.empty((len(self.settings), *flat.shape))
        chunk = max(1, CHUNK // len(self.settings))
        for start in range(0, flat.batch.size, chunk):
            part = slice(start, start + chunk)
            w_part = flat.slice(part)
            if self.habits:
                total[:, part] = pass_time(self.settings, self.table, w_part, self.habits).total_s
            else:
                total[:, part] = self.operators_s(w_part).sum(axis=1)
        total = np.maximum(total, self._slowest_s(flat, self._batches(w).reshape(-1)))
        total += self.overhead_s(flat)
        return total.reshape(w.shape) if len(self.settings) == 1 else total

    def _batches(self, w: Workload) -> Floats:
        """Micro-batches in flight: as many as stages, if there are so many sequences."""
        return np.clip(w.batch, 1, self.table.layout.pp).astype(np.float64)

    def in_flight(self, w: Workload) -> Workload:
        """The sequences of one micro-batch."""
        if self.table.layout.pp == 1:
            return w
        return replace(w, batch=np.ceil(w.batch / self._batches(w)))

    def _slowest_s(self, micro: Workload, batches: Floats) -> Floats | float:
        """What the slowest stage needs for all micro-batches: they queue before it (arXiv:1811.06965 section 2.3)."""
        if not self.table.stages:
            return 0.0
        slowest = np.zeros((len(self.settings), micro.batch.size))
        chunk = max(1, CHUNK // len(self.settings))
        for start in range(0, micro.batch.size, chunk):
            part = slice(start, start + chunk)
            for stage in self.table.stages:
                seconds = self.settings.operator_seconds(stage, micro.slice(part)).sum(axis=1)
                np.maximum(slowest[:, part], seconds, out=slowest[:, part])
        return slowest * batches

    def passes_s(self, prompt: Workload, step: Workload) -> tuple[Floats, Floats, Floats]:
        """Seconds of a prompt on its own, of a step on its own, and of one pass that carries both.

        A shared pass reads weights and starts kernels once, so an operator without state of its own takes the longer of
        its two times; the others take both. Many settings: flat workloads, shape (C, N); one: the broadcast shape.

        Source:
            decode-maximal batching (arXiv:2308.16369); on 34 vLLM runs at constant rates the median error of TPOT falls
            from 11.2 to 4.9 % (``whicharch accuracy``).
        """
        shape = np.broadcast_shapes(prompt.shape, step.shape)
        size = int(np.prod(shape))
        own = self.table.of_kind(*OWN_STATE)[:, None]
        totals = np.empty((3, len(self.settings), size))
        flat = [_spread(w, shape).reshape(-1) for w in (prompt, self.in_flight(step))]
        chunk = max(1, CHUNK // len(self.settings))
        for start in range(0, size, chunk):
            part = slice(start, start + chunk)
            joined = flat[0].slice(part).then(flat[1].slice(part))
            together = self.operators_s(joined)
            first, second = np.split(together, 2, axis=2)
            both = np.where(own, first + second, np.maximum(first, second))
            totals[:, :, part] = [seconds.sum(axis=1) for seconds in (first, second, both)]
            if self.habits:  # a pass takes at least what the host needs to start its kernels
                started = np.split(pass_time(self.settings, self.table, joined, self.habits).host_s, 2, axis=1)
                totals[:, :, part] = np.maximum(totals[:, :, part], [*started, np.maximum(*started)])
        if self.table.stages:
            queued = self._slowest_s(flat[1], self._batches(_spread(step, shape)).reshape(-1))
            totals[1:] += np.maximum(queued - totals[1], 0)
            filled = pipelined(self.table.layout.pp, np.ceil(flat[0].new / self.chunk_tokens))
            totals[2] -= (totals[2] - totals[1]) * (1 - filled)
            totals[0] *= filled
        first_s, second_s = (self.overhead_s(w) for w in flat)
        totals += np.stack([first_s, second_s, first_s + second_s - self.step_overhead_s])[:, None, :]
        alone, step_s, shared = totals.reshape(3, *shape) if len(self.settings) == 1 else totals
        return alone, step_s, shared


def _spread(w: Workload, shape: tuple[int, ...]) -> Workload:
    return Workload(**{field.name: np.broadcast_to(getattr(w, field.name), shape) for field in fields(w)})


@dataclass(frozen=True, slots=True)
class Demand:
    """What each request asks for, for a model that generates."""

    input_tokens: ArrayLike
    output_tokens: ArrayLike
    images: ArrayLike = 0
    cached_tokens: ArrayLike = 0
    """Of the input: those whose keys, values and states are there already (a shared prefix)."""


def prefill_workload(demand: Demand, *, batch: ArrayLike = 1, encoder_decoder: bool = False) -> Workload:
    """The pass that reads the prompt: the decoder's own for a decoder, the encoder's where there is one."""
    if encoder_decoder:
        return Workload.of(batch, 1, 0, source=demand.input_tokens, encode=1)
    cached = np.asarray(demand.cached_tokens, dtype=np.float64)
    return Workload.of(batch, np.asarray(demand.input_tokens) - cached, cached, images=demand.images, encode=1)


def decode_workload(demand: Demand, batch: ArrayLike, *, done: ArrayLike, encoder_decoder: bool = False) -> Workload:
    """The step that makes token number ``done + 1``."""
    if encoder_decoder:
        return Workload.of(batch, 1, np.maximum(np.asarray(done), 1), source=demand.input_tokens, encode=0)
    return Workload.of(batch, 1, np.asarray(demand.input_tokens) + np.asarray(done), encode=0)


@dataclass(frozen=True, eq=False, slots=True)
class Served:
    """What a closed loop of ``batch`` clients sees, steady state; arrays in the shape of the inputs."""

    prefill_s: NDArray[np.float64]
    """One prompt on its own."""
    decode_s: NDArray[np.float64]
    """One step of the whole batch, mean over the answers."""
    ttft_s: NDArray[np.float64]
    """Time to the first token, mean of a closed loop of ``REQUESTS_EACH`` requests a client, all started together."""
    tpot_s: NDArray[np.float64]
    """Time per token after the first, other clients' prefills included."""
    output_tokens_per_s: NDArray[np.float64]
    """All clients together."""
    shared_s: NDArray[np.float64]
    """A step that carries a prompt along."""
    calm_ttft_s: NDArray[np.float64]
    """Time to the first token where no prompt waits for another: half a step, then the pass that reads it."""


def serve(
    server: Server,
    demand: Demand,
    batch: ArrayLike,
    *,
    request_overhead_s: ArrayLike = 0.0,
    encoder_decoder: bool = False,
    steps_ahead: float = 0.0,
) -> Served:
    """A closed loop: each of ``batch`` clients sends its next request when the last is answered.

    In steady state every other client prefills once per answer, in a pass that carries the others' steps along:
    ``TPOT = t_decode + (b-1)·(t_shared - t_decode)/output``. A new prompt waits for half a step on average before the
    pass that reads it, and for other prompts: see ``closed_loop``.

    Args:
        server: What runs.
        demand: What each request asks for.
        batch: Clients.
        request_overhead_s: What the engine takes per request besides passes.
        encoder_decoder: Whether an encoder reads the prompt.
        steps_ahead: Steps that the engine has scheduled before the current one ends.

    Source:
        lessons of the project (closed-loop identity), with shared passes (``Server.passes_s``).
    """
    b = np.asarray(batch, dtype=np.float64)
    output = np.asarray(demand.output_tokens, dtype=np.float64)
    prefill, decode, shared = passes_over_output_s(
        server,
        prefill_workload(demand, encoder_decoder=encoder_decoder),
        decode_workload(demand, b, done=output / 2, encoder_decoder=encoder_decoder),
        output - 1,
    )
    delay = delay_share(server.table.layout, b, output)
    read = np.maximum(np.asarray(demand.input_tokens, dtype=np.float64) - np.asarray(demand.cached_tokens), 1)
    together = server.chunk_tokens / read
    return closed_loop(
        prefill, decode, shared, b, output, request_overhead_s, delay, together=together, steps_ahead=steps_ahead
    )


def closed_loop(
    prefill_s: Floats,
    decode_s: Floats,
    shared_s: Floats,
    batch: ArrayLike,
    output: ArrayLike,
    overhead_s: ArrayLike,
    delay: ArrayLike = 1.0,
    *,
    together: ArrayLike = 1,
    steps_ahead: ArrayLike = 0,
) -> Served:
    """What clients see, from the three passes of ``Server.passes_s`` and the engine's overhead per request.

    ``delay`` is the share of another client's prompt that a step waits for (``calculators.overlap.delay_share``).

    A prompt waits for half a step, for the ``steps_ahead`` that are scheduled already, and for the pass that reads it.
    The first of ``REQUESTS_EACH`` requests of every client arrive together: ``b`` prompts, ``together`` of them in a
    pass, are answered after ``(b + together)/2`` prompts on average. Later ones meet the prompts of other clients at
    random and wait ``ρ·t_prefill/2(1-ρ)``, the queue of a server with constant service time.

    Source:
        Pollaczek-Khinchine for the queue. Ten requests per client, started together, are what the launch scripts of
        SemiAnalysisAI/InferenceX run. An iteration-level simulation of 662 such runs, with answers of 0.8 to 1 times
        the nominal length, is met within 3.3 % (median; 90 % within 7.2 %), its time per token within 0.5 %.
    """
    b, tokens, overhead = (np.asarray(value, dtype=np.float64) for value in (batch, output, overhead_s))
    others = np.maximum(b - 1, 0) * np.asarray(delay, dtype=np.float64)
    tpot = decode_s + others * np.maximum(shared_s - decode_s, 0) / np.maximum(tokens, 1)
    calm = overhead + np.where(b > 1, (0.5 + np.asarray(steps_ahead)) * decode_s + shared_s, prefill_s)
    load = np.minimum(others * prefill_s / (calm + np.maximum(tokens - 1, 0) * tpot), MOST_LOAD)
    later = calm + load * prefill_s / (2 * (1 - load))
    first = overhead + prefill_s * (1 + others + np.clip(together, 1, 1 + others)) / 2
    ttft = np.where(b > 1, (first + (REQUESTS_EACH - 1) * later) / REQUESTS_EACH, calm)
    cycle = ttft + np.maximum(tokens - 1, 0) * tpot
    return Served(prefill_s, decode_s, ttft, tpot, b * tokens / cycle, shared_s, calm)


def in_lockstep(
    served: Served, batch: ArrayLike, output: ArrayLike, overhead_s: ArrayLike, together: ArrayLike
) -> Served:
    """The same loop where waiting prompts are read before any answer goes on, and all answers have one length.

    Then all clients stay in step: every prompt waits for half of the others, and none interrupts an answer that has
    begun, but those read first wait for those read last.
    """
    b, tokens = (np.asarray(value, dtype=np.float64) for value in (batch, output))
    at_once = np.clip(together, 1, np.maximum(b, 1))
    ttft = np.asarray(overhead_s) + served.prefill_s * (b + at_once) / 2
    tpot = served.decode_s + served.prefill_s * (b - at_once) / 2 / np.maximum(tokens - 1, 1)
    cycle = ttft + np.maximum(tokens - 1, 0) * tpot
    return replace(served, ttft_s=ttft, tpot_s=tpot, output_tokens_per_s=b * tokens / cycle)
