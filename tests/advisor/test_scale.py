"""Growth with context: exponents, crossings, exports."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from advisor import scale
from advisor.cli import cli


def test_attention_grows_towards_two_and_a_state_space_stays_at_one():
    llama, mamba = scale(["llama-3.1-8b", "falcon-mamba-7b"], context=(1024, 2**20)).curves
    exponents = [p.exponent for p in llama.points]
    assert exponents == sorted(exponents)
    assert exponents[0] < 1.1
    assert exponents[-1] > 1.9
    assert all(p.exponent == pytest.approx(1, abs=1e-3) for p in mamba.points)
    assert llama.overtakes_at == 53_248
    assert mamba.overtakes_at is None
    assert len({p.cache_bytes for p in mamba.points}) == 1


def test_lengths_double_and_both_ends_are_there():
    contexts = [p.context for p in scale(["gpt2"], context=(1024, 262144)).curves[0].points]
    assert contexts == [1024 * 2**i for i in range(9)]


def test_crossings_say_who_is_cheaper_where():
    result = scale(["llama-3.2-3b", "falcon-mamba-7b"], context=(1024, 262144))
    crossings = {c.quantity: c for c in result.crossings}
    assert crossings["FLOPs"].below == "llama-3.2-3b"
    assert crossings["FLOPs"].above == "falcon-mamba-7b"
    llama, mamba = result.curves
    at = crossings["FLOPs"].context
    before = [a.flops < b.flops for a, b in zip(llama.points, mamba.points, strict=True) if a.context < at]
    after = [a.flops < b.flops for a, b in zip(llama.points, mamba.points, strict=True) if a.context > at]
    assert all(before)
    assert not any(after)


def test_a_window_makes_growth_linear_again():
    points = scale(["mistral-7b-v0.1"], context=(1024, 262144)).curves[0].points
    assert points[-1].exponent == pytest.approx(1, abs=0.02)
    assert points[-1].cache_bytes == points[-2].cache_bytes


@pytest.mark.parametrize("flag", ["--json", "--csv", "--md", None])
def test_the_command_prints_each_way(flag: str | None):
    run = CliRunner().invoke(cli, ["scale", "llama-3.1-8b", "mamba-2.8b", *([flag] if flag else [])])
    assert run.exit_code == 0, run.output
    if flag == "--json":
        data = json.loads(run.stdout)
        assert [curve["model"] for curve in data["curves"]] == ["llama-3.1-8b", "mamba-2.8b"]
    else:
        assert "mamba-2.8b" in run.stdout
