"""Measured runs beside what is predicted for them, the engines' constants included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.engine_constants import request_overhead_s, waits_s
from benchmarks.predictions import Constants, Prediction, catalogued, predict
from benchmarks.serving_runs import Run
from catalog.engine import Engine
from catalog.loader import ROOT, load_engine


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
        return None if measured is None else measured / self.predicted_s(quantity)

    def predicted_s(self, quantity: str) -> float:
        """Time to the first token, or per further token."""
        return self.ttft_s if quantity == "ttft" else self.tpot_s


def engine_of(name: str) -> Engine | None:
    """The catalogued engine, if there is one."""
    return load_engine(name) if (ROOT / "engines" / f"{name}.yaml").exists() else None


Waits = dict[tuple[str, str], float]
"""By model and machine, what a first token takes besides waiting and computing, in seconds."""


def judge(runs: Sequence[Run], constants: Constants = catalogued, waits: Waits | None = None) -> list[Judged]:
    """Predict every run with its engine's constants; what a request takes is taken from these runs or given."""
    predictions = predict(runs, constants)
    if waits is None:
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
