"""Serving engines: what they cost besides the model's own arithmetic."""

from typing import Annotated, Literal

from pydantic import Field

from catalog.base import Entry, Size, Source, Spec
from catalog.machine import ComputeType, MachineKind

NonNegative = Annotated[float, Field(ge=0)]


class ErrorBand(Spec):
    """How measured times compare with predicted ones: quantiles of ``measured / predicted``."""

    quantity: str
    """``ttft``, ``tpot``, or ``pass`` for models that answer in one; ``counted pass`` where only counts are known."""
    badge: Literal["calibrated", "class default", "spec sheet"]
    """With which constants the times were predicted: the machines' own, or those of their class."""
    p10: Annotated[float, Field(gt=0)]
    p50: Annotated[float, Field(gt=0)]
    p90: Annotated[float, Field(gt=0)]
    rows: Annotated[int, Field(gt=0)]
    measured_on: str
    """Which runs, in words."""
    source: Source


class PassHabits(Spec):
    """How an engine runs a model that answers in one pass: what it leaves unfused, and what starting kernels costs.

    A *crossing* is one reading or writing of a tensor in the machine's memory. All are engine overheads, fitted on
    whole runs (``benchmarks/fit_passes.py``).
    """

    convolution_crossings: NonNegative = 0.0
    """How often each convolution's output crosses memory besides the operators' own reading and writing."""
    product_crossings: NonNegative = 0.0
    """The same for outputs of matrix products."""
    score_crossings: NonNegative = 0.0
    """How often the scores of attention cross memory where attention is several kernels."""
    fused_tokens: Annotated[int, Field(ge=0)] | None = None
    """Longest sequence for which attention is one kernel; ``None``: any."""
    elementwise_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the traffic of norms, activations and additions that is left where neighbours become one kernel."""
    folds_norms: bool = False
    """Whether norms, activations and additions behind a convolution cost nothing: they are folded into it."""
    unpack_host_us: NonNegative = 0.0
    """The same on top for each product whose weights a kernel of its own unpacks (``WeightFormat.unpacked_apart``)."""
    writes: bool = False
    """Whether all this also holds for models that write token by token."""
    host_us: NonNegative = 0.0
    """What the host needs to start one kernel: a pass takes at least that for each, in microseconds."""
    eager: bool = False
    """Whether it is plain eager PyTorch, whose costs a machine's ``plain_torch`` holds where they were measured."""
    kernel_us: NonNegative = 0.0
    """What each kernel takes besides its roofline time, in microseconds: threads meet before and after it."""
    counted_crossings: NonNegative = 2.0
    """How often each product's output crosses memory in all, for networks of which only counts are known: at least it
    is written, and read by the next product."""
    counted_us: NonNegative = 0.0
    """All kernels' launches of such a network together, in microseconds."""
    rows: Annotated[int, Field(gt=0)] | None = None
    """Runs behind the fit."""
    source: Source


Share = Annotated[float, Field(gt=0, le=1.2)]


class KernelRates(Spec):
    """What an engine's own kernels reach where they are not the ones that were measured on a machine.

    A step of one token takes ``bytes / (bandwidth * share) + kernels * launch_s``, with

    ``1 / share^4 = 1 / memory^4 + (bandwidth / (clock_bytes * clocks))^4``

    and what unpacking quantized weights takes on top: ``weights * unpack_lanes / lanes``. ``clocks`` are those of all
    multiprocessors in a second, ``lanes`` their 32-bit lanes times the clock: half the peak of 32-bit arithmetic.
    """

    machines: tuple[str, ...] = ()
    """Beginnings of machine ids; empty: any."""
    vendors: tuple[str, ...] = ()
    kinds: tuple[MachineKind, ...] = ()
    memory: Share
    """Share of the bandwidth at which weights stream."""
    expert_memory: Share | None = None
    """The same for routed experts; ``None``: as ``memory``."""
    cache_memory: Share
    """The same for keys and values."""
    launch_us: NonNegative
    """Fixed time of one kernel, in microseconds."""
    unpack_lanes: NonNegative = 0.0
    """Lane operations that unpacking one weight of a block of 256 (K- and IQ-quants) takes where they do not hide
    behind the memory; blocks of 32 (Q4_0, Q8_0, MXFP4) hide."""
    clock_bytes: Annotated[float, Field(gt=0)] | None = None
    """Bytes that a multiprocessor streams per clock at most: what its loads in flight allow (Little's law)."""
    compute: Share
    """Share of the peak that prompts reach, in the type in which products run (16 bits)."""
    attention_compute: Share
    """The same for attention."""
    share_of: ComputeType | None = None
    """Of which type's peak both are shares instead: kernels that use no other arithmetic."""
    median_error: Annotated[float, Field(ge=0)] | None = None
    """Median absolute relative error of the time per token on machines that were held out of the fit."""
    rows: Size | None = None
    source: Source


class Engine(Entry):
    """An inference engine's fixed costs, each measured."""

    memory_gib: NonNegative
    """Per device, besides weights, cache and activations: context, graphs, workspaces."""
    activation_tokens: Annotated[int, Field(gt=0)]
    """Tokens that one pass holds at most (chunked prefill)."""
    step_overhead_us: NonNegative = 0.0
    """Per iteration, besides kernels."""
    step_request_us: NonNegative = 0.0
    """The same for each request of the iteration."""
    steps_ahead: NonNegative = 0.0
    """Steps scheduled before the current one ends (asynchronous scheduling): a new request waits for them."""
    prompts_first: bool = False
    """Whether it reads all waiting prompts before it goes on writing, rather than along with steps."""
    idle_request_ms: NonNegative = 0.0
    """From request to first kernel and back for a single client, or for requests that arrive one by one."""
    busy_request_ms: NonNegative = 0.0
    """The same in a closed loop of several clients, whose requests arrive together."""
    passes: PassHabits | None = None
    """How it runs models that answer in one pass; ``None``: every elementwise step once, attention as one kernel."""
    fills_memory: bool = False
    """Whether it takes all that a graphics card offers, instead of the share that servers leave to it (0.92)."""
    kernels: tuple[KernelRates, ...] = ()
    """The first entry that a machine fits holds; a machine that fits none keeps its own constants."""
    bands: tuple[ErrorBand, ...] = ()
    notes: str | None = None
