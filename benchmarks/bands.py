"""Bands of measured over predicted times, and how many runs they hold that they were not taken from.

A machine without constants of its own takes those of its class, and its band has to hold that error too. Judging the
measured machines by the class's other members alone would hide it: most pairs of model and machine are on an H100, for
which the class is some 4 % too slow, and that shift even narrows the band of first tokens, because it makes up for part
of what is missing on mixtures of experts. So that band is made of two parts: residuals with own constants, and what
leaving a machine out of its class changes on each of the eight NVIDIA cards with measured kernels, every card weighing
the same. Runs judged directly, one machine left out, test it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.judged import Judged, Waits, engine_of, judge
from benchmarks.left_out import generation_left_out, machine_left_out, members
from benchmarks.serving_runs import Run
from catalog.engine import ErrorBand
from catalog.loader import load_machine

Array = NDArray[np.float64]

OWN_MACHINES = ("consumer gpu", "workstation gpu", "apple", "cpu", "soc")
"""Kinds of machines that llama.cpp is banded on; data-centre cards are reported apart."""
QUANTILES = (0.1, 0.5, 0.9)
SPLITS = 100


def weights_of(judged: Sequence[Judged], *, by_machine: bool) -> Array:
    """Every pair of model and machine weighs the same, or every machine and on it every model."""
    pairs = Counter(j.run.pair for j in judged)
    models = Counter(machine for _, machine in pairs)
    return np.array(
        [1 / pairs[j.run.pair] / (models[j.run.machine] if by_machine else 1) for j in judged], dtype=np.float64
    )


def weighted_quantile(values: Array, weights: Array, q: float) -> float:
    """The value below which the share ``q`` of the weight lies, linear between the middles of the weights."""
    order = np.argsort(values)
    middles = np.cumsum(weights[order]) - weights[order] / 2
    return float(np.interp(q * weights.sum(), middles, values[order]))


# --- what bands rest on ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Basis:
    """Which runs a band rests on."""

    engine: str
    quantity: str
    wanted: Callable[[Run], bool]
    on: str
    source: str
    badge: Literal["calibrated", "class default"] = "calibrated"
    """Which constants the runs were predicted with."""
    by_machine: bool = False


def _rates(run: Run) -> bool:
    return run.engine == "vllm" and run.kind == "constant rate"


def _loops_and_rates(run: Run) -> bool:
    return run.engine == "vllm" and run.kind in ("closed loop", "constant rate")


def _own_machine(run: Run) -> bool:
    return run.kind == "single stream" and load_machine(run.machine).kind in OWN_MACHINES


AICONFIGURATOR = "NVIDIA aiconfigurator 0.12 silicon_sample.csv (Apache-2.0)"
LOAD_TESTS = "inference-sim sim-to-real-accuracy-validation and training runs (vLLM 0.15)"
SINGLE = "decode_single_stream.csv of the project's facts: llama-bench, llmfit and ai-benchmarks tables"
SEEN = "NVIDIA cards judged with constants of other cards; AMD and Apple with constants from the same table"

BASES = (
    Basis("vllm", "ttft", _rates,
          "constant request rates far from saturation, H100, A100, L40S, bf16, prompts of 547 to 1034 tokens",
          LOAD_TESTS),
    Basis("vllm", "tpot", _loops_and_rates,
          "H100, H200, B200, A100, L40S with measured kernels, 4 to 128 requests in flight, one to eight devices",
          f"{AICONFIGURATOR}; {LOAD_TESTS}"),
    Basis("sglang", "tpot", lambda r: r.engine == "sglang" and r.kind == "closed loop",
          "H100 and H200 with measured kernels, closed loops of 4 to 240 clients, one to eight devices",
          AICONFIGURATOR),
    Basis("tensorrt-llm", "tpot", lambda r: r.engine == "tensorrt-llm" and r.kind == "closed loop",
          "H100, H200, B200 with measured kernels, closed loops of 4 to 256 clients, one to eight devices",
          AICONFIGURATOR),
    Basis("llama.cpp", "ttft", _own_machine,
          "prompts of 128 to 4096 tokens without a server, one request at a time, on NVIDIA and AMD cards and Apple; "
          + SEEN, SINGLE, "class default", by_machine=True),
    Basis("llama.cpp", "tpot", _own_machine,
          "one request at a time on NVIDIA and AMD consumer and workstation cards and Apple silicon; " + SEEN,
          SINGLE, "class default", by_machine=True),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Evidence:
    """The runs behind a band."""

    basis: Basis
    badge: Literal["calibrated", "class default"]
    """Which machines the band is for."""
    own: Sequence[Judged]
    held: Sequence[Judged]
    """What such a machine's predictions are judged by: the same runs, or those of machines left out of their class."""
    changes: Mapping[str, Array] = field(default_factory=dict)
    """By machine left out, the factor that each run's measured over predicted would gain there."""

    def quantiles(self, wanted: Callable[[Run], bool] = lambda run: True, machine: str = "") -> tuple[float, ...]:
        """p10, p50 and p90 from the wanted runs, without what a machine changes."""
        chosen = np.array([wanted(j.run) for j in self.own])
        runs = [j for j, keep in zip(self.own, chosen, strict=True) if keep]
        ratios, weights = self._ratios(runs), weights_of(runs, by_machine=self.basis.by_machine)
        factors = [change[chosen] for name, change in self.changes.items() if name != machine]
        if factors:
            ratios, weights = np.concatenate([ratios * f for f in factors]), np.tile(weights, len(factors))
        return tuple(weighted_quantile(ratios, weights, q) for q in QUANTILES)

    def _ratios(self, judged: Sequence[Judged]) -> Array:
        return np.array([j.ratio(self.basis.quantity) for j in judged], dtype=np.float64)

    def covered(self, low: float, high: float, wanted: Callable[[Run], bool]) -> float:
        """Share of the wanted held runs between two values, by weight."""
        runs = [j for j in self.held if wanted(j.run)]
        ratios = self._ratios(runs)
        weights = weights_of(runs, by_machine=self.basis.by_machine)
        return float(np.average((low <= ratios) & (ratios <= high), weights=weights))

    @property
    def direct(self) -> tuple[float, ...]:
        """Quantiles of the held runs themselves."""
        weights = weights_of(self.held, by_machine=self.basis.by_machine)
        return tuple(weighted_quantile(self._ratios(self.held), weights, q) for q in QUANTILES)


def _chosen(basis: Basis, judged: Sequence[Judged], badge: str | None = None) -> list[Judged]:
    return [
        j
        for j in judged
        if j.clear
        and basis.wanted(j.run)
        and j.ratio(basis.quantity) is not None
        and badge in (None, j.prediction.badge)
    ]


def _changes(basis: Basis, own: Sequence[Judged], waits: Waits) -> dict[str, Array]:
    """Predicted with a card's own constants over predicted with its class's from the others, run by run.

    All-reduces fall back as on machines without a measured one; for cards without peer links that fallback is the
    L40S's own measurement.
    """
    found = {}
    for machine in members():
        there = [replace(j.run, machine=machine.id) for j in own]
        known, bare = judge(there, waits=waits), judge(there, machine_left_out, waits)
        found[machine.id] = np.array(
            [k.predicted_s(basis.quantity) / b.predicted_s(basis.quantity) for k, b in zip(known, bare, strict=True)]
        )
    return found


@dataclass(frozen=True, eq=False)
class LeftOut:
    """The runs of vLLM, judged as if nobody had measured their machine."""

    waits: Waits
    machine: Sequence[Judged]
    generation: Sequence[Judged]
    """As if nobody had measured any machine of the same architecture."""

    @classmethod
    def of(cls, runs: Sequence[Run], waits: Waits) -> LeftOut:
        """Judge them; what a request takes stays as with all machines known, for it is the engine's."""
        own = [run for run in runs if run.engine == "vllm"]
        return cls(waits, judge(own, machine_left_out, waits), judge(own, generation_left_out, waits))


def evidence(judged: Sequence[Judged], left_out: LeftOut) -> Iterator[Evidence]:
    """What each band rests on."""
    for basis in BASES:
        own = _chosen(basis, judged, basis.badge)
        if not own:
            continue
        yield Evidence(basis, basis.badge, own, own)
        if basis.engine == "vllm":
            held = _chosen(basis, left_out.machine)
            yield Evidence(basis, "class default", own, held, _changes(basis, own, left_out.waits))


# --- bands -------------------------------------------------------------------------------------------------------


def band_of(found: Evidence) -> ErrorBand:
    """The quantiles, rounded, with what they rest on."""
    basis = found.basis
    low, middle, high = (round(value, 3) for value in found.quantiles())
    pairs = len({j.run.pair for j in found.own})
    weighed = "every machine, and on it every model," if basis.by_machine else "every pair"
    on = f"{basis.on}; {pairs} pairs of model and machine, {weighed} weighs the same"
    if found.changes:
        on += (
            f"; for machines without constants of their own, times what leaving one machine out of its class changes "
            f"on each of {len(found.changes)} measured NVIDIA cards"
        )
    return ErrorBand.model_validate(
        {
            "quantity": basis.quantity,
            "badge": found.badge,
            "p10": low,
            "p50": middle,
            "p90": high,
            "rows": len(found.own),
            "measured_on": on,
            "source": f"{basis.source}; benchmarks/accuracy.py",
        }
    )


def bands(found: Sequence[Evidence]) -> dict[str, list[ErrorBand]]:
    """All bands by engine."""
    own: dict[str, list[ErrorBand]] = defaultdict(list)
    for each in found:
        own[each.basis.engine].append(band_of(each))
    return own


def _text(quantiles: tuple[float, ...]) -> str:
    return "  ".join(f"p{100 * q:.0f} {value:.3f}" for q, value in zip(QUANTILES, quantiles, strict=True))


def lines(found: Sequence[Evidence], left_out: LeftOut) -> Iterator[str]:
    """The bands; the same from runs that are judged directly; how many held-out runs they hold."""
    yield "BANDS: measured over predicted"
    for each in found:
        missing = "" if engine_of(each.basis.engine) else "  (not in the catalog)"
        yield f"{_label(each)} {_text(each.quantiles())}  runs {len(each.own):4}{missing}  {band_of(each).measured_on}"
    yield ""
    yield "CLASS DEFAULTS JUDGED DIRECTLY, every pair weighing the same (not written: see bands.py)"
    for each in found:
        if each.changes:
            other = replace(each, held=_chosen(each.basis, left_out.generation))
            yield f"{_label(each)} {_text(each.direct)}  runs {len(each.held):4}  one machine left out"
            yield f"{_label(each)} {_text(other.direct)}  runs {len(each.held):4}  its whole generation left out"
            yield from _by_machine(each)
    yield ""
    yield "COVERAGE of bands (80 % if all is well) on runs that they were not taken from"
    for each in found:
        halves, (low, high) = halves_covered(each)
        machines = machines_covered(each)
        mean = f"{100 * float(np.mean(list(machines.values()))):3.0f} %" if machines else "-"
        yield (
            f"{_label(each)} halves of the pairs {100 * halves:3.0f} % ({100 * low:.0f} to {100 * high:.0f} in 8 of 10 "
            f"of {SPLITS} splits)  one machine left out {mean}: "
            + ", ".join(f"{name} {100 * share:.0f}" for name, share in machines.items())
        )


def _label(found: Evidence) -> str:
    return f"  {found.basis.engine:13} {found.basis.quantity}  {found.badge:13}"


def _by_machine(found: Evidence) -> Iterator[str]:
    for machine in sorted(found.changes):
        held = [j for j in found.held if j.run.machine == machine]
        seen = f"  measured {_text(replace(found, held=held).direct)}  runs {len(held)}" if held else ""
        weights = weights_of(found.own, by_machine=False)
        change = float(np.average(found.changes[machine], weights=weights))
        yield f"    {machine:30} left out of its class: times own over class {change:.3f}{seen}"


# --- coverage ----------------------------------------------------------------------------------------------------


def _half(salt: int, side: int) -> Callable[[Run], bool]:
    """One half of the pairs of model and machine, by hash."""
    return lambda run: sha256(f"{salt} {run.model} {run.machine}".encode()).digest()[0] % 2 == side


def _on(machine: str, *, same: bool) -> Callable[[Run], bool]:
    return lambda run: (run.machine == machine) is same


def halves_covered(found: Evidence) -> tuple[float, tuple[float, float]]:
    """Coverage of one half of the pairs by the other's band: mean, and p10 and p90 over the splits."""
    shares = []
    for salt in range(SPLITS):
        halves = _half(salt, 0), _half(salt, 1)
        if all(any(map(half, (j.run for j in found.own))) for half in halves):
            for one, other in (halves, halves[::-1]):
                low, _, high = found.quantiles(one)
                shares.append(found.covered(low, high, other))
    return float(np.mean(shares)), (float(np.quantile(shares, 0.1)), float(np.quantile(shares, 0.9)))


def machines_covered(found: Evidence) -> dict[str, float]:
    """Coverage of each machine's runs by a band that knows nothing of it."""
    machines = sorted({j.run.machine for j in found.own})
    if len(machines) < 2:
        return {}
    shares = {}
    for machine in machines:
        low, _, high = found.quantiles(_on(machine, same=False), machine)
        shares[machine] = found.covered(low, high, _on(machine, same=True))
    return shares
