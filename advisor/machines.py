"""Machines as the advisor uses them: their price and their usual engine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from catalog.loader import machine_prices
from catalog.machine import Machine
from catalog.price import MachinePrice
from catalog.values import dataclass
from catalog.weight_format import WeightFormat

VLLM_NEEDS = 7.5
"""Compute capability below which vLLM does not run (its docs/getting_started/installation/gpu.cuda.inc.md, commit
0487d5c of 2026)."""
HOURS_OF_OWNERSHIP = 3 * 8760
"""Three years: over which a purchase is spread where nobody rents the machine out."""


@dataclass(frozen=True, slots=True)
class HourlyPrice:
    """What one accelerator costs per hour, and where that was read."""

    usd_per_hour: float
    basis: str


@lru_cache(maxsize=512)
def _price_of(machine_id: str) -> HourlyPrice | None:
    return _hourly_price(machine_prices(machine_id))


def rentable(machine: Machine) -> bool:
    """Whether somebody rents it out by the hour, on demand."""
    return any(p.pricing == "on-demand" and p.usd_per_hour for p in machine_prices(machine.id))


def hourly_price(machine: Machine) -> HourlyPrice | None:
    """The market median of on-demand prices, else the cheapest on-demand one, else a purchase spread over three years.

    ``None`` where no price is known. Electricity is not included.
    """
    return _price_of(machine.id)


def _hourly_price(prices: Sequence[MachinePrice]) -> HourlyPrice | None:
    rented = [p for p in prices if p.pricing == "on-demand" and p.usd_per_hour is not None]
    median = [p for p in rented if p.provider == "market median"]
    for price in median or sorted(rented, key=lambda p: p.usd_per_hour or 0.0):
        assert price.usd_per_hour is not None
        return HourlyPrice(price.usd_per_hour, f"on-demand, {price.provider}, {price.as_of}")
    bought = [p for p in prices if p.usd_purchase]
    for price in bought:
        assert price.usd_purchase is not None
        return HourlyPrice(
            price.usd_purchase / HOURS_OF_OWNERSHIP,
            f"bought for ${price.usd_purchase:,.0f} ({price.provider}, {price.as_of}), spread over three years",
        )
    return None


def engine_for(machine: Machine, writes: bool = True) -> str:
    """The engine that people usually run on such a machine: vLLM in data centres and on NVIDIA, else llama.cpp.

    What is too old for vLLM runs llama.cpp too.

    Models that answer in one pass (``writes`` false) run in PyTorch: eager on GPUs, compiled on CPUs and where only
    compiled graphs run.
    """
    if not writes:
        return {"cpu": "torch-compile-cpu", "tpu": "torch-compile", "accelerator": "torch-compile"}.get(
            machine.kind, "pytorch"
        )
    if machine.kind in ("apple", "cpu", "soc") or (machine.vendor != "nvidia" and machine.kind == "consumer gpu"):
        return "llama.cpp"
    return "vllm" if runs_vllm(machine) else "llama.cpp"


def runs_vllm(machine: Machine) -> bool:
    """Whether vLLM has kernels for it; assumed where its compute capability is not known."""
    return machine.compute_capability is None or machine.compute_capability >= VLLM_NEEDS


def engine_reading(weights: WeightFormat, machine: Machine, writes: bool = True) -> str:
    """The usual engine of a machine, or the one whose files a format is: llama.cpp for GGUF, MLX for its own."""
    for start, engine in (("gguf", "llama.cpp"), ("mlx", "mlx")):
        if writes and weights.id.startswith(start):
            return engine
    return engine_for(machine, writes)
