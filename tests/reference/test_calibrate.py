"""Calibration: the torch forms are the right arithmetic, fits find constants that were put in, and a file comes out."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from advisor.calibration import calibrate
from advisor.calibration.fitting import fit_attention, fit_products
from advisor.cli import cli
from advisor.machine_sheet import facts
from calculators.reference import kernels, scans
from calculators.reference.kernels import Case, Timing, run
from calculators.reference.timing import Timer
from catalog.errors import BadInput
from catalog.loader import load_machine

TINY = {"seconds": 2.0, "threads": 1, "scale": "tiny"}


@pytest.fixture(scope="module")
def calibrated():
    lines: list[str] = []
    return calibrate(**TINY, say=lines.append), lines


def test_a_tiny_calibration_measures_every_block_and_three_models(calibrated):
    result, lines = calibrated
    machine = result.machine
    assert machine.calibration is not None
    assert machine.calibration.rows >= len(result.timings) > 40
    assert {f.badge for f in facts(machine) if f.block in ("products", "attention")} == {"measured"}
    assert {c.stage for c in result.checks} == {"pass", "prefill", "decode"}
    assert len({c.model for c in result.checks}) == 3
    assert all(c.predicted_s > 0 < c.measured_s for c in result.checks)
    assert machine.plain_torch is not None
    assert machine.plain_torch.kernel_us > 0
    assert machine.plain_torch.recurrence_ns is not None
    assert machine.plain_torch.chunked_ns is not None
    assert result.failures == ()
    assert any("products fp32" in line for line in lines)


def test_what_was_reached_stands_for_nominal_rates_where_these_are_unknown(calibrated):
    result, _ = calibrated
    products = [t for t in result.timings if t.kernel == "gemm" and t.dtype == "fp32"]
    best = max(t.flops / t.seconds for t in products)
    assert result.machine.peak_tflops["fp32"] * 1e12 == pytest.approx(best, rel=1e-3)
    assert 0 < result.machine.roofline["fp32"].compute <= 1
    peaks = [f for f in facts(result.machine) if f.name in ("peak_tflops", "bandwidth_gb_per_s")]
    assert {f.badge for f in peaks} == {"measured"}


def test_the_command_writes_a_machine_file_that_every_command_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from advisor.calibration import run as module

    real = module.calibrate
    monkeypatch.setattr("advisor.calibration.calibrate", lambda **given: real(**{**given, **TINY, "check": False}))
    file, table = tmp_path / "box.yaml", tmp_path / "timings.csv"
    given = ["calibrate", "--as", "box", "--out", str(file), "--timings", str(table), "--json"]
    done = CliRunner().invoke(cli, given)
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["written"] == str(file)
    assert load_machine(str(file)).id == data["machine"]["id"] == "box"
    rows = list(csv.DictReader(table.open()))
    assert {"gemm", "attention_prefill", "attention_decode", "copy", "launch", "selective_scan"} <= {
        r["kernel"] for r in rows
    }
    again = CliRunner().invoke(cli, ["calibrate", "--out", str(file)])
    assert isinstance(again.exception, BadInput)
    assert "--replace" in str(again.exception)
    show = CliRunner().invoke(cli, ["machine", "show", str(file)])
    assert "Measured on" in show.output


def test_a_device_that_is_not_there_and_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(BadInput, match="unknown device 'cuda:7'"):
        calibrate(device="cuda:7")
    monkeypatch.setattr("advisor.calibration.run.find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(BadInput, match=r"calibrate needs torch: pip install 'whicharch\[calibrate\]'"):
        calibrate()


def _timing(kernel: str, sizes: dict[str, int], flops: float, moved: float, seconds: float) -> Timing:
    return Timing(kernel, "fp32", "eager", sizes, flops, moved, seconds)


def test_fits_find_the_constants_that_times_were_made_with():
    peak, bandwidth = 1e14, 1e12
    rows = []
    for m in (1, 8, 64, 512, 4096):
        for n in (1024, 4096, 8192):
            flops, moved = 2.0 * m * n * n, 2.0 * (n * n + 2 * m * n)
            seconds = np.hypot(flops / (0.8 * peak), moved / (0.9 * bandwidth)) + 4e-6
            rows.append(_timing("gemm", {"m": m, "n": n, "k": n}, flops, moved, float(seconds)))
    found = fit_products(rows, peak, bandwidth, launch_us=1.0)
    assert found is not None
    assert found.constants == pytest.approx({"compute": 0.8, "memory": 0.9, "launch_us": 4.0, "p": 2.0}, rel=0.02)
    assert found.median_error < 0.01
    slower = [  # as a library that repacks weights: two more crossings unless there is one row
        replace(t, seconds=t.seconds + 2 * (t.sizes["m"] > 1) * 2.0 * t.sizes["n"] * t.sizes["k"] / (0.9 * bandwidth))
        for t in rows
    ]
    packing = fit_products(slower, peak, bandwidth, launch_us=1.0, repacks=True)
    assert packing is not None
    assert packing.constants["weight_copies"] == pytest.approx(2.0, rel=0.05)
    rows = []
    for case in (
        *kernels.attention("fp32", [(b, 8, 64, s) for b in (1, 4) for s in (64, 512, 4096)], prefill=True),
        *kernels.attention("fp32", [(b, 8, 64, s) for b in (1, 4) for s in (64, 512, 4096)], prefill=False),
    ):
        s = case.sizes
        new = 4 * 2 * s["batch"] * s["heads"] * s["new"] * s["head_dim"]
        seconds = case.flops / (0.5 * peak) + ((case.bytes - new) / 0.7 + new / 0.3) / bandwidth + 9e-6
        rows.append(_timing(case.kernel, dict(s), case.flops, case.bytes, seconds))
    attention = fit_attention(rows, peak, bandwidth, launch_us=1.0)
    assert attention is not None
    wanted = {"prefill_compute": 0.5, "decode_memory": 0.7, "query_memory": 0.3, "launch_us": 9.0}
    assert attention.constants == pytest.approx(wanted, rel=0.03)
    assert fit_products(rows[:3], peak, bandwidth, 1.0) is None


def test_counted_work_is_what_torch_counts():
    from torch.utils.flop_counter import FlopCounterMode

    cases = [
        *kernels.products("fp32", (3,), ((8, 16),)),
        *kernels.images("fp32", ((2, 4, 6, 9, 3, 2, 2),)),
    ]
    for case in cases:
        with FlopCounterMode(display=False) as counter:
            case.make("cpu")()
        assert counter.get_total_flops() == case.flops, case.kernel


def test_scans_are_the_recurrence():
    torch.manual_seed(1)
    x, dt = torch.randn(2, 3, 12), torch.rand(2, 3, 12)
    decay, b, c = -torch.rand(3, 4), torch.randn(2, 12, 4), torch.randn(2, 12, 4)
    state, outputs = torch.zeros(2, 3, 4), []
    for i in range(12):
        state = torch.exp(dt[:, :, i, None] * decay) * state + dt[:, :, i, None] * b[:, i, None] * x[:, :, i, None]
        outputs.append((state * c[:, i, None]).sum(-1))
    assert torch.allclose(scans.selective_scan(x, dt, decay, b, c), torch.stack(outputs, -1), atol=1e-5)
    y, log_decay, b, c = (
        torch.randn(1, 16, 2, 4),
        -torch.rand(1, 16, 2),
        torch.randn(1, 16, 2, 3),
        torch.randn(1, 16, 2, 3),
    )
    state, outputs = torch.zeros(1, 2, 4, 3), []
    for i in range(16):
        state = torch.exp(log_decay[:, i])[..., None, None] * state + y[:, i, ..., None] * b[:, i, :, None]
        outputs.append((state * c[:, i, :, None]).sum(-1))
    assert torch.allclose(scans.chunked_scan(y, log_decay, b, c, 4), torch.stack(outputs, 1), atol=1e-5)


def test_a_case_that_a_device_cannot_run_is_given_with_the_reason_and_stops_nothing():
    def broken(device: str):
        raise NotImplementedError("no such kernel")

    good = next(iter(kernels.launches()))
    cases = [Case("broken", "fp32", {}, 0.0, 8.0, broken), good]
    found = list(run(cases, Timer("cpu", 0.001), 5.0))
    assert {t.kernel: bool(t.failed) for t in found} == {"broken": True, "launch": False}
    many = [good] * 30
    assert len(list(run(many, Timer("cpu", 0.001), -1.0))) == kernels.LEAST_CASES
