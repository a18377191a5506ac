"""How experts are chosen, in estimates: what it changes, what is said of it, and what is refused."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from advisor import estimate, levers
from advisor.cli import cli
from catalog.errors import BadInput

ASKED = {"model": "deepseek-v3", "machine": "b200-sxm", "tp": 8, "batch": 16}


def tpot(**fields: object) -> float:
    return float(estimate(**{**ASKED, **fields}).time.tpot_s.p50)


def test_the_busiest_device_of_eight_makes_a_step_of_few_tokens_slower_than_slices_of_experts():
    assert tpot(ep=8, batch=4) > tpot(batch=4) * 1.02
    assert tpot(ep=8, batch=4, routing="uniform") > tpot(batch=4, routing="uniform") * 1.05


def test_skew_spares_small_steps_and_slows_long_prompts_on_divided_experts():
    assert tpot(routing="skewed") < tpot(routing="uniform") < tpot(routing="balanced")
    first = [
        estimate(**ASKED, ep=8, input_tokens=8192, routing=how).time.ttft_s.p50
        for how in ("balanced", "uniform", "skewed")
    ]
    assert first == sorted(first)
    assert first[2] > first[0] * 1.01


def test_routing_is_said_only_where_it_matters():
    def said(**fields):
        return [note for note in estimate(**{**ASKED, **fields}).notes if "routing" in note]

    assert said() == []
    assert "wait for the device that visits most" in said(ep=8)[0]
    assert said(routing="balanced")[0].startswith(
        "balanced routing (--routing): a step of 16 tokens visits 128.0 of 256"
    )
    assert "changes nothing" in said(model="llama-3.1-8b", routing="balanced")[0]


def test_counts_and_memory_do_not_depend_on_routing():
    even, skewed = (estimate(**ASKED, ep=8, routing=how) for how in ("balanced", "skewed"))
    assert even.flops == skewed.flops
    assert even.memory == skewed.memory


def test_levers_of_divided_experts_undo_the_division():
    found = {lever.name for lever in levers(**{**ASKED, "ep": 8, "batch": 4}).levers}
    assert "experts divided by their width" in found


@pytest.mark.parametrize("command", ["estimate", "simulate"])
def test_unknown_routing_is_refused_with_what_is_possible(command):
    rate = ["--rate", "1/s"] if command == "simulate" else []
    result = CliRunner().invoke(
        cli, [command, "mixtral-8x7b", "--machine", "h100-sxm", "--tp", "2", "--routing", "zipf", *rate]
    )
    assert isinstance(result.exception, BadInput)
    assert "balanced, uniform, skewed" in str(result.exception)


def test_the_command_line_takes_an_exponent():
    arguments = [
        "estimate",
        "mixtral-8x7b",
        "--machine",
        "h100-sxm",
        "--tp",
        "2",
        "--routing",
        "power_law:1.2",
        "--json",
    ]
    data = json.loads(CliRunner().invoke(cli, arguments).output)
    assert data["scenario"]["routing"] == "power_law:1.2"
