"""Fit how engines run models that answer in one pass, on whole runs, and check the fit on runs that it did not see.

    python -m benchmarks.fit_passes ../shared/facts/measured/encoder_vision_throughput.csv [--write]

``--write`` puts constants and bands into ``catalog/engines``; redo it whenever constants of machines change.

Only engine overheads are fitted (``PassHabits``): crossings of memory and the host's time per kernel. The machines'
constants come from kernels and stay as they are. Held out: each fifth of the models in turn, and each machine in turn.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from advisor.accuracy.comparison import Skipped
from advisor.accuracy.files import read
from advisor.accuracy.pass_predictions import predict
from advisor.accuracy.pass_runs import PassRun, run_of
from calculators.table import Floats
from catalog.engine import PassHabits
from catalog.loader import ROOT

FITTED = {
    "pytorch": ("convolution_crossings", "product_crossings"),
    "torch-compile": ("convolution_crossings", "elementwise_share"),
    "torch-compile-cpu": ("convolution_crossings", "product_crossings", "kernel_us"),
    "pytorch-1": ("convolution_crossings", "score_crossings", "host_us"),
    "fastertransformer": ("product_crossings", "score_crossings"),
}
FIXED: dict[str, dict[str, object]] = {
    "pytorch-1": {"fused_tokens": 0},
    "fastertransformer": {"fused_tokens": 384},
}
FOLDS = 5


BAND_BY_MACHINE = ("pytorch-1",)
"""Of few models, each unlike the others: judged by machines held out instead of models."""
AS_IN = {("pytorch", "host_us"): "pytorch-1", ("tensorrt", "product_crossings"): "fastertransformer"}
"""Taken from another engine's runs: small batches of PyTorch are all from before 2.0, and TensorRT has none."""


def main(path: str, write: bool = False) -> None:
    """Print fitted habits, and errors before and after on what was held out; perhaps write them down."""
    runs, skipped = runs_of(read(Path(path)).rows)
    print(f"{len(runs)} runs; left out: {dict(Counter(s.reason for s in skipped))}", file=sys.stderr)
    found: dict[str, dict[str, float]] = {}
    bands: dict[tuple[str, str], dict[str, float]] = {}
    for engine in FITTED:
        for counted in (False, True):
            own = [run for run in runs if run.engine == engine and (run.spec is None) == counted]
            if own:
                values, band = _report(engine, own, counted)
                found[engine] = {**found.get(engine, {}), **values}
                bands[engine, "counted pass" if counted else "pass"] = band
    for (engine, name), other in AS_IN.items():
        found.setdefault(engine, {})[name] = found[other][name]
    if write:
        for engine, values in found.items():
            _write(engine, values, {quantity: band for (name, quantity), band in bands.items() if name == engine})


def runs_of(rows: Sequence[Mapping[str, str]]) -> tuple[list[PassRun], list[Skipped]]:
    """Runs that can be compared, and why the other rows cannot."""
    runs, skipped = [], []
    for line, row in enumerate(rows, 1):
        made = run_of(row, line)
        if isinstance(made, PassRun):
            runs.append(made)
        else:
            skipped.append(Skipped(line, made))
    return runs, skipped


def _write(engine: str, values: dict[str, float], bands: dict[str, dict[str, float]]) -> None:
    """Replace the numbers in an engine's file; what they stand for must be there already."""
    path = ROOT / "engines" / f"{engine}.yaml"
    text = path.read_text(encoding="utf-8")
    for name, value in values.items():
        text, count = re.subn(rf"(?m)^(  {name}: ).*$", rf"\g<1>{_rounded(value):g}", text)
        if count != 1:
            raise ValueError(f"{path}: {name} stands there {count} times, expected once")
    for quantity, band in bands.items():
        head, found, rest = text.partition(f"  - quantity: {quantity}\n")
        if not found:
            raise ValueError(f"{path}: no band of {quantity}")
        for name, value in band.items():
            rest = re.sub(rf"    {name}: .*", f"    {name}: {value:g}", rest, count=1)
        text = head + found + rest
    path.write_text(text, encoding="utf-8")


def _rounded(value: float) -> float:
    """Three figures; what is at its lower bound is nothing."""
    return float(f"{value:.3g}") if value >= 0.01 else 0.0


def _report(engine: str, runs: Sequence[PassRun], counted: bool) -> tuple[dict[str, float], dict[str, float]]:
    names = ("counted_crossings", "counted_us") if counted else FITTED[engine]
    features = _features(runs, names, engine)
    measured = np.array([run.pass_s for run in runs])
    weight = _weights(runs)
    before = predict(runs, lambda _: None)
    fold = np.array([zlib.crc32(run.model.encode()) % FOLDS for run in runs])
    held = np.empty(len(runs))
    for k in range(FOLDS):
        if (fold == k).any() and (fold != k).any():
            values = _fit(features, measured, weight, names, fold != k)
            held[fold == k] = _predict(features, values, names)[fold == k]
        else:
            held[fold == k] = np.nan
    machines = np.array([run.machine for run in runs])
    crossed = np.full(len(runs), np.nan)
    for machine in set(machines):
        rest = machines != machine
        if rest.any():
            crossed[~rest] = _predict(features, _fit(features, measured, weight, names, rest), names)[~rest]
    values = _fit(features, measured, weight, names, np.ones(len(runs), bool))
    print(
        engine, "counted" if counted else "by operator", len(runs), dict(zip(names, np.round(values, 3), strict=True))
    )
    band: dict[str, float] = {}
    for machine in [None, *sorted(set(machines))]:
        mask = np.ones(len(runs), bool) if machine is None else machines == machine
        texts = [
            f"{what} {_median(predicted, measured, weight, mask):.3f}"
            for what, predicted in (("before", before), ("models held out", held), ("machine held out", crossed))
        ]
        bias = np.exp(np.median(np.log(measured / _predict(features, values, names))[mask]))
        if machine is None:
            band = _band(measured / (crossed if engine in BAND_BY_MACHINE else held), weight)
            print("   band:", band)
        print(f"   {machine or 'all':18} n={mask.sum():4}  {'  '.join(texts)}  measured/predicted {bias:.2f}")
    return {name: float(value) for name, value in zip(names, values, strict=True)}, band


def _weights(runs: Sequence[PassRun]) -> Floats:
    """Each pair of model and machine weighs the same."""
    count = Counter(run.pair for run in runs)
    return np.array([1 / count[run.pair] for run in runs])


def _median(predicted: Floats, measured: Floats, weight: Floats, mask: Floats) -> float:
    error = np.abs(predicted / measured - 1)[mask]
    kept = ~np.isnan(error)
    if not kept.any():
        return float("nan")
    order = np.argsort(error[kept])
    total = np.cumsum(weight[mask][kept][order])
    return float(error[kept][order][np.searchsorted(total, total[-1] / 2)])


def _band(ratio: Floats, weight: Floats) -> dict[str, float]:
    """Weighted quantiles of measured over predicted."""
    order = np.argsort(ratio)
    total = np.cumsum(weight[order]) / weight.sum()
    return {f"p{q}": round(float(ratio[order][np.searchsorted(total, q / 100)]), 3) for q in (10, 50, 90)}


def _habits(engine: str, **values: float) -> PassHabits:
    return PassHabits.model_validate({"counted_crossings": 0, **FIXED.get(engine, {}), **values, "source": "fit"})


def _features(runs: Sequence[PassRun], names: Sequence[str], engine: str) -> dict[str, Floats]:
    """Seconds that each habit adds per unit; times are linear in crossings."""
    base = predict(runs, lambda _: _habits(engine))
    features = {"": base}
    for name in names:
        if name == "host_us":
            features[name] = predict(runs, lambda _: _habits(engine, host_us=1e12)) / 1e12
        else:
            unit = 0.5 if name == "elementwise_share" else 1.0
            changed = predict(runs, lambda _, n=name, u=unit: _habits(engine, **{n: u}))
            features[name] = 2 * (base - changed) if name == "elementwise_share" else changed - base
    if "elementwise_share" in features:  # the base has all of it, and a share counts from none
        features[""] = base - features["elementwise_share"]
    return features


def _predict(features: dict[str, Floats], values: Floats, names: Sequence[str]) -> Floats:
    device, host = features[""].copy(), 0.0
    for name, value in zip(names, values, strict=True):
        if name == "host_us":
            host = features[name] * value
        else:
            device = device + features[name] * value
    return np.maximum(device, host)


def _fit(features: dict[str, Floats], measured: Floats, weight: Floats, names: Sequence[str], mask: Floats) -> Floats:
    def residuals(logs: Floats) -> Floats:
        predicted = _predict(features, np.exp(logs), names)
        return np.asarray((np.log(predicted / measured) * np.sqrt(weight))[mask])

    start = np.log([{"host_us": 5.0, "kernel_us": 5.0, "counted_us": 1000.0}.get(name, 1.0) for name in names])
    most = np.log([1.0 if name == "elementwise_share" else 1e5 for name in names])
    found = least_squares(residuals, np.minimum(start, most - 1e-3), loss="soft_l1", f_scale=0.1, bounds=(-7, most))
    return np.asarray(np.exp(found.x))


if __name__ == "__main__":
    main(sys.argv[1], "--write" in sys.argv)
