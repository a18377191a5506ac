"""Predictions beside measurements: layouts, weights of groups, exit codes, names."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from advisor import accuracy, estimate
from advisor.accuracy.comparison import Comparison
from advisor.accuracy.errors import Errors, weighted_quantile
from advisor.accuracy.intervals import coverage, interval, quantiles
from advisor.accuracy.names import format_of, machine_of, model_of
from advisor.accuracy.readers import readers
from advisor.cli import cli
from catalog.errors import BadInput

HEAD = (
    "id,backend,backend_version,model_path,system,precision,mode,isl,osl,gemm_quant_mode,batch_size,tp_size,pp_size,"
    "attention_dp_size,moe_ep_size,silicon_ttft_ms,silicon_tpot_ms,silicon_concurrency"
)
ROW = "run_tp{tp}_0,vllm,0.9,{model},{system},,agg,1024,256,{quant},{c},{tp},1,1,1,{ttft},{tpot},{c}"


def table(path: Path, *rows: dict[str, object]) -> Path:
    usual = {"model": "meta-llama/Meta-Llama-3.1-8B", "system": "h100_sxm", "quant": "", "tp": 1, "c": 4, "tpot": 8.0}
    lines = [ROW.format(**{**usual, "ttft": 50.0 + i, **row}) for i, row in enumerate(rows)]
    path.write_text("\n".join((HEAD, *lines)) + "\n", encoding="utf-8")
    return path


def run(*arguments: object) -> object:
    return CliRunner().invoke(cli, ["accuracy", *map(str, arguments)])


def comparison(predicted: float, measured: float, model: str, band: tuple[float, float] | None = None) -> Comparison:
    p10, p90 = band or (None, None)
    return Comparison(1, "tpot", "s", measured, predicted, {"model": model, "machine": "m"}, p10, p90)


def test_a_prediction_is_what_estimate_says_of_the_same_scenario(tmp_path):
    found = accuracy(table(tmp_path / "t.csv", {"c": 4}))
    tpot = next(c for c in found.compared if c.quantity == "tpot")
    e = estimate(model="llama-3.1-8b", machine="h100-sxm", batch=4, input_tokens=1024, output_tokens=256)
    assert e.time.tpot_s is not None
    assert tpot.predicted == pytest.approx(e.time.tpot_s.p50, rel=1e-9)
    assert tpot.measured == pytest.approx(8e-3)
    assert tpot.error == pytest.approx(tpot.predicted / 8e-3 - 1)


def test_every_pair_of_model_and_machine_weighs_the_same():
    many = [comparison(1.5, 1.0, "often") for _ in range(99)]
    few = [comparison(1.1, 1.0, "seldom"), comparison(1.1, 1.0, "rare")]
    errors = Errors.of(many + few)
    assert (errors.n, errors.pairs) == (101, 3)
    assert errors.median_absolute_error == pytest.approx(0.1)
    assert errors.p90_absolute_error == pytest.approx(0.5)


def test_with_equal_weights_the_weighted_median_is_the_median():
    values = np.random.default_rng(1).normal(size=101)
    assert weighted_quantile(values, np.ones(101), 0.5) == pytest.approx(np.median(values))


def test_coverage_counts_rows_inside_their_band_and_only_rows_with_one():
    inside, outside = comparison(1, 1, "a", (0.9, 1.1)), comparison(1, 2, "b", (0.9, 1.1))
    assert Errors.of([inside, outside, comparison(1, 1, "c")]).coverage == pytest.approx(0.5)
    assert Errors.of([comparison(1, 1, "c")]).coverage is None


def test_fail_above_decides_the_exit_code(tmp_path):
    path = table(tmp_path / "t.csv", {"tpot": 8.0})
    error = accuracy(path).overall.median_absolute_error
    assert error is not None
    assert run(path).exit_code == 0
    assert run(path, "--fail-above", error * 1.01).exit_code == 0
    assert run(path, "--fail-above", error * 0.99).exit_code == 1


def test_the_json_has_the_names_that_others_build_on(tmp_path):
    path = table(tmp_path / "t.csv", {}, {"system": "h200_sxm"}, {"model": "acme/unheard-of"})
    outcome = run(path, "--json", "--by", "machine")
    assert outcome.exit_code == 0, outcome.output
    data = json.loads(outcome.stdout)
    assert {"n", "median_absolute_error", "p90_absolute_error", "bias"} <= set(data["overall"])
    assert [group["machine"] for group in data["groups"]] == ["h100-sxm", "h200-sxm"]
    assert data["overall"]["n"] == sum(group["n"] for group in data["groups"]) == 4
    assert data["files"][0]["skipped"] == {"not in the catalog: acme/unheard-of": 1}


def test_predictions_are_written_beside_measurements(tmp_path):
    out = tmp_path / "out.csv"
    assert run(table(tmp_path / "t.csv", {"tpot": 9.5}), "--out", out).exit_code == 0
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    row = next(row for row in rows if row["quantity"] == "tpot")
    assert float(row["measured"]) == pytest.approx(9.5e-3)
    assert float(row["error"]) == pytest.approx(float(row["predicted"]) / 9.5e-3 - 1)
    assert (row["model"], row["machine"], row["engine"]) == ("llama-3.1-8b", "h100-sxm", "vllm")


def test_a_row_listed_twice_counts_once(tmp_path):
    found = accuracy(table(tmp_path / "t.csv", {"ttft": 40}, {"ttft": 40}))
    assert [c.line for c in found.compared] == [1, 1]
    assert found.tables[0].reasons == {"listed before": 1}


def test_a_folder_reads_what_it_can_and_names_the_rest(tmp_path):
    table(tmp_path / "a.csv", {})
    (tmp_path / "b.csv").write_text("colour,shape\nred,round\n", encoding="utf-8")
    found = accuracy(tmp_path)
    assert [each.path.name for each in found.tables] == ["a.csv"]
    (reason,) = found.unread.values()
    assert "no known layout" in reason


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("t.csv", "colour,shape\nred,round\n", "no known layout"),
        ("t.csv", "", "is empty"),
        ("t.json", "{not json", "not JSON"),
        ("t.json", "[1, 2]", "expected objects"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, text, words):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=words):
        accuracy(path)
    assert isinstance(run(path).exception, BadInput)  # exit code 2: advisor.cli.main


def test_unknown_names_are_refused_with_the_nearest(tmp_path):
    path = table(tmp_path / "t.csv", {})
    with pytest.raises(BadInput, match="did you mean machine"):
        accuracy(path, by=["machin"])
    with pytest.raises(BadInput, match="unknown quantity 'tpott'; did you mean tpot"):
        accuracy(path, quantity="tpott")
    with pytest.raises(BadInput, match="no such file"):
        accuracy(tmp_path / "nowhere.csv")


def test_nothing_to_compare_exits_with_1(tmp_path):
    assert run(table(tmp_path / "t.csv", {"model": "acme/unheard-of"})).exit_code == 1


def test_layouts_are_told_apart():
    layouts = [reader.layout for reader in readers()]
    assert len(layouts) == len(set(layouts))
    assert len({reader.columns for reader in readers()}) == len(layouts)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("h100_sxm", ("h100-sxm", 1)),
        ("8x NVIDIA H200-SXM-141GB", ("h200-sxm", 8)),
        ("RTX4090-24GB", ("rtx-4090", 1)),
        ("NVIDIA GeForce RTX 5070 Ti", ("rtx-5070-ti", 1)),
        ("1x AMD Radeon RX 7900 XT (19.98 GB, linux)", ("rx-7900-xt", 1)),
        ("Mac Studio (M3 Ultra 512GB) [GPU]", ("apple-m3-ultra", 1)),
        ("AMD Instinct MI300X 192GB HBM3", ("mi300x", 1)),
        ("A100-80GB-SXM", ("a100-sxm4-80gb", 1)),
        ("A100", (None, 1)),  # 40 or 80 GB, PCIe or SXM
        ("CPU Core i9-10940X", (None, 1)),
        ("Framework 13 (Ryzen AI 5 340) [CPU]", (None, 1)),
    ],
)
def test_machines_are_known_by_the_names_that_benchmarks_print(printed, expected):
    assert machine_of(printed) == expected


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("meta-llama/Meta-Llama-3.1-8B", "llama-3.1-8b"),
        ("meta-llama/Llama-3.1-70B-Instruct", "llama-3.1-70b"),
        ("LLaMA v3.1 8B", "llama-3.1-8b"),
        ("Qwen_Qwen3.5-27B-Q4_K_M.gguf", "qwen3.5-27b"),
        ("mistralai/Mixtral-8x22B-Instruct-v0.1", "mixtral-8x22b"),
        ("gemma-3-27b-it-UD-Q4_K_XL (27009346304 params)", "gemma-3-27b"),
        ("Hermes-3-Llama-3.1-8B-Q4_K_M.gguf", "llama-3.1-8b"),  # a fine-tune with the same shapes
        ("ConicCat_Qwen3.5-27B-Writer-Q4_K_M.gguf", None),
        ("Llama", None),
    ],
)
def test_models_are_known_by_the_names_that_benchmarks_print(printed, expected):
    assert model_of(printed) == expected


def test_a_model_published_in_four_bits_keeps_them():
    assert format_of("nvfp4", "gpt-oss-120b") == "mxfp4-experts"
    assert format_of("nvfp4", "llama-3.1-70b") == "nvfp4"
    assert format_of("", "llama-3.1-70b") == "bf16"
    assert format_of("q17", "llama-3.1-70b") is None


def residuals(rng: np.random.Generator, groups: int, own: float, between: float) -> dict[tuple[str, ...], np.ndarray]:
    """Groups whose centres differ by ``between`` and whose members differ by ``own``."""
    return {(f"model {i}", f"machine {i % 4}"): rng.normal(rng.normal(0, between), own, size=40) for i in range(groups)}


def test_a_band_of_few_unlike_groups_is_wider_than_their_quantiles_and_holds_groups_to_come():
    held, plain = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        groups = residuals(rng, 8, 0.05, 0.3)
        band, pooled = interval(groups), quantiles(list(groups.values()))
        assert band.high - band.low >= pooled.high - pooled.low - 1e-12
        new = list(residuals(rng, 20, 0.05, 0.3).values())
        held.append(np.mean([band.holds(values) for values in new]))
        plain.append(np.mean([pooled.holds(values) for values in new]))
    assert 0.75 <= np.mean(held) <= 0.95
    assert np.mean(plain) < np.mean(held)


def test_coverage_leaves_whole_machines_out():
    groups = {("a", "m1"): np.zeros(5), ("b", "m1"): np.zeros(5), ("c", "m2"): np.full(5, 9.0)}
    assert coverage(groups, {key: key[1] for key in groups}) == {"m1": 0.0, "m2": 0.0}
    assert interval({("a",): np.array([0.0, 1.0, 2.0])}).middle == 1.0


def test_runs_whose_day_speaks_of_multi_token_prediction_are_in_doubt(tmp_path):
    path = table(
        tmp_path / "t.csv", {"model": "deepseek-ai/DeepSeek-R1", "system": "h200_sxm", "tp": 8, "quant": "fp8"}
    )
    lines = path.read_text(encoding="utf-8").replace(",vllm,", ",trtllm,").splitlines()
    for day, count in (("2026-02-05T00:00:00Z", 0), ("2026-01-29T00:00:00Z", 2)):
        path.write_text(f"{lines[0]},measured_at\n{lines[1]},{day}\n", encoding="utf-8")
        found = accuracy(path)
        assert len(found.compared) == count
        assert any("multi-token prediction" in reason for reason in found.tables[0].reasons) is (count == 0)
