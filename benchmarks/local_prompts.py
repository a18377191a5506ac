"""What share of their 16-bit peak llama.cpp's prompts reach on Apple's chips, each chip left out in turn.

Run from the repository root::

    python -m benchmarks.local_prompts

prints ``compute`` and ``attention_compute`` of Apple's chips in ``catalog/engines/llama.cpp.yaml`` from a grid, errors
of chips that they were not chosen on, and the bands of prompts. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from advisor.accuracy.errors import weighted_quantile
from advisor.accuracy.files import read
from advisor.accuracy.readers.decode_single_stream import streams
from advisor.accuracy.streams import Stream, predict
from benchmarks.local_rates import TABLES
from catalog.engine import Engine, KernelRates
from catalog.loader import load_engine, load_machine

Array = NDArray[np.float64]
COMPUTE = (0.57, 0.6, 0.63, 0.66, 0.69, 0.72, 0.75, 0.78)
ATTENTION = (0.05, 0.07, 0.1, 0.14, 0.2, 0.28)
SCALE = 0.1
"""Errors beyond it weigh in by their size, not their square."""


class Shares(NamedTuple):
    """Of the 16-bit peak."""

    compute: float
    attention: float


class Prompts:
    """Prompts that fit their machines, every pair of model and machine weighing the same."""

    def __init__(self) -> None:
        """Read them from the tables."""
        found = [s for path in TABLES for s in streams(read(path).rows) if isinstance(s, Stream) and s.prompt_tokens]
        found = [s for s in found if s.engine == "llama.cpp" and s.doubt is None]
        self.streams = [s for s, known in zip(found, predict(found), strict=True) if known.fits]
        pairs = [(s.model, s.machine) for s in self.streams]
        self.weights = np.array([1 / pairs.count(pair) for pair in pairs])
        self.measured_s = np.array([s.measured_s for s in self.streams])
        self.machine = np.array([s.machine for s in self.streams])
        self.apple = np.array([load_machine(s.machine).vendor == "apple" for s in self.streams])

    def predicted_s(self, engine: Engine) -> Array:
        """With an engine's constants."""
        return np.array([each.seconds for each in predict(self.streams, lambda _engine, _machine: engine)])

    def line(self, label: str, predicted_s: Array, mask: NDArray[np.bool_]) -> str:
        """Median, 90th percentile and bias of some of them."""
        error, weights = (predicted_s / self.measured_s - 1)[mask], self.weights[mask]
        numbers = [weighted_quantile(np.abs(error), weights, q) for q in (0.5, 0.9)]
        shown = "".join(f"{100 * n:7.1f}" for n in [*numbers, weighted_quantile(error, weights, 0.5)])
        return f"  {label:16} prompts {mask.sum():4}   median, p90, bias in % {shown}"


def with_shares(engine: Engine, shares: Shares) -> Engine:
    """The engine with other shares on Apple's chips."""

    def changed(rates: KernelRates) -> KernelRates:
        if rates.vendors != ("apple",) and not all(m.startswith("apple") for m in rates.machines or ("",)):
            return rates
        return rates.model_copy(update={"compute": shares.compute, "attention_compute": shares.attention})

    return engine.model_copy(update={"kernels": tuple(map(changed, engine.kernels))})


def best(prompts: Prompts, grid: Mapping[Shares, Array], mask: NDArray[np.bool_]) -> Shares:
    """The shares that fit some prompts best."""

    def loss(shares: Shares) -> float:
        error = np.log(grid[shares] / prompts.measured_s)[mask]
        return float((prompts.weights[mask] * np.sqrt(1 + (error / SCALE) ** 2)).sum())

    return min(grid, key=loss)


def main() -> None:
    """Print the report."""
    prompts, engine = Prompts(), load_engine("llama.cpp")
    engines = {Shares(*pair): with_shares(engine, Shares(*pair)) for pair in product(COMPUTE, ATTENTION)}
    grid = {shares: prompts.predicted_s(own) for shares, own in engines.items()}
    held_out = prompts.predicted_s(engine)
    print(f"compute, attention_compute: {tuple(best(prompts, grid, prompts.apple))}; each chip left out")
    chips = sorted(set(prompts.machine[prompts.apple]))
    for chip in chips:
        own = prompts.machine == chip
        held_out[own] = grid[best(prompts, grid, prompts.apple & ~own)][own]
        print(prompts.line(chip, held_out, own))
    print(prompts.line("all of them", held_out, prompts.apple))
    for whose, mask in (("Apple's chips", prompts.apple), ("the others", ~prompts.apple)):
        ratio = (prompts.measured_s / held_out)[mask]
        low, middle, high = (weighted_quantile(ratio, prompts.weights[mask], q) for q in (0.1, 0.5, 0.9))
        print(f"band of {whose}, measured over predicted: p10 {low:.3f}, p50 {middle:.3f}, p90 {high:.3f}")


if __name__ == "__main__":
    main()
