"""Grids: every combination of models, machines, formats, batches and contexts as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.machines import engine_for
from calculators.activations import peak_activation_bytes
from calculators.efficiency import efficiency
from calculators.engine_rates import as_run_by
from calculators.flops import reads_source
from calculators.memory import CACHE_BITS
from calculators.params import architecture_of
from calculators.roofline import Setting, Settings
from calculators.serving import Server
from calculators.table import Floats, compile_table
from calculators.workload import Workload
from catalog.errors import BadInput, unknown
from catalog.loader import load, load_engine, load_format, load_machine, machine_classes


@dataclass(frozen=True, eq=False)
class Sweep:
    """Answers on the grid; arrays have the shape (models, machines, formats, batches, contexts)."""

    models: tuple[str, ...]
    machines: tuple[str, ...]
    formats: tuple[str, ...]
    batches: tuple[int, ...]
    contexts: tuple[int, ...]
    prefill_s: Floats
    """One prompt that fills the context; the same for every batch."""
    decode_s: Floats
    """One step of the whole batch at full context."""
    memory_bytes: Floats
    """Weights, cache, state, activations and engine."""
    fits: NDArray[np.bool_]

    @property
    def tokens_per_s(self) -> Floats:
        """Output of the whole batch while it decodes."""
        batch = np.array(self.batches, dtype=np.float64)[:, None]
        result: Floats = batch / self.decode_s
        return result


def sweep(
    models: Sequence[str],
    machines: Sequence[str],
    formats: Sequence[str] = ("bf16",),
    batches: Sequence[int] = (1,),
    contexts: Sequence[int] = (4096,),
    *,
    cache: str = "bf16",
    tp: int = 1,
) -> Sweep:
    """Evaluate decoder models on a grid of machines, formats, batches and contexts.

    Args:
        models: Ids, aliases or files of models that generate from one stack.
        machines: Machine ids.
        formats: Weight formats.
        batches: Concurrent sequences.
        contexts: Cached tokens per sequence.
        cache: Cache format.
        tp: Devices that share each layer.

    Raises:
        BadInput: If a name is unknown, or a model is no decoder.
    """
    if cache not in CACHE_BITS:
        raise unknown("cache type", cache, CACHE_BITS)
    loaded_machines, loaded_formats = [load_machine(m) for m in machines], [load_format(f) for f in formats]
    classes = machine_classes()
    bits = CACHE_BITS[cache]
    settings = Settings(
        [
            Setting(m, efficiency(as_run_by(load_engine(engine_for(m)), m, f), f, classes), f, bits)
            for m in loaded_machines
            for f in loaded_formats
        ]
    )
    engines = [load_engine(engine_for(m)) for m in loaded_machines]
    step_s, request_s = (
        np.array([getattr(e, name) * 1e-6 for e in engines])[:, None, None, None]
        for name in ("step_overhead_us", "step_request_us")
    )
    b, n = np.meshgrid(np.array(batches), np.array(contexts), indexing="ij")
    shape = (len(machines), len(formats), len(batches), len(contexts))
    prefill, decode, memory = (np.empty((len(models), *shape)) for _ in range(3))
    for index, name in enumerate(models):
        spec = load(name)
        architecture = architecture_of(spec)
        if spec.family in ("encoder", "vision", "diffusion") or reads_source(architecture):
            raise BadInput(f"sweep: {spec.id} is {spec.family}; grids are for models that generate from one stack")
        table = compile_table(architecture, tp)
        server = Server(table, settings)
        reads, steps = Workload.of(1, np.array(contexts)), Workload.of(b.ravel(), 1, n.ravel(), encode=0)
        prefill[index] = np.reshape(server.pass_s(reads), (*shape[:2], 1, shape[3])) + step_s + request_s
        decode[index] = np.reshape(server.pass_s(steps), shape) + step_s + request_s * b
        growing, constant = table.held_bytes(steps, bits)
        weights = np.array([table.weight_bytes(f) for f in loaded_formats])
        fixed = [
            e.memory_gib * 2**30
            + peak_activation_bytes(architecture, Workload.of(1, np.minimum(n, e.activation_tokens)), tp=tp)
            for e in engines
        ]
        held = np.reshape(growing + constant, shape[2:])
        memory[index] = held + weights[None, :, None, None] + np.stack(fixed)[:, None]
    usable = np.array([m.usable_bytes or np.inf for m in loaded_machines])[None, :, None, None, None]
    return Sweep(
        models=tuple(models),
        machines=tuple(machines),
        formats=tuple(formats),
        batches=tuple(batches),
        contexts=tuple(contexts),
        prefill_s=prefill,
        decode_s=decode,
        memory_bytes=memory,
        fits=memory <= usable,
    )
