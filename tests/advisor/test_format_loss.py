"""What formats cost in quality: as measured, or by the worst of their width, never zero in silence."""

from __future__ import annotations

import pytest

from advisor.format_loss import MMLU, PER_LOG_PERPLEXITY, _odds, log_odds_lost, loss_of
from advisor.quality import qualities
from advisor.recommend import recommend
from catalog.loader import all_formats, all_models, load_format, load_task

FORMATS = {entry.id: entry for entry in all_formats()}


@pytest.mark.parametrize("weights", FORMATS.values(), ids=lambda weights: weights.id)
def test_a_narrower_format_always_costs_something_with_its_source_and_a_wide_one_nothing(weights):
    loss = loss_of(weights, 8e9, "bf16")
    if weights.nominal_bits >= 16:
        assert loss.odds == 0
    else:
        assert loss.odds > 0
        assert loss.said
        assert loss.measured or "nobody measured" in loss.said


def test_the_published_format_and_wider_ones_lose_nothing():
    assert loss_of(load_format("mxfp4-experts"), 117e9, "mxfp4-experts").odds == 0
    assert loss_of(load_format("bf16"), 671e9, "fp8-block").odds == 0
    assert loss_of(load_format("fp8"), 671e9, "fp8-block").odds == 0
    assert loss_of(load_format("awq-int4"), 671e9, "fp8-block").odds > 0


def test_an_mmlu_loss_of_awq_is_that_of_its_table_and_large_models_lose_less():
    small, large = (loss_of(load_format("awq-int4"), size, "bf16") for size in (8e9, 70e9))
    # 69.4 less 5.66 % is 65.47: (69.4-25)/75 = .592 and .540 of what guessing leaves.
    assert small.odds == pytest.approx(_odds(69.4) - _odds(69.4 * (1 - 0.0566)))
    assert small.odds == pytest.approx(0.215, abs=0.005)
    assert large.odds < small.odds / 2
    assert "5.66" in small.said


def test_fewer_bits_of_one_family_lose_more():
    losses = [
        loss_of(FORMATS[f"gguf-{name}"], 8e9, "bf16").odds
        for name in ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "q3_k_m", "q2_k", "iq1_s")
    ]
    assert losses == sorted(losses)


def test_the_bridge_from_perplexity_is_never_kinder_than_answers_where_both_were_measured():
    # GPTQ at 4 bits: perplexity of LLaMA 7B rises from 5.68 to 6.09, MMLU of Qwen 7B falls from 55.8 to 55.1.
    weights = FORMATS["gptq-int4"]
    by_perplexity = [log_odds_lost(loss) for loss in weights.loss if "perplexity" in loss.metric]
    by_answers = [log_odds_lost(loss) for loss in weights.loss if loss.metric == "MMLU points lost"]
    assert min(x for x in by_perplexity if x is not None) > max(x for x in by_answers if x is not None)
    assert 3 < PER_LOG_PERPLEXITY < 5
    assert all(25 < level < 100 for level in MMLU.values())


def test_an_unmeasured_format_takes_the_worst_of_its_width():
    loss = loss_of(FORMATS["nf4"], 8e9, "bf16")
    assert not loss.measured
    assert loss.odds == max(
        loss_of(other, 8e9, "bf16").odds for other in FORMATS.values() if 3.5 < other.nominal_bits <= 4.5
    )


def test_the_loss_lowers_the_index_and_its_interval():
    found = qualities(load_task("chat"), all_models())["llama-3.1-8b"]
    lower = found.after(loss_of(load_format("awq-int4"), 8e9, "bf16").odds)
    assert lower.index < found.index
    assert lower.low < found.low
    assert lower.high < found.high
    assert found.after(0.0) == found


def test_a_recommendation_in_four_bits_says_what_it_costs_and_ranks_below_the_published_weights():
    four = recommend(task="chat", users=1, machines=("rtx-4060-ti-16gb",), limit=40).recommendations
    narrow = [r for r in four if r.quality is not None and any("costs quality" in note for note in r.notes)]
    assert narrow
    judged = qualities(load_task("chat"), all_models())
    for r in narrow:
        assert r.quality < judged[r.model].cautious
