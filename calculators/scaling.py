"""Growth with sequence length: what is linear, what is quadratic, the local exponent, and where curves cross."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calculators.graph import OperatorGraph
from calculators.operators import Kind
from calculators.workload import Workload

Floats = NDArray[np.float64]
LONGEST = 2**30
"""Lengths beyond this are not searched."""


def _prefill(n: Floats, encoder_decoder: bool) -> Workload:
    return Workload.of(1, 1, 0, source=n) if encoder_decoder else Workload.of(1, n, 0)


def flops_terms(graph: OperatorGraph, n: ArrayLike, *, encoder_decoder: bool = False) -> tuple[Floats, Floats]:
    """Needed FLOPs of reading ``n`` tokens: (all but attention, attention), each in the shape of ``n``.

    Attention counts the pairs that the mask lets through; an encoder-decoder reads ``n`` and starts to write.

    Source: arXiv:2001.08361, table 1 (the context-dependent term apart from the others).
    """
    lengths = np.asarray(n, dtype=np.float64)
    w = _prefill(lengths, encoder_decoder)
    linear, attention = np.zeros(lengths.shape), np.zeros(lengths.shape)
    for operator in graph:
        flops = np.asarray(operator.needed.value(w), dtype=np.float64) * operator.repeat
        if operator.kind is Kind.ATTENTION:
            attention = attention + flops
        else:
            linear = linear + flops
    return linear, attention


def local_exponent(graph: OperatorGraph, n: ArrayLike, *, encoder_decoder: bool = False, step: float = 0.05) -> Floats:
    """``d log(flops) / d log(n)`` by a central difference over ``±step`` in log n: 1 is linear, 2 quadratic."""
    lengths = np.asarray(n, dtype=np.float64)
    # Whole lengths: closed forms are for whole tokens, and chunked scans step at block borders.
    longer, shorter = np.ceil(lengths * np.exp(step)), np.maximum(np.floor(lengths * np.exp(-step)), 1)
    above = sum(flops_terms(graph, longer, encoder_decoder=encoder_decoder))
    below = sum(flops_terms(graph, shorter, encoder_decoder=encoder_decoder))
    result: Floats = np.log(np.asarray(above) / np.asarray(below)) / np.log(longer / shorter)
    return result


def complexity(graph: OperatorGraph, *, encoder_decoder: bool = False) -> tuple[str, str]:
    """How FLOPs of reading and what must be remembered grow with length in the end, as ``O(n)``, ``O(n²)``, ``O(1)``.

    Read off the exponents between two very long contexts, so windows and chunks count as what they are.
    """
    far = np.array([LONGEST], dtype=np.float64)
    exponent = float(local_exponent(graph, far, encoder_decoder=encoder_decoder)[0])

    def held(n: int) -> int:
        w = Workload.exact(1, 0, n, source=n if encoder_decoder else 0, encode=0)
        return sum(int(s.elements.value(w)) * op.repeat for op in graph for s in op.states)

    near, later = held(LONGEST), held(2 * LONGEST)
    classes = {0: "O(1)", 1: "O(n)", 2: "O(n²)"}
    return classes[round(exponent)], "O(1)" if later == near else classes[round(np.log2(later / near))]


def overtakes(graph: OperatorGraph, *, encoder_decoder: bool = False) -> int | None:
    """The shortest length at which attention needs as many FLOPs as everything else; ``None`` if it never does."""

    def quadratic_leads(n: int) -> bool:
        linear, attention = flops_terms(graph, np.array([n]), encoder_decoder=encoder_decoder)
        return bool(attention[0] >= linear[0])

    if not quadratic_leads(LONGEST):
        return None
    low, high = 0, LONGEST
    while high - low > 1:
        middle = (low + high) // 2
        if quadratic_leads(middle):
            high = middle
        else:
            low = middle
    return high


def crossing(x: Floats, a: Floats, b: Floats) -> list[tuple[int, bool]]:
    """Where two positive curves cross, by linear interpolation of their logarithms over log x.

    Returns:
        For each crossing the x, rounded, and whether ``a`` is the smaller one before it.
    """
    gap = np.log(a) - np.log(b)
    found = []
    for i in range(len(x) - 1):
        if gap[i] * gap[i + 1] < 0:
            share = gap[i] / (gap[i] - gap[i + 1])
            at = np.exp(np.log(x[i]) + share * (np.log(x[i + 1]) - np.log(x[i])))
            found.append((round(float(at)), bool(gap[i] < 0)))
    return found
