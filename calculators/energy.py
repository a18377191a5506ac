"""Power and energy of accelerators while they work.

    P = TDP · min(1, static + per_flops·u_flops + per_bytes·u_bytes)

``u_flops`` and ``u_bytes`` are the shares of the nominal arithmetic and memory rates that the work uses, so the energy
of a piece of work is ``static·TDP·time`` plus a fixed number of joules per FLOP and per byte. What is not measured is
bounded by TDP times time.

Source:
    Choi, Bedard, Fowler and Vuduc, "A roofline model of energy", IPDPS 2013, equations 1 and 2; the cap is the driver's
    power limit. Constants: ``catalog/power.yaml``, fitted by ``benchmarks/fit_power.py``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from calculators.serving import OWN_STATE
from calculators.table import Floats, Table
from calculators.workload import Workload
from catalog.weight_format import WeightFormat


def power_share(u_flops: ArrayLike, u_bytes: ArrayLike, static: float, per_flops: float, per_bytes: float) -> Floats:
    """Power over TDP.

    Args:
        u_flops: FLOP/s over the nominal peak.
        u_bytes: Bytes per second over the nominal bandwidth.
        static: Share of TDP drawn while work is under way but nothing moves.
        per_flops: Further share at the nominal arithmetic peak.
        per_bytes: Further share at the nominal bandwidth.
    """
    share = static + per_flops * np.asarray(u_flops, dtype=np.float64) + per_bytes * np.asarray(u_bytes)
    return np.minimum(share, 1.0)


def work_of(table: Table, w: Workload, weights: WeightFormat, cache_bits: float) -> tuple[Floats, Floats]:
    """(FLOPs, bytes moved) by operator of flat workloads on one device, norms and activations included."""
    values = table.values(w)
    flops = (table.coefficients["needed"] + table.coefficients["pointwise"]) @ values
    return flops, table.traffic(weights, cache_bits) @ values


def added_bytes(table: Table, prompt: Floats, step: Floats) -> Floats:
    """What a prompt moves in a pass that carries a step anyway: weights are read once for both."""
    own = table.of_kind(*OWN_STATE)
    return np.where(own, prompt, np.maximum(prompt - step, 0))
