"""What the calculators say of measured runs, all runs of one setting at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.serving_runs import Run
from calculators.efficiency import efficiency
from calculators.memory import weight_bytes
from calculators.params import architecture_of
from calculators.serving import Demand, Server, decode_workload, prefill_workload, serve, started_together_s
from calculators.workload import Workload
from catalog.loader import load, load_format, load_machine, machine_classes
from catalog.machine import Badge, Machine, MachineClass

Array = NDArray[np.float64]

Constants = Callable[[str], tuple[Machine, Sequence[MachineClass]]]
"""From a machine's id to what is known of it and of the classes."""

VLLM_SHARE = 0.9
"""Share of the memory that the launch scripts of the measured servers allow."""


@dataclass(frozen=True)
class Prediction:
    """Seconds, without the engine's own constants, and whether all clients fit into memory."""

    ttft_s: float
    tpot_s: float
    apart_s: float
    """TPOT if prompts and steps never shared a pass."""
    together_s: float
    """TTFT, averaged over a benchmark whose clients start together."""
    prefill_s: float
    decode_s: float
    held_bytes: float
    """Weights and cache of all clients on one device."""
    room_bytes: float | None
    badge: Badge
    """Whose constants it was predicted with."""

    def fits(self, overhead_bytes: float) -> bool:
        """Whether every client can be in flight at once."""
        return self.room_bytes is None or self.held_bytes + overhead_bytes <= self.room_bytes


def catalogued(machine: str) -> tuple[Machine, Sequence[MachineClass]]:
    """All that the catalog knows."""
    return load_machine(machine), machine_classes()


def predict(runs: Sequence[Run], constants: Constants = catalogued) -> list[Prediction]:
    """One prediction for each run, in order."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, run in enumerate(runs):
        groups[run.setting].append(index)
    predicted: dict[int, Prediction] = {}
    for indices in groups.values():
        own = [runs[i] for i in indices]
        for index, prediction in zip(indices, _predict_setting(own, constants), strict=True):
            predicted[index] = prediction
    return [predicted[index] for index in range(len(runs))]


def _predict_setting(runs: Sequence[Run], constants: Constants) -> list[Prediction]:
    first = runs[0]
    spec, weights = load(first.model), load_format(first.weights)
    machine, classes = constants(first.machine)
    architecture = architecture_of(spec)
    eff = efficiency(machine, weights, classes)
    server = Server.of(architecture, machine, eff, weights, first.cache_bits, first.tp)
    given, written, clients = (
        np.array([getattr(run, name) for run in runs]) for name in ("input_tokens", "output_tokens", "clients")
    )
    demand = Demand(given, written)
    served = serve(server, demand, clients)
    together = started_together_s(served, demand, clients)
    prompts = np.array([max(run.input_tokens, 1) for run in runs])
    alone = server.pass_s(prefill_workload(Demand(prompts, written)))
    step = server.pass_s(decode_workload(demand, clients, done=written / 2))
    growing, constant = server.table.held_bytes(Workload.of(clients, 0, given + written), first.cache_bits)
    held = weight_bytes(spec, weights, first.tp) + growing + constant
    room = machine.memory_bytes
    return [
        Prediction(
            ttft_s=float(served.ttft_s[i]),
            tpot_s=float(served.tpot_s[i]),
            apart_s=float(step[i] + max(run.clients - 1, 0) * alone[i] / max(run.output_tokens, 1)),
            together_s=float(together[i]),
            prefill_s=float(alone[i]),
            decode_s=float(step[i]),
            held_bytes=float(held[i]),
            room_bytes=None if room is None else room * VLLM_SHARE,
            badge=eff.badge,
        )
        for i, run in enumerate(runs)
    ]
