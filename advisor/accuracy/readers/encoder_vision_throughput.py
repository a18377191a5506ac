"""Throughput and latency of encoders and image networks: results of timm, FasterTransformer and others."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.accuracy.comparison import Comparison, File, Given, Reader, Skipped
from advisor.accuracy.pass_predictions import constants_of, predict
from advisor.accuracy.pass_runs import COLUMNS, PassRun, run_of
from advisor.estimating.measured import band_for
from catalog.loader import engine_ids, load_engine


def _compare(file: File, given: Given) -> Iterator[Comparison | Skipped]:
    runs: list[PassRun] = []
    for line, row in enumerate(file.rows, 1):
        read = run_of(row, line, engine=given.engine, machine=given.machine)
        if isinstance(read, str):
            yield Skipped(line, read)
        else:
            runs.append(read)
    for run, predicted in zip(runs, predict(runs), strict=True):
        quantity = "pass" if run.spec else "counted pass"
        band = None
        if run.engine in engine_ids():
            band = band_for(load_engine(run.engine), quantity, constants_of(run).badge)
        yield Comparison(
            line=run.line,
            quantity=quantity,
            unit="s",
            measured=run.pass_s,
            predicted=float(predicted),
            keys={"model": run.model, "machine": run.machine, "engine": run.engine, "weights": run.weights,
                  "batch": f"{run.batch:g}"},
            p10=band.p10 * float(predicted) if band else None,
            p90=band.p90 * float(predicted) if band else None,
        )  # fmt: skip


READER = Reader(
    layout="encoder_vision_throughput",
    about="passes of encoders and image networks; 'counted' ones only by published multiply-adds and activations",
    columns=frozenset(COLUMNS),
    compare=_compare,
    by=("quantity", "engine", "machine"),
    fitted="engines' habits (PassHabits); benchmarks/fit_passes.py prints models and machines left out",
)
