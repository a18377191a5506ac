"""Fits: known constants come back, halves do not mix, files keep what is not fitted."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from advisor.cli import cli
from advisor.fit import products, routing
from advisor.fit.solve import solve
from advisor.fit.tables import held_out, is_held_out
from advisor.fit.write import with_blocks
from catalog.errors import BadInput
from catalog.loader import load_machine

pytest.importorskip("scipy")
TRUE = {"compute": 0.62, "memory": 0.81, "launch_us": 3.4, "inner_ns": 0.25}


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    """A table of products whose times follow the formula, a twentieth of them off by half."""
    machine, rng = load_machine("h100-sxm"), np.random.default_rng(0)
    folder = tmp_path / "measured"
    folder.mkdir()
    with (folder / "gemm.csv").open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(("system", "backend", "version", "kernel_source", "dtype", "m", "n", "k", "latency_ms"))
        for _ in range(400):
            m, n, k = (int(2 ** rng.uniform(low, 14)) for low in (0, 7, 7))
            x = {
                "compute_s": np.array(2 * m * n * k / (machine.peak_flops_per_s("bf16") or 0)),
                "memory_s": np.array(2 * (k * n + m * k + m * n) / machine.bandwidth_bytes_per_s),
                "inner": np.array(float(k)),
            }
            seconds = float(products.seconds(x, TRUE)) * (1.5 if rng.random() < 0.05 else 1.0)
            write.writerow(("h100_sxm", "vllm", "9.9", "test", "bfloat16", m, n, k, seconds * 1e3))
    return tmp_path


def test_known_constants_come_back_from_noisy_times(facts: Path):
    (kernels,) = products.kernels(facts, {"h100-sxm": load_machine("h100-sxm")})
    fit = solve(kernels)
    for name, value in TRUE.items():
        assert fit.values[name] == pytest.approx(value, rel=0.03)
    assert fit.held[""].median < 0.01
    assert fit.raw[""].median > 0.2
    assert fit.rows + fit.held[""].n == 400


def test_a_shape_is_in_the_same_half_on_every_machine_and_in_one_only():
    sizes = [(m, n, 4096) for m in range(1, 40) for n in range(1, 40)]
    halves = held_out(*(np.array(column, dtype=float) for column in zip(*sizes, strict=True)))
    assert halves.tolist() == [is_held_out(*shape) for shape in sizes]
    assert 0.45 < halves.mean() < 0.55


@pytest.mark.parametrize(("tokens", "experts", "top_k", "ranks"), [(1, 8, 2, 1), (64, 8, 2, 1), (16, 128, 8, 4)])
def test_even_routing_gives_every_expert_its_share(tokens: int, experts: int, top_k: int, ranks: int):
    visited, pairs = routing.even(tokens, experts, top_k, ranks)
    assert pairs == tokens * top_k / ranks
    assert visited == min(tokens * top_k, experts) / ranks


@pytest.mark.parametrize(("tokens", "experts", "top_k"), [(1, 128, 8), (16, 128, 8), (4096, 256, 8), (7, 16, 1)])
def test_a_power_law_keeps_the_number_of_visits_and_leaves_experts_idle(tokens: int, experts: int, top_k: int):
    visited, pairs = routing.power_law(tokens, experts, top_k, 1, 1.2)
    assert pairs == pytest.approx(tokens * top_k)
    assert top_k <= visited + 1e-9
    assert visited <= min(experts, tokens * top_k)
    busiest = routing.power_law(tokens, experts, top_k, 8, 1.2)[1]
    assert busiest > pairs / 8


def test_the_command_fits_prints_and_writes(facts: Path, tmp_path: Path):
    catalog = tmp_path / "catalog"
    (catalog / "machines").mkdir(parents=True)
    file = catalog / "machines" / "h100-sxm.yaml"
    file.write_text("id: h100-sxm  # a comment\nroofline:\n  bf16: {compute: 1}\nnotes: kept\n")
    arguments = ["fit", "--facts", str(facts), "--machine", "h100-sxm", "--json", "--write", "--catalog", str(catalog)]
    run = CliRunner().invoke(cli, arguments)
    assert run.exit_code == 0, run.output
    (line,) = json.loads(run.stdout)["fits"]
    assert (line["machine"], line["kernels"], line["misses"]) == ("h100-sxm", "gemm bf16", False)
    assert line["constants"]["compute"] == pytest.approx(0.62, rel=0.03)
    text = file.read_text()
    assert text.startswith("id: h100-sxm  # a comment\n")
    written = yaml.safe_load(text)
    assert written["notes"] == "kept"
    assert written["roofline"]["bf16"]["compute"] == line["constants"]["compute"]


def test_the_fit_of_a_part_leaves_the_other_constants_alone():
    old = "a: 1\nroofline:\n  bf16:\n    compute: 0.5\n  fp8:\n    compute: 0.4\nb: 2\n"
    new = with_blocks(old, {"roofline": {"bf16": {"compute": 0.7}}})
    assert yaml.safe_load(new) == {"a": 1, "roofline": {"bf16": {"compute": 0.7}}, "b": 2}


def test_bad_input_is_said_in_a_line(facts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def failure(*arguments: str) -> str:
        run = CliRunner().invoke(cli, ["fit", *arguments])
        assert isinstance(run.exception, BadInput), run.output
        return str(run.exception)

    assert "did you mean h100-sxm" in failure("--machine", "h100-sxn", "--facts", str(facts))
    assert "no kernels of b200-sxm were measured" in failure("--machine", "b200-sxm", "--facts", str(facts))
    nowhere = failure("--facts", str(tmp_path / "nowhere"))
    assert "holds no folder 'measured'" in nowhere
    assert "aiconfigurator" in nowhere
    shown = CliRunner().invoke(cli, ["fit", "--help"]).output
    assert "../shared/facts" in shown
    assert str(Path(__file__).resolve().parents[2].parent) not in shown.replace("../shared/facts", "")
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    assert "pip install 'whicharch[fit]'" in failure("--facts", str(facts))


def test_collectives_of_different_sizes_are_reported_and_make_no_class(facts: Path):
    sizes = [2**power for power in range(8, 26)]
    columns = "system,nccl_version,op_name,nccl_dtype,num_gpus,message_elems,bytes,latency_ms,busbw_GBps"
    lines = [
        f"{system},2.27,{op},half,{n},{size},{2 * size},{1e-2 + size * 1e-8},1"
        for system, peers in (("h100_sxm", (2, 4)), ("h200_sxm", (2, 4, 8)))
        for op in ("all_gather", "all_reduce")
        for n in peers
        for size in sizes
    ]
    (facts / "measured" / "comm_nccl.csv").write_text("\n".join([columns, *lines]) + "\n")
    table = (facts / "measured" / "gemm.csv").read_text()
    (facts / "measured" / "gemm.csv").write_text(table + "".join(table.splitlines(True)[1:]).replace("h100", "h200"))
    run = CliRunner().invoke(cli, ["fit", "--facts", str(facts), "--json"])
    assert run.exit_code == 0, run.output
    kinds = {(line["machine"], line["kernels"]) for line in json.loads(run.stdout)["fits"]}
    assert {("h100-sxm", "ring"), ("h200-sxm", "ring"), ("h100-sxm", "gemm bf16")} <= kinds
