"""Near-duplicates: releases of one architecture by one organisation, of which a shortlist needs the best only.

Two disclosed models are of one lineage if the catalog says the same of organisation, family, modalities and of the
layers of their largest stack, and if their parameters differ by at most half a percent (a longer word list). So base
and instructed, dated and language or code releases of a size fall together (Llama-3-8B and 3.1-8B, Qwen2-7B and
2.5-7B), and sizes and generations with other layers do not (Qwen2.5-32B and Qwen3-32B).

Closed models are of one lineage if one organisation sells them under the same name before the number at the same list
price: who pays the price takes the best of them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise

from calculators.params import count_params
from catalog.spec import ModelSpec, Stack

SAME_SIZE = 0.005
"""Share by which parameter counts of one lineage may differ from the next smaller one."""


def lineages(models: Iterable[ModelSpec]) -> dict[str, str]:
    """The oldest model of each one's lineage, by model id; releases without a date count as the newest."""
    groups: dict[tuple[object, ...], list[ModelSpec]] = defaultdict(list)
    for spec in models:
        groups[_kind(spec)].append(spec)
    found: dict[str, str] = {}
    for group in groups.values():
        for same in _sizes(group):
            first = min(same, key=lambda spec: (str(spec.released or "9999"), spec.id))
            found |= dict.fromkeys((spec.id for spec in same), first.id)
    return found


def _kind(spec: ModelSpec) -> tuple[object, ...]:
    if isinstance(spec.architecture, str):
        price = (spec.prices[0].input_usd_per_mtok, spec.prices[0].output_usd_per_mtok) if spec.prices else spec.id
        return spec.organisation, re.split(r"\d", spec.id, maxsplit=1)[0], price
    deepest = max(spec.architecture.stacks, key=lambda stack: stack.n_layers * stack.hidden)
    return spec.organisation, spec.family, spec.inputs, spec.outputs, _shape(deepest)


def _shape(stack: Stack) -> tuple[object, ...]:
    """What a stack's layers are made of."""
    layers = tuple(
        (group.repeat, tuple((layer.mixer, layer.channel) for layer in group.layers)) for group in stack.groups
    )
    return stack.role, stack.hidden, layers


def _sizes(group: list[ModelSpec]) -> Iterable[list[ModelSpec]]:
    """Models of one kind by parameter count."""
    if not group[0].is_disclosed:
        return [group]
    ordered = sorted(group, key=lambda spec: count_params(spec).total)
    found = [[ordered[0]]]
    for before, spec in pairwise(ordered):
        if count_params(spec).total > (1 + SAME_SIZE) * count_params(before).total:
            found.append([])
        found[-1].append(spec)
    return found
