"""Which experts are visited when routing is even or follows a power law, as the measured tables were made."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from advisor.fit.tables import Array

DRAWS = 12
"""Over so many draws a power law's numbers are averaged; the tables hold one draw each."""


@lru_cache(maxsize=100_000)
def even(tokens: int, experts: int, top_k: int, ranks: int) -> tuple[float, float]:
    """Experts visited and pairs of token and expert, on the first of ``ranks``.

    Token t visits the experts ``t + i*stride``, and where there are fewer tokens than a stride holds, they are spread.

    Source:
        ``balanced_logits`` of aiconfigurator's collector.
    """
    stride = -(-experts // top_k)
    token, choice = np.arange(tokens)[:, None], np.arange(top_k)[None] * stride
    first = token if tokens >= stride else token * stride / tokens
    visits = ((first + choice) % experts).astype(int)
    own = np.bincount(visits.ravel(), minlength=experts)[: experts // ranks]
    return float(np.count_nonzero(own)), float(own.sum())


@lru_cache(maxsize=100_000)
def power_law(tokens: int, experts: int, top_k: int, ranks: int, alpha: float) -> tuple[float, float]:
    """The same on the busiest of ``ranks``, where the tokens of an expert follow a power law.

    Source:
        ``power_law_logits_v3`` of aiconfigurator's collector: loads are drawn, scaled to all visits and rounded, what
        is then over or missing goes to the busiest and the idlest, and no expert has more visits than there are tokens.
    """
    rng = np.random.default_rng((tokens, experts, top_k, ranks, round(alpha * 1000)))
    visited = pairs = 0.0
    for _ in range(DRAWS):
        own = _loads(rng, tokens, experts, top_k, alpha).reshape(ranks, -1)
        busiest = own[own.sum(axis=1).argmax()]
        visited += np.count_nonzero(busiest) / DRAWS
        pairs += busiest.sum() / DRAWS
    return visited, pairs


def _loads(rng: np.random.Generator, tokens: int, experts: int, top_k: int, alpha: float) -> Array:
    low, high = (1.0, tokens * 0.8) if tokens * top_k > experts else (0.01, 2.0)
    exponent = 1 - alpha
    loads: Array = np.zeros(experts)
    for _ in range(50):
        drawn = ((high**exponent - low**exponent) * rng.random(experts) + low**exponent) ** (1 / exponent)
        loads = np.round(drawn / drawn.sum() * tokens * top_k)
        shuffled = rng.permutation(experts)
        order = shuffled[np.argsort(-loads[shuffled], kind="stable")]
        over = int(loads.sum()) - tokens * top_k
        if over < 0:
            np.add.at(loads, order[np.arange(-over) % experts], 1)
        place = 0
        while over > 0:
            last = order[-1 - place % experts]
            if loads[last] > 0:
                loads[last] -= 1
                over -= 1
            place += 1
        if loads.max() <= tokens:
            return loads
    return np.asarray(np.minimum(loads, tokens))
