"""Machines: peaks, memory, links and the efficiencies that were measured on them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from catalog.base import Date, Entry, Identifier, Size, Source, Spec

Positive = Annotated[float, Field(gt=0)]
ComputeType = Literal["fp32", "tf32", "fp16", "bf16", "fp8", "int8", "fp4"]
MachineKind = Literal["datacenter gpu", "workstation gpu", "consumer gpu", "apple", "cpu", "tpu", "accelerator", "soc"]
Badge = Literal["measured", "calibrated", "class default", "spec sheet"]
ExpertKernel = Literal["bf16", "fp8", "fp8_block", "fp4"]
"""What fused kernels for a mixture of experts multiply: 16 bits (whatever the weights are stored in), 8 bits with a
scale per tensor or channel, 8 bits with a scale per block, 4 bits."""
AttentionKernel = Literal["cache8", "latent", "latent_cache8", "bidirectional"]
"""Attention other than causal over a 16-bit cache: over an 8-bit cache, latent over either, and without a cache."""
Share = Annotated[float, Field(gt=0, le=1.2)]
Cost = Annotated[float, Field(ge=0)]
Error = Annotated[float, Field(ge=0)]


class Roofline(Spec):
    """Constants of matrix products in one data type.

    ``t = ((flops / (peak * compute))^p + (bytes / (bandwidth * memory))^p)^(1/p) + launch_s``
    ``+ inner * inner_s + rows * row_s + 2 * inputs / (bandwidth * input_memory)``

    ``bytes`` are both operands in the data type and the output in 16 bits, each once; ``inner`` is the width of a row
    of inputs, ``rows`` are those of the inputs and ``inputs`` their elements.
    """

    compute: Share
    """Share of the peak that large products reach."""
    memory: Share
    """Share of the nominal bandwidth that streaming reaches."""
    expert_memory: Share | None = None
    """The same for routed experts; ``None``: as ``memory``."""
    launch_us: Cost
    """Fixed cost of one kernel, in microseconds."""
    p: Positive = 4.0
    """How sharply compute and memory time overlap: 1 is their sum, large p the larger of the two."""
    inner_ns: Cost = 0.0
    """Time per element of the inner dimension, in nanoseconds: each tile walks along all of it, however wide the
    machine is, so that it is a length and no amount of work."""
    row_ns: Cost = 0.0
    """Time to quantise one row of the inputs, in nanoseconds; 0 where products take what they are given."""
    input_memory: Share | None = None
    """Share of the bandwidth at which inputs are quantised, each read in 16 bits; ``None`` where they are not."""
    median_error: Error | None = None
    """Median absolute relative error on measurements that were held out of the fit."""
    rows: Size | None = None
    """Measurements behind the fit."""
    source: Source


class ExpertRates(Spec):
    """Constants of the two grouped products of a mixture of experts; times add up.

    ``t = flops / (peak * compute) + bytes / (bandwidth * memory) + visited * expert_s + launch_s`` for each product

    ``bytes`` are the weights of the experts that some token visits, in their format, and 16-bit inputs and outputs.
    """

    compute: Share
    """Share of the peak that many tokens per expert reach."""
    memory: Share
    """Share of the nominal bandwidth at which weights stream."""
    launch_us: Cost
    """Fixed cost of one product with its share of sorting tokens by expert, in microseconds."""
    expert_ns: Cost
    """Time per expert visited, in nanoseconds: a group of its own, however few its tokens."""
    median_error: Error | None = None
    """Median absolute relative error on shapes that were held out of the fit."""
    rows: Size | None = None
    """Measurements behind the fit."""
    source: Source


class AttentionRates(Spec):
    """How much of the machine attention kernels reach; one formula for prefill and decode.

    ``t = max(work, chain) + new_bytes / (bandwidth * query_memory) + launch_s``
    ``work = sqrt((flops / (peak * prefill_compute))^2 + (exponentials / (vector * softmax))^2)``
    ``+ cache_bytes / (bandwidth * decode_memory)``

    ``flops`` are the needed ones (the causal triangle) against the 16-bit peak, ``exponentials`` five operations per
    pair and head against that of 32-bit arithmetic, ``cache_bytes`` the keys and values read, ``new_bytes`` queries,
    outputs and what the new tokens add to the cache.
    """

    prefill_compute: Share
    decode_memory: Share
    query_memory: Annotated[float, Field(gt=0)] | None = None
    """Like ``decode_memory`` for what the new tokens bring; small, because it absorbs what starting a tile costs, and
    above 1 where such tensors stay in the machine's cache. ``None``: as ``decode_memory``."""
    softmax: Annotated[float, Field(gt=0)] | None = None
    """Share of 32-bit arithmetic that exponentials reach; they cost as much for narrow heads as for wide ones.
    ``None``: they cost nothing of their own."""
    tile_ns: Cost = 0.0
    """Time per key that a tile of queries passes in a prefill, in nanoseconds; with few heads it is the whole time."""
    token_ns: Cost = 0.0
    """The same for one step: time per cached token of a sequence, which kernels do not or only partly split."""
    launch_us: Cost
    prefill_launch_us: Cost | None = None
    """Fixed cost of a prefill where it is not that of a step (conversion of the cache); ``None``: the same."""
    prefill_median_error: Error | None = None
    """Median absolute relative error on prefill kernels that were held out of the fit."""
    decode_median_error: Error | None = None
    """The same for decode kernels."""
    rows: Size | None = None
    """Measurements behind the fit."""
    source: Source


class StreamRates(Spec):
    """Constants of kernels that pass over a sequence with a state: scans, and convolutions of a few tokens.

    ``t = max(bytes / (bandwidth * memory) + flops / (peak * compute), tokens * token_s) + launch_s``
    """

    memory: Share
    compute: Share | None = None
    """Share of the 16-bit peak that the products inside chunks reach; ``None``: they cost nothing of their own."""
    token_ns: Cost = 0.0
    """Time per token of a sequence, whose chunks follow one another; of delta rules, the only scans measured."""
    launch_us: Cost
    prefill_launch_us: Cost | None = None
    """Fixed cost where several tokens come at once, in microseconds; ``None``: the same."""
    median_error: Error | None = None
    """Median absolute relative error on shapes that were held out of the fit."""
    rows: Size | None = None
    """Measurements behind the fit."""
    source: Source


class EagerLaunch(Spec):
    """What starting an all-reduce by hand adds to its time in a captured graph.

    ``whicharch accuracy`` compares such all-reduces with it. Engines without graphs (transformers) have their own time
    per kernel (``PassHabits.host_us``), which holds the whole step on its host.
    """

    launch_us: Cost
    """Per kernel, in microseconds: the host's interpreter, the framework and the driver."""
    rows: Size | None = None
    """Measurements behind it."""
    source: Source


class AllReduce(Spec):
    """Constants of an all-reduce over ``gpus`` peers of one node, whose kernels work in one step or in two.

    ``t = alpha + min((n-1) * bytes / bandwidth, second + 2(n-1)/n * bytes / bandwidth)``: either each device reads the
    messages of all the others, or each adds up its share and all read the sums.
    """

    gpus: Size
    alpha_us: Cost
    bus_gb_per_s: Positive
    second_us: Cost | None = None
    """What waiting for the others a second time costs; ``None``: always two steps, with both waits in ``alpha_us``."""
    median_error: Error | None = None
    """Median absolute relative error on message sizes that were held out of the fit."""
    rows: Size | None = None
    """Measurements behind the fit."""
    source: Source


class Ring(Spec):
    """Constants of NCCL's collectives over n peers of one node, which pass messages round a ring.

    ``t = launch + passes * ((n-1) * hop + (n-1)/n * bytes / bus)``; an all-reduce passes twice, an all-gather and a
    reduce-scatter once.
    """

    launch_us: Cost
    hop_us: Cost
    bus_2_gb_per_s: Positive
    """What each of two devices gets through in one direction, in GB/s."""
    bus_4_gb_per_s: Positive | None = None
    bus_8_gb_per_s: Positive | None = None
    median_error: Error | None = None
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


class PlainTorch(Spec):
    """What eager PyTorch costs on a machine besides its kernels, where no fused kernels are installed."""

    kernel_us: Annotated[float, Field(ge=0)]
    """To each kernel: on a processor it adds to the kernel's time, on a GPU a pass takes at least that for each."""
    weight_copies: Annotated[float, Field(ge=0)] = 0.0
    """How often weights cross memory besides where a product has several rows: libraries on processors repack them."""
    recurrence_ns: Annotated[float, Field(ge=0)] | None = None
    """A recurrence that goes token by token (Mamba), per token and number of state, in nanoseconds."""
    recurrence_token_us: Annotated[float, Field(ge=0)] = 0.0
    """The same per token of a sequence, in microseconds: several small kernels each."""
    chunked_ns: Annotated[float, Field(ge=0)] | None = None
    """A scan in chunks (Mamba-2), per token and number of state, in nanoseconds."""
    recurrence_us: Annotated[float, Field(ge=0)] = 0.0
    """What a layer with a recurrence costs besides, in microseconds: its many small kernels."""
    chunked_us: Annotated[float, Field(ge=0)] = 0.0
    """The same for a layer with a scan in chunks."""
    rows: Size | None = None
    """Measurements behind it."""
    source: Source


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
    compute_capability: Positive | None = None
    """Of NVIDIA's: which kernels it can run."""
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
    experts: dict[ExpertKernel, ExpertRates] = Field(default_factory=dict)
    attention: AttentionRates | None = None
    """Causal attention over a 16-bit cache, and whatever has no constants of its own."""
    attention_kernels: dict[AttentionKernel, AttentionRates] = Field(default_factory=dict)
    scan: StreamRates | None = None
    """Recurrences and chunked scans."""
    short_convolution: StreamRates | None = None
    """Causal convolutions over a few tokens, one filter per channel."""
    eager: EagerLaunch | None = None
    """Where a pass is no captured graph."""
    allreduce: tuple[AllReduce, ...] = ()
    ring: Ring | None = None
    plain_torch: PlainTorch | None = None
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


NO_KERNELS: dict[str, Any] = {
    "experts": {}, "attention_kernels": {}, "scan": None, "short_convolution": None, "eager": None,
}  # fmt: skip
"""Fields of a machine whose products and attention were measured anew: kernels of another engine say nothing of it."""


class MachineClass(Spec):
    """Time constants for machines of a kind that nobody measured kernel by kernel.

    A data type that is missing here has no evidence of its own.
    """

    id: Identifier
    vendor: str | None = None
    """``None``: any vendor."""
    kinds: Annotated[tuple[MachineKind, ...], Field(min_length=1)]
    needs: tuple[ComputeType, ...] = ()
    """Data types of which a machine must have a peak: a generation of the vendor's machines."""
    memory: str | None = None
    """How the type of a machine's memory must begin; ``None``: any."""
    members: tuple[Identifier, ...] = ()
    """Measured machines whose medians the constants are."""
    roofline: dict[ComputeType, Roofline]
    """``median_error`` is that of each measured member under the medians of the others."""
    experts: dict[ExpertKernel, ExpertRates] = Field(default_factory=dict)
    attention: AttentionRates | None = None
    attention_kernels: dict[AttentionKernel, AttentionRates] = Field(default_factory=dict)
    scan: StreamRates | None = None
    short_convolution: StreamRates | None = None
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]


LANES = {"a100": 64, "a30": 64, "v100": 64, "t4": 64, "rtx-20": 64}
"""32-bit lanes of a multiprocessor by the beginning of the machine's id, where they are not ``LANES_NOW``.

Source:
    NVIDIA architecture white papers: V100, Turing and GA100 64, GA102 to Blackwell 128.
"""
LANES_NOW = 128
