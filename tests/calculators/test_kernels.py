"""The compiled formulas against those of the fit, and against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from advisor.fit import attention, experts, products, streams
from calculators.efficiency import class_of, efficiency, expert_kernel
from calculators.imbalance import UNIFORM, busiest_visited
from calculators.kernels import attention_kernel, is_delta_rule
from calculators.operators import Kind
from calculators.params import architecture_of
from calculators.plan import Layout
from calculators.roofline import Setting, Settings
from calculators.table import Table, compile_table
from calculators.workload import Workload
from catalog.loader import load, load_format, load_machine, machine_classes
from catalog.machine import Calibration, ExpertRates


def timed(model: str, machine: str, weights: str, w: Workload, cache_bits: float = 16) -> tuple[Table, np.ndarray]:
    m, f = load_machine(machine), load_format(weights)
    table = compile_table(architecture_of(load(model)), routing=UNIFORM)
    settings = Settings([Setting(m, efficiency(m, f, machine_classes()), f, cache_bits)])
    return table, settings.operator_seconds(table, w.reshape(-1))[0]


def rows_named(table: Table, name: str) -> int:
    return next(i for i, op in enumerate(table.operators) if op.name.endswith(name))


@pytest.mark.parametrize("weights", ["bf16", "fp8"])
@pytest.mark.parametrize("tokens", [1, 64, 4096])
def test_a_product_takes_what_the_fit_says(weights: str, tokens: int):
    machine = load_machine("h100-sxm")
    table, seconds = timed("llama-3.1-8b", "h100-sxm", weights, Workload.of(1, tokens))
    k, n = 14336, 4096
    own, bandwidth = machine.roofline[weights], machine.bandwidth_bytes_per_s  # type: ignore[index]
    weight_bytes = 1.0 if weights == "fp8" else 2.0
    x = {
        "compute_s": np.array(2 * tokens * k * n / machine.peak_flops_per_s(weights)),  # type: ignore[arg-type]
        "memory_s": np.array((weight_bytes * k * n + 2 * tokens * (k + n)) / bandwidth),
        "inner": np.array(float(k)),
        "rows": np.array(float(tokens)),
        "input_s": np.array(2 * tokens * k / bandwidth),
    }
    formula = products.QUANTISED if weights == "fp8" else products.PLAIN
    expected = products.seconds(x, {name: getattr(own, name) for name in formula.constants})
    assert seconds[rows_named(table, "channel.down"), 0] == pytest.approx(32 * float(expected), rel=1e-9)


@pytest.mark.parametrize(("batch", "new", "past"), [(1, 2048, 0), (16, 1, 8191), (3, 512, 0)])
@pytest.mark.parametrize("machine", ["h100-sxm", "l40s", "a100-sxm4-80gb"])
@pytest.mark.parametrize("bits", [16, 8])
def test_attention_takes_what_the_fit_says(machine: str, bits: int, batch: int, new: int, past: int):
    m, heads, kv, d = load_machine(machine), 32, 8, 128
    table, seconds = timed("llama-3.1-8b", machine, "bf16", Workload.of(batch, new, past), bits)
    own = m.attention_kernels.get("cache8", m.attention) if bits == 8 else m.attention
    assert own is not None
    pairs = new * (new + 1) / 2 + new * past
    cached = bits / 8 * 2 * d * batch * kv
    x = {
        "compute_s": np.array(4 * d * batch * heads * pairs / (m.peak_flops_per_s("bf16") or 0)),
        "softmax_s": np.array(5 * batch * heads * pairs / (m.peak_flops_per_s("fp32") or 0)),
        "cache_s": np.array(cached * (new + past) / m.bandwidth_bytes_per_s),
        "new_s": np.array((2 * 2 * d * batch * heads * new + cached * new) / m.bandwidth_bytes_per_s),
        "keys": np.array(pairs / new),
        "decode": np.array(float(new == 1)),
    }
    constants = {n: v for n, v in own.model_dump().items() if isinstance(v, float) and not n.endswith("error")}
    expected = 32 * float(attention.seconds(x, constants))
    assert seconds[rows_named(table, "attention.core"), 0] == pytest.approx(expected, rel=1e-9)


def test_experts_take_what_the_fit_says():
    machine, tokens, experts_, top_k, hidden, inner = load_machine("h200-sxm"), 64, 8, 2, 4096, 14336
    table, seconds = timed("mixtral-8x7b", "h200-sxm", "bf16", Workload.of(tokens, 1, 100))
    own, plain, bandwidth = machine.experts["bf16"], machine.roofline["bf16"], machine.bandwidth_bytes_per_s
    pairs, visited = tokens * top_k, experts_ * (1 - (1 - top_k / experts_) ** tokens)
    peak = machine.peak_flops_per_s("bf16") or 0
    light = 2 * (pairs * 3 * inner + pairs * hidden + tokens * hidden)
    x = {
        "compute_s": np.array(2 * pairs * 3 * hidden * inner / peak),
        "memory_s": np.array((visited * 3 * hidden * inner * 2 + 2 * pairs * (2 * hidden + 3 * inner)) / bandwidth),
        "visited": np.array(visited),
        "light_s": np.array(light / (bandwidth * plain.memory) + 2 * plain.launch_us * 1e-6),
    }
    expected = 32 * float(experts.seconds(x, {n: getattr(own, n) for n in experts.FORMULA.constants}))
    names = ("experts.gate_up", "experts.activation", "experts.down", "experts.combine")
    assert sum(seconds[rows_named(table, name), 0] for name in names) == pytest.approx(expected, rel=1e-9)


def test_a_device_visits_only_the_experts_that_it_holds():
    m, f, tokens = load_machine("h100-sxm"), load_format("bf16"), 64
    visited_s = []
    for expert_ns in (0.0, 1e6):
        rates = m.experts["bf16"].model_copy(update={"expert_ns": expert_ns})
        slow = m.model_copy(update={"experts": {"bf16": rates}})
        settings = Settings([Setting(slow, efficiency(slow, f, machine_classes()), f, 16)])
        tables = [compile_table(architecture_of(load("mixtral-8x7b")), Layout(tp=4, ep=ep), UNIFORM) for ep in (1, 4)]
        rows = [rows_named(table, "experts.down") for table in tables]
        w = Workload.of([tokens], 1, 100)
        visited_s.append([settings.operator_seconds(t, w)[0, row, 0] for t, row in zip(tables, rows, strict=True)])
    whole, quarter = np.subtract(visited_s[1], visited_s[0])
    assert whole == pytest.approx(32 * 8 * (1 - 0.75**tokens) * 1e-3, rel=1e-9)
    most = float(busiest_visited(np.array([float(tokens)]), 8, 2, 4)[0])
    assert quarter == pytest.approx(32 * most * 1e-3, rel=1e-9)
    assert most == pytest.approx(2, rel=1e-7)  # 64 tokens visit all of them, so those of every device


def test_a_scan_takes_what_the_fit_says():
    machine, batch, new = load_machine("h100-sxm"), 2, 4096
    table, seconds = timed("qwen3-next-80b-a3b", "h100-sxm", "bf16", Workload.of(batch, new))
    row = rows_named(table, "mixer.scan")
    scan, repeat = table.operators[row], table.operators[row].repeat
    assert (scan.kind, machine.scan is not None) == (Kind.SCAN, True)
    keys, k, values, v = 16, 128, 32, 128
    pairs, state = batch * new / 64 * (64 * 65 / 2), values * k * v
    flops = pairs * 2 * (2 * keys * k + values * (k + 2 * v)) + batch * new * 6 * state
    moved = 2 * batch * new * (2 * keys * k + 2 * values * v + 2 * values) + 2 * 4 * batch * state
    x = {
        "compute_s": np.array(flops / (machine.peak_flops_per_s("bf16") or 0)),
        "memory_s": np.array(moved / machine.bandwidth_bytes_per_s),
        "tokens": np.array(float(new)),
        "decode": np.array(0.0),
    }
    constants = {n: getattr(machine.scan, n) for n in streams.SCAN.constants}
    assert seconds[row, 0] == pytest.approx(repeat * float(streams.seconds(x, constants)), rel=1e-3)


def test_only_delta_rules_wait_for_their_chunks():
    tables = [compile_table(architecture_of(load(name))) for name in ("qwen3-next-80b-a3b", "mamba-2.8b")]
    scans = [[op for op in table.operators if op.kind is Kind.SCAN] for table in tables]
    assert [all(is_delta_rule(op) for op in own) for own in scans] == [True, False]


def test_a_long_sequence_that_no_kernel_splits_takes_its_tokens_one_after_another():
    machine = load_machine("l40s")
    one = machine.attention_kernels["latent"]
    length = 65536
    table, seconds = timed("deepseek-v2-lite", "l40s", "bf16", Workload.of([1, 2], 1, length - 1))
    row = rows_named(table, "attention.core")
    assert attention_kernel(table.operators[row]) == "latent"
    chain = table.operators[row].repeat * length * one.token_ns * 1e-9
    assert seconds[row] == pytest.approx([chain, chain], rel=0.01)


def test_one_setting_among_many_takes_the_same_time_as_alone():
    machines, formats = ("h100-sxm", "mi300x", "rtx-4090", "apple-m4-max"), ("bf16", "fp8", "awq-int4")
    pairs = [(load_machine(m), load_format(f)) for m in machines for f in formats]
    settings = [Setting(m, efficiency(m, f, machine_classes()), f, 16) for m, f in pairs]
    w = Workload.of([1, 64, 2], [1, 1, 700], [5000, 10, 0])
    for name in ("mixtral-8x7b", "qwen3-next-80b-a3b", "deepseek-v3", "bert-base-uncased", "mamba-2.8b"):
        table = compile_table(architecture_of(load(name)))
        together = Settings(settings).operator_seconds(table, w)
        alone = np.concatenate([Settings([s]).operator_seconds(table, w) for s in settings])
        np.testing.assert_allclose(together, alone, rtol=1e-12)


def test_nothing_to_do_takes_no_time():
    table, seconds = timed("llava-1.5-7b", "h100-sxm", "bf16", Workload.of([1, 1], 16, 0, images=[0, 1]))
    tower = [i for i, op in enumerate(table.operators) if op.part.startswith("vision")]
    assert tower
    assert np.all(seconds[tower, 0] == 0)
    assert np.all(seconds[tower, 1].sum() > 0)


def test_weights_of_four_bits_run_in_sixteen_where_the_machine_has_no_four():
    nvfp4, mxfp4, h100 = load_format("nvfp4"), load_format("mxfp4-experts"), load_machine("h100-sxm")
    assert expert_kernel(nvfp4) == expert_kernel(mxfp4) == "fp4"
    for weights in (nvfp4, mxfp4):
        found = efficiency(h100, weights, machine_classes())
        assert found.dtype == "bf16"
        assert found.experts == h100.experts["bf16"]
        assert found.expert_flops_per_s == h100.peak_flops_per_s("bf16")
    b200 = load_machine("b200-sxm")
    assert efficiency(b200, mxfp4, machine_classes()).experts == b200.experts["fp4"]


@pytest.mark.parametrize(
    ("machine", "family"),
    [
        ("h100-nvl", "nvidia-datacenter-hopper"), ("gb300-nvl72", "nvidia-datacenter-blackwell"),
        ("v100-sxm2-32gb", "nvidia-datacenter"), ("l4", "nvidia-gddr"), ("rtx-4090", "nvidia-gddr"),
        ("mi300x", "amd-datacenter"), ("epyc-9654", "cpu"),
    ],
)  # fmt: skip
def test_a_machine_belongs_to_the_class_that_asks_most_of_it(machine: str, family: str):
    found = class_of(load_machine(machine), machine_classes())
    assert found is not None
    assert found.id == family


def test_a_calibrated_machine_runs_no_kernels_of_its_class_but_one_of_the_catalog_does():
    nvl = load_machine("h100-nvl")
    known = nvl.model_copy(update={"roofline": load_machine("h100-sxm").roofline})
    assert efficiency(known, load_format("bf16"), machine_classes()).experts is not None
    calibration = Calibration.model_construct(device="a GPU")
    measured = known.model_copy(update={"calibration": calibration})
    found = efficiency(measured, load_format("bf16"), machine_classes())
    assert (found.experts, found.scan, found.attention_kernels) == (None, None, {})
    with_own = measured.model_copy(
        update={"experts": {"bf16": ExpertRates(compute=0.5, memory=0.5, launch_us=1, expert_ns=0, source="test")}}
    )
    assert efficiency(with_own, load_format("bf16"), machine_classes()).experts is not None
