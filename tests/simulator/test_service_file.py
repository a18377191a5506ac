"""Services described by a file: classes, kinds of replicas, failures, scaling, separate replicas for prompts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from advisor import simulate_file
from advisor.cli import cli
from advisor.simulator.lengths import lengths
from advisor.simulator.service_file import ServiceFile, read_service
from advisor.simulator.traffic import Traffic, jobs_of
from catalog.errors import BadInput

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "services").glob("*.yaml"))
PLAIN = {
    "model": "llama-3.1-8b",
    "traffic": [{"rate": "5/s", "input": 500, "output": 60}],
    "replicas": [{"machine": "h100-sxm"}],
    "requests": 300,
}


def served(**changes):
    return simulate_file(ServiceFile.model_validate(PLAIN | changes))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_examples_are_served(path):
    result = simulate_file(path, requests=300)
    o = result.outcome
    assert o.finished == o.requests
    assert [c.name for c in o.classes] == [c.name for c in read_service(path).traffic]
    assert {p.name for p in result.promises} == set(result.to_dict()["slo_measured"])
    assert sum(kind.count for kind in result.kinds) == sum(r.count for r in read_service(path).replicas)


def test_what_matters_more_waits_less():
    both = {"rate": "12/s", "input": 3000, "output": 100}
    classes = [{"name": "first", **both}, {"name": "second", "priority": 1, **both}]
    first, second = served(traffic=classes, replicas=[{"machine": "l40s"}]).outcome.classes
    assert first.queue_s.mean < 0.3 * second.queue_s.mean


def test_a_promise_to_a_class_is_missed_by_that_class_alone():
    classes = [
        {"name": "short", "rate": "5/s", "input": 100, "output": 20, "slo": "e2e.p95<1s"},
        {"name": "long", "rate": "1/s", "input": 100, "output": 400, "slo": "e2e.p95<1s"},
    ]
    result = served(traffic=classes)
    measured = result.to_dict()["slo_measured"]
    assert measured["short e2e.p95"] < 1 < measured["long e2e.p95"]
    assert result.kept is False


def test_a_failure_costs_time_and_no_answers():
    two = [{"machine": "l40s", "count": 2}]
    load = [{"rate": "8/s", "input": 1000, "output": 200}]
    whole = served(traffic=load, replicas=two)
    broken = served(traffic=load, replicas=two, failures=[{"replica": 1, "at": "10s", "back": "25s"}])
    assert broken.outcome.finished == whole.outcome.finished == 300
    assert broken.outcome.e2e_s.p95 > 1.05 * whole.outcome.e2e_s.p95
    assert broken.outcome.replicas < 2


def test_replicas_that_are_asked_for_come_after_the_delay():
    spike = [{"rate": "6/s", "input": 1000, "output": 200, "shape": "spike:6,20,40"}]
    rule = {"least": 1, "target": 12, "every": "2s"}
    four = [{"machine": "l40s", "count": 4}]
    soon, late = (
        served(traffic=spike, replicas=four, scaling=rule | {"delay": d}, requests=1500) for d in ("5s", "10min")
    )
    assert late.outcome.replicas == pytest.approx(1)
    assert 1 < soon.outcome.replicas < 4
    assert soon.outcome.ttft_s.p95 < late.outcome.ttft_s.p95


def test_users_hold_one_conversation_after_another():
    talk = Traffic(lengths(10), lengths(5), clients=2, shared_queue=False, turns=lengths(3), think_s=1.0)
    jobs = jobs_of([talk], 12)
    assert len(jobs.starts) == 2
    assert jobs.input[:3] == [10, 25, 40]
    chains = [[i] for i in jobs.starts]
    for chain in chains:
        while jobs.follows[chain[-1]] >= 0:
            chain.append(jobs.follows[chain[-1]])
    assert sorted(i for chain in chains for i in chain) == list(range(12))
    assert [jobs.input[i] for i in chains[0]] == [10, 25, 40] * 2


def test_separate_replicas_count_both_queues():
    apart = [{"machine": "h100-sxm", "role": "prompts"}, {"machine": "l4", "role": "answers", "max_sequences": 4}]
    o = served(replicas=apart, link={"gb_per_s": 10}).outcome
    assert o.verdict.saturated
    assert o.ttft_s.p95 < 0.5 < o.queue_s.p95
    assert o.finished == 300


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trace": "x.csv"}, "one of traffic and trace"),
        ({"router": "prefix"}, "did you mean prefix-aware"),
        ({"replicas": [{"machine": "h100-sxm", "role": "prompts"}]}, "should have the other"),
        ({"replicas": [{"machine": "l4", "role": "prompts"}, {"machine": "l4"}]}, "all should have one of the two"),
        ({"failures": [{"at": "soon"}]}, "write it like"),
        ({"failures": [{"replica": 3, "at": 5}]}, "replicas are 0 to 0"),
        ({"scaling": {"least": 2}}, "should be from 1"),
        ({"link": {"gb_per_s": 5}}, "only between"),
        ({"traffic": [{"rate": 1, "input": 9, "output": 9, "slo": "itl.p95<1s"}]}, "all requests together"),
        ({"traffic": [{"users": 5, "input": 9, "output": 9, "shape": "diurnal:4"}]}, "needs a rate"),
        ({"traffic": [{"rate": 1, "preset": "chatt"}]}, "did you mean chat"),
        ({"find": "max-rate"}, "needs slo"),
        ({"replcas": []}, "did you mean replicas"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(tmp_path, changes, said):
    path = tmp_path / "service.yaml"
    path.write_text(yaml.safe_dump(PLAIN | changes))
    with pytest.raises(BadInput, match=said) as error:
        simulate_file(path)
    assert "\n" not in str(error.value)


def test_the_command_reads_a_file_and_says_what_else_may_be_given(tmp_path):
    path = tmp_path / "service.yaml"
    path.write_text(yaml.safe_dump(PLAIN | {"requests": 150}))
    done = CliRunner().invoke(cli, ["simulate", str(path), "--seeds", "2", "--slo", "ttft.p95<1s", "--json"])
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert (data["requests"], data["seeds"], data["slo_kept"]) == (150, 2, True)
    assert {"ttft.p95", "goodput_per_s"} <= set(data["intervals"])
    series = data["over_time"]
    assert len(series["cache_share"]) == len(series["preemptions"]) == 60
    asked = CliRunner().invoke(cli, ["simulate", str(path), "--rate", "3"])
    assert (asked.exit_code, "--rate: put it into" in asked.output) == (2, True)
    assert CliRunner().invoke(cli, ["simulate", "llama-3.1-8b"]).exit_code == 2
    schema = json.loads(CliRunner().invoke(cli, ["schema", "simulate"]).stdout)
    assert "traffic" in schema["properties"]


def test_flags_split_prompts_and_fail_a_replica():
    base = ["simulate", "llama-3.1-8b", "--machine", "h100-sxm", "--rate", "4", "--requests", "200"]
    split = CliRunner().invoke(cli, [*base, "--prompt-replicas", "1", "--turns", "3"])
    assert "for prompts" in split.output
    fails = CliRunner().invoke(cli, [*base, "--replicas", "2", "--fail-at", "10s", "--json"])
    assert json.loads(fails.stdout)["replicas"] < 2
    alone = CliRunner().invoke(cli, [*base, "--fail-at", "10s"])
    assert isinstance(alone.exception, BadInput)


def test_requests_asked_for_count_every_turn_of_a_conversation(tmp_path):
    path = tmp_path / "service.yaml"
    turns = {"name": "talk", "rate": "2/s", "input": 200, "output": 20, "turns": 5, "think": "1s"}
    single = {"name": "once", "rate": "3/s", "input": 200, "output": 20, "shape": "spike:2,10,5"}
    path.write_text(yaml.safe_dump(PLAIN | {"traffic": [turns, single], "requests": 260}))
    found = simulate_file(path)
    assert (found.rate, found.asked_per_s) == (5, 2 * 5 + 3)
    assert found.to_dict()["asked_requests_per_s"] == 13
    jobs = found.runs[0].jobs
    starts = [at for i, at in enumerate(jobs.arrival) if i not in set(jobs.follows)]
    assert len(starts) == 200 / 5 + 60
    assert found.last_start_s == max(starts) < max(jobs.arrival)
    said = " ".join(CliRunner().invoke(cli, ["simulate", str(path)]).output.split())
    assert "260 requests at 13 per second (5 conversations per second, 2.6 turns on average)" in said
    assert "once ×2 from 10 s on for 5 s" in said
    assert f"The last conversation begins after {max(starts):,.0f} s" in said


def test_requests_without_turns_are_said_as_requests_per_second(tmp_path):
    path = tmp_path / "service.yaml"
    path.write_text(yaml.safe_dump(PLAIN))
    said = CliRunner().invoke(cli, ["simulate", str(path)]).output
    assert "300 requests at 5 per second, " in said
    assert "conversation" not in said
