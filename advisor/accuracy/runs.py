"""Measured serving runs under the catalog's ids, predicted all runs of one setting at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from advisor.accuracy.comparison import Comparison, Skipped
from advisor.estimating.measured import band_for
from calculators.efficiency import efficiency
from calculators.engine_rates import as_run_by
from calculators.imbalance import DEFAULT, Routing
from calculators.memory import weight_bytes
from calculators.params import architecture_of
from calculators.plan import Layout
from calculators.serving import Demand, Served, Server, in_lockstep, serve
from calculators.workload import Workload
from catalog.base import Source
from catalog.engine import Engine
from catalog.loader import engine_ids, load, load_engine, load_format, load_machine, machine_classes
from catalog.machine import Badge, Machine, MachineClass

Array = NDArray[np.float64]

Constants = Callable[[str], tuple[Machine, Sequence[MachineClass]]]
"""From a machine's id to what is known of it and of the classes."""

ALLOWED_SHARE = 0.9
"""Share of the memory that the launch scripts of the measured servers allow."""
CLOSED, RATE = "closed loop", "constant rate"
NO_ROOM = "the cache does not hold all clients at once"


@dataclass(frozen=True)
class Run:
    """What one measurement says of one setting."""

    kind: str
    """``closed loop`` or ``constant rate``."""
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
    cached_tokens: float = 0
    """Of the input: those that the prefix cache holds."""
    fixed: bool = False
    """Whether all prompts and all answers of the run have one length, as opposed to lengths that vary."""
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
    def setting(self) -> tuple[object, ...]:
        """What is predicted together."""
        return self.model, self.machine, self.weights, self.cache_bits, self.shares, self.engine, self.kind, self.fixed


@dataclass(frozen=True)
class Prediction:
    """Seconds, with the engine's constants, and whether all clients fit into memory."""

    ttft_s: float
    """As this kind of run sees it: a mean with a common start, or of requests that arrive one by one."""
    tpot_s: float
    prefill_s: float
    decode_s: float
    held_bytes: float
    """Weights and cache of all clients on one device, and what the engine keeps."""
    room_bytes: float | None
    badge: Badge
    """Whose constants it was predicted with."""

    @property
    def fits(self) -> bool:
        """Whether every client can be in flight at once."""
        return self.room_bytes is None or self.held_bytes <= self.room_bytes


def catalogued(machine: str) -> tuple[Machine, Sequence[MachineClass]]:
    """All that the catalog knows."""
    return load_machine(machine), machine_classes()


def engine_of(name: str) -> Engine:
    """The catalogued engine, or one without costs of its own."""
    return load_engine(name) if name in engine_ids() else NO_ENGINE


NO_ENGINE = Engine(id="none", name="none", memory_gib=0, activation_tokens=8192, sources=(Source(where="no costs"),))
Engines = Callable[[str], Engine]


def predict(
    runs: Sequence[Run],
    constants: Constants = catalogued,
    engines: Engines = engine_of,
    routing: Routing = DEFAULT,
) -> list[Prediction]:
    """One prediction for each run, in order."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, run in enumerate(runs):
        groups[run.setting].append(index)
    predicted: dict[int, Prediction] = {}
    for indices in groups.values():
        own = [runs[i] for i in indices]
        for index, prediction in zip(indices, _predict_setting(own, constants, engines, routing), strict=True):
            predicted[index] = prediction
    return [predicted[index] for index in range(len(runs))]


def _predict_setting(runs: Sequence[Run], constants: Constants, engines: Engines, routing: Routing) -> list[Prediction]:
    first = runs[0]
    spec, weights, engine = load(first.model), load_format(first.weights), engines(first.engine)
    machine, classes = constants(first.machine)
    machine = as_run_by(engine, machine, weights)
    eff = efficiency(machine, weights, classes)
    server = Server.of(
        architecture_of(spec),
        machine,
        eff,
        weights,
        first.cache_bits,
        first.shares,
        engine.step_overhead_us * 1e-6,
        engine.activation_tokens,
        step_request_s=engine.step_request_us * 1e-6,
        routing=routing,
    )
    given, written, clients = (
        np.array([getattr(run, name) for run in runs]) for name in ("input_tokens", "output_tokens", "clients")
    )
    cached = np.array([run.cached_tokens for run in runs])
    demand = Demand(np.maximum(given, 1), written, 0, cached)
    ttft, tpot, served = _served(first.kind, first.fixed, server, demand, clients, engine)
    growing, constant = server.table.held_bytes(Workload.of(clients, 0, given + written), first.cache_bits)
    held = weight_bytes(spec, weights, first.shares) + growing + constant + engine.memory_gib * 2**30
    room = machine.memory_bytes
    return [
        Prediction(
            ttft_s=float(ttft[i]),
            tpot_s=float(tpot[i]),
            prefill_s=float(served.prefill_s[i]),
            decode_s=float(served.decode_s[i]),
            held_bytes=float(held[i]),
            room_bytes=None if room is None else room * ALLOWED_SHARE,
            badge=eff.badge,
        )
        for i in range(len(runs))
    ]


def _served(
    kind: str, fixed: bool, server: Server, demand: Demand, clients: Array, engine: Engine
) -> tuple[Array, Array, Served]:
    """Times to the first token and per token as the clients of a kind of run see them."""
    idle, busy = engine.idle_request_ms * 1e-3, engine.busy_request_ms * 1e-3
    overhead = {CLOSED: np.where(clients > 1, busy, idle), RATE: np.full_like(clients, idle)}[kind]
    served = serve(server, demand, clients, request_overhead_s=overhead, steps_ahead=engine.steps_ahead)
    if kind == CLOSED and fixed and engine.prompts_first:
        together = engine.activation_tokens / np.asarray(demand.input_tokens)
        served = in_lockstep(served, clients, demand.output_tokens, overhead, together)
    return served.ttft_s if kind == CLOSED else served.calm_ttft_s, served.tpot_s, served


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
        if run.kind == CLOSED and not prediction.fits:
            yield Skipped(run.line, NO_ROOM)
        else:
            yield from compared(run, prediction)


def compared(run: Run, prediction: Prediction) -> Iterator[Comparison]:
    """Both quantities of a run, where they were measured, with the engine's bands."""
    keys = {
        "machine": run.machine, "model": run.model, "engine": run.engine, "weights": run.weights, "gpus": str(run.tp),
        "layout": str(run.shares),
        "kind": run.kind, "clients": f"{run.clients:g}",
        "input": f"{run.input_tokens:g}", "output": f"{run.output_tokens:g}", "badge": prediction.badge, **run.keys,
    }  # fmt: skip
    for quantity, measured, predicted in (
        ("ttft", run.ttft_s, prediction.ttft_s),
        ("tpot", run.tpot_s, prediction.tpot_s),
    ):
        if measured is not None and measured > 0:
            band = band_for(engine_of(run.engine), quantity, prediction.badge)
            low, high = (None, None) if band is None else (predicted * band.p10, predicted * band.p90)
            yield Comparison(run.line, quantity, "s", measured, predicted, keys, low, high)
