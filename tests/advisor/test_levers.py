"""What would make it faster: each factor is that of a second estimate."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from advisor import breakdown, estimate, levers
from advisor.cli import cli

ASKED = {"model": "llama-3.1-70b", "machine": "h100-sxm", "tp": 4, "batch": 16}


@pytest.fixture(scope="module")
def found():
    return levers(**ASKED)


def test_every_factor_is_that_of_the_changed_estimate(found):
    now = estimate(**ASKED)
    for lever in found.levers:
        then = estimate(**{**ASKED, **lever.change})
        assert lever.tpot == pytest.approx(then.time.tpot_s.p50 / now.time.tpot_s.p50)
        assert lever.ttft == pytest.approx(then.time.ttft_s.p50 / now.time.ttft_s.p50)
        assert lever.throughput == pytest.approx(then.throughput.total / now.throughput.total)
        assert lever.memory_bytes_per_gpu == then.memory.total_bytes_per_gpu


def test_every_lever_helps_something_and_fits_and_says_what_else_it_does(found):
    names = [lever.name for lever in found.levers]
    assert len(set(names)) == len(names) >= 6
    for lever in found.levers:
        assert min(lever.ttft, lever.tpot, 1 / lever.throughput, lever.cost or 1) < 0.981
        assert lever.fits
        assert lever.side_effect


def test_weights_of_half_the_size_are_a_lever_where_reading_them_is_the_largest_term(found):
    assert found.terms["decode"][0].name == "reading the weights of dense products"
    fp8 = next(lever for lever in found.levers if lever.change.get("weights") == "fp8")
    assert 0.6 < fp8.tpot < 0.9
    assert fp8.memory_bytes_per_gpu < estimate(**ASKED).memory.total_bytes_per_gpu


def test_terms_are_the_largest_of_their_pass(found):
    for p in breakdown(**ASKED).passes:
        terms = found.terms[p.name]
        assert len(terms) == 3
        assert list(terms) == sorted(terms, key=lambda t: -t.seconds)
        assert 0.5 < sum(t.share for t in terms) <= 1


def test_a_change_that_does_not_fit_is_no_lever():
    asked = {"model": "llama-3.1-8b", "machine": "l4"}
    most = estimate(**asked).memory.max_batch
    assert estimate(**asked, batch=2 * most).memory.fits is False
    assert f"batch {2 * most}" not in [lever.name for lever in levers(**asked, batch=most).levers]
    half = most // 2
    assert f"batch {2 * half}" in [lever.name for lever in levers(**asked, batch=half).levers]


@pytest.mark.parametrize("model", ["bert-base-uncased", "dit-xl-2-256", "whisper-small", "t5-base", "mamba-2.8b"])
def test_every_kind_of_model_has_levers(model):
    result = levers(model=model, machine="l4", batch=4, input_tokens=256)
    assert result.levers
    assert all(terms for terms in result.terms.values())


def test_the_command_prints_them_in_80_columns_and_as_data():
    arguments = ["estimate", "llama-3.1-70b", "--machine", "h100-sxm", "--tp", "4", "--batch", "16", "--levers"]
    text = CliRunner().invoke(cli, arguments, env={"COLUMNS": "80"}).output
    assert "Largest terms of decode" in text
    assert max(map(len, text.splitlines())) <= 80
    data = json.loads(CliRunner().invoke(cli, [*arguments, "--json"]).stdout)
    assert {"name", "change", "tpot", "side_effect"} <= set(data["levers"][0])
