"""plan.yaml to an answer: the command, what it prints, money by hand, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

import advisor
from advisor.cli import cli
from advisor.launch import launches, repository
from advisor.planning.breakeven import Tokens, tokens_of, usd_of
from advisor.planning.money import HOURS, terms_of
from advisor.planning.schema import MachineChoice, PlanFile, Power, read_plan
from advisor.planning.text import plan_lines
from advisor.simulator.lengths import lengths
from advisor.simulator.rules import PRESETS
from advisor.simulator.traffic import Traffic
from calculators.plan import Layout
from catalog.errors import BadInput
from catalog.loader import load, load_engine, load_format, load_machine
from catalog.price import ApiPrice

EXAMPLES = sorted(
    p for p in (Path(__file__).parents[2] / "examples").glob("*.yaml") if "\ntraffic:" in p.read_text(encoding="utf-8")
)
SMALL = """\
name: small
traffic:
  - {name: chat, rate: 6/s, input: 400, output: 100, growth: 30%}
months: 4
slo: ttft.p95<500ms,tpot.p95<40ms
models: [llama-3.1-8b]
machines: [l4, l40s]
layouts: {tp: [1]}
requests: 600
seeds: 2
apis: [gpt-5-mini]
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def run(*args):
    return CliRunner().invoke(cli, ["plan", *map(str, args)], catch_exceptions=True)


def test_a_plan_answers_every_question(small):
    result = run(small, "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    best = answer["best"]
    assert best["machine"] == "l40s"
    assert best["devices"] == best["replicas"] == 1
    assert best["usd_per_month"] == pytest.approx(HOURS * best["usd_per_hour"])
    promised = {p["name"]: p for p in best["percentiles"] if p["limit"]}
    assert set(promised) == {"ttft.p95", "tpot.p95"}
    assert all(p["worst"] <= p["limit"] and p["low"] <= p["mean"] <= p["high"] for p in promised.values())
    rates = [m["requests_per_s"] for m in answer["months"]]
    assert rates == pytest.approx([6 * 1.3**k for k in range(4)])
    needed = [m["replicas"] for m in answer["months"]]
    assert needed == sorted(needed)
    broken = next((m["month"] for m in answer["months"] if m["replicas"] > 1), None)
    assert answer["breaks_in"] == broken
    assert answer["headroom"] > 0
    if answer["breaks_in"]:
        assert answer["headroom"] < rates[answer["breaks_in"] - 1] / 6 * 1.06 - 1
    assert answer["front"][0]["usd_per_hour"] == best["usd_per_hour"]
    assert any("l4" in r["way"] for r in answer["runners_up"])
    api = answer["apis"][0]
    usual = load("gpt-5-mini").prices[0]
    each = (400 * usual.input_usd_per_mtok + 100 * usual.output_usd_per_mtok) / 1e6
    assert api["usd"] == pytest.approx([each * rate * HOURS * 3600 for rate in rates])
    assert api["break_even_requests_per_s"] == pytest.approx(best["usd_per_hour"] / 3600 / each)
    assert answer["launches"][0]["command"].startswith("vllm serve meta-llama/Llama-3.1-8B-Instruct")


def test_text_and_markdown_say_the_same(small):
    text, md = run(small), run(small, "--md")
    assert text.exit_code == md.exit_code == 0
    for word in ("Cheapest plan", "Why others lost", "Growth", "Start one replica", "per million tokens", "Buy, rent"):
        assert word in text.stdout
        assert word in md.stdout
    assert "| month |" in md.stdout


def test_the_nearest_miss_is_named_and_exit_is_1(small):
    small.write_text(SMALL.replace("tpot.p95<40ms", "tpot.p95<5ms"), encoding="utf-8")
    result = run(small, "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["best"] is None
    assert not answer["kept"]
    assert answer["nearest"]["promise_used"] > 1
    assert "tpot.p95" in answer["miss"]
    assert "% over" in answer["miss"]
    [change] = answer["smallest_changes"]
    assert change.startswith("tpot.p95 of at least")
    assert "instead of 5.00 ms" in change
    assert "NO PLAN" in run(small).stdout


def test_only_commands_are_wider_than_the_terminal(small):
    lines = plan_lines(advisor.plan(read(small.read_text(encoding="utf-8"))), width=80)
    commands = ("  vllm serve", "  python -m sglang", "  text-generation-launcher")
    assert [line for line in lines if len(line) > 80 and not line.startswith(commands)] == []


def test_a_model_whose_context_is_too_short_is_no_candidate():
    traffic = [{"rate": "1/s", "input": "lognormal:1500,0.5", "output": "100"}]
    answer = advisor.plan(read(SMALL), models=["mamba-2.8b", "llama-3.1-8b"], traffic=traffic, months=1, seeds=1)
    assert answer.best.model == "llama-3.1-8b"
    short = advisor.plan(read(SMALL), models=["mamba-2.8b"], traffic=traffic, months=1, seeds=1)
    assert not short.kept
    assert any("longer than its context of 2,048" in r.why for r in short.runners_up)


def test_what_an_encoder_reads_takes_no_room_of_the_decoders_context():
    traffic = [{"rate": "1/s", "input": "1500", "output": "100"}]
    change = {"models": ["whisper-large-v3"], "machines": ["l4"], "slo": "e2e.p95<10s", "months": 1, "seeds": 1}
    assert advisor.plan(read(SMALL), traffic=traffic, **change).kept


def test_too_much_for_all_devices_says_what_it_would_take():
    answer = advisor.plan(read(SMALL), traffic=[{"rate": "99999/s", "input": "400", "output": "100"}], seeds=1)
    assert not answer.kept
    assert "more than there may be" in answer.miss
    devices = int(answer.smallest_changes[0].split()[2])
    assert devices > 64


def test_what_costs_more_than_the_budget_is_the_nearest_miss():
    given = read(SMALL)
    cheapest = advisor.plan(given, seeds=1).best
    answer = advisor.plan(given, seeds=1, budget=f"{0.9 * cheapest.usd_per_hour:g}/hour")
    assert (answer.kept, answer.over_budget, answer.nearest.way) == (False, True, cheapest.way)
    assert "the budget is" in answer.miss
    assert answer.smallest_changes[0].startswith("a budget of $")
    assert "within the budget" in "\n".join(plan_lines(answer))
    assert advisor.plan(given, seeds=1, budget=f"{1.1 * cheapest.usd_per_hour:g}/hour").kept


def test_redundancy_buys_more_and_headroom_asks_for_more():
    plain = read(SMALL)
    bare = advisor.plan(plain)
    safe = advisor.plan(plain, redundancy=1)
    assert safe.best.replicas == bare.best.replicas + 1
    assert safe.best.spare == 1
    assert safe.best.percentiles == bare.best.percentiles
    roomy = advisor.plan(plain, headroom="600%", months=1)
    assert roomy.best.devices > bare.best.devices
    assert roomy.headroom >= 6


def read(text):
    import yaml

    return PlanFile.model_validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("rate: 6/s", "rat: 6/s"), "line 3: traffic.0.rat: unknown field 'rat'; did you mean rate?"),
        (("rate: 6/s", "rate: fast"), "line 3: traffic.0: rate: 'fast' is not a positive rate"),
        (("rate: 6/s, ", ""), "give one of rate and users"),
        (("tpot.p95", "tpit.p95"), "unknown quantity in slo 'tpit'; did you mean tpot"),
        (("llama-3.1-8b", "lama-3.1-8b"), "did you mean llama-3.1-8b"),
        (("[l4, l40s]", "[l4, l40z]"), "unknown machine 'l40z'"),
        (("[l4, l40s]", "[{id: rtx-4070, pricing: reserved}]"), "no reserved price is known; give usd_per_hour"),
        (("models: [llama-3.1-8b]", "models: [gpt-5-mini]"), "is behind an API; list it under apis"),
        (("apis: [gpt-5-mini]", "apis: [llama-3.1-8b]"), "no price is known of llama-3.1-8b"),
        (("requests: 600", "requests: 600\nscheduler: vlm"), "unknown scheduler 'vlm'; did you mean vllm"),
        (("growth: 30%", "growth: a lot"), "growth: 'a lot' is not a share"),
        (("slo: ttft.p95<500ms,tpot.p95<40ms\n", ""), "no promise is made"),
        (
            ("[llama-3.1-8b]", "llama-3.1-8b"),
            "line 6: models: should be a list, [a, b] or lines that begin with a dash",
        ),
        (("months: 4", "months: four"), "line 4: months: should be a whole number (got 'four')"),
        (("requests: 600", "weights: [fp8]"), "line 9: weights: unknown field 'weights'; did you mean formats?"),
    ],
)
def test_a_wrong_plan_is_refused_with_what_would_be_right(small, change, complaint):
    small.write_text(SMALL.replace(*change), encoding="utf-8")
    result = run(small)
    assert isinstance(result.exception, BadInput | SystemExit)
    message = str(result.exception) if isinstance(result.exception, BadInput) else result.output
    assert complaint in message


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_examples_are_read(path):
    assert read_plan(path).traffic


def test_the_schema_names_every_field():
    result = CliRunner().invoke(cli, ["schema", "plan"])
    schema = json.loads(result.stdout)
    assert set(schema["properties"]) == set(PlanFile.model_fields)
    assert "rate" in schema["$defs"]["TrafficClass"]["properties"]
    assert [name for name, field in schema["properties"].items() if not field.get("description")] == []
    assert schema["properties"]["formats"]["description"].startswith("Weight formats; empty: as published")
    assert "in every month" in schema["properties"]["budget"]["description"]
    inherited = schema["$defs"]["TrafficClass"]["properties"]["rate"]["description"]
    assert inherited.startswith("Requests (conversations, where there are turns) per second")


def test_owned_machines_cost_their_price_over_time_and_electricity():
    # $7,300 over 10 months of 730 hours is $1 an hour; (350 + 50) W at 1.5 are 0.6 kW, at $0.50 $0.30.
    machine = load_machine("l40s")
    assert machine.tdp_w == 350
    terms = terms_of(
        MachineChoice(id="l40s", pricing="owned", usd_purchase=7300, months=10),
        Power(usd_per_kwh=0.5, pue=1.5, host_w=50),
    )
    assert terms.usd_per_hour == pytest.approx(1.3)


def test_cached_prompt_tokens_have_their_own_price():
    price = ApiPrice(
        provider="x", input_usd_per_mtok=1, output_usd_per_mtok=10, cached_input_usd_per_mtok=0.1, source="a test"
    )
    assert usd_of(price, Tokens(500, 1000, 100)) == pytest.approx((500 + 100 + 1000) / 1e6)
    plain = price.model_copy(update={"cached_input_usd_per_mtok": None})
    assert usd_of(plain, Tokens(500, 1000, 100)) == pytest.approx((1500 + 1000) / 1e6)


def test_turns_of_a_conversation_are_cached():
    # Three turns of 10 in and 5 out on a start of 100: prompts of 110, 125, 140 of which 100, 115, 130 were sent.
    turns = Traffic(lengths(10), lengths(5), turns=lengths(3), shared_tokens=100)
    tokens = tokens_of(turns)
    assert tokens.fresh == pytest.approx(10)
    assert tokens.cached == pytest.approx(115, rel=2e-3)


def line_of(model, machine, engine, weights, cache="bf16", layout=None):
    return launches(
        load(model), load_machine(machine), load_engine(engine), load_format(weights), cache, layout or Layout(),
        PRESETS.get(engine, PRESETS["vllm"]), 5000,
    )  # fmt: skip


def test_launch_lines_say_what_was_planned():
    vllm, sglang, tgi = line_of("llama-3.1-8b", "h100-sxm", "vllm", "fp8", "fp8", Layout(tp=2))
    assert vllm.command == (
        "vllm serve meta-llama/Llama-3.1-8B-Instruct --tensor-parallel-size 2 --quantization fp8 --kv-cache-dtype fp8 "
        "--max-model-len 5120 --max-num-seqs 256 --max-num-batched-tokens 8192"
    )
    assert "--tp-size 2" in sglang.command
    assert "--num-shard 2" in tgi.command
    first, *_ = line_of("qwen3-30b-a3b", "h100-sxm", "sglang", "bf16", layout=Layout(tp=4, ep=4))
    assert first.engine == "SGLang"
    assert "--ep-size 4" in first.command
    (llama,) = line_of("llama-3.1-8b", "rtx-4090", "llama.cpp", "gguf-q8_0", "int8")
    assert "--ctx-size 20480 --parallel 4" in llama.command
    assert "--cache-type-k q8_0" in llama.command
    tei, _ = line_of("bge-base-en-v1.5", "l4", "pytorch", "bf16")
    assert tei.command.startswith(f"text-embeddings-router --model-id {repository(load('bge-base-en-v1.5'))}")


def test_launch_lines_name_the_number_format_that_engines_would_not_choose():
    tei, vllm = line_of("bge-base-en-v1.5", "l4", "pytorch", "fp32")
    assert " --dtype float32 " in tei.command
    assert " --dtype float32 " in vllm.command
    tei, vllm = line_of("bge-base-en-v1.5", "l4", "pytorch", "bf16")
    assert " --dtype float16 " in tei.command  # it knows no bfloat16
    assert " --dtype bfloat16 " in vllm.command
    assert "--dtype" not in line_of("llama-3.1-8b", "h100-sxm", "vllm", "bf16")[0].command


def test_formats_that_engines_do_not_convert_to_need_a_repository_of_their_own():
    vllm = line_of("llama-3.1-8b", "h100-sxm", "vllm", "awq-int4")[0]
    assert vllm.command.startswith("vllm serve PATH_TO_MODEL")
    assert "AWQ" in vllm.note


def test_a_plan_tells_what_its_replicas_did_over_time_where_asked():
    plan = PlanFile.model_validate(yaml.safe_load(SMALL) | {"months": 1, "apis": [], "requests": 100})
    answer = advisor.plan(plan, series=20)
    series = answer.series
    widths = [b - a for a, b in zip(series["from_s"], series["to_s"], strict=True)]
    assert len(widths) == 20
    written = sum(rate * width for rate, width in zip(series["output_tokens_per_s"], widths, strict=True))
    assert written == pytest.approx(100 * 99)  # the first token of an answer comes out of the pass that reads
    assert answer.to_dict()["series"]["from_s"][0] == 0
    assert "series" not in advisor.plan(plan).to_dict()


def test_planning_can_be_ended_before_any_run():
    class Enough(Exception):
        pass

    left = [3]

    def check() -> None:
        left[0] -= 1
        if not left[0]:
            raise Enough

    with pytest.raises(Enough):
        advisor.plan(PlanFile.model_validate(yaml.safe_load(SMALL)), check=check)
    assert left == [0]
