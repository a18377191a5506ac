"""Proof of the catalog: our counts against those of the real PyTorch models.

Each model is built and measured in a worker process, so that one that crashes takes nothing else with it. The front
process stays without torch.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from calculators.flops import count_flops
from calculators.memory import cache_bytes
from calculators.params import count_params
from calculators.reference import missing
from calculators.reference.observation import Observation, Quantity, Setting, excess
from catalog.errors import BadInput
from catalog.loader import all_models, load
from catalog.spec import ModelSpec

Status = Literal["equal", "differs", "failed", "not applicable"]
Progress = Callable[[int, int, str], None]
"""Called with (models done, models in all, id of the model just done)."""

Measure = Callable[[ModelSpec], list[Observation]]

MAX_JOBS = 8
"""Workers where nobody says how many: each holds torch and transformers, about 0.7 GB."""


@dataclass(frozen=True, slots=True)
class Check:
    """One quantity of one model: what the real model shows and what we compute."""

    model: str
    quantity: Quantity
    setting: str
    """Batch and lengths of the pass."""
    witness: str
    """Who counted: tool, library with version, class."""
    measured: int | None
    """What was counted on the real model; ``None`` where it could not be run or has no such thing."""
    departure: int
    """By how much the reference class is known to exceed the published model."""
    ours: int | None
    note: str = ""
    """Why there is no value, or what the departure is."""
    failed: bool = False
    """Whether the reference, or our own count, could not be run."""
    rounding: int = 1
    """The unit of the last digit of a published figure: what lies within half of it is equal."""

    @property
    def reference(self) -> int | None:
        """What our count must equal: the measurement without the known departure."""
        return None if self.measured is None else self.measured - self.departure

    @property
    def difference(self) -> int | None:
        """Ours minus the reference; ``None`` where either is missing."""
        return None if self.reference is None or self.ours is None else self.ours - self.reference

    @property
    def status(self) -> Status:
        """``not applicable`` is for what a model does not have; what could not be run has failed."""
        if self.failed:
            return "failed"
        if self.difference is None:
            return "not applicable"
        return "differs" if 2 * abs(self.difference) > self.rounding else "equal"

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against us."""
        return self.status in ("equal", "not applicable")

    def as_dict(self) -> dict[str, Any]:
        """The fields and what follows from them, for JSON."""
        derived = {"reference": self.reference, "difference": self.difference, "status": self.status}
        return asdict(self) | derived


def validate(
    ids: Sequence[str | Path | ModelSpec] | None = None,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
    quick: bool = False,
    fvcore: bool | None = None,
) -> list[Check]:
    """Compare models with their PyTorch classes: parameters, FLOPs by two witnesses, cache bytes.

    Call it under ``if __name__ == "__main__"`` in a script: workers are started afresh.

    Args:
        ids: Catalog ids, paths (YAML with a reference, ``config.json``) or specs; by default the whole catalog.
        jobs: Worker processes; by default one per core, at most 8.
        progress: Told after each model.
        quick: Of all models given only the smallest of each PyTorch class.
        fvcore: Whether fvcore traces every model; by default every one that is named, and of the whole catalog the
            smallest of each family, because a trace takes twice as long as all other counts together.

    Returns:
        Checks in the order of the models given.

    Raises:
        BadInput: If the extra is not installed, a model unknown or undisclosed, or a file names no PyTorch class.
    """
    if missing():
        raise BadInput(f"validate needs {', '.join(missing())}: pip install 'whicharch[validate]'")
    if jobs is not None and jobs < 1:
        raise BadInput(f"jobs must be at least 1, got {jobs}")
    proven = (spec for spec in all_models() if spec.reference or spec.published)
    specs = list(proven) if ids is None else [_named(given) for given in ids]
    if quick:
        specs = smallest_of_each(specs, _witness)
    every = (ids is not None or quick) if fvcore is None else fvcore
    traced = frozenset(spec.id for spec in (specs if every else smallest_of_each(specs, _proven_family)))
    twins = _twins(specs)
    measured = [specs[alike[0]] for alike in twins]
    workers = min(jobs or min(os.cpu_count() or 1, MAX_JOBS), max(1, len(measured)))
    checks: dict[int, list[Check]] = {}
    for index, outcome in _spread(partial(_measure, traced=traced), measured, workers):
        for twin in twins[index]:
            checks[twin] = _compare(specs[twin], outcome)
            if progress is not None:
                progress(len(checks), len(specs), specs[twin].id)
    return [check for index in range(len(specs)) for check in checks[index]]


def smallest_of_each(specs: Sequence[ModelSpec], kind: Callable[[ModelSpec], str | None]) -> list[ModelSpec]:
    """One model per kind, the one with the fewest parameters, in the order given; ``None`` is no kind."""
    best: dict[str, ModelSpec] = {}
    for spec in sorted(specs, key=lambda spec: count_params(spec).total):
        if (name := kind(spec)) is not None:
            best.setdefault(name, spec)
    chosen = {id(spec) for spec in best.values()}
    return [spec for spec in specs if id(spec) in chosen]


def _twins(specs: Sequence[ModelSpec]) -> list[list[int]]:
    """Indices of specs that the same real model proves, as DeepSeek V3 does R1: it is measured once."""
    groups: dict[Any, list[int]] = {}
    for index, spec in enumerate(specs):
        reference = spec.reference
        key: Any = index
        if reference is not None:
            config = json.dumps(reference.config, sort_keys=True)
            key = (reference.library, reference.class_name, config, spec.architecture)
        groups.setdefault(key, []).append(index)
    return list(groups.values())


def _named(given: str | Path | ModelSpec) -> ModelSpec:
    spec = given if isinstance(given, ModelSpec) else load(given)
    if not spec.is_disclosed:
        raise BadInput(f"{spec.id} is undisclosed: there is no PyTorch model to compare with")
    if spec.reference is None and spec.published is None:
        raise BadInput(f"{spec.id} names no PyTorch class: add 'reference' with class_name and config to the spec")
    return spec


def _witness(spec: ModelSpec) -> str:
    return spec.reference.class_name if spec.reference else f"published figure of {spec.id}"


def _proven_family(spec: ModelSpec) -> str | None:
    return spec.family if spec.reference else None


def _compare(spec: ModelSpec, outcome: list[Observation] | Exception) -> list[Check]:
    if isinstance(outcome, Exception):
        reason = (
            "its process died" if isinstance(outcome, BrokenProcessPool) else f"{type(outcome).__name__}: {outcome}"
        )
        outcome = [Observation("parameters", _witness(spec), Setting(), None, reason, failed=True)]
    return [_check(spec, observation) for observation in outcome]


def _check(spec: ModelSpec, seen: Observation) -> Check:
    made = partial(Check, spec.id, seen.quantity, str(seen.setting), seen.witness, seen.value, rounding=seen.rounding)
    if seen.value is None:
        return made(departure=0, ours=None, note=seen.note, failed=seen.failed)
    departure = excess(spec, seen.quantity, seen.setting)
    note = spec.reference.departure.reason if departure and spec.reference and spec.reference.departure else seen.note
    try:
        return made(departure=departure, ours=_ours(spec, seen.quantity, seen.setting), note=note)
    except Exception as error:
        return made(departure=departure, ours=None, note=f"our count: {type(error).__name__}: {error}", failed=True)


def _ours(spec: ModelSpec, quantity: Quantity, setting: Setting) -> int:
    match quantity:
        case "parameters":
            return count_params(spec).total
        case "cache_bytes":
            held = setting.past + setting.new
            return cache_bytes(spec, held, setting.batch, policy="transformers", source=setting.source)
        case _:
            return count_flops(
                spec, setting.new, setting.past, setting.batch, source=setting.source, images=setting.images
            )


def _measure(spec: ModelSpec, traced: frozenset[str] | None = None) -> list[Observation]:
    from calculators.reference.observe import observe
    from calculators.reference.shapes import compiled_shapes

    with compiled_shapes():
        return observe(spec, traced=traced is None or spec.id in traced)


def _prepare_worker() -> None:
    """Nothing is downloaded, models are built from their configurations; and an interrupt ends a worker silently."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.update(HF_HUB_OFFLINE="1", DIFFUSERS_VERBOSITY="error", TRANSFORMERS_VERBOSITY="error")


def _spread(
    measure: Measure, specs: Sequence[ModelSpec], jobs: int
) -> Iterator[tuple[int, list[Observation] | Exception]]:
    """Measure all specs in ``jobs`` processes, deep models first; yields (index, outcome) as they are done.

    A process that dies breaks its pool. Those that may have been running then are tried again one by one, the guilty
    one gets the error as its outcome, and the others go on in a new pool.
    """
    waiting = sorted(range(len(specs)), key=lambda index: -_depth(specs[index]))
    suspects: list[int] = []
    while waiting:
        batch = suspects[:1] or list(waiting)
        broken: list[int] = []
        for index, outcome in _pool(measure, specs, batch, min(jobs, len(batch))):
            if isinstance(outcome, BrokenProcessPool) and len(batch) > 1:
                broken.append(index)
                continue
            waiting.remove(index)
            yield index, outcome
        suspects = suspects[1:] if suspects else sorted(broken, key=batch.index)[: jobs + 1]


def _pool(
    measure: Measure, specs: Sequence[ModelSpec], batch: Sequence[int], jobs: int
) -> Iterator[tuple[int, list[Observation] | Exception]]:
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _prepare_worker)
    try:
        futures: dict[Future[list[Observation]], int] = {pool.submit(measure, specs[index]): index for index in batch}
        for future in as_completed(futures):
            error = future.exception()
            if error is not None and not isinstance(error, Exception):
                raise error
            yield futures[future], error or future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _depth(spec: ModelSpec) -> int:
    return 0 if isinstance(spec.architecture, str) else sum(stack.n_layers for stack in spec.architecture.stacks)
