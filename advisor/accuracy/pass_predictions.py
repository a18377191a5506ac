"""What the calculators say of measured passes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from advisor.accuracy.pass_runs import PassRun
from calculators.efficiency import Efficiency, efficiency
from calculators.params import architecture_of
from calculators.rates import Counts, counted_time_s, pass_time
from calculators.roofline import Setting, Settings
from calculators.table import Floats, compile_table
from calculators.workload import Workload
from catalog.engine import PassHabits
from catalog.loader import engine_ids, load_engine, load_format, load_machine, machine_classes
from catalog.weight_format import WeightFormat

Habits = Callable[[str], PassHabits | None]
"""From an engine's id to how it runs such models."""


def catalogued(engine: str) -> PassHabits | None:
    """What the catalog knows; nothing of an engine that it does not hold."""
    return load_engine(engine).passes if engine in engine_ids() else None


def format_of(run: PassRun) -> WeightFormat:
    """The run's weight format; ``tf32`` is 32-bit weights multiplied in TF32."""
    if run.weights != "tf32":
        return load_format(run.weights)
    return load_format("fp32").model_copy(update={"id": "tf32", "compute": "tf32"})


def constants_of(run: PassRun) -> Efficiency:
    """The constants of the run's machine and format."""
    return efficiency(load_machine(run.machine), format_of(run), machine_classes())


def predict(runs: Sequence[PassRun], habits: Habits = catalogued) -> Floats:
    """Seconds of each run's pass, in order."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, run in enumerate(runs):
        groups[(id(run.spec) if run.spec else None, run.machine, run.engine, run.weights)].append(index)
    predicted = np.empty(len(runs))
    for indices in groups.values():
        predicted[indices] = _setting([runs[i] for i in indices], habits)
    return predicted


def _setting(runs: Sequence[PassRun], habits: Habits) -> Floats:
    """Runs of one model (or of counted ones) in one setting."""
    first = runs[0]
    own, eff = habits(first.engine), constants_of(first)
    batch = np.array([run.batch for run in runs])
    if first.spec is not None:
        settings = Settings([Setting(load_machine(first.machine), eff, format_of(first), 16)])
        table = compile_table(architecture_of(first.spec))
        w = Workload.of(batch, np.array([max(run.tokens, 1) for run in runs]), 0)
        return np.asarray(pass_time(settings, table, w, [own]).total_s[0])
    known = [run.counts for run in runs if run.counts is not None]
    macs, activations, parameters = (
        np.array([getattr(counts, name) for counts in known]) for name in ("macs", "activations", "parameters")
    )
    return counted_time_s(eff, Counts(macs, activations, parameters), batch, own)
