"""How far predicted first-token and per-token times are from measured ones.

Run from the repository root::

    python -m benchmarks.accuracy            # print errors by machine, engine and model, and the bands
    python -m benchmarks.accuracy --write    # also refresh the bands in catalog/engines

Nothing is fitted to these runs except the time per request of vLLM, and every run is judged with the value that the
other pairs of model and machine give. Errors are predicted over measured minus one; bands are quantiles of measured
over predicted, in which every pair weighs the same (on single streams: every machine, and on it every model).
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine_constants import FACTS, request_overhead_s, waits_s
from benchmarks.predictions import Prediction, predict
from benchmarks.serving_runs import Run, closed_loops, constant_rates, single_streams
from catalog.engine import Engine, ErrorBand
from catalog.loader import ROOT, load_engine, load_machine
from catalog.writer import to_yaml

Array = NDArray[np.float64]

KINDS = ("closed loop", "constant rate", "single stream")
OWN_MACHINES = ("consumer gpu", "workstation gpu", "apple", "cpu", "soc")
"""Kinds of machines that llama.cpp is banded on; data-centre cards are reported apart."""
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Judged:
    """A measured run beside what is predicted for it, engine constants included."""

    run: Run
    prediction: Prediction
    ttft_s: float
    tpot_s: float
    fits: bool

    @property
    def clear(self) -> bool:
        """Whether it may count: nothing in doubt, and all clients in memory at once."""
        return self.run.doubt is None and self.fits

    def ratio(self, quantity: str) -> float | None:
        """Measured over predicted."""
        measured = self.run.ttft_s if quantity == "ttft" else self.run.tpot_s
        return None if measured is None else measured / (self.ttft_s if quantity == "ttft" else self.tpot_s)


def engine_of(name: str) -> Engine | None:
    """The catalogued engine, if there is one."""
    return load_engine(name) if (ROOT / "engines" / f"{name}.yaml").exists() else None


def judge(runs: Sequence[Run]) -> list[Judged]:
    """Predict every run with its engine's constants."""
    predictions = predict(runs)
    waits = waits_s(runs, predictions)
    engines = {name: engine_of(name) for name in {run.engine for run in runs}}
    room = engines.get("vllm") or engine_of("vllm")
    judged = []
    for run, p in zip(runs, predictions, strict=True):
        engine = engines[run.engine]
        step_s = engine.step_overhead_us * 1e-6 if engine else 0.0
        request_s = engine.busy_request_ms * 1e-3 if engine else 0.0
        if run.kind == "constant rate":
            request_s = request_overhead_s(waits, run.pair)
        elif run.kind == "single stream":
            request_s = 0.0  # benchmarks without a server
        held_back = (engine or room).memory_gib * 2**30 if engine or room else 0.0  # type: ignore[union-attr]
        fits = run.kind != "closed loop" or p.fits(held_back)
        judged.append(Judged(run, p, p.ttft_s + request_s + step_s, p.tpot_s + step_s, fits))
    return judged


# --- errors ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Errors:
    """Of predicted over measured minus one."""

    n: int
    median: float
    p90: float
    bias: float

    @classmethod
    def of(cls, ratios: Iterable[float]) -> Errors | None:
        """From measured over predicted."""
        errors = 1 / np.array(list(ratios)) - 1
        if not errors.size:
            return None
        size = np.abs(errors)
        return cls(errors.size, float(np.median(size)), float(np.quantile(size, 0.9)), float(np.median(errors)))

    def __str__(self) -> str:
        return f"{self.n:4} {100 * self.median:6.1f} {100 * self.p90:7.1f} {100 * self.bias:+7.1f}"


EMPTY = f"{'-':>4} {'':6} {'':7} {'':7}"
HEAD = f"{'n':>4} {'median':>6} {'p90':>7} {'bias':>7}"


def _ratios(judged: Iterable[Judged], quantity: str) -> list[float]:
    return [ratio for j in judged if (ratio := j.ratio(quantity)) is not None]


def _row(label: str, judged: Sequence[Judged]) -> str:
    cells = [Errors.of(_ratios(judged, quantity)) for quantity in ("tpot", "ttft")]
    return f"{label:78} {' | '.join(EMPTY if cell is None else str(cell) for cell in cells)}"


def tables(judged: Sequence[Judged]) -> Iterator[str]:
    """Errors by kind of run, machine, engine, model and format; then overall."""
    yield f"{'errors in %':78} {'TPOT ' + HEAD[5:]:>27} | {'TTFT ' + HEAD[5:]}"
    for kind in KINDS:
        yield ""
        yield kind.upper()
        own = [j for j in judged if j.run.kind == kind]
        groups: dict[tuple[str, ...], list[Judged]] = defaultdict(list)
        for j in own:
            r = j.run
            mark = "" if j.run.doubt is None else "  (doubtful)"
            if j.fits:
                groups[r.machine, r.engine, r.model, r.weights, mark].append(j)
        for key, members in sorted(groups.items()):
            machine, engine, model, weights, mark = key
            yield _row(f"  {machine:30} {engine:13} {model:18} {weights}{mark}", members)
        for engine in sorted({j.run.engine for j in own}):
            yield _row(
                f"  all of {engine}, doubtful ones left out", [j for j in own if j.clear and j.run.engine == engine]
            )
        yield f"  left out because the cache does not hold all clients: {sum(not j.fits for j in own)} runs"
        reasons = Counter(j.run.doubt for j in own if j.run.doubt)
        yield from (f"  doubtful: {count} runs: {reason}" for reason, count in reasons.items())
    yield ""
    yield _row("OVERALL, doubtful ones left out", [j for j in judged if j.clear])
    yield from _alternatives([j for j in judged if j.clear and j.run.tpot_s is not None])
    yield ""
    yield from _started_together([j for j in judged if j.clear])


def _alternatives(judged: Sequence[Judged]) -> Iterator[str]:
    """What other formulas would give on the same runs."""
    for kind in KINDS[:2]:
        own = [j for j in judged if j.run.kind == kind]
        apart = Errors.of(j.run.tpot_s / j.prediction.apart_s for j in own if j.run.tpot_s)
        shared = Errors.of(_ratios(own, "tpot"))
        yield f"TPOT, {kind}: prompts and steps in passes of their own {apart} | sharing passes (as above) {shared}"


def _started_together(judged: Sequence[Judged]) -> Iterator[str]:
    """First tokens in closed loops: the steady state, and the benchmarks' common start."""
    loops = [j for j in judged if j.run.kind == "closed loop"]
    yield "TTFT IN CLOSED LOOPS, doubtful ones left out"
    yield f"{'':18} {'steady state':>27} | {'clients start together':>27} | {'and a constant from the other pairs':>27}"
    for engine in sorted({j.run.engine for j in loops}):
        own = [j for j in loops if j.run.engine == engine]
        together = {id(j): (j.run.ttft_s or 0) - j.prediction.together_s for j in own}
        constants = {pair: _other_pairs(own, together, pair) for pair in {j.run.pair for j in own}}
        cells = [
            Errors.of(_ratios(own, "ttft")),
            Errors.of((j.run.ttft_s or 0) / j.prediction.together_s for j in own),
            Errors.of((j.run.ttft_s or 0) / (j.prediction.together_s + constants[j.run.pair]) for j in own),
        ]
        spread = f"{1e3 * min(constants.values()):.0f} to {1e3 * max(constants.values()):.0f} ms"
        yield f"  {engine:16} {' | '.join(map(str, cells))}   constant {spread}"
    between = [j.prediction.ttft_s <= (j.run.ttft_s or 0) <= j.run.clients * j.prediction.prefill_s for j in loops]
    yield f"  between the steady state and the last of all clients' prompts: {100 * float(np.mean(between)):.0f} %"


def _other_pairs(judged: Sequence[Judged], rest: dict[int, float], pair: tuple[str, str]) -> float:
    """Median over the other pairs of the median of what is left."""
    others: dict[tuple[str, str], list[float]] = defaultdict(list)
    for j in judged:
        if j.run.pair != pair:
            others[j.run.pair].append(rest[id(j)])
    return max(0.0, float(np.median([np.median(values) for values in others.values()]))) if others else 0.0


# --- bands -------------------------------------------------------------------------------------------------------


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


@dataclass(frozen=True)
class Basis:
    """Which runs a band rests on."""

    engine: str
    quantity: str
    wanted: Callable[[Run], bool]
    on: str
    source: str
    by_machine: bool = False


def _own_machine(run: Run) -> bool:
    return run.kind == "single stream" and load_machine(run.machine).kind in OWN_MACHINES


AICONFIGURATOR = "NVIDIA aiconfigurator 0.12 silicon_sample.csv (Apache-2.0)"
LOAD_TESTS = "inference-sim sim-to-real-accuracy-validation and training runs (vLLM 0.15)"
SINGLE = "decode_single_stream.csv of the project's facts: llama-bench, llmfit and ai-benchmarks tables"

BASES = (
    Basis("vllm", "ttft", lambda r: r.engine == "vllm" and r.kind == "constant rate",
          "constant request rates far from saturation, H100, A100, L40S, bf16, prompts of 547 to 1034 tokens",
          LOAD_TESTS),
    Basis("vllm", "tpot", lambda r: r.engine == "vllm" and r.kind in ("closed loop", "constant rate"),
          "H100, H200, B200, A100, L40S with measured kernels, 4 to 128 requests in flight, one to eight devices",
          f"{AICONFIGURATOR}; {LOAD_TESTS}"),
    Basis("sglang", "tpot", lambda r: r.engine == "sglang" and r.kind == "closed loop",
          "H100 and H200 with measured kernels, closed loops of 4 to 240 clients, one to eight devices",
          AICONFIGURATOR),
    Basis("tensorrt-llm", "tpot", lambda r: r.engine == "tensorrt-llm" and r.kind == "closed loop",
          "H100, H200, B200 with measured kernels, closed loops of 4 to 256 clients, one to eight devices",
          AICONFIGURATOR),
    Basis("llama.cpp", "ttft", _own_machine,
          "prompts of 128 to 4096 tokens without a server, one request at a time, on NVIDIA and AMD cards and Apple",
          SINGLE, by_machine=True),
    Basis("llama.cpp", "tpot", _own_machine,
          "one request at a time on NVIDIA and AMD consumer and workstation cards and Apple silicon",
          SINGLE, by_machine=True),
)  # fmt: skip


def band_of(basis: Basis, judged: Sequence[Judged]) -> ErrorBand | None:
    """The quantiles of a basis; ``None`` without runs."""
    own = [j for j in judged if j.clear and basis.wanted(j.run) and j.ratio(basis.quantity) is not None]
    if not own:
        return None
    ratios = np.array(_ratios(own, basis.quantity))
    weights = weights_of(own, by_machine=basis.by_machine)
    low, middle, high = (round(weighted_quantile(ratios, weights, q), 3) for q in QUANTILES)
    pairs = len({j.run.pair for j in own})
    weighed = "every machine, and on it every model" if basis.by_machine else "every pair of model and machine"
    return ErrorBand.model_validate(
        {
            "quantity": basis.quantity,
            "p10": low,
            "p50": middle,
            "p90": high,
            "rows": len(own),
            "measured_on": f"{basis.on}; {pairs} pairs of model and machine; {weighed} weighs the same",
            "source": f"{basis.source}; benchmarks/accuracy.py",
        }
    )


def bands(judged: Sequence[Judged]) -> dict[str, list[ErrorBand]]:
    """All bands by engine."""
    found: dict[str, list[ErrorBand]] = defaultdict(list)
    for basis in BASES:
        band = band_of(basis, judged)
        if band is not None:
            found[basis.engine].append(band)
    return found


def band_lines(found: dict[str, list[ErrorBand]]) -> Iterator[str]:
    """The bands as a table."""
    yield "BANDS: measured over predicted"
    for engine, own in found.items():
        missing = "" if engine_of(engine) else "  (not in the catalog)"
        for band in own:
            yield (
                f"  {engine:13} {band.quantity}  p10 {band.p10:.2f}  p50 {band.p50:.2f}  p90 {band.p90:.2f}  "
                f"runs {band.rows:4}{missing}  {band.measured_on}"
            )


def write(found: dict[str, list[ErrorBand]]) -> Iterator[str]:
    """Replace the bands of the catalogued engines and leave the rest of each file as it is."""
    for name, own in found.items():
        path = ROOT / "engines" / f"{name}.yaml"
        if not path.exists():
            continue
        text = path.read_text(encoding="utf-8")
        kept = re.sub(r"\nbands:\n(?:[ -].*\n|\n)*", "\n", text).rstrip("\n")
        engine = load_engine(name).model_copy(update={"bands": tuple(own)})
        block = to_yaml(engine).partition("\nbands:\n")[2]
        block = "".join(line for line in _first_block(block.splitlines(keepends=True)))
        path.write_text(f"{kept}\nbands:\n{block}", encoding="utf-8")
        yield f"wrote {len(own)} bands to {path.relative_to(ROOT.parent)}"


def _first_block(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if not line.startswith((" ", "-")):
            return
        yield line


def main() -> None:
    """Print the tables; refresh the bands if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=Path, default=FACTS)
    parser.add_argument("--write", action="store_true", help="refresh the bands in catalog/engines")
    options = parser.parse_args()
    judged = judge([*closed_loops(options.facts), *constant_rates(options.facts), *single_streams(options.facts)])
    found = bands(judged)
    for line in (*tables(judged), "", *band_lines(found), *(write(found) if options.write else ())):
        print(line)


if __name__ == "__main__":
    main()
