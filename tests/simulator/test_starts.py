"""How clients that wait for their answers begin, and how many places they find."""

from __future__ import annotations

import pytest

from advisor import simulate
from advisor.cli import main
from advisor.simulator.starts import round_s

EIGHT = {"model": "llama-3.1-8b", "machine": "h100-sxm", "input": 1024, "output": 128, "requests": 160}


def test_clients_start_spread_over_the_time_that_one_answer_takes_and_are_not_in_step():
    spread, together = simulate(**EIGHT, clients=8), simulate(**EIGHT, clients=8, stagger_s=0.0)
    (traffic,) = spread.traffic
    assert traffic.stagger_s == round_s(spread.service, 8, 1, 1024, 128)
    assert traffic.stagger_s == pytest.approx(spread.outcome.e2e_s.p50 - spread.service.request_s, rel=0.05)
    # Together, all prompts of a round are read in one pass; spread, most are read alone.
    assert together.outcome.ttft_s.p50 > 2 * spread.outcome.ttft_s.p50
    assert any("march in step" in note for note in together.notes)
    assert not any("march in step" in note for note in spread.notes)
    assert any("start spread over" in note for note in spread.notes)


def test_what_comes_at_a_rate_says_nothing_of_clients():
    assert not any("clients" in note for note in simulate(**EIGHT, rate=2).notes)


def test_llama_cpp_has_a_slot_for_each_client_as_its_launch_line_has_and_four_otherwise():
    case = {"model": "llama-3.1-8b", "machine": "rtx-4090", "engine": "llama.cpp", "weights": "gguf-q4_k_m",
            "input": 128, "output": 16, "requests": 40}  # fmt: skip
    twelve, rate = simulate(**case, clients=12), simulate(**case, rate=1)
    assert twelve.service.rules.max_sequences == 12
    assert any("-np 12" in note for note in twelve.notes)
    assert rate.service.rules.max_sequences == 4
    assert any("-np 4" in note for note in rate.notes)
    own = simulate(**case, clients=12, limits_of_rules={"max_sequences": 6})
    assert own.service.rules.max_sequences == 6


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("lama-3.1-8b", "did you mean llama-3.1-8b"),
        ("/nonexistent", "no such file"),
        ("llama-3.1-8b", "give --machine"),
    ],
)
def test_a_model_that_does_not_exist_is_named_before_a_machine_is_asked_for(what, said, capsys):
    with pytest.raises(SystemExit) as end:
        main(["simulate", what, "--rate", "5/s"])
    assert end.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())
