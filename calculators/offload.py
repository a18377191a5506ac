"""Models larger than a GPU's memory: some layers, or the experts of some layers, stay in the host's memory.

A split is (layers on the GPU, layers whose experts are there too), as llama.cpp's ``-ngl`` and ``--n-cpu-moe`` choose
it. Each device computes what it holds with its own bandwidth, one after the other, so a step takes

    t = head + g·t_gpu(layer) + e·t_gpu(experts) + (L-g)·t_cpu(layer) + (E-e)·t_cpu(experts) + crossings

A prompt of at least 32 tokens is computed on the GPU: weights in the host's memory are copied over PCIe, once for each
pass of 512 tokens.

Source:
    ggml-cuda.cu, ``ggml_backend_cuda_device_offload_op`` (32 tokens), ``--ubatch-size`` (512), ``--n-gpu-layers`` and
    ``--n-cpu-moe`` of ggml-org/llama.cpp.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calculators.operators import Operator
from calculators.serving import Server
from calculators.workload import Workload
from catalog.weight_format import WeightFormat

Floats = NDArray[np.float64]
STREAMED_FROM = 32
"""Tokens from which weights are copied to the GPU rather than computed with on the CPU."""
EXPERT_PARTS = re.compile(r"\.experts\.")
LAYER = re.compile(r"\.\d+\.")
ACTIVATION_BYTES = 4
"""What crosses between devices is in 32 bits."""


@dataclass(frozen=True, slots=True)
class Split:
    """Where a model lies, and what a step and a prompt take."""

    layers: int
    gpu_layers: int
    expert_layers: int
    """Layers that have routed experts."""
    gpu_expert_layers: int
    gpu_bytes: float
    """Weights, cache, activations and the engine's own on the GPU."""
    host_bytes: float
    """Weights and cache in the host's memory, the token table included."""
    gpu_s: float
    """Of a step."""
    host_s: float
    transfer_s: float
    prefill_s: float

    @property
    def decode_s(self) -> float:
        """A step of the whole batch."""
        return self.gpu_s + self.host_s + self.transfer_s

    @property
    def whole(self) -> bool:
        """Whether everything is on the GPU."""
        return self.gpu_layers == self.layers and self.gpu_expert_layers == self.expert_layers

    @property
    def options(self) -> str:
        """llama.cpp's command line for it."""
        if self.gpu_layers < self.layers and self.gpu_expert_layers in (0, self.gpu_layers):
            experts = " --cpu-moe" if self.expert_layers and not self.gpu_expert_layers else ""
            return f"-ngl {self.gpu_layers}{experts}"
        away = self.expert_layers - self.gpu_expert_layers
        return "-ngl 99" + (f" --n-cpu-moe {away}" if away else "")


@dataclass(frozen=True)
class _Parts:
    """Sums over layers, routed experts and everything else (head and final norm)."""

    layers: float
    experts: float
    rest: float
    table: float
    """The table of tokens, which is looked up and stays in the host's memory."""


def _which(operator: Operator) -> str:
    if operator.rows.terms:
        return "table"
    if EXPERT_PARTS.search(operator.name):
        return "experts"
    return "layers" if LAYER.search(operator.name) else "rest"


def _parts(operators: tuple[Operator, ...], values: Floats) -> _Parts:
    sums = dict.fromkeys(("layers", "experts", "rest", "table"), 0.0)
    for operator, value in zip(operators, values, strict=True):
        sums[_which(operator)] += float(value)
    return _Parts(**sums)


def best_split(
    gpu: Server,
    host: Server,
    weights: WeightFormat,
    *,
    step: Workload,
    prompt: Workload,
    room_bytes: float,
    fixed_bytes: float,
    cache_bytes: float,
    pcie_bytes_per_s: float,
    pass_tokens: int,
    hidden: int,
) -> Split | None:
    """The split with the shortest step among those that fit the GPU; ``None`` if not even the head fits.

    Args:
        gpu: The model on the GPU, if it held all of it.
        host: The same on the host's CPU.
        weights: Format of the weights.
        step: One step of the whole batch, a single workload.
        prompt: One prompt.
        room_bytes: What may be taken of the GPU's memory.
        fixed_bytes: Activations and the engine's own.
        cache_bytes: Cache and states of the whole batch, spread evenly over the layers.
        pcie_bytes_per_s: Nominal rate of the GPU's link to the host.
        pass_tokens: Tokens that the engine computes at a time in a prompt.
        hidden: Width of what crosses between devices.
    """
    table = gpu.table
    held = _parts(table.operators, table.held_weight_bytes(weights))
    on_gpu, on_host = (_parts(table.operators, s.operators_s(step.reshape(-1))[0, :, 0]) for s in (gpu, host))
    layers = table.layers
    with_experts = sum(op.repeat for op in table.operators if op.name.endswith("experts.down"))
    g, e = (grid.ravel() for grid in np.meshgrid(np.arange(layers + 1), np.arange(with_experts + 1), indexing="ij"))
    share, expert_share = g / layers, e / max(with_experts, 1)
    head = g == layers  # llama.cpp moves the head only after all layers
    taken = fixed_bytes + share * (held.layers + cache_bytes) + expert_share * held.experts + head * held.rest
    possible = (taken <= room_bytes) & (e <= np.ceil(g * with_experts / layers))
    if not possible.any():
        return None
    gpu_s = share * on_gpu.layers + expert_share * on_gpu.experts + head * (on_gpu.rest + on_gpu.table)
    host_s = (1 - share) * on_host.layers + (1 - expert_share) * on_host.experts + ~head * on_host.rest
    host_s = host_s + on_host.table * ~head
    tokens = float(np.asarray(step.batch * step.new).reshape(-1)[0])
    crossings = np.where(head, 0, 1) + 2 * np.maximum(with_experts - e - (layers - g), 0)
    transfer_s = crossings * tokens * hidden * ACTIVATION_BYTES / pcie_bytes_per_s
    total = np.where(possible, gpu_s + host_s + transfer_s, np.inf)
    best = int(np.argmin(total))
    away = (1 - share[best]) * held.layers + (1 - expert_share[best]) * held.experts + (not head[best]) * held.rest
    cache_away = (1 - share[best]) * cache_bytes
    return Split(
        layers=layers,
        gpu_layers=int(g[best]),
        expert_layers=with_experts,
        gpu_expert_layers=int(e[best]),
        gpu_bytes=float(taken[best]),
        host_bytes=float(away + cache_away + held.table),
        gpu_s=float(gpu_s[best]),
        host_s=float(host_s[best]),
        transfer_s=float(transfer_s[best]),
        prefill_s=_prefill_s(gpu, host, prompt, float(share[best]), float(expert_share[best]), float(away),
                             pcie_bytes_per_s, pass_tokens),
    )  # fmt: skip


def _prefill_s(
    gpu: Server,
    host: Server,
    prompt: Workload,
    share: float,
    expert_share: float,
    away_bytes: float,
    pcie_bytes_per_s: float,
    pass_tokens: int,
) -> float:
    """A prompt: on the GPU with weights copied for each pass, or shared with the CPU where it is short."""
    flat = prompt.reshape(-1)
    tokens = float(np.asarray(prompt.batch * prompt.new).reshape(-1)[0])
    whole = gpu.operators_s(flat)[0, :, 0]
    if tokens >= STREAMED_FROM:
        return float(whole.sum()) + float(np.ceil(tokens / pass_tokens)) * away_bytes / pcie_bytes_per_s
    here, there = (_parts(gpu.table.operators, values) for values in (whole, host.operators_s(flat)[0, :, 0]))
    return (
        share * here.layers + expert_share * here.experts + here.rest + here.table
        + (1 - share) * there.layers + (1 - expert_share) * there.experts
    )  # fmt: skip
