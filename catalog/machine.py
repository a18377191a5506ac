"""Machines: peaks, memory, links and the efficiencies that were measured on them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Date, Entry, Identifier, Size, Source, Spec

Positive = Annotated[float, Field(gt=0)]
ComputeType = Literal["fp32", "tf32", "fp16", "bf16", "fp8", "int8", "fp4"]
MachineKind = Literal["datacenter gpu", "workstation gpu", "consumer gpu", "apple", "cpu", "tpu", "accelerator", "soc"]
Badge = Literal["measured", "calibrated", "class default", "spec sheet"]


class Roofline(Spec):
    """Constants of the smooth roofline for matrix products in one data type.

    ``t = ((flops / (peak * compute))^p + (bytes / (bandwidth * memory))^p)^(1/p) + launch_s + rows * row_ns``

    ``bytes`` are both operands in the data type and the output in 16 bits, each once; ``rows`` are those of the
    activations.
    """

    compute: Annotated[float, Field(gt=0, le=1.2)]
    """Share of the peak that large products reach."""
    memory: Annotated[float, Field(gt=0, le=1.2)]
    """Share of the nominal bandwidth that streaming reaches."""
    expert_memory: Annotated[float, Field(gt=0, le=1.2)] | None = None
    """The same for routed experts; ``None``: as ``memory``."""
    launch_us: Annotated[float, Field(ge=0)]
    """Fixed cost of one kernel, in microseconds."""
    p: Positive = 4.0
    """How sharply compute and memory time overlap: large p is the larger of the two."""
    row_ns: Annotated[float, Field(ge=0)] = 0.0
    """Time to quantise one row of the activations, in nanoseconds; 0 where the other constants absorb it."""
    median_error: Annotated[float, Field(ge=0)] | None = None
    """Median absolute relative error on measurements that were held out of the fit."""
    rows: Size | None = None
    """Measurements behind the fit."""
    source: Source


class AttentionRates(Spec):
    """How much of the machine attention kernels reach (bf16, head_dim 128); one formula for prefill and decode.

    ``t = flops / (peak * prefill_compute)``
    ``+ (kv_bytes / decode_memory + query_bytes / query_memory) / bandwidth + launch_s``

    ``flops`` are the needed ones (the causal triangle), ``kv_bytes`` the keys and values read, ``query_bytes`` the
    queries read and the outputs written.
    """

    prefill_compute: Annotated[float, Field(gt=0, le=1.2)]
    decode_memory: Annotated[float, Field(gt=0, le=1.2)]
    query_memory: Annotated[float, Field(gt=0, le=1.2)] | None = None
    """Like ``decode_memory`` for queries and outputs; small, because it absorbs what starting a tile of queries costs.
    ``None``: as ``decode_memory``."""
    launch_us: Annotated[float, Field(ge=0)]
    prefill_median_error: Annotated[float, Field(ge=0)] | None = None
    """Median absolute relative error on prefill kernels that were held out of the fit."""
    decode_median_error: Annotated[float, Field(ge=0)] | None = None
    """The same for decode kernels."""
    rows: Size | None = None
    """Measurements behind the fit."""
    source: Source


class AllReduce(Spec):
    """Latency and bus bandwidth of an all-reduce over ``gpus`` peers: ``t = alpha + 2(n-1)/n * bytes / bandwidth``."""

    gpus: Size
    alpha_us: Annotated[float, Field(ge=0)]
    bus_gb_per_s: Positive
    median_error: Annotated[float, Field(ge=0)] | None = None
    """Median absolute relative error on message sizes that were held out of the fit."""
    rows: Size | None = None
    """Measurements behind the fit."""
    source: Source


class Link(Spec):
    """How accelerators of one node reach each other, and the host."""

    name: str
    gb_per_s: Positive | None = None
    """Peer bandwidth per accelerator in one direction, in GB/s."""
    bridge_gb_per_s: Positive | None = None
    """The same inside a pair of cards that an optional bridge joins; the node as a whole has the host's links."""
    pcie_gb_per_s: Positive | None = None
    """Host link in one direction, in GB/s."""
    network_gb_per_s: Positive | None = None
    """Network between nodes, per accelerator in one direction, in GB/s."""
    max_gpus: Size = 1
    """Accelerators in one node."""


class Calibration(Spec):
    """How a machine's own constants were measured on it (``whicharch calibrate``)."""

    device: str
    """As its driver calls it."""
    date: Date
    software: str
    """Versions of what ran the kernels, driver included."""
    rows: Size
    """Timings behind the constants."""


class Machine(Entry):
    """One accelerator, or one CPU host. Rates are dense (never 2:4 sparse) and nominal."""

    vendor: str
    kind: MachineKind
    released: Date | None = None
    memory_gib: Positive | None = None
    """Nominal memory, in GiB; ``None`` for a host whose memory is whatever was fitted."""
    usable_memory: Annotated[float, Field(gt=0, le=1)] = 0.92
    """Share of the nominal memory that a serving process may take."""
    memory_type: str | None = None
    bandwidth_gb_per_s: Positive
    l2_mb: Positive | None = None
    """Last-level cache on the chip, in MB."""
    peak_tflops: dict[ComputeType, Positive]
    """Dense peak by data type, in 10^12 operations per second."""
    reached_tflops: dict[ComputeType, Positive] = Field(default_factory=dict)
    """Best matrix product that anybody measured, where published; no time is computed from it."""
    tdp_w: Positive | None = None
    link: Link
    roofline: dict[ComputeType, Roofline] = Field(default_factory=dict)
    attention: AttentionRates | None = None
    allreduce: tuple[AllReduce, ...] = ()
    calibration: Calibration | None = None
    """Set where the constants above were measured on this very machine."""
    notes: str | None = None

    @property
    def memory_bytes(self) -> float | None:
        """Nominal memory, in bytes."""
        return None if self.memory_gib is None else self.memory_gib * 2**30

    @property
    def usable_bytes(self) -> float | None:
        """What a serving process may take, in bytes."""
        return None if self.memory_gib is None else self.memory_gib * 2**30 * self.usable_memory

    @property
    def bandwidth_bytes_per_s(self) -> float:
        """Nominal memory bandwidth, in bytes per second."""
        return self.bandwidth_gb_per_s * 1e9

    def peak_flops_per_s(self, dtype: ComputeType) -> float | None:
        """Dense peak for a data type, in FLOP/s; ``None`` where the machine lacks it."""
        peak = self.peak_tflops.get(dtype)
        return None if peak is None else peak * 1e12


class MachineClass(Spec):
    """Time constants for machines of a kind that nobody measured kernel by kernel.

    A data type that is missing here has no evidence of its own.
    """

    id: Identifier
    vendor: str | None = None
    """``None``: any vendor."""
    kinds: Annotated[tuple[MachineKind, ...], Field(min_length=1)]
    roofline: dict[ComputeType, Roofline]
    """``median_error`` is that of each measured member under the medians of the others."""
    attention: AttentionRates | None = None
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
