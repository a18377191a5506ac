"""Times of a model in service: one prefill, one decode step, and what a closed loop of clients sees of them.

All inputs broadcast; all times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calculators.efficiency import Efficiency
from calculators.roofline import Setting, Settings
from calculators.table import Floats, Table, compile_table
from calculators.workload import Workload
from catalog.machine import Machine
from catalog.spec import Architecture
from catalog.weight_format import WeightFormat

CHUNK = 8192
"""Workloads evaluated at a time, so that intermediate arrays stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Server:
    """Replicas of one model on ``tp`` devices each, in one or many settings (C of them)."""

    table: Table
    settings: Settings
    tp: int = 1
    step_overhead_s: float = 0.0
    """What the engine spends per iteration besides kernels."""

    @classmethod
    def of(
        cls,
        architecture: Architecture,
        machine: Machine,
        eff: Efficiency,
        weights: WeightFormat,
        cache_bits: float,
        tp: int = 1,
        step_overhead_s: float = 0.0,
    ) -> Server:
        """One setting."""
        settings = Settings([Setting(machine, eff, weights, cache_bits)])
        return cls(compile_table(architecture, tp), settings, tp, step_overhead_s)

    def operators_s(self, w: Workload) -> Floats:
        """Seconds by operator for flat workloads: shape (C, operators, N)."""
        return self.settings.operator_seconds(self.table, w, self.tp)

    def pass_s(self, w: Workload) -> Floats:
        """Seconds of one forward pass: shape (C, N), for one setting the workload's own shape."""
        flat = w.reshape(-1)
        total = np.empty((len(self.settings), *flat.shape))
        chunk = max(1, CHUNK // len(self.settings))
        for start in range(0, flat.batch.size, chunk):
            part = slice(start, start + chunk)
            total[:, part] = self.operators_s(flat.slice(part)).sum(axis=1)
        total += self.step_overhead_s
        return total.reshape(w.shape) if len(self.settings) == 1 else total


@dataclass(frozen=True, slots=True)
class Demand:
    """What each request asks for, for a model that generates."""

    input_tokens: ArrayLike
    output_tokens: ArrayLike
    images: ArrayLike = 0


def prefill_workload(demand: Demand, *, batch: ArrayLike = 1, encoder_decoder: bool = False) -> Workload:
    """The pass that reads the prompt: the decoder's own for a decoder, the encoder's where there is one."""
    if encoder_decoder:
        return Workload.of(batch, 1, 0, source=demand.input_tokens, encode=1)
    return Workload.of(batch, demand.input_tokens, 0, images=demand.images, encode=1)


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
    """One step of the whole batch, half-way through the answers."""
    ttft_s: NDArray[np.float64]
    """Time to the first token."""
    tpot_s: NDArray[np.float64]
    """Time per token after the first, other clients' prefills included."""
    output_tokens_per_s: NDArray[np.float64]
    """All clients together."""


def serve(
    server: Server,
    demand: Demand,
    batch: ArrayLike,
    *,
    request_overhead_s: float = 0.0,
    encoder_decoder: bool = False,
) -> Served:
    """A closed loop: each of ``batch`` clients sends its next request when the last is answered.

    In steady state every other client prefills once per answer, so ``TPOT = t_decode + (b-1)·t_prefill/output``; a new
    prompt waits for half a step on average before its own prefill runs.

    Source:
        lessons of the project (closed-loop identity), checked on 3,107 measured runs by ``benchmarks/accuracy.py``.
    """
    b = np.asarray(batch, dtype=np.float64)
    output = np.asarray(demand.output_tokens, dtype=np.float64)
    prefill = server.pass_s(prefill_workload(demand, encoder_decoder=encoder_decoder))
    decode = server.pass_s(decode_workload(demand, b, done=output / 2, encoder_decoder=encoder_decoder))
    tpot = decode + np.maximum(b - 1, 0) * prefill / np.maximum(output, 1)
    waits = np.where(b > 1, decode / 2, 0.0)
    ttft = request_overhead_s + waits + prefill
    cycle = ttft + np.maximum(output - 1, 0) * tpot
    return Served(prefill, decode, ttft, tpot, b * output / cycle)
