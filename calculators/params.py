"""Parameters: total, active per token, embedding."""

from __future__ import annotations

from functools import lru_cache

from calculators.lowering import lower
from calculators.operators import Kind, Role
from catalog.errors import BadInput
from catalog.spec import Architecture, ModelSpec
from catalog.values import dataclass


@dataclass(frozen=True, slots=True)
class Params:
    """Exact integers; a tied matrix counts once."""

    total: int
    active: int
    """What one token uses: of each mixture only ``top_k`` experts; embeddings included."""
    embedding: int
    """Tables that are looked up rather than multiplied: tokens, positions, segments, labels."""


def architecture_of(spec: ModelSpec) -> Architecture:
    """The composition of a model.

    Raises:
        BadInput: If the publisher does not disclose it.
    """
    if isinstance(spec.architecture, str):
        raise BadInput(f"{spec.id} is undisclosed: its publisher tells prices and limits, not what it is made of")
    return spec.architecture


def count_params(spec: ModelSpec) -> Params:
    """Count parameters.

    Source: shapes of the published checkpoints, proven against the PyTorch classes by ``whicharch validate``.

    Raises:
        BadInput: If the architecture is undisclosed.
    """
    return _count(architecture_of(spec))


@lru_cache(maxsize=2048)
def _count(architecture: Architecture) -> Params:
    graph = lower(architecture)
    tables = (
        weight.elements * operator.repeat
        for operator in graph
        if operator.kind is Kind.EMBEDDING
        for weight in operator.weights
        if weight.role is Role.EMBEDDING
    )
    return Params(
        total=sum(operator.parameters for operator in graph),
        active=sum(operator.active_parameters for operator in graph),
        embedding=sum(tables),
    )


def elements_by_role(spec: ModelSpec) -> dict[Role, int]:
    """Parameters by what their tensors are, because formats treat roles differently.

    Raises:
        BadInput: If the architecture is undisclosed.
    """
    counts = dict.fromkeys(Role, 0)
    for operator in lower(architecture_of(spec)):
        for weight in operator.weights:
            counts[weight.role] += weight.elements * operator.repeat
    return counts


def params_by_part(spec: ModelSpec) -> dict[str, int]:
    """Parameters of each part of the model, in order of appearance; they sum to the total.

    Raises:
        BadInput: If the architecture is undisclosed.
    """
    sums: dict[str, int] = {}
    for operator in lower(architecture_of(spec)):
        sums[operator.part] = sums.get(operator.part, 0) + operator.parameters
    return {part: count for part, count in sums.items() if count}
