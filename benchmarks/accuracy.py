"""How far predicted first-token and per-token times are from measured ones.

Run from the repository root::

    python -m benchmarks.accuracy            # print errors by machine, engine and model, and the bands
    python -m benchmarks.accuracy --write    # also refresh the bands in catalog/engines

Nothing is fitted to served runs except the time per request of vLLM, and every run is judged with the value that the
other pairs of model and machine give; of single streams, those on AMD and Apple are part of what their classes'
constants were taken from. Errors are predicted over measured minus one. Bands: ``benchmarks/bands.py``.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.bands import LeftOut, bands, evidence, lines
from benchmarks.engine_constants import FACTS, waits_s
from benchmarks.judged import Judged, judge
from benchmarks.serving_runs import closed_loops, constant_rates, single_streams
from catalog.engine import ErrorBand
from catalog.loader import ROOT, load_engine
from catalog.writer import to_yaml

KINDS = ("closed loop", "constant rate", "single stream")


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


# --- the run -----------------------------------------------------------------------------------------------------


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
    runs = [*closed_loops(options.facts), *constant_rates(options.facts), *single_streams(options.facts)]
    judged = judge(runs)
    left_out = LeftOut.of(runs, waits_s(runs, [j.prediction for j in judged]))
    found = list(evidence(judged, left_out))
    for line in (*tables(judged), "", *lines(found, left_out), *(write(bands(found)) if options.write else ())):
        print(line)


if __name__ == "__main__":
    main()
