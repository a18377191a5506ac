"""How unevenly a router loads experts, and what the busiest of the devices that hold them gets.

All devices of an expert-parallel group wait for the busiest one in every layer, so the expected maximum over devices
counts, not the mean.

T tokens visit k of E experts each; device d of ``parts`` holds E/parts of them. Expert e is visited by a token with the
chance π_e (Σπ_e = k), so D = Σ(1 - (1-π_e)^T) experts are visited at all. Which expert lies on which device has nothing
to do with how popular it is, so the visited ones are a random subset: those on each device follow the multivariate
hypergeometric distribution, and the expectation of their maximum is exact (``most_visited``).

Visits on a device have the mean Tk/parts. They differ between devices by chance, with
Var - Cov = (Tk/parts)·(E-k)/(E-1), and because some hold the more popular experts; the maximum over devices is that of
as many normal variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import comb, erf, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from catalog.values import dataclass

Floats = NDArray[np.float64]

OCTAVES, PER_OCTAVE = 24, 8
GRID = np.exp2(np.arange(OCTAVES * PER_OCTAVE + 1) / PER_OCTAVE)
"""Numbers of tokens in the tables, up to 2^24; between them values are interpolated over log2."""
PLACEMENTS = 128
"""Random placements of experts on devices over which the busiest device's popularity is averaged."""
RANGE_SHARE, LEAST_RANGE = 0.8, 0.8 * 32
"""The most popular expert is 0.8·T times as popular as the least, as the collector draws it, and at least as for 32
tokens: with so few it draws from another range."""
SKEWED = 1.01
"""The exponent that ``skewed`` stands for."""
LEAST_EXPONENT, MOST_EXPONENT = 0.5, 2.0
"""With larger ones nearly all experts are equally unpopular, and loads are even again."""


@dataclass(frozen=True, slots=True)
class Routing:
    """How tokens choose their experts.

    ``balanced``: as evenly as can be, what a router's training aims at. ``uniform``: each token at random, all experts
    equally popular. ``power_law``: popularities with the density x^-exponent.

    Source:
        The power law is that of NVIDIA aiconfigurator's collector (``power_law_logits_v3``), whose tables of measured
        experts have exponents of 1.01 and 1.2.
    """

    name: Literal["balanced", "uniform", "power_law"] = "uniform"
    exponent: float = 0.0

    def __str__(self) -> str:
        return f"power_law:{self.exponent:g}" if self.name == "power_law" else self.name


UNIFORM = Routing()
BALANCED = Routing("balanced")
DEFAULT = Routing("power_law", SKEWED)
"""What the time per token of measured servers is closest to (``benchmarks/routing_of_servers.py``): where constants of
engines are fitted on other pairs of model and machine, the mean error over 17 groups of mixtures is 11.2 %, against
11.5 % uniform, 14.4 % balanced and 12.0 % with an exponent of 1.2; over 20 groups of dense models, which share those
constants, 4.9, 5.5, 6.2 and 5.2 %."""
NAMES = ("balanced", "uniform", "skewed (power_law:1.01)", "power_law:1.2")


def routing(text: str) -> Routing:
    """Read ``balanced``, ``uniform``, ``skewed`` or ``power_law:1.2``; empty is the default.

    Raises:
        ValueError: If it is none of them, or the exponent is not from 0.5 to 2.
    """
    if not text:
        return DEFAULT
    if text in ("balanced", "uniform"):
        return Routing(text)  # type: ignore[arg-type]
    if text == "skewed":
        return Routing("power_law", SKEWED)
    found = re.fullmatch(r"power_law[:_](\d+(?:\.\d*)?)", text)
    if not found:
        raise ValueError(f"unknown routing {text!r}; possible: {', '.join(NAMES)}")
    exponent = float(found[1])
    if not LEAST_EXPONENT <= exponent <= MOST_EXPONENT:
        raise ValueError(f"routing {text!r}: exponents are from {LEAST_EXPONENT:g} to {MOST_EXPONENT:g}")
    return Routing("power_law", exponent)


# --- what counts ------------------------------------------------------------------------------------------------------


def visited(tokens: Floats, experts: int, top_k: int, how: Routing = UNIFORM) -> Floats:
    """D: expected number of different experts that T tokens visit."""
    tokens = np.asarray(tokens, dtype=np.float64)
    if how.name == "balanced":
        return np.minimum(tokens * top_k, experts)
    if how.name == "power_law":
        return _between(tokens, _skewed(experts, top_k, 1, how.exponent).distinct)
    missed = 1.0 - top_k / experts
    return np.asarray(experts * (1.0 - missed**tokens) if missed > 0 else experts * np.minimum(tokens, 1))


def busiest_visited(tokens: Floats, experts: int, top_k: int, parts: int, how: Routing = UNIFORM) -> Floats:
    """Expected number of different experts visited on the device with most of them."""
    tokens = np.asarray(tokens, dtype=np.float64)
    if parts == 1:
        return visited(tokens, experts, top_k, how)
    if how.name == "balanced":
        distinct = visited(tokens, experts, top_k, how)
        return np.maximum(distinct / parts, np.minimum(distinct, 1))
    return _between(tokens, _busiest(experts, top_k, parts, how)[0])


def busiest_visits(tokens: Floats, experts: int, top_k: int, parts: int, how: Routing = UNIFORM) -> Floats:
    """Expected pairs of token and expert on the device with most of them, over k: ``Tk/parts`` is ``T/parts``."""
    tokens = np.asarray(tokens, dtype=np.float64)
    if parts == 1:
        return tokens
    if how.name == "balanced":
        return np.maximum(tokens / parts, np.minimum(tokens, 1 / top_k))
    return _between(tokens, _busiest(experts, top_k, parts, how)[1]) * np.maximum(tokens, 1)


# --- tables -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def most_visited(experts: int, parts: int) -> Floats:
    """Expected maximum over devices of the visited experts, by how many of all are visited: shape (experts + 1,).

    ``P(all ≤ x | D) = [z^D] Π_d Σ_{j≤x} C(m_d, j) z^j / C(E, D)``, with m_d experts on device d.
    """
    small, larger = experts // parts, experts % parts
    groups = [(small, parts - larger), (small + 1, larger)]
    whole = _product([(_binomials(m, m), n) for m, n in groups if n])
    above = np.zeros(experts + 1)
    for x in range(small + 1 if larger else small):
        within = _product([(_binomials(m, x), n) for m, n in groups if n])
        above[: len(within)] += 1 - within / whole[: len(within)]
        above[len(within) :] += 1
    above.setflags(write=False)
    return above


def _binomials(m: int, most: int) -> Floats:
    """C(m, j)/2^m for j up to ``most``."""
    return np.array([comb(m, j) / 2**m for j in range(min(m, most) + 1)])


def _product(factors: list[tuple[Floats, int]]) -> Floats:
    whole = np.ones(1)
    for polynomial, power in factors:
        square = polynomial
        while power:
            if power & 1:
                whole = np.convolve(whole, square)
            power >>= 1
            if power:
                square = np.convolve(square, square)
    return whole


@lru_cache(maxsize=256)
def normal_maximum(n: int) -> float:
    """Expected maximum of n standard normal variables."""
    x = np.linspace(-9, 9, 3601)
    below = 0.5 * (1 + np.array([erf(value / sqrt(2)) for value in x]))
    step = x[1] - x[0]
    return float(((x > 0) - below**n).sum() * step + step / 2)


@lru_cache(maxsize=256)
def _busiest(experts: int, top_k: int, parts: int, how: Routing) -> tuple[Floats, Floats]:
    """(experts visited, visits over those of all devices) of the busiest device, by log2 of the tokens."""
    seen = np.interp(visited(GRID, experts, top_k, how), np.arange(experts + 1), most_visited(experts, parts))
    mean = 1 / parts
    excess = normal_maximum(parts) * np.sqrt(mean / (GRID * top_k) * (experts - top_k) / max(experts - 1, 1))
    if how.name == "power_law":
        excess = np.hypot(excess, mean * _skewed(experts, top_k, parts, how.exponent).excess)
    most = min(1.0, -(-experts // parts) / top_k)
    return seen, np.minimum(np.maximum(mean + excess, seen / (GRID * top_k)), most)


@dataclass(frozen=True, slots=True)
class Skewed:
    """Of a power law, by log2 of the tokens."""

    distinct: Floats
    excess: Floats
    """By what share of the mean the popularity of the busiest device is above it."""


Case = tuple[int, int, int, float]
"""Experts, how many a token visits, devices that hold them, and the exponent."""
_KNOWN: dict[Case, Skewed] = {}


def tables_for(cases: Iterable[Case]) -> dict[Case, Skewed]:
    """The tables of some power laws, to be kept where processes end: each takes milliseconds to make."""
    return {case: _skewed(*case) for case in cases}


def remember(tables: Mapping[Case, Skewed]) -> None:
    """Take tables that ``tables_for`` made for known."""
    _KNOWN.update(tables)


@lru_cache(maxsize=128)
def _skewed(experts: int, top_k: int, parts: int, exponent: float) -> Skewed:
    known = _KNOWN.get((experts, top_k, parts, exponent))
    if known is not None:
        return known
    chances = _popularities(GRID, experts, top_k, exponent)
    distinct = (1 - (1 - chances) ** GRID[:, None]).sum(axis=1)
    excess = np.zeros(len(GRID))
    if parts > 1:
        rng = np.random.default_rng((experts, parts))
        device = np.arange(experts) % parts
        placed = np.array([rng.permutation(device) for _ in range(PLACEMENTS)])
        held = np.stack([(placed == d) @ chances.T for d in range(parts)])
        excess = held.max(axis=0).mean(axis=0) / (top_k / parts) - 1
    return Skewed(distinct, excess)


def _popularities(tokens: Floats, experts: int, top_k: int, exponent: float) -> Floats:
    """π_e at the quantiles of the power law, none above 1: shape (tokens, experts)."""
    high = np.maximum(RANGE_SHARE * tokens, LEAST_RANGE)[:, None]
    u = (np.arange(experts) + 0.5) / experts
    power = 1 - exponent
    drawn = high**u if abs(power) < 1e-9 else ((high**power - 1) * u + 1) ** (1 / power)
    chances = drawn / drawn.sum(axis=1, keepdims=True) * top_k
    for _ in range(32):  # what is above 1 goes to the others, in proportion
        over = chances >= 1
        rest = np.where(over, 0.0, chances)
        left = top_k - over.sum(axis=1, keepdims=True)
        total = rest.sum(axis=1, keepdims=True)
        chances = np.where(over, 1.0, rest * np.divide(left, total, out=np.ones_like(total), where=total > 0))
        if not (chances > 1).any():
            break
    return np.asarray(np.minimum(chances, 1.0))


def _between(tokens: Floats, table: Floats) -> Floats:
    """A table over log2 of the tokens; below one token in proportion to them."""
    places = np.minimum(np.log2(np.maximum(tokens, 1)) * PER_OCTAVE, len(table) - 1.000001)
    below = places.astype(np.intp)
    first = table[below]
    return np.asarray((first + (places - below) * (table[below + 1] - first)) * np.minimum(tokens, 1))
