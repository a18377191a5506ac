"""A recommendation is explained by numbers that can be checked."""

from __future__ import annotations

import re
import sys
from typing import Any

import networkx as nx
import pytest
from click.testing import CliRunner

from advisor import estimate, recommend
from advisor.cli import cli
from advisor.decision.alternatives import BETTER, CHEAPER
from advisor.decision.details import ALL, Decision, details
from advisor.decision.draw import dot, mermaid, path_text, tree_text
from advisor.decision.graph import DecisionGraph
from advisor.decision.month import HOURS, Volume, month_of, volume_of
from advisor.decision.sensitivity import sensitivity
from advisor.decision.text import answer_lines, sensitivity_lines
from advisor.quality import qualities
from advisor.ranking.rows import Advice
from advisor.requirements import Requirements, complete
from catalog.errors import BadInput
from catalog.loader import all_models, load, load_task

EXAMPLE = {
    "task": "chat", "context_tokens": 16384, "users": 8, "ttft_s": 1.0, "machines": ("rtx-4090", "l40s"),
}  # fmt: skip
ORDER = ["task", "need", "family", "model", "format", "machine", "parallelism"]


@pytest.fixture(scope="module")
def decision() -> Decision:
    return Decision(recommend(**EXAMPLE, limit=ALL))


def test_alternatives_are_what_they_are_called(decision: Decision):
    found = {"cheaper": 0, "better": 0, "simpler": 0, "api": 0}
    for place in range(0, len(decision.ranked), 4):
        here = decision.details(place)
        for other in here.alternatives:
            x, r = other.recommendation, here.recommendation
            if x is None:
                assert other.said
                continue
            found[other.kind] += 1
            assert x.model != r.model
            assert other.differences
            if other.kind == "cheaper":
                assert other.month is not None
                assert here.month is not None
                assert other.month.usd <= CHEAPER * here.month.usd
            elif other.kind == "better":
                assert (x.quality or 0) >= (r.quality or 0) + BETTER
            elif other.kind == "api":
                assert x.machine is None
    assert all(found.values())


def test_an_advice_that_was_cut_explains_the_same(decision: Decision):
    cut = recommend(**EXAMPLE, limit=2)
    assert details(cut, 1).to_dict() == decision.details(1).to_dict()
    with pytest.raises(BadInput, match="recommended model"):
        details(cut, "gpt2")


def test_a_month_is_hours_of_devices_or_requests_at_list_price():
    advice = recommend(task="chat", machines=("l4",), requests_per_s=3.0, without_families=("moe",), limit=ALL)
    needs = Decision(advice).needs
    assert needs.users > 1
    own = advice.recommendations[0]
    month = month_of(own, needs, None)
    assert month is not None
    assert own.usd_per_hour is not None
    assert own.tokens_per_s is not None
    each = own.tokens_per_s / needs.output_tokens
    assert (month.copies - 1) * each < 3.0 <= month.copies * each
    assert month.usd == pytest.approx(month.copies * own.usd_per_hour * HOURS)
    api = Decision(advice).hosted[0]
    price = load(api.model).prices[0]
    each_usd = needs.input_tokens * price.input_usd_per_mtok + needs.output_tokens * price.output_usd_per_mtok
    paid = month_of(api, needs, volume_of(needs, ()))
    assert paid is not None
    assert paid.usd == pytest.approx(each_usd / 1e6 * 3 * HOURS * 3600)
    assert month_of(api, needs, Volume(1, "")) != paid


def test_a_budget_pays_for_every_copy_and_for_every_request():
    asked = {"task": "chat", "requests_per_s": 3.0, "max_params": 5e9, "machines": ("l4",)}
    one = recommend(**asked, limit=1).recommendations[0]
    assert one.usd_per_hour is not None
    tight = recommend(**asked, budget_usd_per_hour=one.usd_per_hour * 1.5, limit=ALL)
    for r in tight.recommendations:
        month = month_of(r, Decision(tight).needs, None)
        assert month is not None
        assert month.usd <= one.usd_per_hour * 1.5 * HOURS * 1.0001
    hosted = recommend(task="chat", deployment="api", requests_per_s=3.0, budget_usd_per_hour=2.0, limit=ALL)
    assert hosted.recommendations
    for r in hosted.recommendations:
        assert (r.usd_per_thousand_requests or 0) * 3 * 3.6 <= 2.0


def test_no_api_is_offered_where_texts_must_stay_and_it_is_said():
    private = Decision(recommend(**EXAMPLE, privacy="own-servers", limit=ALL)).details()
    api = private.alternatives[-1]
    assert api.recommendation is None
    assert "provider" in api.said
    assert private.trade_offs == ()


def test_the_estimate_command_gives_the_same_times():
    alone = recommend(input_tokens=1024, output_tokens=256, users=4, machines=("rtx-4090",), max_params=9e9, limit=ALL)
    here = Decision(alone).details()
    command = here.commands["estimate"].split()[2:]
    flags = {command[i]: command[i + 1] for i in range(1, len(command) - 1, 2)}
    e = estimate(
        model=command[0], machine=flags["--machine"], weights=flags["--weights"], cache=flags.get("--kv", "bf16"),
        engine=flags["--engine"], batch=int(flags["--batch"]),
        input_tokens=int(flags["--input"]), output_tokens=int(flags["--output"]),
    )  # fmt: skip
    assert e.time.ttft_s is not None
    assert e.time.tpot_s is not None
    assert e.time.ttft_s.p50 == pytest.approx(here.recommendation.ttft_s)
    assert e.time.tpot_s.p50 == pytest.approx(here.recommendation.tpot_s)


def test_paths_go_through_every_kind_of_station_and_are_paths_of_the_graph(decision: Decision):
    graph = DecisionGraph(decision)
    assert nx.is_directed_acyclic_graph(graph.graph)
    for model, steps in graph.paths.items():
        kinds = [step.kind for step in steps]
        assert list(dict.fromkeys(kinds)) == ORDER
        assert all(step.rule and step.reason for step in steps)
        assert nx.has_path(graph.graph, f"task {steps[0].label}", f"parallelism {steps[-1].label} of {model}")
    assert all(edge.rule and edge.reason for edge in graph.edges)
    rejected = {edge.end for edge in graph.edges if edge.rule.startswith("rejected")}
    assert f"model {decision.advice.rejected[0].model}" in rejected


def test_every_drawing_holds_every_station(decision: Decision):
    graph = DecisionGraph(decision)
    tree, chart, picture = tree_text(graph), mermaid(graph.graph), dot(graph.graph)
    assert all(len(line) <= 80 for line in tree.splitlines())
    for _, label in graph.graph.nodes(data="label"):
        assert label in chart
        assert label in picture
    assert chart.count("-->") + chart.count("-.->") + chart.count("--x") == graph.graph.number_of_edges()
    for step in decision.details(1).path:
        assert step.label in " ".join(path_text(decision.details(1).path, 500).split())


def test_a_floor_keeps_what_is_below_it_out_and_says_by_how_much():
    wanted = {"task": "chat", "machines": ("l40s",), "at_least": "qwen3-8b"}
    advice = recommend(**wanted, limit=ALL)
    least = qualities(load_task("chat"), all_models())["qwen3-8b"].cautious
    assert advice.recommendations
    assert all((r.quality or 0) >= least for r in advice.recommendations)
    below = next(r for r in advice.rejected if "under that of qwen3-8b" in r.violations[0])
    floor = float(re.search(r"floor ≤ ([\d.]+) %", below.smallest_change)[1]) / 100  # type: ignore[index]
    admitted = recommend(task="chat", machines=("l40s",), quality_floor=floor, limit=ALL)
    assert below.model in {r.model for r in admitted.points}
    with pytest.raises(BadInput, match="no published score"):
        recommend(task="chat", at_least="bert-base-uncased")


def test_a_weight_is_changed_by_a_fifth_of_its_share_in_whatever_numbers_it_was_given(monkeypatch):
    asked: list[Requirements] = []

    def ranked(wanted: Requirements, **more: Any) -> Advice:
        asked.append(wanted)
        return empty

    needs = complete(Requirements(quality_weight=30, cost_weight=10, latency_weight=10), load_task("chat"))
    empty = Advice(needs.model_dump(), (), (), 0, {})
    monkeypatch.setattr(sys.modules["advisor.recommend"], "recommend", ranked)
    sensitivity(empty)
    shares = {(w.quality_weight, w.cost_weight, w.latency_weight) for w in asked}
    assert any(share == pytest.approx((0.48, 0.2, 0.2)) for share in shares)
    assert not any(share == pytest.approx((0.48, 10, 10)) for share in shares)


def test_sensitivity_tells_the_truth_about_each_change(decision: Decision):
    few = recommend(**{**EXAMPLE, "machines": ("l40s",), "min_params": 6e9, "max_params": 9e9}, limit=1)
    found = sensitivity(few)
    assert {trial.flag for trial in found.trials} >= {"context", "users", "ttft", "quality-weight", "max-params"}
    for trial in found.trials:
        assert 0.7 < trial.factor < 1.3
        assert (trial.model == found.model) or trial.effect in ("other model", "nothing", "same", "other way")
    assert all(trial.model != found.model for trial in found.changing)
    larger = next(t for t in found.trials if t.flag == "max-params" and t.factor > 1)
    again = recommend(**{**EXAMPLE, "machines": ("l40s",), "min_params": 6e9, "max_params": 10.8e9}, limit=1)
    assert larger.model == again.recommendations[0].model
    assert any("--machine" in said for said in found.untried)
    assert all(len(line) <= 80 for line in sensitivity_lines(found))


def test_the_answer_comes_first_and_fits_eighty_columns(decision: Decision):
    lines = answer_lines(decision)
    commands = ("  vllm ", "  llama-server", "  whicharch ", "  python ")
    assert all(len(line) <= 80 for line in lines if not line.startswith(commands))
    assert lines.index("Answer") < 8 < next(i for i, line in enumerate(lines) if line.startswith("model "))
    assert decision.ranked[0].model in lines[lines.index("Answer") + 1]


def test_the_command_draws_and_explains_another(decision: Decision):
    other = decision.ranked[2].model
    flags = "recommend --context 16k --users 8 --ttft 1s --machine rtx-4090 --machine l40s --of".split()
    run = CliRunner().invoke(cli, [*flags, other, "--path", "text"])
    assert run.exit_code == 0, run.output
    assert f"model: {other}" in run.stdout


def test_machines_that_are_only_rented_are_no_choice_where_the_network_is_cut_off():
    cut_off = recommend(task="classification", deployment="air-gapped", max_params=1e8, limit=3)
    assert cut_off.recommendations
    assert not {r.machine for r in cut_off.recommendations} & {"a10g", "tpu-v5e", "inferentia2", "trainium1"}


def test_the_weights_that_a_rejection_proposes_fit_and_wider_ones_do_not():
    asked = {"task": "chat", "users": 8, "context_tokens": 16384, "machines": ("rtx-4090",)}
    checked = 0
    for r in recommend(**asked, limit=0, rejections=4).rejected:
        proposed = re.search(r"(gguf-q3_k_m|gguf-q2_k) weights", r.smallest_change)
        if proposed is None:
            continue
        ways = {"gguf-q4_k_m": False, proposed[1]: True}
        for weights, fits in ways.items():
            e = estimate(
                model=r.model, machine="rtx-4090", weights=weights, cache="int8", batch=8, input_tokens=16384 - 294,
                output_tokens=294, engine="llama.cpp",
            )  # fmt: skip
            assert e.memory.fits is fits, (r.model, weights)
        checked += 1
    assert checked >= 2
