"""The quality index: from scores with holes, honest about how much it knows."""

from __future__ import annotations

import numpy as np
import pytest

from advisor.ability import fit, log_odds
from advisor.quality import qualities, task_table
from benchmarks.quality_index import held_out
from catalog.loader import all_models, all_tasks, load, load_task
from catalog.quality import benchmark_of, scores_of
from catalog.terms import beyond, supported_context

MODELS = all_models()


def test_abilities_and_benchmarks_come_back_from_scores_made_of_them():
    rng = np.random.default_rng(1)
    ability, offset, slope = rng.normal(size=60), rng.normal(size=12), rng.uniform(0.6, 1.4, 12)
    model, benchmark = (x.ravel() for x in np.meshgrid(np.arange(60), np.arange(12), indexing="ij"))
    shown = rng.random(model.size) < 0.4
    model, benchmark = model[shown], benchmark[shown]
    odds = offset[benchmark] + slope[benchmark] * ability[model] + rng.normal(scale=0.2, size=model.size)
    found = fit(model, benchmark, odds, np.ones(model.size), 60, 12)
    has = np.bincount(model, minlength=60) >= 2
    assert np.corrcoef(found.ability[has], ability[has])[0, 1] > 0.97


def test_a_hard_benchmark_that_only_strong_models_report_does_not_count_against_them():
    # Six models, three weak. All report an easy benchmark; the strong ones also a hard one and look middling there.
    model = np.array([0, 1, 2, 3, 4, 5, 3, 4, 5])
    benchmark = np.array([0] * 6 + [1] * 3)
    value = np.array([40, 45, 50, 80, 84, 88, 20, 25, 30.0])
    odds = log_odds(value, 0, 100, False)
    found = fit(model, benchmark, odds, np.ones(9), 6, 2)
    assert found.ability[3:].min() > found.ability[:3].max()
    assert np.all(np.diff(found.ability[3:]) > 0)


def test_log_odds_count_from_chance_and_turn_errors_round():
    assert log_odds(25 + 75 / 2, 25, 100, False) == pytest.approx(0)
    assert log_odds(2.0, 0, 100, True) > log_odds(4.0, 0, 100, True)
    assert np.isfinite(log_odds([0.0, 100.0, 25.0], 25, 100, False)).all()


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.id)
def test_each_benchmark_of_a_task_is_listed_and_only_models_with_a_score_of_it_are_judged(task):
    for name in (*task.benchmarks, *(name for turn in task.reversals for name in turn.benchmarks)):
        assert benchmark_of(name) is not None, name
    judged = qualities(task, MODELS)
    for spec in MODELS:
        said = {score.benchmark for score in scores_of(spec)} & set(task.benchmarks)
        named = {name for name in said if not beyond(name, spec.context_tokens)}
        assert (spec.id in judged) == bool(named), spec.id
    for found in judged.values():
        assert 0 <= found.low <= found.cautious <= found.index <= found.high <= 1
        assert 0 < found.coverage <= 1 + 1e-9
        assert found.evidence


def test_thin_evidence_widens_the_interval_and_counts_less():
    judged = qualities(load_task("chat"), MODELS)
    table = task_table(load_task("chat"))
    count = np.bincount(table.model, table.weight, len(table.models))
    places = {name: i for i, name in enumerate(table.models)}
    middling = [name for name, q in judged.items() if 0.2 < q.index < 0.8]
    width = [judged[name].high - judged[name].low for name in middling]
    weight = [count[places[name]] for name in middling]
    assert np.corrcoef(np.log(weight), width)[0, 1] < -0.6


def test_the_index_foretells_scores_that_it_was_not_shown_better_than_means_do():
    for name, rank in (("chat", 0.8), ("code", 0.7), ("reasoning", 0.75), ("semantic-search", 0.9), ("rag", 0.8)):
        found = held_out(load_task(name))
        assert found is not None
        assert found.rms < 0.8 * found.rms_z, name
        assert found.rms < 0.8 * found.rms_mean, name
        assert found.rank > rank - 0.05, name
        assert found.rank_left_out > rank, name
        assert found.within > 0.75, name


def test_stronger_siblings_rank_above_weaker_ones():
    judged = qualities(load_task("chat"), MODELS)
    for better, worse in (
        ("llama-3.1-70b", "llama-3.1-8b"), ("llama-3.1-8b", "llama-3.2-1b"), ("qwen2.5-72b", "qwen2.5-7b"),
        ("gpt-4.1", "gpt-4.1-nano"), ("qwen3-32b", "qwen3-0.6b"), ("deepseek-v3", "deepseek-v2"),
        ("claude-opus-4", "gpt-4o-mini"), ("gemma-3-27b", "gemma-3-1b"),
    ):  # fmt: skip
        assert judged[better].cautious > judged[worse].cautious, (better, worse)


def test_ruler_beyond_a_models_own_context_does_not_speak_for_it():
    """Qwen3's context is 40k; its scores at 64k and 128k are of longer texts."""
    qwen = load("qwen3-8b")
    assert qwen.context_tokens == 40960
    assert beyond("RULER 128K", 40960)
    assert beyond("RULER avg 4K-128K", 40960)
    assert not beyond("RULER 32K", 40960)
    assert not beyond("RULER 128K", None)
    found = supported_context(qwen)
    assert found is not None
    assert found.measured_tokens == found.tokens == 32768
    evidence = qualities(load_task("rag"), all_models())["qwen3-8b"].evidence
    assert any(text.startswith("RULER 32K") for text in evidence)
    assert not any("128K" in text for text in evidence)
