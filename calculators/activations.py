"""Peak activation memory of an inference pass, by liveness over the operator graph."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from calculators.form import Form
from calculators.lowering import lower
from calculators.plan import SINGLE, Layout, as_layout
from calculators.table import ACTIVATION_BYTES
from calculators.workload import Array, Workload
from catalog.spec import Architecture

Profile = Literal["flash", "eager"]


@lru_cache(maxsize=1024)
def alive_at(architecture: Architecture, layout: Layout, profile: Profile = "flash") -> tuple[Form, ...]:
    """Elements alive at each operator: outputs not yet read for the last time, its own included."""
    graph = lower(architecture, layout)
    ends: dict[int, list[int]] = {}
    for producer, last in enumerate(graph.last_use):
        ends.setdefault(last, []).append(producer)
    alive, total = [], Form()
    for here, operator in enumerate(graph.operators):
        total = total + operator.writes
        alive.append(total + operator.scores if profile == "eager" else total)
        for producer in ends.get(here, ()):
            total = total - graph.operators[producer].writes
    return tuple(dict.fromkeys(alive))


def peak_activation_bytes(
    architecture: Architecture, w: Workload, *, tp: Layout | int = SINGLE, profile: Profile = "flash"
) -> Array:
    """Bytes of activations at the worst moment of a pass, in the workload's shape.

    Args:
        architecture: What runs.
        w: The pass.
        tp: The layout; a bare number is the devices that share the layers.
        profile: ``flash`` never holds attention scores; ``eager`` does, in 16 bits.

    Source:
        Liveness of values in topological order (each output lives until its last reader); attention without scores:
        arXiv:2205.14135, section 3.1.
    """
    peaks = [np.asarray(form.value(w), dtype=np.float64) for form in alive_at(architecture, as_layout(tp), profile)]
    return np.max(np.stack(peaks), axis=0) * ACTIVATION_BYTES
