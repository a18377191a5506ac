"""Replicas from the catalog: their tables against the calculators, every family, the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

import advisor
from advisor.cli import cli, main
from advisor.estimating.resolve import resolve, server_of
from advisor.scenario import Scenario
from advisor.simulator.rules import PRESETS, Rules
from advisor.simulator.service import service_of
from advisor.simulator.traffic import Traffic, lengths
from calculators import cache_bytes
from calculators.workload import Workload
from catalog.errors import BadInput
from catalog.loader import load

MODELS = ["llama-3.1-8b", "gemma-3-27b", "gpt-oss-20b", "jamba-v0.1"]


def cached_s(steps, running, tokens):
    return sum(
        r[running] * running * (min(tokens, c) if c else tokens) for c, r in zip(steps.caps, steps.token_s, strict=True)
    )


@pytest.mark.parametrize("model", MODELS)
def test_tables_agree_with_the_calculators(model):
    scenario = Scenario(model=model, machine="h200-sxm", tp=2)
    server, steps = server_of(resolve(scenario)), service_of(scenario).steps
    rng = np.random.default_rng(0)
    for _ in range(40):
        running, tokens, new, past = (int(rng.integers(1, most)) for most in (256, 40_000, 8192, 60_000))
        step = Workload.of(running, 1, tokens, encode=0)
        ours = steps.step_s[running] + cached_s(steps, running, tokens)
        assert ours == pytest.approx(float(server.pass_s(step)), rel=1e-9)
        both = float(server.passes_s(Workload.of(1, new, 0), step)[2])
        assert steps.prompt_s(new, running) + cached_s(steps, running, tokens) == pytest.approx(both, rel=2e-3)
        chunk = float(server.pass_s(Workload.of(1, new, past)))
        assert steps.prompt_s(new, 0) + steps.past_s(new, past) == pytest.approx(chunk, rel=2e-3)


def test_several_prompts_in_a_pass_do_not_attend_to_each_other():
    scenario = Scenario(model="llama-3.1-8b", machine="h100-sxm")
    server, steps = server_of(resolve(scenario)), service_of(scenario).steps
    own = steps.prompt_s(4096, 0) + 4 * steps.alone_s(1024) - steps.alone_s(4096)
    assert own == pytest.approx(float(server.pass_s(Workload.of(4, 1024, 0))), rel=5e-3)


def test_the_cache_holds_what_the_model_needs():
    for model, window in (("llama-3.1-8b", 0), ("gemma-3-27b", 1024)):
        spec, service = load(model), service_of(Scenario(model=model, machine="h200-sxm"))
        for tokens in (16, 4096, 40_000):
            needed = cache_bytes(spec, tokens)
            assert service.memory.whole(tokens, 16) == pytest.approx(needed, rel=1e-6), (model, tokens)
        assert service.memory.window_tokens == window or not window
    mamba = service_of(Scenario(model="mamba-2.8b", machine="l4"))
    assert mamba.memory.per_block == 0
    assert mamba.memory.per_request == cache_bytes(load("mamba-2.8b"), 1)


def test_rules_of_launch_lines_are_set_and_impossible_ones_refused():
    scenario = Scenario(model="llama-3.1-8b", machine="h100-sxm")
    service = service_of(scenario, "vllm-v1", budget_tokens=2048, max_sequences=128, cache_tokens=32_000)
    assert (service.rules.budget_tokens, service.rules.max_sequences, service.cache_tokens) == (2048, 128, 32_000)
    for name in PRESETS:
        assert service_of(scenario, name).rules.label
    with pytest.raises(BadInput, match="did you mean sglang"):
        service_of(scenario, "sglan")
    with pytest.raises(BadInput, match="GiB for the cache"):
        service_of(Scenario(model="llama-3.1-70b", machine="l4"))
    with pytest.raises(BadInput, match="exceeds budget_tokens"):
        Rules(budget_tokens=10, max_sequences=20)
    with pytest.raises(BadInput, match="between 0 and 1"):
        service_of(scenario, memory_share=1.5)


@pytest.mark.parametrize(
    "asked",
    [
        {"model": "bert-base-uncased", "rate": 100, "input": 256},
        {"model": "whisper-large-v3", "rate": 1, "output": 60},
        {"model": "t5-large", "rate": 5, "input": 300, "output": 40},
        {"model": "resnet-50", "rate": 300},
        {"model": "stable-diffusion-xl-unet", "rate": 0.02},
        {"model": "mamba-2.8b", "rate": 0.5, "input": 500, "output": 100},
        {"model": "qwen3-4b", "rate": 0.002, "traffic": "agentic"},
        {"model": "gemma-3-4b", "rate": 1, "traffic": "chat"},
    ],
    ids=lambda asked: asked["model"],
)
def test_every_family_is_served(asked):
    result = advisor.simulate(machine="l4", requests=200, **asked)
    o = result.outcome
    assert o.finished == o.requests
    assert not o.verdict.saturated
    assert o.e2e_s.mean >= o.ttft_s.mean > 0
    assert (o.tpot_s is None) == (asked["model"] in ("bert-base-uncased", "resnet-50"))


def test_an_idle_replica_gives_the_estimates_own_times():
    result = advisor.simulate(model="llama-3.1-8b", machine="h100-sxm", rate=0.01, input=1024, output=100, requests=20)
    estimate = advisor.estimate(model="llama-3.1-8b", machine="h100-sxm", input_tokens=1024, output_tokens=100)
    o = result.outcome
    assert o.ttft_s.p50 == pytest.approx(estimate.time.ttft_s.p50, rel=2e-3)
    assert o.tpot_s.p50 == pytest.approx(estimate.time.tpot_s.p50, rel=2e-3)


def test_speculation_makes_tokens_faster():
    plain, guessed = (
        advisor.simulate(
            model="deepseek-v3", machine="h200-sxm", tp=8, rate=0.5, input=512, output=200, requests=100, **more
        )
        for more in ({}, {"speculate": "mtp"})
    )
    assert guessed.outcome.tpot_s.mean < plain.outcome.tpot_s.mean


def test_the_largest_rate_is_kept_and_a_little_more_is_not():
    asked = {
        "model": "llama-3.1-8b",
        "machine": "l4",
        "input": 512,
        "output": 128,
        "requests": 800,
        "slo": "ttft.p95<1s,tpot.p95<120ms",
    }
    found = advisor.simulate(**asked, find="max-rate")
    assert found.kept
    assert found.largest_rate > 0.2
    assert advisor.simulate(**asked, rate=found.largest_rate).kept
    assert not advisor.simulate(**asked, rate=found.largest_rate * 1.05).kept


def test_more_seeds_give_an_interval():
    result = advisor.simulate(model="llama-3.1-8b", machine="h100-sxm", rate=5, requests=300, seeds=4)
    i = result.interval("ttft.p95")
    assert i.low < i.mean < i.high
    assert result.to_dict()["intervals"]["ttft.p95"]["low"] == i.low


def test_impossible_questions_are_answered_in_one_line():
    base = {"model": "llama-3.1-8b", "machine": "h100-sxm"}
    for more, said in (
        ({"rate": 1, "clients": 2}, "one of rate"), ({"rate": -1}, "positive rate"),
        ({"rate": 1, "find": "max"}, "max-rate"),
        ({"find": "max-rate"}, "needs slo"), ({"clients": 0}, "at least 1"), ({"rate": 1, "router": "x"}, "router"),
        ({"rate": 1, "traffic": []}, "at least one class"), ({"rate": 1, "requests": 0}, "at least 1"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=said):
            advisor.simulate(**base, **{"requests": 10} | more)
    mixed = [Traffic(lengths(9), lengths(9), clients=2), Traffic(lengths(9), lengths(9))]
    with pytest.raises(BadInput, match="all have clients"):
        advisor.simulate(**base, traffic=mixed)


# --- the command


def run(*arguments):
    return CliRunner().invoke(cli, ["simulate", *arguments])


BASE = ("llama-3.1-8b", "--machine", "h100-sxm", "--requests", "400")


def test_the_command_of_the_issue(tmp_path):
    files = {"--per-request": tmp_path / "r.csv", "--series": tmp_path / "s.csv", "--chrome-trace": tmp_path / "c.json"}
    done = run(
        *BASE, "--rate", "5/s", "--input", "lognormal:800,1.2", "--output", "250", "--json",
        *(str(part) for pair in files.items() for part in pair),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["finished"] == 400
    assert data["verdict"]["saturated"] is False
    assert {"mean", "p50", "p90", "p95", "p99"} == set(data["ttft_s"]) == set(data["itl_s"])
    assert data["rate_per_s"] == 5
    assert all(path.stat().st_size > 1000 for path in files.values())


def test_a_missed_promise_and_an_overload_exit_with_1():
    slow = run(*BASE, "--rate", "5/s", "--slo", "ttft.p50<1ms")
    assert (slow.exit_code, "MISSED" in slow.output) == (1, True)
    over = run(*BASE, "--rate", "500/s", "--input", "4k", "--output", "400")
    assert (over.exit_code, "SATURATED" in over.output) == (1, True)


def test_a_request_that_can_never_fit_is_refused_with_its_reason():
    done = run(*BASE, "--rate", "1/s", "--input", "4k", "--cache-tokens", "2k")
    assert done.exit_code == 1
    assert "larger than the whole cache" in " ".join(done.output.split())


def test_bad_input_exits_with_2():
    for arguments in (
        BASE,
        (*BASE, "--rate", "0"),
        (*BASE, "--trace", "/nowhere.csv"),
        (*BASE, "--rate", "1", "--input", "x:1"),
    ):
        done = run(*arguments)
        assert done.exit_code != 0
        assert "Traceback" not in done.output


def test_parquet_says_what_it_needs_or_works(tmp_path):
    done = run(*BASE, "--rate", "5", "--per-request", str(tmp_path / "r.parquet"))
    try:
        import pyarrow.parquet as pq
    except ImportError:
        assert isinstance(done.exception, BadInput)
        assert "whicharch[parquet]" in str(done.exception)
    else:
        assert pq.read_table(tmp_path / "r.parquet").num_rows == 400


def test_the_command_says_no_with_1_where_the_model_does_not_fit(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        main(["simulate", "llama-3-70b", "--machine", "l4", "--rate", "1/s"])
    assert left.value.code == 1
    assert "leave 0.0 GiB for the cache" in capsys.readouterr().err
