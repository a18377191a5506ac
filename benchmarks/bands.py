"""Error bands of served models: how far measured times lie from predicted ones, and how often bands hold.

Run from the repository root::

    python -m benchmarks.bands            # print bands and their coverage on what was left out
    python -m benchmarks.bands --write    # and write them to catalog/engines and catalog/error_bands.yaml

An engine has bands of its own where at least ``ENOUGH`` pairs of model and machine were measured under it; all engines
together give the bands of the others. Machines with constants of their own are *calibrated*; *class default* is how
machines come out that are left out of their class; *spec sheet* how they do with the rates of their data sheet alone.
Engine constants were fitted on the same runs: two a kind of run and engine (``benchmarks/engine_constants.py``).
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from advisor.accuracy.intervals import Array, coverage, interval
from advisor.accuracy.runs import CLOSED, Constants, Run, catalogued, predict
from benchmarks.engine_constants import FACTS, served_runs
from benchmarks.left_out import machine_left_out, nominal
from catalog.engine import ErrorBand
from catalog.loader import ROOT, engine_ids

ENOUGH = 8
"""Pairs of model and machine from which an engine has bands of its own."""
STATUS: tuple[tuple[Literal["calibrated", "class default", "spec sheet"], Constants], ...] = (
    ("calibrated", catalogued),
    ("class default", machine_left_out),
    ("spec sheet", nominal),
)
SOURCE = (
    "NVIDIA aiconfigurator 0.12 silicon_sample.csv (Apache-2.0); inference-sim sim-to-real-accuracy-validation and "
    "training runs (vLLM 0.15); benchmarks/bands.py"
)
HEADER = "# Measured over predicted, all engines together: python -m benchmarks.bands --write\n"


@dataclass
class Class:
    """Residuals of one quantity under one status of machines, logarithms by pair of model and machine."""

    engine: str | None
    quantity: str
    badge: Literal["calibrated", "class default", "spec sheet"]
    groups: dict[tuple[str, ...], Array] = field(default_factory=dict)

    @property
    def band(self) -> ErrorBand:
        """The band and what it rests on."""
        found = interval(self.groups)
        machines = sorted({machine for _, machine, *_ in self.groups})
        models = {model for model, *_ in self.groups}
        how = {
            "calibrated": "each with its own constants",
            "class default": "each left out of its class",
            "spec sheet": "each by its data sheet alone",
        }[self.badge]
        who = self.engine or "vLLM, SGLang and TensorRT-LLM"
        return ErrorBand(
            quantity=self.quantity,
            badge=self.badge,
            p10=_rounded(found.low),
            p50=_rounded(found.middle),
            p90=_rounded(found.high),
            rows=sum(map(len, self.groups.values())),
            measured_on=(
                f"{who} serving {len(models)} models on {', '.join(machines)}, {how}; closed loops and constant rates, "
                "every pair of model and machine weighing the same, widened until what is left out fits"
            ),
            source=SOURCE,  # type: ignore[arg-type]
        )

    @property
    def covered(self) -> str:
        """Coverage of what was left out, by machine and by model."""
        parts = []
        for name, index in (("machine", 1), ("model", 0)):
            shares = coverage(self.groups, {key: key[index] for key in self.groups})
            if shares:
                each = ", ".join(f"{fold} {100 * share:.0f}" for fold, share in shares.items())
                parts.append(f"one {name} left out {100 * float(np.mean(list(shares.values()))):.0f} % ({each})")
        return "; ".join(parts)


def _rounded(log_ratio: float) -> float:
    return round(float(np.exp(log_ratio)), 3)


def classes(runs: Sequence[Run]) -> Iterator[Class]:
    """All classes with evidence, those of engines first."""
    for badge, constants in STATUS:
        found = [
            (run, p)
            for run, p in zip(runs, predict(runs, constants), strict=True)
            if (run.kind != CLOSED or p.fits) and (badge != "calibrated" or p.badge == "calibrated")
        ]
        for quantity in ("ttft", "tpot"):
            by_engine: dict[str | None, dict[tuple[str, ...], list[float]]] = defaultdict(lambda: defaultdict(list))
            for run, p in found:
                measured, predicted = (run.ttft_s, p.ttft_s) if quantity == "ttft" else (run.tpot_s, p.tpot_s)
                if measured:
                    for engine in (run.engine, None):
                        by_engine[engine][run.model, run.machine, *(() if engine else (run.engine,))].append(
                            float(np.log(measured / predicted))
                        )
            for engine, groups in by_engine.items():
                if engine is None or len(groups) >= ENOUGH:
                    yield Class(engine, quantity, badge, {key: np.array(values) for key, values in groups.items()})


def no_narrower(bands: Sequence[ErrorBand]) -> list[ErrorBand]:
    """The same, class defaults as wide as constants of one's own at least: who knows less claims no more."""
    own = {band.quantity: band for band in bands if band.badge == "calibrated"}
    wider = []
    for band in bands:
        if band.badge == "class default" and (known := own.get(band.quantity)):
            band = band.model_copy(update={"p10": min(band.p10, known.p10), "p90": max(band.p90, known.p90)})
        wider.append(band)
    return wider


def write(found: Sequence[Class]) -> Iterator[str]:
    """Replace the bands of served models in the engines' files, and the file of all engines."""
    for name in engine_ids():
        own = no_narrower([c.band for c in found if c.engine == name])
        path = ROOT / "engines" / f"{name}.yaml"
        if own and path.exists():
            text = re.sub(r"\nbands:\n(?:[ -].*\n|\n)*", "\n", path.read_text(encoding="utf-8")).rstrip("\n")
            path.write_text(f"{text}\nbands:\n{_yaml(own)}", encoding="utf-8")
            yield f"wrote {len(own)} bands to {path.name}"
    own = no_narrower([c.band for c in found if c.engine is None])
    (ROOT / "error_bands.yaml").write_text(f"{HEADER}bands:\n{_yaml(own)}", encoding="utf-8")
    yield f"wrote {len(own)} bands to error_bands.yaml"


def _yaml(bands: Sequence[ErrorBand]) -> str:
    import yaml

    plain = [{**band.model_dump(exclude={"source"}), "source": band.source.where} for band in bands]
    text = yaml.safe_dump(plain, sort_keys=False, width=116, allow_unicode=True)
    return "".join(f"  {line}\n" for line in text.splitlines())


def main() -> None:
    """Print the bands; write them if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=Path, default=FACTS)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    found = list(classes(served_runs(options.facts)))
    for each in found:
        b = each.band
        label = f"{each.engine or 'all engines':13} {each.quantity} {each.badge:13}"
        print(f"{label} p10 {b.p10:.3f} p50 {b.p50:.3f} p90 {b.p90:.3f}  {b.rows} runs, {len(each.groups)} pairs")
        print(f"    {each.covered}")
    for line in write(found) if options.write else ():
        print(line)


if __name__ == "__main__":
    main()
