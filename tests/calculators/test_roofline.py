"""Time: bounds, monotony, and agreement between one setting and many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculators.efficiency import compute_type, efficiency
from calculators.operators import Kind
from calculators.roofline import Setting, Settings, smooth_maximum
from calculators.serving import Demand, Server, serve
from calculators.table import compile_table
from calculators.workload import Workload
from catalog.loader import all_machines, load, load_format, load_machine, machine_classes

CLASSES = machine_classes()
positive = st.floats(1e-9, 1e3)


def server(model: str, machine: str, weights: str = "bf16", tp: int = 1) -> Server:
    m, f = load_machine(machine), load_format(weights)
    return Server.of(load(model).architecture, m, efficiency(m, f, CLASSES), f, 16, tp)


@given(a=positive, b=positive, p=st.sampled_from([1.0, 1.4, 2.2, 4.0, np.inf]))
def test_the_smooth_maximum_lies_between_the_larger_and_the_sum(a: float, b: float, p: float):
    x = float(smooth_maximum(np.full((1, 1, 1), a), np.full((1, 1, 1), b), np.full((1, 1, 1), p))[0, 0, 0])
    assert max(a, b) * (1 - 1e-12) <= x <= (a + b) * (1 + 1e-12)


def test_the_smooth_maximum_of_nothing_is_nothing():
    zero = np.zeros((1, 1, 1))
    assert smooth_maximum(zero, zero, np.full((1, 1, 1), 2.2))[0, 0, 0] == 0


@pytest.mark.parametrize("model", ["llama-3.1-8b", "mixtral-8x7b", "mamba2-2.7b", "jamba-v0.1", "deepseek-v3"])
def test_no_pass_is_faster_than_the_nominal_machine(model: str):
    run, machine = server(model, "h100-sxm"), load_machine("h100-sxm")
    table = run.table
    for w in (Workload.of([1], 2048), Workload.of([8], 1, 4096)):
        values = table.timed(w)
        flops = float((table.coefficients["needed"] @ values).sum())
        moved = float((table.traffic(load_format("bf16"), 16) @ values).sum())
        least = max(flops / (machine.peak_flops_per_s("bf16") or 0), moved / machine.bandwidth_bytes_per_s)
        assert float(run.pass_s(w)[0]) > least


@given(batch=st.integers(1, 64), past=st.integers(1, 30_000))
def test_more_requests_and_longer_contexts_never_take_less_time(batch: int, past: int):
    run = server("llama-3.1-8b", "l40s")
    one, more, longer = run.pass_s(Workload.of([batch, batch + 1, batch], 1, [past, past, past + 1000]))
    assert one < more
    assert one < longer


def test_many_settings_at_once_equal_each_alone():
    pairs = [("h100-sxm", "bf16"), ("l4", "fp8"), ("rtx-4090", "awq-int4"), ("apple-m4-max", "gguf-q4_k_m")]
    machines = [(load_machine(m), load_format(f)) for m, f in pairs]
    together = Settings([Setting(m, efficiency(m, f, CLASSES), f, 16) for m, f in machines])
    w = Workload.of([1, 8], [512, 1], [0, 700])
    table = compile_table(load("qwen2.5-7b").architecture)
    whole = together.operator_seconds(table, w)
    for row, (m, f) in zip(whole, pairs, strict=True):
        assert row == pytest.approx(server("qwen2.5-7b", m, f).operators_s(w)[0], rel=1e-12)


def test_merging_equal_operators_changes_no_total():
    from calculators.lowering import lower

    spec, w = load("jamba-v0.1"), Workload.of([3], 700)
    table = compile_table(spec.architecture)
    merged = float((table.coefficients["needed"] @ table.values(w)).sum())
    assert merged == sum(float(op.needed.value(w)[0]) * op.repeat for op in lower(spec.architecture))
    assert len(table.operators) < len(lower(spec.architecture))


def test_devices_pay_for_all_reduce():
    run = server("llama-3.1-70b", "h100-sxm", tp=8)
    seconds = run.operators_s(Workload.of([8], 1, 2000))[0, :, 0]
    collective = run.table.of_kind(Kind.COLLECTIVE)
    assert seconds[collective].sum() > 160 * 3e-6  # two per layer, a few microseconds each
    assert float(run.pass_s(Workload.of([8], 1, 2000))[0]) < float(
        server("llama-3.1-70b", "h100-sxm").pass_s(Workload.of([8], 1, 2000))[0]
    )


@pytest.mark.parametrize("machine", all_machines(), ids=lambda m: m.id)
def test_every_machine_times_a_model_and_says_how_it_knows(machine):
    weights = load_format("bf16")
    eff = efficiency(machine, weights, CLASSES)
    assert (compute_type(machine, "bf16") is None) is (eff.peak_flops_per_s is None)
    run = Server.of(load("gpt2").architecture, machine, eff, weights, 16)
    seconds = float(run.pass_s(Workload.of([1], 1, 100))[0])
    assert 0 < seconds < 1
    assert eff.badge in ("calibrated", "class default", "spec sheet")


def test_a_closed_loop_of_one_client_waits_for_nobody():
    demand = Demand(1024, 100)
    alone, crowd = (serve(server("llama-3.1-8b", "h100-sxm"), demand, b) for b in (1, 16))
    assert float(alone.ttft_s) == float(alone.prefill_s)
    assert float(alone.tpot_s) == float(alone.decode_s)
    # Fifteen others prefill once per answer, in passes that carry the step along for less than both cost alone.
    added = (float(crowd.tpot_s) - float(crowd.decode_s)) * 100 / 15
    assert 0 < added < float(crowd.prefill_s)
    assert float(crowd.output_tokens_per_s) > float(alone.output_tokens_per_s)
