"""What each operator's time is made of: arithmetic, memory traffic, links, and fixed costs.

The time of an operator is homogeneous of degree one in its costs per unit of work: were arithmetic, memory, links and
launches all twice as slow, it would take twice as long. So it is the sum of what each of them contributes,

    t = Σ_i x_i·∂t/∂x_i          (Euler's theorem, x_i the cost of a unit of resource i)

and ``x_i/t·∂t/∂x_i`` is also by how many per cent the time falls when the resource gets one per cent faster. Nothing
here repeats the roofline's formulas: it is asked again with a machine that is a little faster at one thing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from calculators.efficiency import Efficiency
from calculators.operators import Kind
from calculators.roofline import PRODUCTS, Setting, Settings
from calculators.serving import Server
from calculators.table import Floats, Table
from calculators.workload import Workload

STEP = 1e-5
"""Share by which a resource is made faster."""
RESOURCES = ("compute", "memory", "link", "latency")
"""What bounds an operator; ``latency`` is whatever does not scale with its work: launches, row handling, floors."""


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """One pass on one device; arrays over operators, repeats included."""

    seconds: Floats
    parts: dict[str, Floats]
    """Seconds due to each of ``RESOURCES``; they add up to ``seconds``."""
    flops: Floats
    """Products and attention as needed, norms and activations included."""
    traffic_bytes: Floats
    roof_s: Floats
    """The least that the machine's nominal rates allow: the longer of arithmetic at its peak and traffic at its
    bandwidth; NaN for collectives."""

    @property
    def bound(self) -> list[str]:
        """The resource that each operator spends most time on."""
        largest = np.argmax(np.stack([self.parts[name] for name in RESOURCES]), axis=0)
        return [RESOURCES[i] for i in largest]

    @property
    def fraction(self) -> Floats:
        """Share of the nominal roofline that each operator reaches; NaN where it does nothing."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.roof_s / self.seconds)

    @property
    def intensity(self) -> Floats:
        """FLOPs per byte of memory traffic; NaN where nothing is moved."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(self.traffic_bytes > 0, self.flops / self.traffic_bytes, np.nan))


def terms(server: Server, w: Workload) -> Terms:
    """Take one pass apart.

    Args:
        server: In one setting.
        w: One workload.
    """
    setting, table = server.settings.settings[0], server.table
    flat = w.reshape(-1)
    variants = [setting, _faster(setting, "flops_per_s"), _faster(setting, "bandwidth_bytes_per_s")]
    several = Server(table, Settings(variants), habits=server.habits * len(variants))
    seconds, less_compute, less_memory = several.operators_s(flat)[:, :, 0]
    compute, memory = ((seconds - less) * (1 + STEP) / STEP for less in (less_compute, less_memory))
    compute, memory = (np.clip(part, 0, seconds) for part in (compute, memory))
    rest = np.maximum(seconds - compute - memory, 0)
    link = table.of_kind(Kind.COLLECTIVE)
    values = table.timed(flat)
    flops, pointwise = ((table.coefficients[name] @ values)[:, 0] for name in ("needed", "pointwise"))
    traffic = (table.traffic(setting.weights, setting.cache_bits) @ values)[:, 0]
    none = np.zeros_like(seconds)
    return Terms(
        seconds=seconds,
        parts={
            "compute": np.where(link, none, compute),
            "memory": np.where(link, none, memory),
            "link": np.where(link, seconds, none),
            "latency": np.where(link, none, rest),
        },
        flops=flops + pointwise,
        traffic_bytes=traffic,
        roof_s=np.where(link, np.nan, _roof_s(setting.eff, table, flops, pointwise, traffic)),
    )


def _faster(setting: Setting, suffix: str) -> Setting:
    eff = setting.eff
    rates = {f.name: getattr(eff, f.name) for f in fields(eff) if f.name.endswith(suffix)}
    return replace(setting, eff=replace(eff, **{name: rate and rate * (1 + STEP) for name, rate in rates.items()}))


def _roof_s(eff: Efficiency, table: Table, flops: Floats, pointwise: Floats, traffic: Floats) -> Floats:
    inf = float("inf")
    products = table.of_kind(*PRODUCTS)
    nominal = eff.peak_flops_per_s or inf
    peak = np.where(products, nominal, eff.sixteen_flops_per_s or nominal)
    peak = np.where(table.of_kind(Kind.EXPERTS), eff.expert_flops_per_s or nominal, peak)
    compute = flops / peak + np.where(products, 0.0, pointwise) / (eff.vector_flops_per_s or inf)
    return np.maximum(compute, traffic / eff.bandwidth_bytes_per_s)
