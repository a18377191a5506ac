"""Recommendations: promises are kept, reasons given, and a smallest change really admits."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor import estimate, quantities, recommend
from advisor.cli import cli
from advisor.quality import qualities
from advisor.recommend import shortlist_first
from advisor.requirements import Requirements
from catalog.errors import BadInput
from catalog.loader import all_models, all_tasks, load, load_task
from catalog.quality import scores_of

EXAMPLE = {
    "task": "chat",
    "context_tokens": 16384,
    "users": 8,
    "ttft_s": 1.0,
    "tpot_s": 0.06,
    "machines": ("rtx-4090",),
}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    context=st.sampled_from([2048, 8192, 16384, 65536]),
    users=st.sampled_from([1, 4, 32]),
    ttft=st.none() | st.sampled_from([0.1, 0.5, 2.0]),
    tpot=st.none() | st.sampled_from([0.01, 0.03, 0.1]),
    machine=st.sampled_from(["rtx-4090", "l4", "h100-sxm", "apple-m4-max", "mi300x"]),
    gpus=st.sampled_from([1, 2, 8]),
)
def test_every_recommendation_keeps_every_promise(context, users, ttft, tpot, machine, gpus):
    advice = recommend(
        context_tokens=context, users=users, ttft_s=ttft, tpot_s=tpot, machines=(machine,), max_gpus=gpus, limit=99
    )
    for r in advice.recommendations:
        assert r.memory_bytes_per_gpu is not None
        assert r.usable_bytes is None or r.memory_bytes_per_gpu <= r.usable_bytes
        assert ttft is None or (r.ttft_s or 0) <= ttft
        assert tpot is None or (r.tpot_s or 0) <= tpot
        assert r.n_gpus <= gpus
        assert (load(r.model).context_tokens or context) >= context
        assert all(share >= 0 for share in r.margins.values())
    for rejected in advice.rejected:
        assert rejected.violations
        assert rejected.smallest_change
    names = [r.model for r in (*advice.recommendations, *advice.rejected)]
    assert len(names) == len(set(names))


def test_the_example_of_the_readme_is_answered():
    advice = recommend(**EXAMPLE)
    first = advice.recommendations[0]
    assert first.machine == "rtx-4090"
    assert first.quality is not None
    assert first.reason
    assert "%" in first.binding
    assert advice.rejected
    assert "encoder" in advice.unsuited


@cache
def _turned_down_in_the_example():
    return recommend(**EXAMPLE, limit=99).rejected


@cache
def _admitted(asked):
    """Many models are admitted by the same change."""
    return {point.model for point in recommend(**dict(asked)).points}


@pytest.mark.parametrize("change", ["users", "context", "devices"])
def test_the_smallest_change_admits_the_model(change: str):
    patterns = {
        "users": r"users ≤ (\d+)",
        "context": r"context ≤ (\S+?)(?:,|$)",
        "devices": r"(\d+) × rtx-4090(?! each)",
    }
    checked = 0
    for rejected in _turned_down_in_the_example():
        match = re.search(patterns[change], rejected.smallest_change)
        if match is None or any("above its" in v for v in rejected.violations):
            continue
        relaxed = dict(EXAMPLE)
        if change == "users":
            relaxed["users"] = int(match[1])
        elif change == "context":
            relaxed["context_tokens"] = quantities.tokens(match[1], "context")
        else:
            relaxed["max_gpus"] = int(match[1])
        assert rejected.model in _admitted(tuple(relaxed.items())), (rejected.model, rejected.smallest_change)
        checked += 1
    assert checked


def test_a_recommendation_and_an_estimate_of_the_same_way_agree():
    advice = recommend(
        input_tokens=1024, output_tokens=256, context_tokens=1280, users=4, machines=("h100-sxm",), limit=99
    )
    compared = 0
    for r in advice.recommendations[:20]:
        e = estimate(
            model=r.model, machine="h100-sxm", weights=r.weights, cache=r.kv, batch=4, input_tokens=1024,
            output_tokens=256, tp=r.n_gpus, engine=r.engine or "",
        )  # fmt: skip
        assert e.time.tpot_s is not None
        assert e.time.ttft_s is not None
        assert r.tpot_s == pytest.approx(e.time.tpot_s.p50, rel=1e-9)
        assert r.ttft_s == pytest.approx(e.time.ttft_s.p50, rel=1e-9)
        assert r.memory_bytes_per_gpu == pytest.approx(e.memory.total_bytes_per_gpu, rel=1e-9)
        assert r.usd_per_million_output_tokens == pytest.approx(e.cost.usd_per_million_output_tokens)
        compared += 1
    assert compared >= 10


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.id)
def test_every_task_has_an_answer_from_a_suitable_family(task):
    advice = recommend(task=task.id, users=1)
    assert advice.recommendations
    grades = {suits.family: suits.grade for suits in task.families}
    assert all(grades[r.family] != "poor" for r in advice.recommendations)


def test_classification_goes_to_an_encoder_before_a_decoder():
    best = recommend(task="classification", users=64).recommendations
    assert best[0].family == "encoder"
    assert best[0].tpot_s is None


def test_models_without_evidence_never_rank_before_models_with_it():
    advice = recommend(task="chat", machines=("h100-sxm",), limit=99)
    known = [r.quality is not None for r in advice.recommendations]
    assert known == sorted(known, reverse=True)


def test_quality_never_invents_a_score():
    task = load_task("chat")
    scored = qualities(task, all_models())
    for spec in all_models():
        has = any(s.benchmark in task.benchmarks for s in scores_of(spec))
        assert (spec.id in scored) <= has
    assert all(0 <= q.cautious <= q.index <= 1 and 0 < q.coverage <= 1 for q in scored.values())


def test_weights_of_the_user_decide_the_order():
    free = EXAMPLE | {"ttft_s": None, "tpot_s": None}  # without promises of time no chance counts
    cheap = recommend(**free, quality_weight=0, cost_weight=1, latency_weight=0)
    good = recommend(**free, quality_weight=1, cost_weight=0, latency_weight=0)
    for grade in ("preferred", "acceptable"):  # between the two, the grade counts whatever the weights
        cheapest = [r for r in cheap.recommendations if r.quality is not None and r.grade == grade]
        dollars = [r.usd_per_thousand_requests or 0 for r in cheapest]
        assert dollars == sorted(dollars)
        quality = [r.quality for r in good.recommendations if r.quality is not None and r.grade == grade]
        assert quality == sorted(quality, reverse=True)
    with pytest.raises(BadInput, match="weigh nothing"):
        recommend(**EXAMPLE, quality_weight=0, cost_weight=0, latency_weight=0)


def test_noncommercial_licences_are_left_out_on_request():
    everything = {point.model for point in recommend(task="image-generation").points}
    allowed = {point.model for point in recommend(task="image-generation", commercial=True).points}
    assert "flux.1-dev-transformer" in everything - allowed
    assert everything >= allowed


def test_json_and_python_say_the_same():
    arguments = "recommend --task chat --context 16k --users 8 --ttft 1s --tpot 60ms --machine rtx-4090 --json".split()
    run = CliRunner().invoke(cli, [*arguments, "--limit", "10"])
    assert run.exit_code == 0, run.output
    data = json.loads(run.stdout)
    assert {"requirements", "recommendations", "rejected"} <= set(data)
    assert {"family", "model", "machine", "n_gpus", "weights", "kv"} <= set(data["recommendations"][0])
    assert {"model", "violations", "smallest_change"} <= set(data["rejected"][0])
    assert data.pop("details")["model"] == data["recommendations"][0]["model"]
    assert data == json.loads(json.dumps(recommend(**EXAMPLE, limit=10).to_dict()))


def test_nothing_that_fits_is_said_with_exit_code_1():
    run = CliRunner().invoke(cli, ["recommend", "--machine", "l4", "--tpot", "1us"])
    assert run.exit_code == 1
    assert "Nothing keeps every promise" in run.output


@pytest.mark.parametrize("flag", ["--csv", "--md"])
def test_tables_export(flag: str):
    run = CliRunner().invoke(cli, ["recommend", "--machine", "l4", flag])
    assert run.exit_code == 0
    assert run.stdout.splitlines()[0].count("," if flag == "--csv" else "|") >= 12


def test_defaults_are_all_visible():
    q = recommend(machines=("l4",)).requirements
    assert len(q["defaults"]) == 4
    assert Requirements().task == q["task"] == "chat"


def test_a_denoiser_takes_the_same_time_recommended_and_estimated():
    found = recommend(task="image-generation", machines=("h100-sxm",)).recommendations
    assert {r.model for r in found} & {"stable-diffusion-xl-unet", "stable-diffusion-3-medium-transformer"}
    for r in found:
        alone = estimate(model=r.model, machine=r.machine, weights=r.weights)
        assert r.ttft_s == pytest.approx(alone.time.ttft_s.p50, rel=0.02), r.model


def test_what_no_node_holds_is_laid_out_as_a_pipeline_of_nodes():
    wide = recommend(task="chat", machines=("h100-sxm",), max_gpus=16, limit=100)
    found = {row.model: row.n_gpus for r in wide.recommendations for row in (r, *r.variants)}
    assert found["deepseek-v3"] == 16  # 671 GB of weights, 8 × 73 GiB in a node
    narrow = recommend(task="chat", machines=("l4",), max_gpus=16, limit=100)
    assert max(r.n_gpus for r in narrow.recommendations) <= 8  # no network is known between its nodes


@pytest.mark.parametrize(
    ("flags", "fields"),
    [
        (["--licence", "aPaChe"], {"licences": ("Apache",)}),
        (["--organisation", "mistral ai"], {"organisations": ("Mistral AI",)}),
        (["--without-organisation", "META"], {"without_organisations": ("Meta",)}),
        (["--family", "MoE"], {"families": ("moe",)}),
        (["--language", "DE"], {"languages": ("de",)}),
    ],
)
def test_capitals_of_a_wish_do_not_matter(flags, fields):
    said = CliRunner().invoke(cli, ["recommend", "--machine", "h100-sxm", *flags, "--json", "--limit", "3"])
    assert said.exit_code == 0, said.output
    meant = recommend(machines=("h100-sxm",), limit=3, **fields)
    given = [row["model"] for row in json.loads(said.stdout)["recommendations"]]
    assert given == [r.model for r in meant.recommendations]


def test_families_and_languages_are_kept_in_small_letters_and_unknown_names_are_still_refused():
    wanted = Requirements(families=("MOE",), without_families=["SSM"], languages=("DE", "ZH-Hant", "Multilingual"))
    assert (wanted.families, wanted.without_families) == (("moe",), ("ssm",))
    assert wanted.languages == ("de", "zh-Hant", "multilingual")
    for field in ("licences", "organisations"):
        with pytest.raises(BadInput, match="unknown"):
            recommend(**{field: ("apachy",)})


def test_the_shortlist_comes_first_and_the_rejected_follow_without_changing_it():
    wanted = Requirements(task="chat", context_tokens=16384, users=8, machines=("l4", "rtx-4090"), tpot_s=0.03)
    stages, whole = shortlist_first(wanted, limit=100), recommend(wanted, limit=100)
    assert stages.advice.recommendations == whole.recommendations
    assert stages.advice.rejected == ()
    assert whole.rejected
    assert stages.whole() == whole
