"""Pipeline stages: which layers, weights and caches each one has."""

from __future__ import annotations

from collections.abc import Sequence

from calculators.operators import Operator
from calculators.plan import Layout, deepest_stack
from catalog.spec import Architecture, Stack


def layers_of_stages(layers: int, stages: int) -> list[int]:
    """Layers of each stage: equal numbers, the rest from the last stage but one backwards, for the last has the head.

    Source: vLLM, ``get_pp_indices`` in ``vllm/distributed/utils.py``.
    """
    counts = [layers // stages] * stages
    for index in range(2, layers % stages + 2):
        counts[-index] += 1
    return counts


def stage_repeats(operators: Sequence[Operator], architecture: Architecture, layout: Layout) -> list[list[int]]:
    """How often each stage runs each operator of a lowered model; sums to the operator's repeats.

    Embeddings, other towers and what else comes before the layers stand on the first stage; norm, heads and multi-token
    prediction on the last. Each stage but the last sends.
    """
    stack = deepest_stack(architecture)
    positions = _positions(stack, layout.pp)
    prefix = f"{stack.name}."
    found, inside = [], False
    for operator in operators:
        place = operator.name.removeprefix(prefix).split(".")[0] if operator.name.startswith(prefix) else ""
        if operator.name.startswith(f"{prefix}stage."):
            found.append([1] * (layout.pp - 1) + [0])
        elif place.isdigit():
            inside = True
            counts = positions[int(place)]
            found.append([operator.repeat * count // sum(counts) for count in counts])
        else:
            own = [0] * layout.pp
            own[-1 if inside else 0] = operator.repeat
            found.append(own)
    return found


def _positions(stack: Stack, stages: int) -> list[list[int]]:
    """How often each stage runs the layer at each position of the folded stack."""
    starts, at = [], 0
    for group in stack.groups:
        starts.append(at)
        at += len(group.layers)
    order = [
        start + index
        for start, group in zip(starts, stack.groups, strict=True)
        for _ in range(group.repeat)
        for index in range(len(group.layers))
    ]
    counts = [[0] * stages for _ in range(at)]
    first = 0
    for stage, size in enumerate(layers_of_stages(len(order), stages)):
        for position in order[first : first + size]:
            counts[position][stage] += 1
        first += size
    return counts
