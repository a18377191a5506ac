"""Pages of knowledge: complete, true to the catalog, and every number computed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner

import advisor
from advisor.cli import cli
from advisor.families import MANY, profile
from advisor.innovations import effect, effects, without
from advisor.learn import learn, topics
from advisor.pictures import BLURRED, SEEN, UNSEEN, cells, flow_lines, mask_lines
from calculators.memory import cache_bytes
from calculators.scan_io import scan_traffic
from catalog.errors import BadInput
from catalog.knowledge import Comparison, FamilyPage, Flow, Innovation, Mask
from catalog.loader import (
    ROOT,
    all_families,
    all_innovations,
    all_tasks,
    load,
    load_family,
    load_innovation,
    load_machine,
)
from catalog.parsing import read_entry
from catalog.spec import Family

TOPICS = topics()
GIB = 2**30


def test_every_family_has_a_page_and_every_name_leads_to_one():
    assert {page.id for page in all_families()} == set(get_args(Family))
    ids = [topic.id for topic in TOPICS]
    assert len(ids) == len(set(ids)) == len(all_families()) + len(all_innovations()) + len(all_tasks())
    asked = {"gqa", "mqa", "mla", "sliding-window", "rope", "flash-attention", "moe-routing", "ssm-scan",
             "quantization", "speculative-decoding"}  # fmt: skip
    assert asked <= set(ids)


@pytest.mark.parametrize("page", all_families(), ids=lambda page: page.id)
def test_a_familys_page_names_models_that_exist_and_belong_to_it(page: FamilyPage):
    for name in page.models:
        assert load(name).family == page.id, name
    for name in page.innovations:
        assert page.id in load_innovation(name).families, name
    assert (page.representative is None) is (page.id == "api")
    if page.representative:
        assert load(page.representative).family == page.id


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.id)
def test_examples_of_a_task_belong_to_the_family_and_are_tuned_for_it(task):
    for suits in task.families:
        if suits.example is not None:
            spec = load(suits.example)
            assert spec.family == suits.family
            assert task.tuning is None or task.tuning in spec.tuned_for, suits.example


@pytest.mark.parametrize("page", all_innovations(), ids=lambda page: page.id)
def test_an_innovation_makes_something_cheaper(page: Innovation):
    for comparison, found in zip(page.comparisons, effects(page), strict=True):
        assert found.ratio > 1.05, found.sentence
        assert "{" not in found.sentence
        load(comparison.model)
        if comparison.machine:
            load_machine(comparison.machine)


def _bytes(name: str, number: int = 0) -> tuple[float, float]:
    found = effects(load_innovation(name))[number]
    return found.before, found.after


def test_caches_before_and_after_are_those_of_the_formula():
    # 2 (keys and values) x layers x heads x width x 2 bytes x tokens
    assert _bytes("gqa") == (2 * 32 * 32 * 128 * 2 * 131072, 2 * 32 * 8 * 128 * 2 * 131072)
    assert _bytes("gqa") == (64 * GIB, 16 * GIB)
    assert _bytes("mqa") == (2 * 32 * 71 * 64 * 2 * 2048, 2 * 32 * 1 * 64 * 2 * 2048)
    # 128 heads with keys of 128 + 64 and values of 128, against 512 + 64 numbers
    assert _bytes("mla") == (61 * 128 * (192 + 128) * 2 * 131072, 61 * (512 + 64) * 2 * 131072)
    # 62 layers, 16 heads of 128; 52 of them look back 1,024 tokens
    assert _bytes("sliding-window") == (
        2 * 16 * 128 * 2 * 62 * 131072,
        2 * 16 * 128 * 2 * (10 * 131072 + 52 * 1024),
    )
    before, after = _bytes("hybrid-layers")
    assert before == 2 * 8 * 128 * 2 * 32 * 262144
    assert after - 2 * 8 * 128 * 2 * 4 * 262144 == 28 * 8192 * (16 * 4 + 4 * 2)  # scan states, columns of convolutions


def test_parameters_flops_and_traffic_before_and_after_are_those_of_the_formula():
    assert _bytes("rope") == (8_030_261_248 + 131072 * 4096, 8_030_261_248)
    before, after = _bytes("moe-routing")
    # six experts more, each of three matrices of 4096 x 14336, in 32 layers
    assert before - after == 32 * 6 * 3 * 2 * 4096 * 14336
    n, d, heads = 8192, 128, 32 * 32
    assert _bytes("flash-attention")[0] == heads * (4 * n * d + 4 * n * n) * 2
    before, after = _bytes("ssm-scan", 1)
    assert before - after == 64 * 6 * 8192 * 8192 * 16 * 4
    assert after == 64 * ((3 * 8192 + 2 * 16) * 8192 * 2 + 2 * 8192 * 16 * 4)


def test_pages_hold_more_requests_than_reservations_by_the_ratio_of_lengths():
    before, after = _bytes("paged-cache")
    assert after / before == pytest.approx(8192 / 1376, rel=0.03)  # 1,366 tokens are 86 pages of 16


def test_times_before_and_after_are_those_of_an_estimate():
    plain = advisor.estimate(model="llama-3.1-8b", machine="h100-sxm", input_tokens=2048, output_tokens=256)
    assert plain.time.tpot_s is not None
    assert _bytes("speculative-decoding")[0] == plain.time.tpot_s.p50
    cold = advisor.estimate(model="llama-3.1-8b", machine="h100-sxm", input_tokens=8192, output_tokens=256)
    assert cold.time.ttft_s is not None
    assert _bytes("prefix-caching")[0] == cold.time.ttft_s.p50


def test_only_one_thing_is_changed():
    spec = load("llama-3-8b")
    other = without(spec, "one key-value head per query head", 2048)
    changed = other.model_dump_json().replace('"kv_heads":32', '"kv_heads":8')
    assert changed == spec.model_dump_json()
    assert without(spec, "states written to memory", 2048) is spec


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.id)
def test_each_page_fits_eighty_columns_and_says_the_same_as_data(topic):
    run = CliRunner().invoke(cli, ["learn", topic.id])
    assert run.exit_code == 0, run.output
    assert max(map(len, run.stdout.splitlines())) <= 80
    page = learn(topic.id)
    assert page.kind == topic.kind
    assert page.sources
    assert json.loads(json.dumps(page.to_dict()))["id"] == topic.id
    for section in page.sections:
        assert section.paragraphs or section.points or section.picture or section.table, section.title


def test_a_page_shows_what_was_computed():
    page = load_family("decoder")
    found = profile(page)
    assert found is not None
    longest = found.lengths[-1]
    assert longest.held_bytes == cache_bytes(load("llama-3.1-8b"), 131072) == 16 * GIB
    text = CliRunner().invoke(cli, ["learn", "decoder"]).stdout
    assert "16.0 GiB" in text
    alone, many = found.loads
    assert (alone.requests, many.requests) == (1, MANY)
    assert alone.rate < many.rate
    assert found.held_growth == pytest.approx(2)
    ssm = profile(load_family("ssm"))
    assert ssm is not None
    assert ssm.held_growth == 1
    assert ssm.reading_growth == pytest.approx(2, rel=1e-3)


def test_tasks_show_families_in_numbers_and_who_cannot_take_the_length():
    page = learn("long-document")
    table = next(section.table for section in page.sections if section.title == "In numbers")
    assert table is not None
    rows = {row[0]: row[2] for row in table.rows}
    assert "ends at" not in str(rows)
    (short,) = [s.table.rows for s in learn("summarization").sections if s.table]
    assert {row[0]: row[2] for row in short}["encoder-decoder"] == "ends at 1,024 tokens"
    at_once = {entry["family"]: entry["at_once"] for entry in page.data["numbers"]}
    assert at_once["hybrid"] > 4 * at_once["decoder"]
    rates = {entry["family"]: entry["requests_per_s"] for entry in learn("classification").data["numbers"]}
    assert rates["encoder"] > 4 * rates["decoder"]


def test_masks_are_what_their_names_say():
    def drawn(sees: str, **more: int) -> tuple[tuple[int, ...], ...]:
        return cells(Mask.model_validate({"label": "a mask", "sees": sees, **more}), 3)

    assert drawn("past") == ((SEEN, UNSEEN, UNSEEN), (SEEN, SEEN, UNSEEN), (SEEN, SEEN, SEEN))
    assert drawn("all") == ((SEEN,) * 3,) * 3
    assert drawn("window", window=1) == ((SEEN, UNSEEN, UNSEEN), (UNSEEN, SEEN, UNSEEN), (UNSEEN, UNSEEN, SEEN))
    assert drawn("prefix", prompt=2) == ((SEEN, SEEN, UNSEEN), (SEEN, SEEN, UNSEEN), (SEEN, SEEN, SEEN))
    assert drawn("state")[2] == (BLURRED, BLURRED, SEEN)
    lines = mask_lines(Mask(label="a mask", sees="past"))
    assert [line.count("█") for line in lines] == [2 * i for i in range(1, 9)]


@pytest.mark.parametrize("page", all_families(), ids=lambda page: page.id)
def test_a_flow_shows_each_station_once_and_in_order(page: FamilyPage):
    lines = flow_lines(page.flow)
    for node in page.flow.nodes:
        assert sum(re.search(rf"(?:[•↓←─] ){re.escape(node.label)}(?: \(|$)", line) is not None for line in lines) >= 1
    assert max(map(len, lines)) <= 76
    assert lines[0] == f"• {page.flow.nodes[0].label}"


def test_a_flow_that_names_nobody_is_refused():
    with pytest.raises(ValueError, match="no node is called 'b'"):
        Flow.model_validate(
            {"nodes": [{"id": "a", "label": "one"}, {"id": "c", "label": "two"}], "edges": [["a", "b"]]}
        )


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ("{model} takes {after} instead of 64 GiB, {before}.", "holds a digit"),
        ("{model} takes much less than it did.", "needs {before} and {after}"),
        ("{modell} takes {after} instead of {before}.", "unknown placeholder {modell}"),
    ],
)
def test_sentences_hold_placeholders_and_no_numbers(says, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Comparison(model="gpt2", measure="kv-cache", before="every layer sees all", says=says)


def test_a_broken_page_is_refused_with_file_line_and_field(tmp_path: Path):
    text = (ROOT / "innovations" / "gqa.yaml").read_text().replace("measure: kv-cache", "measure: kv-cash", 1)
    file = tmp_path / "gqa.yaml"
    file.write_text(text)
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "kv-cash" in row)
    with pytest.raises(BadInput, match=rf"gqa\.yaml, line {line}: comparisons\.0\.measure: .*'kv-cash'"):
        read_entry(Innovation, file)
    text = (ROOT / "families" / "ssm.yaml").read_text().replace("objective:", "objectiv:", 1)
    file.write_text(text)
    line = next(i for i, row in enumerate(text.splitlines(), 1) if row.startswith("objectiv:"))
    with pytest.raises(BadInput, match=rf"gqa\.yaml, line {line}: objectiv: unknown field .* did you mean objective"):
        read_entry(FamilyPage, file)


def test_what_does_not_belong_together_is_bad_input():
    time = Comparison(
        model="gpt2", measure="tpot", before="every layer sees all", says="{before} and {after} it takes.",
        machine="h100-sxm",
    )  # fmt: skip
    with pytest.raises(BadInput, match="no time is known"):
        effect(time)
    with pytest.raises(BadInput, match="needs a machine"):
        effect(time.model_copy(update={"machine": None}))
    with pytest.raises(BadInput, match="no selective scan"):
        scan_traffic(load("gpt2"), 8)


def test_the_index_lists_every_page_and_a_misspelt_name_gets_the_nearest():
    run = CliRunner().invoke(cli, ["learn"])
    assert run.exit_code == 0
    assert all(f"  {topic.id} " in run.stdout for topic in TOPICS)
    assert len(json.loads(CliRunner().invoke(cli, ["learn", "--json"]).stdout)) == len(TOPICS)
    with pytest.raises(BadInput, match=r"unknown topic 'decodr'.*decoder"):
        learn("decodr")
    assert advisor.learn("Flash Attention").id == "flash-attention"


@pytest.mark.parametrize("name", ["hybrid", "gqa", "rag"])
def test_markdown_and_json_hold_the_page(name: str):
    page = learn(name)
    text = CliRunner().invoke(cli, ["learn", name, "--md"]).stdout
    assert text.startswith(f"# {page.title}\n")
    assert all(f"## {section.title}" in text for section in page.sections if section.title)
    data = json.loads(CliRunner().invoke(cli, ["learn", name, "--json"]).stdout)
    assert [section["title"] for section in data["sections"]] == [section.title for section in page.sections]
