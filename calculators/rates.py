"""Time of models that answer in one pass, as an engine runs them, and their rates in their own units.

    t = max( sum of the operators' roofline times + (crossings · bytes) / (bandwidth·η_b),  kernels · t_host )

The roofline (``calculators/roofline.py``) times each operator as one good kernel. Engines differ in what they leave
unfused: eager PyTorch runs norm, activation, addition and every copy or change of type as kernels of their own, each of
which reads and writes what a product made; TensorRT folds them into the product. How often such an output crosses
memory besides is an engine's habit (``catalog.engine.PassHabits``), as is what its host needs to start a kernel.

Axes: C settings (a machine with its formats), O operators, N workloads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calculators.efficiency import Efficiency
from calculators.operators import Kind
from calculators.pairs import Pairs
from calculators.plain_torch import on_machine, plainly
from calculators.roofline import Settings
from calculators.table import ACTIVATION_BYTES, Floats, Table
from calculators.workload import Workload
from catalog.convolutions import ConvolvedEmbedding
from catalog.engine import PassHabits
from catalog.errors import BadInput
from catalog.spec import Architecture, PatchEmbedding
from catalog.values import dataclass

CHAINED = ("convolutions", "convolved")
"""Origins of operators that stand in a chain of convolutions."""


@dataclass(frozen=True, eq=False, slots=True)
class PassTime:
    """One forward pass of flat workloads in each setting."""

    operators_s: Floats
    """Seconds on the device by operator, shape (C, O, N)."""
    starts_s: Floats
    """What the host needs to start each operator's kernels, shape (C, O, N)."""

    @property
    def host_s(self) -> Floats:
        """What the host needs to start all kernels, shape (C, N)."""
        return np.asarray(self.starts_s.sum(axis=1))

    @property
    def total_s(self) -> Floats:
        """The longer of device and host, shape (C, N)."""
        return np.maximum(self.operators_s.sum(axis=1), self.host_s)

    def of(self, operators: NDArray[np.bool_]) -> PassTime:
        """A part of the operators on their own."""
        return PassTime(self.operators_s[:, operators], self.starts_s[:, operators])


def activation_bytes(eff: Efficiency) -> int:
    """Bytes of one activation: as wide as the type that products run in, at least 16 bits."""
    return 4 if eff.dtype in ("fp32", "tf32") else ACTIVATION_BYTES


def pass_time(settings: Settings, table: Table, w: Workload, habits: Sequence[PassHabits | None]) -> PassTime:
    """Time of forward passes of models that answer in one.

    Args:
        settings: The machines with their formats.
        table: The model's share on one device.
        w: Flat workloads, shape (N,).
        habits: How the engine of each setting runs such models; ``None``: as the roofline has it.

    Raises:
        ValueError: If ``w`` is not flat, or there is not one entry for each setting.
    """
    if len(w.shape) != 1:
        raise ValueError(f"workloads must be flat, got shape {w.shape}; reshape them to (N,)")
    if len(habits) != len(settings):
        raise ValueError(f"{len(settings)} settings, but habits of {len(habits)} engines")
    seconds = settings.operator_seconds(table, w)
    wide = _column([activation_bytes(s.eff) for s in settings.settings])
    streaming = _column([s.eff.bandwidth_bytes_per_s * s.eff.plain.memory for s in settings.settings])
    own = [on_machine(habit or AS_THE_ROOFLINE, s.machine) for habit, s in zip(habits, settings.settings, strict=True)]
    values = table.timed(w)
    _in_their_type(settings, table, values, own, seconds)
    written = table.coefficients["writes"] @ values
    moved = table.coefficients["reads"] @ values + written
    products, convolutions = table.of_kind(Kind.GEMM, Kind.EXPERTS), table.of_kind(Kind.CONVOLUTION)
    light = ~(products | convolutions | table.of_kind(Kind.ATTENTION, Kind.COLLECTIVE))
    share = _column([h.elementwise_share for h in own])
    # the roofline moves 16-bit activations
    seconds[:, light] = share * (seconds[:, light] + (wide - ACTIVATION_BYTES) * moved[light] / streaming)
    crossed = wide / streaming * written
    seconds[:, products] += _column([h.product_crossings for h in own]) * crossed[:, products]
    seconds[:, convolutions] += _column([h.convolution_crossings for h in own]) * crossed[:, convolutions]
    for index, habit in enumerate(own):
        if habit.score_crossings and habit.fused_tokens is not None:
            scores = _scores(table, w, habit.fused_tokens)
            seconds[index] += habit.score_crossings * scores * wide[index] / streaming[index]
        if habit.eager:
            plainly(seconds[index], settings.settings[index], table, values, w)
    kernels = table.launches[:, None] * (seconds > 0)
    folding = np.array([h.folds_norms for h in own])
    if folding.any():
        folded = light & _chained(table)
        kept = ~(folding[:, None] & folded)[:, :, None]
        seconds, kernels = seconds * kept, kernels * kept
    seconds += kernels * _column([h.kernel_us * 1e-6 for h in own])
    starts = kernels * _column([h.host_us * 1e-6 for h in own])
    apart = [
        h.unpack_host_us * 1e-6 * setting.weights.unpacked_apart
        for h, setting in zip(own, settings.settings, strict=True)
    ]
    if any(apart):
        starts[:, products] += (kernels * _column(apart))[:, products]
    return PassTime(seconds, starts)


def _in_their_type(
    settings: Settings, table: Table, values: Floats, habits: Sequence[PassHabits], seconds: Floats
) -> None:
    """Time convolutions again, in the weights' own type where the roofline has 16 bits.

    32-bit convolutions run in TF32 where a machine has it: cuDNN's default in PyTorch
    (``torch.backends.cudnn.allow_tf32``). Between 8-bit convolutions that engines fold, activations have 8 bits too.
    """
    mask = table.of_kind(Kind.CONVOLUTION)
    if not mask.any():
        return
    flops = table.coefficients["needed"][mask] @ values
    moved = (table.coefficients["reads"] + table.coefficients["writes"])[mask] @ values
    for index, (setting, habit) in enumerate(zip(settings.settings, habits, strict=True)):
        eff = setting.eff
        narrow = eff.dtype in ("int8", "fp8", "fp4")
        if eff.dtype not in ("fp32", "tf32") and not (narrow and habit.folds_norms):
            continue
        peak = eff.peak_flops_per_s or np.inf
        if eff.dtype == "fp32":
            peak = setting.machine.peak_flops_per_s("tf32") or peak
        width = 1 if narrow else activation_bytes(eff)
        traffic = (table.traffic(setting.weights, setting.cache_bits) @ values)[mask]
        traffic = traffic + (width - ACTIVATION_BYTES) * moved
        best = np.maximum(
            flops / (peak * eff.products.compute), traffic / (eff.bandwidth_bytes_per_s * eff.products.memory)
        )
        seconds[index, mask] = best + table.launches[mask, None] * eff.products.launch_us * 1e-6 * (best > 0)


AS_THE_ROOFLINE = PassHabits(source="the roofline: every elementwise step once, attention as one kernel")


def _column(values: Sequence[float]) -> Floats:
    return np.asarray(values, dtype=np.float64)[:, None, None]


def _chained(table: Table) -> NDArray[np.bool_]:
    """Mask of operators in chains of convolutions, the addition to a layer's input included."""
    stacks = {op.part.partition(".")[0] for op in table.operators if op.origin == "convolutions"}
    return np.array(
        [
            op.origin in CHAINED or (op.name.endswith("channel.add") and op.part.partition(".")[0] in stacks)
            for op in table.operators
        ]
    )


def _scores(table: Table, w: Workload, fused_tokens: int) -> Floats:
    """Scores that attention writes, by operator, where a query sees more than ``fused_tokens``; shape (O, N)."""
    scores = np.zeros((len(table.operators), w.shape[0]))
    for row, operator in enumerate(table.operators):
        if operator.kind is not Kind.ATTENTION:
            continue
        for measure, factor in operator.scores.terms.items():
            if isinstance(measure, Pairs):  # windows are short: engines have kernels for them
                length = measure.stream.past(w) + measure.stream.new(w)
                made = np.where(length > fused_tokens, measure.value(w), 0)
                scores[row] += operator.repeat * factor * np.asarray(made, dtype=np.float64)
    return scores


@dataclass(frozen=True, slots=True)
class Counts:
    """What is published of a network that the catalog does not hold; per image or sequence."""

    macs: ArrayLike
    """Multiply-adds."""
    activations: ArrayLike
    """Elements that its products and convolutions write (fvcore's activation count)."""
    parameters: ArrayLike


def counted_time_s(eff: Efficiency, counts: Counts, batch: ArrayLike, habits: PassHabits | None) -> Floats:
    """Seconds of a pass from counts alone: compute, then every crossing of every product's output, then weights.

    Kernels of products and elementwise kernels follow each other, so their times add up. Without an engine's habits
    each output is written and read once.
    """
    own = habits or AS_THE_ROOFLINE
    element_bytes = activation_bytes(eff)
    b = np.asarray(batch, dtype=np.float64)
    peak = (eff.peak_flops_per_s or np.inf) * eff.products.compute
    streaming = eff.bandwidth_bytes_per_s * eff.plain.memory
    compute = 2 * np.asarray(counts.macs, dtype=np.float64) * b / peak
    crossed = own.counted_crossings * np.asarray(counts.activations, dtype=np.float64) * b * element_bytes
    weights = np.asarray(counts.parameters, dtype=np.float64) * element_bytes
    return np.asarray(compute + (crossed + weights) / streaming + own.counted_us * 1e-6)


def resized(architecture: Architecture, side: int) -> Architecture:
    """The same network on square images of ``side`` pixels.

    Raises:
        BadInput: If it reads no image, or its grids do not come out even at that size.
    """
    stacks = []
    found = False
    for stack in architecture.stacks:
        embedding = stack.embedding
        if isinstance(embedding, PatchEmbedding):
            if side % embedding.patch:
                raise BadInput(f"a side of {side} pixels is not a multiple of the patch, {embedding.patch}")
            stack = stack.model_copy(update={"embedding": embedding.model_copy(update={"size": side})})
            found = True
        elif isinstance(embedding, ConvolvedEmbedding) and embedding.source is None:
            stack = stack.model_copy(update={"embedding": embedding.model_copy(update={"side": side})})
            found = True
        stacks.append(stack)
    if not found:
        raise BadInput("the model reads no image, so it has no other image size")
    try:
        return Architecture(stacks=tuple(stacks))
    except ValueError as error:
        raise BadInput(f"images of {side} pixels: {error}") from error
