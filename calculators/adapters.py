"""Low-rank adapters (LoRA): what is trained when the model itself is frozen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from calculators.lowering import lower
from calculators.operators import Kind, Operator, Weight
from calculators.params import architecture_of
from calculators.training import trained_form
from calculators.workload import Workload
from catalog.errors import BadInput, unknown
from catalog.spec import ModelSpec

TARGETS = ("q", "k", "v", "o", "gate", "up", "down")
"""Projections that adapters usually sit on."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """LoRA on one kind of matrix."""

    target: str
    matrices: int
    parameters: int


def lora(spec: ModelSpec, rank: int = 16, targets: Iterable[str] = ("q", "v")) -> tuple[Adapter, ...]:
    """Parameters of adapters of ``rank`` on the named projections: ``r·(inputs + outputs)`` for each matrix.

    Routed experts hold their matrices in one tensor and get none, as in peft's default.

    Args:
        spec: The frozen model.
        rank: Inner width of an adapter.
        targets: Some of q, k, v, o, gate, up, down.

    Source:
        arXiv:2106.09685, section 4.1: ``W + BA`` with A of r x inputs and B of outputs x r.

    Raises:
        BadInput: If a target is unknown or the model has no such matrix, or the rank is not positive.
    """
    if rank < 1:
        raise BadInput(f"rank: {rank} is not positive")
    found = []
    for target in dict.fromkeys(targets):
        if target not in TARGETS:
            raise unknown("adapter target", target, TARGETS)
        shapes = [(op, weight.shape) for op in lower(architecture_of(spec)) for weight in _matrices(op, target)]
        if not shapes:
            raise BadInput(f"{spec.id} has no {target} projection to adapt")
        count = sum(op.repeat for op, _ in shapes)
        found.append(Adapter(target, count, sum(rank * sum(shape) * op.repeat for op, shape in shapes)))
    return tuple(found)


def lora_training_flops(
    spec: ModelSpec, tokens: int = 2048, batch: int = 1, *, rank: int = 16, targets: Iterable[str] = ("q", "v")
) -> int:
    """Needed FLOPs of one step that trains adapters alone, on text.

    Forward and the gradients of activations run through the whole model; gradients of frozen weights are not taken,
    so a product costs twice its forward FLOPs, and attention, which has no weights, three times. An adapter costs three
    times ``2·r·(inputs + outputs)`` per token.

    Source: arXiv:2106.09685, section 4; the backward pass by operator as in ``calculators.training``.

    Raises:
        BadInput: As ``lora``.
    """
    w = Workload.exact(batch, tokens, 0)
    total = 3 * 2 * batch * tokens * sum(adapter.parameters for adapter in lora(spec, rank, targets))
    for op in lower(architecture_of(spec)):
        forward = int(trained_form(op, "needed").value(w)) * op.repeat
        total += forward * (3 if op.kind is Kind.ATTENTION else 2)
    return total


def _matrices(operator: Operator, target: str) -> Iterator[Weight]:
    for weight in operator.weights:
        if len(weight.shape) == 2 and weight.name.removesuffix(".weight").rpartition(".")[2] == target:
            yield weight
