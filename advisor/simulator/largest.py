"""The largest rate at which promises are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from advisor.simulator.promises import Promise, keeps
from advisor.simulator.result import Run, Simulation
from advisor.simulator.setup import Setup
from advisor.simulator.traffic import Traffic
from catalog.errors import BadInput

PRECISION = 0.01
"""How closely the largest rate is found."""
MOST_RATE = 1e6
LEAST_RATE = 1e-4


def largest_rate(
    setup: Setup, promises: Sequence[Promise], seeds: range, progress: Callable[[str], None] | None = None
) -> Simulation:
    """The largest rate at which all seeds keep the promises: doubled until it fails, then halved in between.

    All rates see the same requests, only closer together, so that chance does not hide the answer.

    Raises:
        BadInput: If nothing is promised, or the traffic has no rate.
    """
    base = setup.rate
    if base is None:
        raise BadInput("find max-rate needs traffic at a rate, not a trace or clients")
    if not promises:
        raise BadInput("find max-rate needs slo, such as ttft.p95<1s,tpot.p95<50ms")

    def at(rate: float) -> list[Traffic]:
        return [replace(c, rate=c.rate * rate / base) for c in setup.classes]

    def attempt(rate: float) -> tuple[bool, list[Run]]:
        runs: list[Run] = []
        for seed in seeds:
            runs.append(setup.run(at(rate), seed))
            if not keeps(runs[-1].outcome, promises):
                break
        good = len(runs) == len(seeds) and keeps(runs[-1].outcome, promises)
        if progress is not None:
            progress(f"{rate:.3g} requests/s: {'kept' if good else 'missed'}")
        return good, runs

    low = high = base
    good, runs = attempt(base)
    if good:
        best = runs
        while good and high < MOST_RATE:
            high *= 2
            good, runs = attempt(high)
            if good:
                low, best = high, runs
    else:
        while not good and low > LEAST_RATE:
            low, high = low / 4, low
            good, runs = attempt(low)
        if not good:
            return setup.answer(promises, runs, at(low), 0.0)
        best = runs
    while high / low > 1 + PRECISION:
        middle = (low * high) ** 0.5
        good, runs = attempt(middle)
        if good:
            low, best = middle, runs
        else:
            high = middle
    return setup.answer(promises, best, at(low), low)
