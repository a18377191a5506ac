"""Chances, scores, the front and lineages, each against something known otherwise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.decision.details import details
from advisor.ranking.chance import NORMAL, Errors, levels, normal_cdf, normal_quantile
from advisor.ranking.facts import lineage_of
from advisor.ranking.front import on_front
from advisor.ranking.weights import weights_of
from advisor.recommend import recommend
from advisor.requirements import PRESETS, Requirements
from catalog.engine import ErrorBand
from catalog.errors import BadInput
from catalog.loader import load

BAND = ErrorBand(
    quantity="ttft", badge="calibrated", p10=0.8, p50=1.1, p90=2.0, rows=9, measured_on="tests", source="tests"
)
share = st.floats(0.01, 0.99)


def test_a_limit_at_a_quantile_of_the_band_is_kept_with_its_probability():
    errors = Errors.of([BAND])
    for ratio, probability in ((0.8, 0.1), (1.1, 0.5), (2.0, 0.9)):
        assert errors.chance(np.array([1 / ratio]))[0] == pytest.approx(probability, abs=1e-5)
        assert errors.quantile(probability)[0] == pytest.approx(ratio, rel=1e-4)
    assert errors.factor(0.1)[0] == 1.0  # a prediction over its limit keeps nothing


def test_what_nobody_measured_counts_as_predicted():
    errors = Errors.of([None, None])
    assert errors.chance(np.array([0.99, 1.01])).tolist() == [1.0, 0.0]
    assert errors.factor(0.9).tolist() == [1.0, 1.0]


@given(z=st.floats(-5.5, 5.5))
def test_the_interpolated_normal_distribution_is_close(z: float):
    assert normal_cdf(np.array([z]))[0] == pytest.approx(NORMAL.cdf(z), abs=2e-7)


@given(first=share, second=share, confidence=share)
def test_both_levels_are_reached_exactly_where_the_product_of_chances_is(first, second, confidence):
    a, b = levels(np.array([first]), np.array([second]), confidence)
    product = first * second
    if abs(product - confidence) > 1e-9:
        assert (first >= a[0] and second >= b[0]) == (product >= confidence)
    assert normal_quantile(0.5) == pytest.approx(0, abs=1e-9)


entries = st.lists(st.tuples(*[st.none() | st.integers(0, 4).map(float)] * 3), min_size=1, max_size=12)


@given(entries)
def test_the_front_holds_what_nothing_comparable_beats(rows):
    found = on_front(*zip(*rows, strict=True))

    def beats(a, b):
        if [v is None for v in a] != [v is None for v in b]:
            return False
        worse = [(-1 if i == 0 else 1) * (x - y) for i, (x, y) in enumerate(zip(a, b, strict=True)) if x is not None]
        return all(w <= 0 for w in worse) and any(w < 0 for w in worse)

    for row, best in zip(rows, found, strict=True):
        assert best == (row[0] is not None and not any(beats(other, row) for other in rows))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("llama-3-8b", "llama-3.1-8b", True),
        ("qwen2-7b", "qwen2.5-7b", True),
        ("deepseek-v3", "deepseek-r1", True),
        ("qwen2.5-32b", "qwen3-32b", False),  # 0.006 % apart in size, other layers
        ("llama-3-8b", "llama-3-70b", False),
        ("bge-large-en-v1.5", "bert-large-uncased", False),  # equal layers, other makers
        ("claude-sonnet-4", "claude-sonnet-4.5", True),
        ("gpt-4.1", "o3", False),  # equal prices, other names
    ],
)
def test_lineages_hold_releases_of_one_architecture_by_one_maker(one: str, other: str, same: bool):
    assert (lineage_of(load(one)) == lineage_of(load(other))) == same


def test_presets_and_single_weights_add_up_to_one():
    for preset, (quality, cost, latency) in PRESETS.items():
        found = weights_of(Requirements(preset=preset))
        assert (found.quality, found.cost, found.latency) == pytest.approx((quality, cost, latency))
    own = weights_of(Requirements(preset="cost-first", quality_weight=0))
    assert (own.quality, own.cost, own.latency) == pytest.approx((0, 13 / 14, 1 / 14))
    with pytest.raises(BadInput, match="weigh nothing"):
        weights_of(Requirements(quality_weight=0, cost_weight=0, latency_weight=0))


CASE = {"context_tokens": 16384, "users": 8, "ttft_s": 1.0, "tpot_s": 0.06, "machines": ("rtx-4090",)}


def test_the_shortlist_holds_each_lineage_once_and_points_hold_every_model():
    advice = recommend(**CASE, limit=99)
    lineages = [r.lineage for r in advice.recommendations]
    assert len(set(lineages)) == len(lineages)
    rows = [row.model for r in advice.recommendations for row in (r, *r.variants)]
    assert sorted(rows) == sorted(point.model for point in advice.points)
    assert any(r.variants for r in advice.recommendations)
    for r in advice.recommendations:
        assert all(lineage_of(load(v.model)) == r.lineage for v in r.variants)
        assert all(v.score <= r.score for v in r.variants if v.quality is not None)
    assert sum(advice.weights.values()) == pytest.approx(1)


def test_more_confidence_admits_less_and_every_row_keeps_it():
    admitted = []
    for confidence in (0.1, 0.5, 0.95):
        advice = recommend(**CASE | {"tpot_s": 0.025}, confidence=confidence)
        assert all(p.p_meets is not None and p.p_meets >= confidence - 1e-5 for p in advice.points)
        admitted.append({p.model for p in advice.points})
    assert admitted[0] >= admitted[1] > admitted[2]


@settings(max_examples=4, deadline=None)
@given(
    weights=st.tuples(*[st.sampled_from([0.1, 0.3, 0.6])] * 3),
    which=st.sampled_from(["quality", "cost", "latency"]),
    factor=st.sampled_from([0.99, 1.01]),
)
def test_a_weight_changed_by_a_hundredth_moves_scores_by_less_than_that(weights, which, factor):
    given_weights = dict(zip(("quality_weight", "cost_weight", "latency_weight"), weights, strict=True))
    before = recommend(**CASE, **given_weights, rejections=0)
    given_weights[f"{which}_weight"] *= factor
    after = {point.model: point.score for point in recommend(**CASE, **given_weights, rejections=0).points}
    for point in before.points:
        assert abs(after[point.model] - point.score) < 0.01
    top = before.points[0].model
    assert max(after.values()) - after[top] < 0.02 or before.points[0].quality is None


@pytest.mark.parametrize("limit", ["ttft_s", "tpot_s"])
@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_a_limit_changed_by_a_hundredth_leaves_the_first_first(limit: str, factor: float):
    first = recommend(**CASE, rejections=0).recommendations[0]
    again = recommend(**CASE | {limit: CASE[limit] * factor}, rejections=0).recommendations[0]
    assert again.lineage == first.lineage
    assert abs(again.score - first.score) < 0.02


def test_a_family_that_is_merely_acceptable_keeps_three_quarters_of_its_score():
    advice = recommend(task="semantic-search", machines=("l4",), limit=99, rejections=0)
    first, best = advice.recommendations[0], max(advice.recommendations, key=lambda r: r.ungraded)
    assert (first.family, first.grade) == ("encoder", "preferred")
    assert (best.family, best.grade) == ("decoder", "acceptable")
    assert best.score == pytest.approx(0.75 * best.ungraded)
    said = " ".join(details(advice).why_family)
    assert "The grade decided" in said
    assert f"{best.score:.2f} of {best.ungraded:.2f}" in said


def test_what_turns_the_usual_answer_round_turns_the_grades():
    def grades(**case):
        found = recommend(task="semantic-search", machines=("l4",), limit=99, rejections=0, **case)
        return {r.family: r.grade for r in found.recommendations}

    usual, turned = grades(), grades(traits=("rare languages",))
    assert (usual["encoder"], usual["decoder"]) == ("preferred", "acceptable")
    assert (turned["encoder"], turned["decoder"]) == ("acceptable", "preferred")


def test_without_examples_no_score_after_training_counts():
    case = {"task": "classification", "machines": ("l4",), "limit": 99, "rejections": 0}
    usual = recommend(**case).recommendations
    none = recommend(**case, labelled_examples=0).recommendations
    assert {r.family for r in usual if r.quality is not None} == {"encoder", "encoder-decoder"}
    assert {r.family for r in none if r.quality is not None} == {"decoder"}
    assert (usual[0].family, none[0].family) == ("encoder", "decoder")
