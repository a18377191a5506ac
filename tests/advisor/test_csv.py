"""Tables for programs hold raw numbers, with the unit in the column's name or in a column of its own."""

from __future__ import annotations

import csv
import io
import json

import pytest
from click.testing import CliRunner

from advisor.cli import cli
from catalog.loader import load_machine


def table(*args: str) -> list[dict[str, str]]:
    """What ``--csv`` prints."""
    run = CliRunner().invoke(cli, [*args, "--csv"])
    assert run.exit_code == 0, run.output
    return list(csv.DictReader(io.StringIO(run.stdout)))


@pytest.mark.parametrize(("task", "rate"), [("chat", "tokens_per_s"), ("classification", "requests_per_s")])
def test_a_recommendation_as_csv_holds_the_numbers_of_json(task: str, rate: str):
    args = ("recommend", "--task", task, "--machine", "l4", "--limit", "3")
    rows = table(*args)
    data = json.loads(CliRunner().invoke(cli, [*args, "--json"]).stdout)["recommendations"]
    assert len(rows) == len(data) == 3
    for row, meant in zip(rows, data, strict=True):
        for name in ("memory_bytes_per_gpu", "ttft_s", "usd_per_million_input_tokens", "quality", "score", "n_gpus"):
            assert float(row[name]) == meant[name]
        assert float(row[rate]) == meant["tokens_per_s"]
        assert bool(row["tokens_per_s"]) != bool(row["requests_per_s"])


def test_the_catalog_as_csv_and_json_holds_numbers_and_as_markdown_text():
    (row,) = [row for row in table("catalog", "list", "machines", "h100-sxm") if row["id"] == "h100-sxm"]
    machine = load_machine("h100-sxm")
    assert float(row["memory_bytes"]) == machine.memory_bytes
    assert float(row["bandwidth_gb_per_s"]) == machine.bandwidth_gb_per_s
    assert float(row["peak_tflops"]) == machine.peak_tflops["bf16"]
    assert float(row["usd_per_hour"]) > 0
    (model,) = [row for row in table("catalog", "list", "models", "llama-3.1-8b") if row["id"] == "llama-3.1-8b"]
    assert (model["parameters"], model["context_tokens"]) == ("8030261248", "131072")
    (hosted,) = [row for row in table("catalog", "list", "models", "gpt-4o") if row["id"] == "gpt-4o"]
    assert (hosted["parameters"], hosted["active_parameters"]) == ("", "")
    data = json.loads(CliRunner().invoke(cli, ["catalog", "list", "models", "gpt-4o", "--json"]).stdout)
    assert {row["parameters"] for row in data} == {None}
    said = CliRunner().invoke(cli, ["catalog", "list", "machines", "h100-sxm", "--md"]).stdout
    assert "79.7 GiB" in said
    assert "3,350 GB/s" in said


def test_a_comparison_as_csv_names_the_unit_of_each_row():
    rows = {row["quantity"]: row for row in table("compare", "qwen3-8b", "llama-3.1-8b")}
    units = {"first token": "s", "weights/device": "bytes", "context": "tokens", "energy/request": "J", "layers": ""}
    assert {name: rows[name]["unit"] for name in units} == units
    assert 0.001 < float(rows["first token"]["qwen3-8b"]) < 1
