"""What share of nominal rates kernels reach: measured on the machine, else on its class, else on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from math import log2

from catalog.base import Source
from catalog.links import NVLINK_ALPHA_US, NVLINK_SHARE, PCIE, UNKNOWN_LINK_GB_PER_S
from catalog.machine import (
    AllReduce,
    AttentionKernel,
    AttentionRates,
    Badge,
    ComputeType,
    ExpertKernel,
    ExpertRates,
    Machine,
    MachineClass,
    Roofline,
    StreamRates,
)
from catalog.values import dataclass
from catalog.weight_format import WeightFormat

FALLBACK: dict[ComputeType, tuple[ComputeType, ...]] = {
    "fp4": ("fp4", "bf16", "fp16", "fp32"),
    "fp8": ("fp8", "bf16", "fp16", "fp32"),
    "int8": ("int8", "bf16", "fp16", "fp32"),
    "bf16": ("bf16", "fp16", "tf32", "fp32"),
    "fp16": ("fp16", "bf16", "tf32", "fp32"),
    "tf32": ("tf32", "fp32", "bf16", "fp16"),
    "fp32": ("fp32", "tf32", "bf16", "fp16"),
}
"""In which type a product runs where the machine lacks the one it asks for. Weights of 4 bits are then widened to 16,
not to 8 (vLLM: Marlin)."""

EXPERT_KERNELS: dict[ExpertKernel, tuple[ExpertKernel, ...]] = {
    "fp4": ("fp4", "bf16"),
    "fp8_block": ("fp8_block", "fp8", "bf16"),
    "fp8": ("fp8", "fp8_block", "bf16"),
    "bf16": ("bf16",),
}
"""Which kernels run experts where the machine has no constants for the ones asked for."""
EXPERT_TYPES: dict[ExpertKernel, ComputeType] = {"fp4": "fp4", "fp8_block": "fp8", "fp8": "fp8", "bf16": "bf16"}

_UNMEASURED = Roofline(
    compute=0.81, memory=0.86, launch_us=2.4,
    source=Source(where="median of eight measured NVIDIA machines, A100 to B300; nothing like this one was measured"),
)  # fmt: skip
"""What products reach on machines whose kind nobody measured: no kernel takes all of a data sheet."""


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Constants of one machine for one compute type, with how they were come by."""

    dtype: ComputeType
    peak_flops_per_s: float | None
    sixteen_flops_per_s: float | None
    """Peak of 16-bit products, in which attention runs."""
    vector_flops_per_s: float | None
    """Peak of 32-bit arithmetic, for norms, activations and scans."""
    bandwidth_bytes_per_s: float
    products: Roofline
    plain: Roofline
    """Constants of 16-bit products, whose memory share and launch cost stand for elementwise kernels."""
    attention: AttentionRates | None
    badge: Badge
    experts: ExpertRates | None = None
    """Of a mixture's products; ``None``: as other products."""
    expert_flops_per_s: float | None = None
    """Peak of the type in which experts run."""
    attention_kernels: Mapping[AttentionKernel, AttentionRates] = field(default_factory=dict)
    scan: StreamRates | None = None
    short_convolution: StreamRates | None = None

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells these constants from others while their objects live."""
        parts = (self.products, self.plain, self.attention, self.experts, self.scan, self.short_convolution)
        numbers = (self.peak_flops_per_s, self.sixteen_flops_per_s, self.vector_flops_per_s,
                   self.bandwidth_bytes_per_s, self.expert_flops_per_s)  # fmt: skip
        kernels = tuple((name, id(own)) for name, own in self.attention_kernels.items())
        return (self.dtype, *numbers, *map(id, parts), kernels)


def compute_type(machine: Machine, wanted: ComputeType) -> ComputeType | None:
    """The type in which products that ask for ``wanted`` run on a machine; ``None`` where no peak is known."""
    return next((dtype for dtype in FALLBACK[wanted] if dtype in machine.peak_tflops), None)


def class_of(machine: Machine, classes: Sequence[MachineClass]) -> MachineClass | None:
    """The class a machine belongs to: its vendor's before anybody's, the one that asks most of it before the others."""
    fitting = [
        c for c in classes if machine.kind in c.kinds and c.vendor in (machine.vendor, None) and _has(machine, c)
    ]
    return min(fitting, key=lambda c: (c.vendor is None, c.memory is None, -len(c.needs)), default=None)


def _has(machine: Machine, wanted: MachineClass) -> bool:
    memory = machine.memory_type or ""
    return set(wanted.needs) <= set(machine.peak_tflops) and memory.startswith(wanted.memory or "")


def efficiency(machine: Machine, weights: WeightFormat, classes: Sequence[MachineClass]) -> Efficiency:
    """The constants with which a machine runs products of a weight format."""
    dtype = compute_type(machine, weights.compute) or "fp32"
    peak = machine.peak_flops_per_s(dtype)
    vector = machine.peak_flops_per_s("fp32") or peak
    sixteen = next((t for t in ("bf16", "fp16") if t in machine.peak_tflops), dtype)
    family = class_of(machine, classes)
    products, badge = _constants(machine, family, dtype)
    plain, _ = _constants(machine, family, sixteen)
    attention = machine.attention or (family.attention if family else None)
    kin = None if machine.calibration else family  # one's own measurements are not mixed with those of a class
    experts, expert_peak = expert_rates(machine, weights, kin)
    return Efficiency(
        dtype=dtype,
        peak_flops_per_s=peak,
        sixteen_flops_per_s=machine.peak_flops_per_s(sixteen),
        vector_flops_per_s=vector,
        bandwidth_bytes_per_s=machine.bandwidth_bytes_per_s,
        products=products,
        plain=plain,
        attention=attention,
        badge=badge,
        experts=experts,
        expert_flops_per_s=expert_peak,
        attention_kernels={**(kin.attention_kernels if kin else {}), **machine.attention_kernels},
        scan=machine.scan or (kin.scan if kin else None),
        short_convolution=machine.short_convolution or (kin.short_convolution if kin else None),
    )


def expert_kernel(weights: WeightFormat) -> ExpertKernel:
    """The kernels that run a format's experts where the machine has the type."""
    if weights.expert_kernel:
        return weights.expert_kernel
    by_type: dict[ComputeType, ExpertKernel] = {"fp4": "fp4", "fp8": "fp8"}
    return by_type.get(weights.compute, "bf16")


def expert_rates(
    machine: Machine, weights: WeightFormat, family: MachineClass | None
) -> tuple[ExpertRates | None, float | None]:
    """Constants of a mixture's products, the machine's own before its class's, and the peak that they are shares of."""
    for kernel in EXPERT_KERNELS[expert_kernel(weights)]:
        peak = machine.peak_flops_per_s(EXPERT_TYPES[kernel])
        own = machine.experts.get(kernel) or (family.experts.get(kernel) if family else None)
        if own is not None and peak is not None:
            return own, peak
    return None, None


def _constants(machine: Machine, family: MachineClass | None, dtype: ComputeType) -> tuple[Roofline, Badge]:
    if dtype in machine.roofline:
        own = machine.roofline[dtype]
        if machine.calibration:
            return own, "measured"
        return own, "calibrated" if own.rows else "class default"  # without rows only the compute share is its own
    if family:
        for near in FALLBACK[dtype]:
            if near in family.roofline:
                return family.roofline[near], "class default"
    return _UNMEASURED, "spec sheet"


def _allreduce(machine: Machine, gpus: int) -> AllReduce | None:
    return min(machine.allreduce, key=lambda entry: abs(entry.gpus - gpus), default=None)


def second_step_us(machine: Machine, gpus: int) -> float | None:
    """What the second of an all-reduce's two steps waits, in microseconds; ``None`` where it was not measured."""
    nearest = _allreduce(machine, gpus)
    return None if nearest is None else nearest.second_us


def allreduce_of(machine: Machine, gpus: int) -> tuple[float, float]:
    """Latency in seconds and bus bandwidth in bytes per second of an all-reduce over ``gpus`` devices."""
    nearest = _allreduce(machine, gpus)
    if nearest is not None:
        return nearest.alpha_us * 1e-6, nearest.bus_gb_per_s * 1e9
    if machine.link.gb_per_s:
        return NVLINK_ALPHA_US * 1e-6, machine.link.gb_per_s * NVLINK_SHARE * 1e9
    share, alpha_us = PCIE[min(PCIE, key=lambda n: abs(log2(n / gpus)))]
    return alpha_us * 1e-6, (machine.link.pcie_gb_per_s or UNKNOWN_LINK_GB_PER_S) * share * 1e9
