"""``whicharch calibrate``: time kernels, fit constants, write a machine, check it on real models."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING, Any

from advisor.calibration.check import Check, habits_of, kernel_us, layer_us, predicted_s, stage_of
from advisor.calibration.fitting import Fit, fit_attention, fit_chunked, fit_products, fit_recurrence
from advisor.detect.device import Found
from advisor.fit.robust import solver
from catalog.base import Source
from catalog.errors import BadInput, unknown
from catalog.machine import NO_KERNELS, AttentionRates, Calibration, Link, Machine, MachineKind, PlainTorch, Roofline

if TYPE_CHECKING:
    from calculators.reference.kernels import Timing

SECONDS = 100.0
QUICK_SECONDS = 20.0
REQUIRED = ("torch", "transformers", "scipy")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Calibrated:
    """A machine as measured, with what it is worth."""

    machine: Machine
    device: str
    software: str
    fits: Mapping[str, Fit]
    """By block and data type."""
    checks: tuple[Check, ...]
    timings: tuple[Timing, ...]
    failures: tuple[str, ...]
    seconds: float


def calibrate(
    *,
    device: str | None = None,
    seconds: float = SECONDS,
    threads: int | None = None,
    name: str | None = None,
    scale: str | None = None,
    check: bool = True,
    say: Say = lambda line: None,
) -> Calibrated:
    """Measure a device of this host.

    Args:
        device: As torch names it (``cpu``, ``cuda:0``, ``mps``); by default the fastest kind there is.
        seconds: How long kernels are timed, about.
        threads: Threads of a processor; by default all cores that the process may use.
        name: Id of the machine; by default from the device's name.
        scale: ``tiny``, ``processor`` or ``accelerator``: which sizes; by default as the device deserves.
        check: Whether to predict and measure real models.
        say: Takes lines of progress.

    Raises:
        BadInput: If a package is missing or the device is not there.
    """
    missing = [package for package in REQUIRED if find_spec(package) is None]
    if missing:
        raise BadInput(f"calibrate needs {' and '.join(missing)}: pip install 'whicharch[calibrate]'")
    solver("calibrate")
    began = perf_counter()
    from calculators.reference import calibration, passes, timing
    from calculators.reference.kernels import run

    here = timing.devices()
    chosen = {"cuda": "cuda:0"}.get(device or "", device or here[0])
    if chosen not in here:
        raise unknown("device", chosen, here)
    if chosen == "cpu":
        _use_threads(threads, timing.use_threads, say)
    software = timing.software(chosen)
    say(f"{chosen}: {software}")
    size: Any = scale or calibration.scale_of(chosen)
    dtypes = calibration.dtypes_of(chosen)
    timer = timing.Timer(chosen, 0.005 if size == "tiny" else 0.05)
    found: dict[str, list[Timing]] = {}
    for group in calibration.groups(chosen, dtypes, size):
        found[group.name] = list(run(group.cases, timer, group.share * seconds, group.modes))
        done = sum(1 for t in found[group.name] if not t.failed)
        say(f"{perf_counter() - began:5.0f} s  {group.name}: {done} timings of {len(group.cases)} kernels")
    timings = [t for own in found.values() for t in own]
    good = {key: _best(own) for key, own in found.items()}
    machine, fits = _machine(chosen, dtypes, good, name, software, len(timings))
    checks: tuple[Check, ...] = ()
    problems = [f"{t.kernel} {t.dtype}: {t.failed}" for t in timings if t.failed]
    if check:
        dtype = next((d for d in ("bf16", "fp16") if d in dtypes), "fp32")
        timer.target_s = max(timer.target_s, 0.02 if size == "tiny" else 0.5)
        thin = {kind: passes.measure(own, timer) for kind, own in calibration.thin_models(dtype).items()}
        machine, failed = _with_overheads(machine, fits, thin)
        problems += failed
        if machine.plain_torch:
            added = machine.plain_torch.kernel_us
            say(f"{perf_counter() - began:5.0f} s  eager PyTorch adds {added:.3g} µs to each kernel")
        measured = passes.measure(calibration.models(dtype, size), timer)
        problems += [f"{one.name}: {why}" for one, _, why in measured if why]
        checks = tuple(
            Check(one.name, stage_of(one), one.batch, one.new, one.past, predicted_s(one, machine, habits_of()), s)
            for one, s, why in measured
            if not why
        )
        say(f"{perf_counter() - began:5.0f} s  {len(checks)} passes of real models")
    return Calibrated(
        machine, timing.device_name(chosen), software, fits, checks, tuple(t for t in timings if not t.failed),
        tuple(dict.fromkeys(problems)), perf_counter() - began,
    )  # fmt: skip


def _use_threads(threads: int | None, use: Callable[[int], None], say: Say) -> None:
    from advisor.detect.cpu import usable_cores

    count = threads or usable_cores()
    use(count)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 0.5 and count > 1:
        say(f"other programs keep {load:.1f} cores busy: times will be too long; --threads 1 counts its own time only")


def _best(timings: Sequence[Timing]) -> list[Timing]:
    """The fastest mode of each case that ran: a replayed graph where the device has them."""
    best: dict[tuple[Any, ...], Timing] = {}
    for t in timings:
        key = (t.kernel, t.dtype, *t.sizes.items())
        if not t.failed and (key not in best or t.seconds < best[key].seconds):
            best[key] = t
    return list(best.values())


def _machine(
    device: str,
    dtypes: Sequence[str],
    timings: Mapping[str, Sequence[Timing]],
    name: str | None,
    software: str,
    rows: int,
) -> tuple[Machine, dict[str, Fit]]:
    from advisor.detect.own import default_id
    from catalog.loader import load_machine

    found = _found(device)
    base = load_machine(found.exact.machine) if found.exact and device != "cpu" else None
    copied = max(t.bytes / t.seconds for t in timings["copy"])
    reached = {
        d: max(t.flops / t.seconds for t in timings[f"products {d}"]) for d in dtypes if timings[f"products {d}"]
    }
    bandwidth = base.bandwidth_gb_per_s if base else round(copied / 1e9, 2)
    nominal: Mapping[Any, float] = base.peak_tflops if base else {}
    peaks: dict[str, float] = {d: nominal.get(d) or float(f"{r / 1e12:.4g}") for d, r in reached.items()}
    launch_us = 1e6 * min(t.seconds for t in timings["launch"])
    today = datetime.date.today().isoformat()
    source = Source(where=f"whicharch calibrate, {software}", as_of=today)
    fits: dict[str, Fit] = {}
    rooflines = {}
    for dtype, peak in peaks.items():
        own = timings[f"products {dtype}"]
        products = fit_products(own, peak * 1e12, bandwidth * 1e9, launch_us, repacks=device == "cpu")
        if products:
            fits[f"products {dtype}"] = products
            constants = {name: value for name, value in products.constants.items() if name != "weight_copies"}
            rooflines[dtype] = Roofline.model_validate({**constants, **_worth(products), "source": source})
    scans = {
        "recurrences": fit_recurrence(timings["selective scans"]),
        "chunked scans": fit_chunked(timings["chunked scans"]),
    }
    fits |= {block: fitted for block, fitted in scans.items() if fitted}
    sixteen = next((d for d in ("bf16", "fp16") if d in peaks), "fp32")
    steps = [*timings["attention prefill"], *timings["attention decode"]]
    attention = fit_attention(steps, peaks[sixteen] * 1e12, bandwidth * 1e9, launch_us) if sixteen in peaks else None
    if attention:
        fits["attention"] = attention
    rates = _attention_rates(attention, source) if attention else None
    calibration = Calibration(device=found.device.name, date=today, software=software, rows=rows)
    blocks: dict[str, Any] = {**NO_KERNELS, "roofline": rooflines, "attention": rates, "calibration": calibration}
    if base:
        update = {
            **blocks,
            "id": name or f"my-{base.id}",
            "name": f"{base.name} (measured)",
            "sources": (source, *base.sources),
        }
        return base.model_copy(update=update), fits
    d = found.device
    return Machine.model_validate(
        {
            **blocks,
            "id": name or default_id(d),
            "name": d.name,
            "vendor": d.vendor,
            "kind": d.kind,
            "memory_gib": round(d.memory_bytes / 2**30, 2) if d.memory_bytes else None,
            "bandwidth_gb_per_s": bandwidth,
            "peak_tflops": peaks,
            "tdp_w": d.tdp_w,
            "link": Link(name=d.peers or "none", gb_per_s=d.peer_gb_per_s, pcie_gb_per_s=d.pcie_gb_per_s),
            "notes": "Nominal rates are unknown: the fastest copy and the fastest products measured stand for them.",
            "sources": (source,),
        }
    ), fits


def _attention_rates(fitted: Fit, source: Source) -> AttentionRates:
    error = round(fitted.median_error, 4)
    errors = {"prefill_median_error": error, "decode_median_error": error}
    return AttentionRates.model_validate({**fitted.constants, **errors, "rows": fitted.rows, "source": source})


def _with_overheads(
    machine: Machine, fits: Mapping[str, Fit], thin: Mapping[str, Sequence[tuple[Any, float, str]]]
) -> tuple[Machine, list[str]]:
    """The machine with what eager PyTorch adds: to kernels by thin decoders, to layers with scans by thin Mambas."""
    problems = [f"{one.name}: {why}" for own in thin.values() for one, _, why in own if why]
    timed = {kind: [(one, s) for one, s, why in own if not why] for kind, own in thin.items()}
    if len(timed["decoder"]) < 2:
        return machine, problems
    of_scans = [fits[name] for name in ("recurrences", "chunked scans") if name in fits]
    constants = {name: value for f in of_scans for name, value in f.constants.items() if name != "chunked_us"}
    copies = [f.constants["weight_copies"] for f in fits.values() if "weight_copies" in f.constants]
    torch = PlainTorch.model_validate(
        {
            "kernel_us": _rounded(kernel_us(timed["decoder"], machine)),
            "weight_copies": copies[0] if copies else 0.0,
            **constants,
            "rows": sum(f.rows for f in of_scans) or None,
            "source": machine.sources[0],
        }
    )
    machine = machine.model_copy(update={"plain_torch": torch})
    for kind in ("recurrence", "chunked"):
        if len(timed[kind]) > 1 and getattr(torch, f"{kind}_ns") is not None:
            torch = torch.model_copy(update={f"{kind}_us": _rounded(layer_us(timed[kind], machine))})
    return machine.model_copy(update={"plain_torch": torch}), problems


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _worth(fit: Fit) -> dict[str, Any]:
    return {"rows": fit.rows, "median_error": round(fit.median_error, 4)}


def _found(device: str) -> Found:
    """The detected device that torch calls so."""
    from advisor.detect import Device, detect

    detection = detect(probe=False)
    kinds: dict[str, tuple[MachineKind, ...]] = {"cpu": ("cpu",), "mps": ("apple",)}
    index = int(device.partition(":")[2] or 0)
    wanted = kinds.get(device)
    groups = [
        f for f in detection.found if (f.device.kind in wanted if wanted else f.device.kind not in ("cpu", "apple"))
    ]
    position = 0
    for group in groups:
        position += group.count
        if index < position or wanted:
            return group
    from calculators.reference.timing import device_name

    kind: MachineKind = "datacenter gpu"
    return Found(Device("unknown", kind, device_name(device)), 1, ())
