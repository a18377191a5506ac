"""Machines as an engine's own kernels see them: llama.cpp, MLX and others do not run the kernels that were measured."""

from __future__ import annotations

from catalog.engine import Engine, KernelRates
from catalog.machine import LANES, LANES_NOW, NO_KERNELS, AttentionRates, ComputeType, Machine, Roofline
from catalog.weight_format import WeightFormat

SHARPNESS = 4.0
"""How sharply the two limits on streaming weights meet: the memory, and the loads in flight."""
DECODE_P = 2.2
"""As for products of 16 bits on other engines (``catalog/machine_classes.yaml``)."""
SIXTEEN: tuple[ComputeType, ...] = ("bf16", "fp16")
"""Attention runs in the first of them that a machine has."""
UNPACKED = 16.0
"""Formats of so many bits need no unpacking."""


SERVED = 0.92
"""Share of what CUDA offers in ``Machine.usable_memory`` of graphics cards: vLLM's ``gpu_memory_utilization``."""


def usable_bytes(engine: Engine, machine: Machine) -> float | None:
    """What an engine may take of one device's memory; ``None`` where that is not known."""
    usable = machine.usable_bytes
    shared = machine.link.name == "unified memory" or not machine.kind.endswith("gpu")
    return usable if usable is None or shared or not engine.fills_memory else usable / SERVED


def rates_of(engine: Engine, machine: Machine) -> KernelRates | None:
    """What an engine's kernels reach on a machine, where they have constants of their own."""
    return next((rates for rates in engine.kernels if _fits(rates, machine)), None)


def _fits(rates: KernelRates, machine: Machine) -> bool:
    return (
        (not rates.machines or machine.id.startswith(rates.machines))
        and (not rates.vendors or machine.vendor in rates.vendors)
        and (not rates.kinds or machine.kind in rates.kinds)
    )


def as_run_by(engine: Engine, machine: Machine, weights: WeightFormat) -> Machine:
    """The machine with the constants of the engine's kernels for a weight format; itself where it has none."""
    key = (id(engine), id(machine), id(weights))
    known = _KNOWN.get(key)
    if known is None:
        rates = rates_of(engine, machine)
        changed = machine if rates is None or machine.calibration else _with_rates(rates, machine, weights)
        if len(_KNOWN) >= MOST_KNOWN:
            _KNOWN.clear()
        known = _KNOWN[key] = (engine, machine, weights, changed)
    return known[3]


MOST_KNOWN = 4096
_KNOWN: dict[tuple[int, int, int], tuple[Engine, Machine, WeightFormat, Machine]] = {}
"""By identity, because machines hold dictionaries; what is kept alive here keeps its identity."""


def _with_rates(rates: KernelRates, machine: Machine, weights: WeightFormat) -> Machine:
    if not weights.in_long_blocks:
        rates = rates.model_copy(update={"unpack_lanes": 0.0})
    expert_bits = weights.bits if weights.expert_bits is None else weights.expert_bits
    products = Roofline.model_construct(
        compute=rates.compute,
        memory=streaming_share(rates, machine, rates.memory, weights.bits),
        expert_memory=streaming_share(rates, machine, rates.expert_memory or rates.memory, expert_bits),
        launch_us=rates.launch_us,
        p=DECODE_P,
        source=rates.source,
    )
    sixteen = next((t for t in SIXTEEN if t in machine.peak_tflops), None)
    attention = AttentionRates.model_construct(
        prefill_compute=rates.attention_compute * _scale(rates, machine, sixteen),
        decode_memory=rates.cache_memory,
        query_memory=rates.memory,
        launch_us=rates.launch_us,
        source=rates.source,
    )
    types = {
        dtype: products.model_copy(update={"compute": rates.compute * _scale(rates, machine, dtype)})
        for dtype in machine.peak_tflops
    }
    own = {"roofline": types, "attention": attention}
    return machine.model_copy(update=NO_KERNELS | own)


def _scale(rates: KernelRates, machine: Machine, dtype: ComputeType | None) -> float:
    """The peak that a share is of, over that of the type which is priced."""
    if rates.share_of is None or dtype is None or rates.share_of not in machine.peak_tflops:
        return 1.0
    return machine.peak_tflops[rates.share_of] / machine.peak_tflops[dtype]


def streaming_share(rates: KernelRates, machine: Machine, memory: float, bits: float) -> float:
    """Share of the bandwidth at which weights of ``bits`` stream.

    The larger of two times, memory and loads in flight, plus that of unpacking quantized weights where that shows.
    """
    slowness = (1 / memory) ** SHARPNESS
    lanes = machine.peak_tflops.get("fp32", 0.0) * 1e12 / 2
    if rates.clock_bytes and lanes:
        clocks = lanes / next((n for start, n in LANES.items() if machine.id.startswith(start)), LANES_NOW)
        slowness += (machine.bandwidth_bytes_per_s / (rates.clock_bytes * clocks)) ** SHARPNESS
    slowness = slowness ** (1 / SHARPNESS)
    if rates.unpack_lanes and lanes and bits < UNPACKED:
        slowness += machine.bandwidth_bytes_per_s * rates.unpack_lanes / lanes / (bits / 8)
    return float(1 / slowness)
