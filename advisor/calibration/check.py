"""Real models on the calibrated machine: predicted, then measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from calculators.efficiency import efficiency
from calculators.params import architecture_of
from calculators.rates import pass_time
from calculators.roofline import Setting, Settings
from calculators.table import Table, compile_table
from calculators.workload import Workload
from catalog.base import Source
from catalog.engine import PassHabits
from catalog.importers.huggingface import from_hf_config
from catalog.loader import load_engine, load_format, machine_classes
from catalog.machine import Machine

FORMATS = {"fp32": "fp32", "bf16": "bf16", "fp16": "fp16"}


class Run(Protocol):
    """What is asked of a pass (``calculators.reference.passes.Pass``)."""

    @property
    def name(self) -> str:
        """Of the model."""
        ...

    @property
    def config(self) -> Mapping[str, Any]:
        """As in ``config.json``."""
        ...

    @property
    def dtype(self) -> str:
        """Of weights and activations."""
        ...

    @property
    def batch(self) -> int:
        """Sequences."""
        ...

    @property
    def new(self) -> int:
        """Tokens computed per sequence."""
        ...

    @property
    def past(self) -> int:
        """Tokens cached per sequence."""
        ...

    @property
    def image(self) -> int:
        """Side of square images; 0 for text."""
        ...


@dataclass(frozen=True)
class Check:
    """One forward pass, predicted and measured."""

    model: str
    stage: str
    """``pass``, ``prefill`` or ``decode``."""
    batch: int
    new: int
    past: int
    predicted_s: float
    measured_s: float

    @property
    def error(self) -> float:
        """Predicted over measured minus one."""
        return self.predicted_s / self.measured_s - 1


def habits_of(mode: str = "eager") -> PassHabits:
    """How PyTorch runs a pass: ``eager``, or replaying a captured ``graph``, where starting kernels costs nothing."""
    known = load_engine("pytorch").passes or PassHabits(source=Source(where="no habits known"), eager=True)
    return known if mode == "eager" else known.model_copy(update={"host_us": 0.0, "kernel_us": 0.0, "eager": False})


def setting_of(run: Run, machine: Machine) -> tuple[Settings, Table]:
    """A pass's model on a machine."""
    spec = from_hf_config(dict(run.config), name="measured", where=run.name)
    weights = load_format(FORMATS[run.dtype])
    eff = efficiency(machine, weights, machine_classes())
    table = compile_table(architecture_of(spec), 1)
    return Settings([Setting(machine, eff, weights, weights.nominal_bits)]), table


def workload_of(run: Run) -> Workload:
    """A pass as the calculators know it."""
    if run.image:
        return Workload.of(np.array([float(run.batch)]), 0, 0, images=1)
    if run.config.get("model_type") == "t5":  # reads the tokens, and begins its answer
        return Workload.of(np.array([float(run.batch)]), 1, 0, source=run.new)
    return Workload.of(np.array([float(run.batch)]), run.new, run.past)


def predicted_s(run: Run, machine: Machine, habits: PassHabits | None) -> float:
    """Seconds of a pass under the constants of a machine."""
    settings, table = setting_of(run, machine)
    return float(pass_time(settings, table, workload_of(run), [habits]).total_s[0, 0])


def kernels_of(run: Run, machine: Machine) -> float:
    """Kernels of a pass, as the calculators count them."""
    return float(setting_of(run, machine)[1].launches.sum())


def stage_of(run: Run) -> str:
    """What kind of pass it is."""
    if run.past:
        return "decode"
    return "prefill" if any("CausalLM" in name for name in run.config["architectures"]) else "pass"


def overhead_s(thin: Sequence[tuple[Run, float]], machine: Machine, mode: str = "graph") -> float:
    """What more layers of a thin model cost besides what is predicted for them; on a GPU, all that they cost.

    On a GPU the host's time is all there is of such thin models: it hides what the kernels take.

    Args:
        thin: Two models that differ in depth alone, with their seconds.
        machine: With constants of kernels.
        mode: ``graph``: besides the kernels themselves; ``eager``: besides what starting them costs, too.
    """
    (shallow, short), (deep, long) = thin[0], thin[-1]
    own = 0.0
    if machine.kind == "cpu" or mode == "eager":
        own = predicted_s(deep, machine, habits_of(mode)) - predicted_s(shallow, machine, habits_of(mode))
    return max(0.0, long - short - own)


def kernel_us(thin: Sequence[tuple[Run, float]], machine: Machine) -> float:
    """What a framework adds to each kernel, from two thin decoders."""
    kernels = kernels_of(thin[-1][0], machine) - kernels_of(thin[0][0], machine)
    return 1e6 * overhead_s(thin, machine) / kernels


def layer_us(thin: Sequence[tuple[Run, float]], machine: Machine) -> float:
    """What a layer with a scan costs besides, from two thin state-space models."""
    (shallow, _), (deep, _) = thin[0], thin[-1]
    layers = int(deep.config["num_hidden_layers"]) - int(shallow.config["num_hidden_layers"])
    return 1e6 * overhead_s(thin, machine, "eager") / layers
