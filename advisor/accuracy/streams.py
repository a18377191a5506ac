"""One request at a time on one machine: measured streams beside predicted ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from advisor.accuracy.comparison import Comparison, Skipped
from advisor.estimating.measured import band_for
from calculators.efficiency import efficiency
from calculators.engine_rates import as_run_by, usable_bytes
from calculators.params import architecture_of
from calculators.plan import tp_problem
from calculators.serving import Server
from calculators.table import compile_table
from calculators.workload import Workload
from catalog.base import Source
from catalog.engine import Engine
from catalog.loader import engine_ids, load, load_engine, load_format, load_machine, machine_classes
from catalog.machine import Badge
from catalog.weight_format import BY_SIZE, WeightFormat

Array = NDArray[np.float64]
LAYERS_IN_TURN = ("llama.cpp", "exllamav2", "transformers")
"""Engines that give each of several devices some layers: one token then passes them one after another."""
SPILLED = "does not fit: part of it ran on the CPU"


@dataclass(frozen=True)
class Stream:
    """A prompt of so many tokens, or an answer written one token at a time."""

    line: int
    engine: str
    machine: str
    devices: int
    model: str
    weights: str
    """Id of a format; empty: ``file_bytes`` over the parameters."""
    file_bytes: float | None
    past: float
    """Tokens in the cache before."""
    prompt_tokens: float = 0.0
    """Read in ``measured_s``; 0 for an answer."""
    output_tokens: float = 0.0
    """Written, each in ``measured_s``."""
    measured_s: float = 0.0
    doubt: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def quantity(self) -> str:
        """``ttft`` of a bare prompt, without a server, or ``tpot``."""
        return "ttft" if self.prompt_tokens else "tpot"

    @property
    def format(self) -> WeightFormat:
        """The weights' format."""
        return load_format(self.weights) if self.weights else of_size(self.model, self.file_bytes or 0.0)

    @property
    def in_turn(self) -> bool:
        """Whether several devices take turns at the layers."""
        return self.engine in LAYERS_IN_TURN

    @property
    def setting(self) -> tuple[str, str, str, int, str, float | None]:
        """What is compiled once."""
        return self.model, self.machine, self.engine, self.devices, self.weights, self.file_bytes


@lru_cache(maxsize=256)
def of_size(model: str, size_bytes: float) -> WeightFormat:
    """A format of which only the file's size is known: the same bits for all matrices, towers kept apart."""
    table = compile_table(architecture_of(load(model)))
    elements = sum(
        op.repeat * weight.elements
        for op in table.operators
        for weight in op.weights
        if op.part.partition(".")[0] not in table.towers
    )
    bits = 8 * size_bytes / elements
    roles = dict.fromkeys(("bits", "expert_bits", "embedding_bits", "head_bits"), bits)
    return WeightFormat(
        id=f"{BY_SIZE}{bits:.4f}",
        name=f"a file of {bits:.2f} bits per weight",
        sources=(Source(where="size of the file over parameters"),),
        vector_bits=32,
        nominal_bits=bits,
        compute="fp16",
        **roles,
    )


@dataclass(frozen=True)
class Predicted:
    """Seconds, and whether the model fits beside its cache."""

    seconds: float
    fits: bool
    badge: Badge
    experts: bool
    problem: str | None = None


Engines = Callable[[str, str], Engine | None]
"""(engine, machine) to its constants."""


def catalogued(engine: str, machine: str) -> Engine | None:
    """As the catalog has them, for whatever machine."""
    return load_engine(engine) if engine in engine_ids() else None


def predict(streams: Sequence[Stream], engines: Engines = catalogued) -> list[Predicted]:
    """One prediction each, in order; all streams of one setting at once."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, stream in enumerate(streams):
        groups[stream.setting].append(index)
    found: dict[int, Predicted] = {}
    for indices in groups.values():
        found.update(zip(indices, _setting([streams[i] for i in indices], engines), strict=True))
    return [found[index] for index in range(len(streams))]


def _setting(streams: Sequence[Stream], engines: Engines) -> list[Predicted]:
    first = streams[0]
    architecture, weights = architecture_of(load(first.model)), first.format
    machine, engine = load_machine(first.machine), engines(first.engine, first.machine)
    tp = 1 if first.in_turn else first.devices
    problem = tp_problem(architecture, tp)
    if problem:
        return [Predicted(0.0, False, "spec sheet", False, problem)] * len(streams)
    if engine:
        machine = as_run_by(engine, machine, weights)
    eff = efficiency(machine, weights, machine_classes())
    server = Server.of(
        architecture, machine, eff, weights, 16, tp, engine.step_overhead_us * 1e-6 if engine else 0.0,
        habits=(engine.passes,) if engine and engine.passes and engine.passes.writes else (),
    )  # fmt: skip
    prompt, past, written = (
        np.array([getattr(s, name) for s in streams]) for name in ("prompt_tokens", "past", "output_tokens")
    )
    # a bare benchmark: the cache starts at ``past`` and grows while the answer is written
    w = Workload.of(1, np.maximum(prompt, 1), np.where(prompt > 0, past, np.maximum(past + written / 2, 1)))
    seconds = server.pass_s(w)
    growing, constant = server.table.held_bytes(Workload.of(1, 0, past + prompt + written), 16)
    weights_bytes = server.table.weight_bytes(weights)
    usable = usable_bytes(engine, machine) if engine else machine.usable_bytes
    room = None if usable is None else usable * (first.devices if first.in_turn else 1)
    if first.engine == "llama.cpp":  # the table of tokens stays in the host's memory
        looked_up = np.array([bool(op.rows.terms) for op in server.table.operators])
        weights_bytes -= float(server.table.held_weight_bytes(weights)[looked_up].sum())
    held = weights_bytes + growing + constant + (engine.memory_gib * 2**30 if engine else 0.0)
    experts = any(op.active != (1, 1) for op in server.table.operators)
    return [
        Predicted(float(seconds[i]), room is None or float(held[i]) <= room, eff.badge, experts)
        for i in range(len(streams))
    ]


def compare_streams(found: Iterable[Stream | Skipped], engines: Engines = catalogued) -> Iterator[Comparison | Skipped]:
    """Predict streams; pass over what is in doubt or did not fit its machine."""
    streams = []
    for each in found:
        if isinstance(each, Skipped):
            yield each
        elif each.doubt is not None:
            yield Skipped(each.line, each.doubt)
        else:
            streams.append(each)
    for stream, predicted in zip(streams, predict(streams, engines), strict=True):
        engine = engines(stream.engine, stream.machine)
        band = band_for(engine, stream.quantity, predicted.badge) if engine else None
        if predicted.problem:
            yield Skipped(stream.line, predicted.problem)
        elif not predicted.fits:
            yield Skipped(stream.line, SPILLED)
        else:
            keys = {
                "machine": stream.machine, "model": stream.model, "engine": stream.engine,
                "weights": stream.weights or "by its size", "gpus": str(stream.devices), "kind": "single stream",
                "experts": "mixture" if predicted.experts else "dense", "badge": predicted.badge,
                "past": f"{stream.past:g}", "input": f"{stream.prompt_tokens:g}", **stream.keys,
            }  # fmt: skip
            yield Comparison(
                stream.line, stream.quantity, "s", stream.measured_s, predicted.seconds, keys,
                p10=band.p10 * predicted.seconds if band else None,
                p90=band.p90 * predicted.seconds if band else None,
            )  # fmt: skip
