"""What a reader must know of how tokens reach a mixture's experts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from advisor.estimating.resolve import Resolved, prompt_tokens
from calculators.imbalance import DEFAULT, busiest_visited, busiest_visits, visited
from calculators.plan import Layout
from catalog.channels import Experts
from catalog.spec import Architecture


def mixture_of(architecture: Architecture) -> Experts | None:
    """The mixture with the most experts; ``None`` where there is none."""
    found = (
        layer.channel
        for stack in architecture.stacks
        for group in stack.groups
        for layer in group.layers
        if isinstance(layer.channel, Experts)
    )
    return max(found, key=lambda channel: channel.experts, default=None)


def routing_notes(case: Resolved) -> list[str]:
    """Sentences without a full stop; none where experts are not divided and tokens choose them at random."""
    mixture, layout, how = mixture_of(case.architecture), case.scenario.layout, case.scenario.routed
    if mixture is None:
        return [] if how == DEFAULT else ["without experts to choose, the routing changes nothing"]
    if layout.ep == 1 and how == DEFAULT:
        return []
    e, k = mixture.experts, mixture.visits
    steps = case.scenario.batch if case.generates else case.scenario.batch * prompt_tokens(case)
    tokens = np.array([float(steps)])
    seen = float(visited(tokens, e, k, how)[0])
    what = "a step" if case.generates else "a pass"
    notes = [f"{how} routing (--routing): {what} of {steps:,} tokens visits {seen:,.1f} of {e} experts in a layer"]
    if layout.ep > 1:
        notes[0] += "; " + _busiest(tokens, e, k, layout, case)
    return notes


def _busiest(tokens: NDArray[np.float64], e: int, k: int, layout: Layout, case: Resolved) -> str:
    how, parts = case.scenario.routed, layout.ep
    most = float(busiest_visited(tokens, e, k, parts, how)[0])
    mean = float(visited(tokens, e, k, how)[0]) / parts
    prompt = np.array([float(prompt_tokens(case))])
    read = float(busiest_visits(prompt, e, k, parts, how)[0] * parts / prompt[0])
    return (
        f"the others wait for the device that visits most, {most:,.1f} instead of {mean:,.1f}, and of a prompt of "
        f"{prompt_tokens(case):,} tokens the busiest of {parts} gets {read:.2f} times its share"
    )
