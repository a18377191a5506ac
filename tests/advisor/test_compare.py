"""Models side by side: rows equal what the single commands say, and differences follow from the parts."""

from __future__ import annotations

import csv
import io
import json

import pytest
from click.testing import CliRunner

from advisor import compare, estimate
from advisor.cli import cli
from catalog.errors import BadInput

THREE = ["llama-2-7b", "llama-3.1-8b", "qwen3-30b-a3b"]


@pytest.fixture(scope="module")
def three():
    return compare(THREE, machine="h100-sxm", batch=8)


def values(comparison, name):
    return next(row for row in comparison.rows if row.name == name).values


def test_rows_are_those_of_the_estimate(three):
    for place, model in enumerate(THREE):
        e = estimate(model=model, machine="h100-sxm", batch=8, input_tokens=2048, output_tokens=500)
        assert values(three, "first token")[place] == e.time.ttft_s.p50
        assert values(three, "per token")[place] == e.time.tpot_s.p50
        assert values(three, "memory/device")[place] == e.memory.total_bytes_per_gpu
        assert values(three, "$/M output")[place] == e.cost.usd_per_million_output_tokens
        assert values(three, "parameters")[place] == e.params.total


def test_grouped_queries_keep_a_quarter_of_the_cache_and_the_sentence_says_why():
    found = compare(["llama-2-7b", "llama-3.1-8b"])
    assert values(found, "cache per token") == (2 * 32 * 32 * 128 * 2, 2 * 32 * 8 * 128 * 2)
    assert found.differences[0] == (
        "llama-2-7b keeps 4.0 × the cache per token of llama-3.1-8b: 32 layers × 32 kv heads × 128 against "
        "32 layers × 8 kv heads × 128."
    )


def test_a_state_space_model_adds_no_cache_and_a_window_stops_adding():
    found = compare(["falcon-mamba-7b", "llama-3.1-8b"])
    assert values(found, "cache per token")[0] == 0
    assert "further tokens cost no memory" in found.differences[0]
    windowed = compare(["mistral-7b-v0.1", "mistral-7b-v0.3"], input_tokens=6000)
    assert values(windowed, "cache per token") == (0, 2 * 32 * 8 * 128 * 2)
    assert values(windowed, "window") == (4096, None)


def test_latent_attention_is_told_by_its_width():
    found = compare(["deepseek-v2-lite", "llama-3.1-8b"])
    assert values(found, "latent cache") == (512 + 64, None)
    assert values(found, "cache per token")[0] == 27 * (512 + 64) * 2
    assert "27 layers × a latent vector of 576 elements" in found.differences[0]


def test_the_best_of_a_row_is_the_best(three):
    for row in three.rows:
        known = [v for v in row.values if isinstance(v, int | float)]
        for place in row.best:
            assert row.values[place] == (min(known) if row.better == "low" else max(known))
    assert any(row.best for row in three.rows)


def test_curves_that_cross_are_those_of_scale(three):
    assert {c.quantity for c in three.crossings} >= {"FLOPs", "memory"}


def test_a_model_behind_an_api_shows_its_price_and_nothing_computed():
    found = compare(["gpt-4o", "llama-3.1-8b"])
    assert values(found, "$/M output")[0] == 10
    assert values(found, "first token")[0] is None
    assert any("undisclosed" in note for note in found.notes)


def test_encoders_compare_without_what_only_writers_have():
    found = compare(["bert-base-uncased", "modernbert-base"], input_tokens=256, batch=8, machine="l4")
    names = {row.name for row in found.rows}
    assert "first token" in names
    assert not {"per token", "cache per token"} & names


@pytest.mark.parametrize("models", [["llama-3.1-8b"], THREE * 3, ["llama-3.1-8b", "llama3.1:8b"]])
def test_too_few_too_many_and_the_same_twice_are_refused(models):
    with pytest.raises(BadInput, match="compare"):
        compare(models)


@pytest.mark.parametrize("models", [THREE, [*THREE, "falcon-mamba-7b", "gpt-4o"]])
def test_text_keeps_to_eighty_columns_and_marks_without_colour(models):
    run = CliRunner().invoke(cli, ["compare", *models])
    assert run.exit_code == 0, run.output
    assert all(len(line) <= 80 for line in run.stdout.splitlines())
    assert " *" in run.stdout
    assert "\x1b" not in run.stdout
    assert all(model in run.stdout for model in models)


def test_every_format_holds_the_same_rows():
    args = ["compare", "llama-2-7b", "llama-3.1-8b"]
    data = json.loads(CliRunner().invoke(cli, [*args, "--json"]).stdout)
    table = list(csv.DictReader(io.StringIO(CliRunner().invoke(cli, [*args, "--csv"]).stdout)))
    assert [row["name"] for row in data["rows"]] == [row["quantity"] for row in table]
    cache = next(row for row in table if row["quantity"] == "cache per token")
    assert float(cache["llama-3.1-8b"]) == 131072
    assert cache["best"] == "llama-3.1-8b"
    assert "| cache per token | 512 KiB | 128 KiB * |" in CliRunner().invoke(cli, [*args, "--md"]).stdout
