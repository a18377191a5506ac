"""Energy: a measured model of power where there is one, a bound elsewhere, and nothing added unless asked."""

from __future__ import annotations

import numpy as np
import pytest

from advisor import estimate
from advisor.estimating.energy import power_model_of, utilisation
from advisor.estimating.resolve import resolve
from advisor.scenario import Scenario
from benchmarks.fit_power import runs
from calculators.energy import power_share
from catalog.loader import load_machine, power_models

ASKED = {"model": "llama-3.1-8b", "machine": "h100-sxm", "batch": 32}


def test_power_is_static_and_dynamic_and_capped():
    assert float(power_share(0.1, 0.5, 0.4, 1.0, 0.2)) == pytest.approx(0.4 + 0.1 + 0.1)
    assert float(power_share(0.9, 0.5, 0.4, 1.0, 0.2)) == 1


def test_energy_is_power_over_the_rate_of_answers():
    e = estimate(**ASKED, tp=2)
    energy = e.energy
    assert energy is not None
    requests_per_s = e.throughput.total / 500
    assert energy.joules_per_request.p50 == pytest.approx(2 * energy.watts_per_gpu / requests_per_s)
    assert energy.joules_per_output_token == pytest.approx(energy.joules_per_request.p50 / 500)
    assert energy.joules_per_request.p10 < energy.joules_per_request.p50 <= energy.joules_per_request.p90
    assert 0.4 * 700 < energy.watts_per_gpu <= 700


def test_more_requests_at_a_time_take_fewer_joules_each():
    one, many = (estimate(**{**ASKED, "batch": b}).energy for b in (1, 64))
    assert many.joules_per_request.p50 < one.joules_per_request.p50 / 10
    assert many.watts_per_gpu > one.watts_per_gpu


def test_machines_without_measured_power_get_a_bound_that_says_so():
    e = estimate(model="llama-3.1-8b", machine="apple-m4-max", weights="gguf-q4_k_m")
    machine = load_machine("apple-m4-max")
    if machine.tdp_w is None:
        assert e.energy is None
    bound = estimate(model="llama-3.1-8b", machine="rtx-4090").energy
    assert bound.is_bound
    assert bound.watts_per_gpu == load_machine("rtx-4090").tdp_w
    assert bound.joules_per_request.badge == "spec sheet"
    assert "no measured power" in bound.joules_per_request.basis


def test_host_and_building_are_added_only_when_given():
    plain, whole = (estimate(**ASKED, **more).energy for more in ({}, {"host_w": 200, "pue": 1.3}))
    expected = plain.joules_per_request.p50 * (plain.watts_per_gpu + 200) / plain.watts_per_gpu * 1.3
    assert whole.joules_per_request.p50 == pytest.approx(expected)


def test_images_have_their_energy():
    energy = estimate(model="dit-xl-2-256", machine="h100-sxm", batch=8).energy
    assert energy.joules_per_output_token is None
    assert energy.joules_per_request.p50 > 0


def test_the_shipped_constants_explain_the_measured_runs():
    (model,) = power_models()
    found = runs()
    assert len(found) == model.rows
    predicted = np.array(
        [float(power_share(*r.measured, model.static, model.per_flops, model.per_bytes)) for r in found]
    )
    shares = np.array([r.share for r in found])
    assert np.median(np.abs(predicted / shares - 1)) < 0.13
    assert np.median(np.abs(np.median(shares) / shares - 1)) > 0.15  # a constant share explains less
    inside = (shares >= predicted * model.p10) & (shares <= predicted * model.p90)
    assert 0.7 <= inside.mean() <= 0.97


def test_a_decode_step_uses_memory_and_a_long_prompt_arithmetic():
    step = resolve(Scenario(**{**ASKED, "batch": 1, "input_tokens": 64, "output_tokens": 2000}))
    prompt = resolve(Scenario(**{**ASKED, "batch": 1, "input_tokens": 8000, "output_tokens": 1}))
    assert power_model_of(step) is not None
    assert utilisation(step)[1] > 0.5 > 10 * utilisation(step)[0]
    assert utilisation(prompt)[0] > 0.5
