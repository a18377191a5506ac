"""Machines as the advisor uses them: their price, their usual engine, the formats worth trying."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from catalog.loader import load_format, machine_prices
from catalog.machine import Machine
from catalog.price import MachinePrice
from catalog.spec import ModelSpec
from catalog.values import dataclass
from catalog.weight_format import WeightFormat

LLAMA_CPP_KINDS = frozenset({"consumer gpu", "workstation gpu", "apple", "cpu", "soc"})
"""Machines on which GGUF files are a usual choice."""
TEXT = ("decoder", "moe", "ssm", "hybrid", "vision-language")
"""Families whose weights people quantize."""
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

    Models that answer in one pass (``writes`` false) run in PyTorch: eager on GPUs, compiled on CPUs and where only
    compiled graphs run.
    """
    if not writes:
        return {"cpu": "torch-compile-cpu", "tpu": "torch-compile", "accelerator": "torch-compile"}.get(
            machine.kind, "pytorch"
        )
    if machine.kind in ("apple", "cpu", "soc") or (machine.vendor != "nvidia" and machine.kind == "consumer gpu"):
        return "llama.cpp"
    return "vllm"


def engine_reading(weights: WeightFormat, machine: Machine, writes: bool = True) -> str:
    """The usual engine of a machine, or the one whose files a format is: llama.cpp for GGUF, MLX for its own."""
    for start, engine in (("gguf", "llama.cpp"), ("mlx", "mlx")):
        if writes and weights.id.startswith(start):
            return engine
    return engine_for(machine, writes)


def formats_for(machine: Machine, spec: ModelSpec) -> tuple[str, ...]:
    """Ids of weight formats worth trying: the published one, and smaller ones that the machine's engines read.

    Never one wider than the published (widening costs memory and restores nothing), except where no kernel reads it:
    small floats on machines of data centres that have no 8-bit floats and are not NVIDIA's, whose kernels unpack them
    into 16 bits on the way (Marlin, arXiv:2408.11743). There the weights are widened to 16 bits beforehand.
    """
    text = spec.family in TEXT
    types = frozenset(machine.peak_tflops) & {"bf16", "fp8"}
    if spec.published_weights.startswith(SMALL_FLOATS) and _reads_no_small_floats(machine):
        return ("bf16",)
    return _formats(spec.published_weights, text, types, engine_for(machine) == "vllm", machine.kind in LLAMA_CPP_KINDS)


SMALL_FLOATS = ("fp8", "mxfp", "nvfp")


def _reads_no_small_floats(machine: Machine) -> bool:
    return machine.vendor != "nvidia" and "fp8" not in machine.peak_tflops and engine_for(machine) == "vllm"


def possible_formats(spec: ModelSpec) -> tuple[str, ...]:
    """Ids of all formats that some machine would run it in."""
    text = spec.family in TEXT
    names = dict.fromkeys(
        name
        for types in (frozenset[str](), frozenset({"bf16", "fp8"}))
        for name in _formats(spec.published_weights, text, types, True, True)
    )
    if spec.published_weights.startswith(SMALL_FLOATS):
        names["bf16"] = None
    return tuple(names)


@lru_cache(maxsize=256)
def _formats(published: str, text: bool, types: frozenset[str], vllm: bool, gguf: bool) -> tuple[str, ...]:
    bits = load_format(published).nominal_bits
    names = [published]
    if bits > 16:
        names.append("bf16" if "bf16" in types else "fp16")
    if text and bits >= 16:
        if "fp8" in types:
            names.append("fp8")
        if vllm:
            names.append("awq-int4")
        if gguf:
            names += ["gguf-q8_0", "gguf-q6_k", "gguf-q4_k_m"]
    return tuple(dict.fromkeys(names))
