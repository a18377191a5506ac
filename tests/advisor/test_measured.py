"""What we measured ourselves: every clone can compare it, and short and long contexts grow as theory says."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from advisor import accuracy
from advisor.cli import cli

MEASURED = Path(__file__).parents[2] / "benchmarks" / "measured"


def passes() -> list[dict[str, str]]:
    return list(csv.DictReader((MEASURED / "epyc-milan-core_passes.csv").open(encoding="utf-8")))


@pytest.fixture(scope="module")
def report() -> dict:
    run = CliRunner().invoke(cli, ["accuracy", str(MEASURED), "--json", "--by", "quantity,model,kernel"])
    assert run.exit_code == 0, run.output
    return json.loads(run.stdout)


def test_every_measured_pass_is_compared(report: dict):
    text = json.dumps(report, ensure_ascii=False)
    assert len(passes()) == 57
    assert all(f'"{name}"' in text for name in {row["model"] for row in passes()})


def test_attention_is_predicted_as_well_as_the_readme_beside_the_measurements_says(report: dict):
    lines = (MEASURED / "README.md").read_text(encoding="utf-8").splitlines()
    _, _, rows, errors, *_ = next(line for line in lines if line.startswith("| attention")).split("|")
    said = zip(re.findall(r"\d+", rows), re.findall(r"[\d.]+", errors), strict=True)
    groups = {group["kernel"]: group for group in report["groups"]}
    for kernel, (n, error) in zip(("attention_prefill", "attention_decode"), said, strict=True):
        assert groups[kernel]["n"] == int(n)
        assert 100 * groups[kernel]["median_absolute_error"] == pytest.approx(float(error), abs=0.06)


def test_attention_grows_with_the_square_and_a_state_does_not():
    first = {
        (row["model"], int(row["new"])): float(row["seconds"])
        for row in passes()
        if row["past"] == "0" and row["batch"] == "1"
    }
    per_token = {(model, n): s / n for (model, n), s in first.items() if n}
    assert per_token["llama", 4096] > 1.6 * per_token["llama", 512]
    assert per_token["mamba2", 4096] < 1.3 * per_token["mamba2", 512]


@pytest.mark.parametrize(("name", "said"), [("cpu_products", "processors"), ("power_ml_energy", "fit_power")])
def test_what_constants_were_fitted_on_is_named_and_not_compared(name, said):
    found = accuracy(Path(__file__).parents[2] / "benchmarks" / "measured" / f"{name}.csv")
    assert not found.unread
    assert found.compared == []
    (reason,) = found.tables[0].reasons
    assert "fitted" in reason
    assert said in reason
