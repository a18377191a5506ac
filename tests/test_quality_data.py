"""Published scores are of listed benchmarks, of models in the catalog, within range, and one per group is taken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from catalog.loader import all_models, load
from catalog.quality import benchmark_of, benchmarks, file_name, groups, printed_scores, scores_of

MODELS = {spec.id: spec for spec in all_models()}
GROUPS = groups()


def test_there_are_scores_of_most_models_that_people_ask_for():
    assert len(GROUPS) > 150
    scored = [spec for spec in MODELS.values() if scores_of(spec)]
    assert len(scored) > 200


@pytest.mark.parametrize("group", GROUPS)
def test_a_table_holds_listed_models_within_range_and_takes_one_row_each(group: str):
    entry = benchmark_of(group)
    assert entry is not None
    table = printed_scores(group)
    assert table is not None
    assert table.benchmark == group
    firsts = [row.model for row in table.scores if row.rank == 0]
    assert len(firsts) == len(set(firsts))
    for row in table.scores:
        assert row.model in MODELS
        assert 0 <= row.value <= entry.high, (group, row)
        assert row.setting
        assert row.source < len(table.sources)


@pytest.mark.parametrize("spec", [spec for spec in MODELS.values() if spec.scores], ids=lambda spec: spec.id)
def test_scores_in_a_models_own_file_are_of_listed_benchmarks(spec):
    for score in spec.scores:
        assert benchmark_of(score.benchmark) is not None, score.benchmark


def test_printed_names_of_benchmarks_mean_one_each():
    seen: dict[str, str] = {}
    for entry in benchmarks().values():
        for name in (entry.name, *entry.printed):
            assert seen.setdefault(name.lower(), entry.id) == entry.id, name
    assert len({entry.id for entry in benchmarks().values()}) == len(benchmarks())


def test_base_plain_and_thinking_scores_stand_apart():
    def value(group: str, model: str) -> float:
        table = printed_scores(group)
        assert table is not None
        return next(row.value for row in table.scores if row.model == model and row.rank == 0)

    # Qwen3 report, tables 3, 11 and 12: base MMLU 87.81, plain GPQA 62.9; Kimi's README prints plain AIME 2024 40.1.
    assert value("MMLU (base)", "qwen3-235b-a22b") == pytest.approx(87.81)
    assert value("GPQA Diamond", "qwen3-235b-a22b") == pytest.approx(62.9)
    assert value("LiveCodeBench v5 (thinking)", "qwen3-235b-a22b") > 60
    assert value("AIME 2024", "qwen3-235b-a22b") < 50
    assert file_name("MMLU-Pro (thinking)") == "mmlu-pro-thinking"


def test_one_score_per_group_and_the_models_own_file_goes_first():
    for spec in MODELS.values():
        named = [score.benchmark for score in scores_of(spec)]
        assert len(named) == len(set(named)), spec.id
    own = load("qwen3-8b").scores[0]
    assert own in scores_of(load("qwen3-8b"))


def test_start_up_reads_no_scores():
    code = "import sys, advisor.cli, catalog.loader as l; l.all_models(); print('catalog.quality' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.stdout.strip() == "False", done.stderr
