"""Measured serving runs under the catalog's ids, predicted all runs of one setting at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from advisor.accuracy.comparison import Comparison, Skipped
from calculators.efficiency import efficiency
from calculators.engine_rates import as_run_by
from calculators.memory import weight_bytes
from calculators.params import architecture_of
from calculators.plan import Layout
from calculators.serving import Demand, Server, decode_workload, prefill_workload, serve, started_together_s
from calculators.workload import Workload
from catalog.engine import Engine
from catalog.loader import engine_ids, load, load_engine, load_format, load_machine, machine_classes
from catalog.machine import Badge, Machine, MachineClass

Array = NDArray[np.float64]

Constants = Callable[[str], tuple[Machine, Sequence[MachineClass]]]
"""From a machine's id to what is known of it and of the classes."""

VLLM_SHARE = 0.9
"""Share of the memory that the launch scripts of the measured servers allow."""
CLOSED, RATE, SINGLE = "closed loop", "constant rate", "single stream"
NO_ROOM = "the cache does not hold all clients at once"


@dataclass(frozen=True)
class Run:
    """What one measurement says of one setting."""

    kind: str
    """``closed loop``, ``constant rate`` or ``single stream``."""
    engine: str
    machine: str
    model: str
    weights: str
    cache_bits: float
    tp: int
    """Devices."""
    clients: float
    """Requests in flight; at a constant rate the rate times the measured answer time (Little's law)."""
    input_tokens: float
    output_tokens: float
    ttft_s: float | None
    tpot_s: float | None
    layout: Layout | None = None
    """How the devices share the model; ``None``: all of them share each layer."""
    doubt: str | None = None
    """Why it stays out of fits and bands."""
    line: int = 0
    """Row in its file."""
    keys: Mapping[str, str] = field(default_factory=dict, hash=False)
    """More to group by."""

    @property
    def pair(self) -> tuple[str, str]:
        """Model and machine: what errors are weighted by."""
        return self.model, self.machine

    @property
    def shares(self) -> Layout:
        """The layout."""
        return self.layout or Layout(tp=self.tp)

    @property
    def setting(self) -> tuple[str, str, str, float, Layout]:
        """What is compiled once."""
        return self.model, self.machine, self.weights, self.cache_bits, self.shares


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
    engine = engine_of(first.engine)
    if engine is not None:
        machine = as_run_by(engine, machine, weights)
    eff = efficiency(machine, weights, classes)
    server = Server.of(architecture, machine, eff, weights, first.cache_bits, first.shares)
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
    held = weight_bytes(spec, weights, first.shares) + growing + constant
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


def engine_of(name: str) -> Engine | None:
    """The catalogued engine, if there is one."""
    return load_engine(name) if name in engine_ids() else None


def compare_runs(found: Iterable[Run | Skipped]) -> Iterator[Comparison | Skipped]:
    """Predict runs with the catalogued engines' constants, and pass over what is in doubt or would not fit."""
    runs = []
    for each in found:
        if isinstance(each, Skipped):
            yield each
        elif each.doubt is not None:
            yield Skipped(each.line, f"in doubt: {each.doubt}")
        else:
            runs.append(each)
    for run, prediction in zip(runs, predict(runs), strict=True):
        engine = engine_of(run.engine)
        if run.kind == CLOSED and not prediction.fits(engine.memory_gib * 2**30 if engine else 0.0):
            yield Skipped(run.line, NO_ROOM)
            continue
        yield from _compare(run, prediction, engine)


def _compare(run: Run, prediction: Prediction, engine: Engine | None) -> Iterator[Comparison]:
    step_s = engine.step_overhead_us * 1e-6 if engine else 0.0
    request_s = engine.busy_request_ms * 1e-3 if engine and run.kind != SINGLE else 0.0
    keys = {
        "machine": run.machine, "model": run.model, "engine": run.engine, "weights": run.weights, "gpus": str(run.tp),
        "layout": str(run.shares),
        "kind": run.kind, "clients": f"{run.clients:g}",
        "input": f"{run.input_tokens:g}", "output": f"{run.output_tokens:g}", "badge": prediction.badge, **run.keys,
    }  # fmt: skip
    first = prediction.together_s if run.kind == CLOSED else prediction.ttft_s
    for quantity, measured, predicted in (
        ("ttft", run.ttft_s, first + request_s + step_s),
        ("tpot", run.tpot_s, prediction.tpot_s + step_s),
    ):
        if measured is not None and measured > 0:
            yield Comparison(run.line, quantity, "s", measured, predicted, keys)
