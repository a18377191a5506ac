"""Times, energy and prices explain themselves: parts add up to the number that estimates give."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from advisor import estimate
from advisor.cli import cli
from advisor.explain_time import TIMES, explain_time
from advisor.scenario import Scenario
from catalog.errors import BadInput

CASES = (
    {"model": "llama-3.1-8b", "machine": "h100-sxm", "batch": 8},
    {"model": "llama-3.1-8b", "machine": "h100-sxm", "batch": 1, "output_tokens": 50},
    {"model": "deepseek-v3", "machine": "h200-sxm", "tp": 8, "batch": 16},
    {"model": "llama-3.1-8b", "machine": "rtx-4090", "pue": 1.2, "host_w": 80.0},
)


def values_of(asked) -> dict[str, float]:
    e = estimate(**asked)
    return {
        "ttft": e.time.ttft_s.p50, "tpot": e.time.tpot_s.p50, "e2e": e.time.e2e_s.p50,
        "prefill": e.time.prefill_s.p50, "decode": e.time.decode_s.p50, "throughput": e.throughput.total,
        "energy": e.energy.joules_per_request.p50, "cost": e.cost.usd_per_thousand_requests,
    }  # fmt: skip


@pytest.mark.parametrize("asked", CASES, ids=lambda asked: f"{asked['model']}-{asked.get('batch', 1)}")
def test_parts_add_up_to_what_the_estimate_says(asked):
    values = values_of(asked)
    assert set(values) == set(TIMES)
    for quantity, value in values.items():
        e = explain_time(Scenario(**asked), quantity)
        assert e.value == pytest.approx(value), quantity
        assert sum(part.value for part in e.parts) == pytest.approx(value, rel=2e-3), quantity
        assert e.formula
        assert e.sources
        assert all(part.substituted for part in e.parts)


def test_one_pass_models_explain_their_answer_energy_and_price():
    asked = {"model": "vit-b16", "machine": "l4", "batch": 4}
    e = estimate(**asked)
    for quantity, value in (
        ("ttft", e.time.ttft_s.p50), ("prefill", e.time.prefill_s.p50),
        ("energy", e.energy.joules_per_request.p50), ("cost", e.cost.usd_per_thousand_requests),
    ):  # fmt: skip
        found = explain_time(Scenario(**asked), quantity)
        assert found.value == pytest.approx(value)
        assert sum(part.value for part in found.parts) == pytest.approx(value, rel=2e-3)
    with pytest.raises(BadInput, match="writes no tokens"):
        explain_time(Scenario(**asked), "tpot")


def test_the_command_needs_a_machine_for_times_and_names_the_nearest_quantity():
    for arguments, told in (
        (["llama-3.1-8b", "ttft"], "--machine"),
        (["llama-3.1-8b", "tpott", "--machine", "l4"], "did you mean tpot"),
    ):
        run = CliRunner().invoke(cli, ["explain", *arguments])
        assert isinstance(run.exception, BadInput)
        assert told in str(run.exception)
    run = CliRunner().invoke(cli, ["explain", "llama-3.1-8b", "ttft", "--machine", "l4", "--batch", "4"])
    assert run.exit_code == 0
    assert "t_shared" in run.output
    assert "source" in run.output
