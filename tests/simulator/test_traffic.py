"""Who comes when with what: means, shapes, classes, conversations, recorded traces."""

from __future__ import annotations

import json

import numpy as np
import pytest

from advisor.simulator.arrivals import open_loop, profile
from advisor.simulator.lengths import lengths
from advisor.simulator.traces import load_trace
from advisor.simulator.traffic import PREFIX_TOKENS, PRESETS, Traffic, jobs_of, traffic_preset
from catalog.errors import BadInput

FIXED = {"input": lengths(100), "output": lengths(10)}


@pytest.mark.parametrize(
    ("text", "mean", "deviation"),
    [
        ("250", 250, 0), ("normal:512,128", 512, 128), ("uniform:100,300", 200, 200 / 12**0.5),
        ("exponential:300", 300, 300), ("lognormal:800,0.5", 800 * np.exp(0.125), 485), ("2k", 2048, 0),
    ],
)  # fmt: skip
def test_lengths_have_the_moments_that_were_asked_for(text, mean, deviation):
    drawn = lengths(text).sample(np.random.default_rng(0), 200_000)
    assert drawn.mean() == pytest.approx(mean, rel=0.01)
    assert drawn.std() == pytest.approx(deviation, rel=0.02)
    assert lengths(text).mean == pytest.approx(mean)
    assert drawn.min() >= 1


def test_lengths_of_a_file_are_drawn_from_it(tmp_path):
    (tmp_path / "x").write_text("3\n3\n9\n")
    assert set(lengths(f"empirical:{tmp_path / 'x'}").sample(np.random.default_rng(0), 100)) == {3, 9}
    for text, said in (
        ("empirical:/nowhere", "cannot read"), ("lognormall:1,2", "did you mean lognormal"), ("normal:5", "2 number"),
        ("normal:0,1", "out of range"), ("nan", "1 number"), ("uniform:9,3", "out of range"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=said):
            lengths(text, "input")


@pytest.mark.parametrize(("kind", "cv"), [("poisson", 1.0), ("gamma", 3.0), ("gamma", 0.5), ("constant", 0.0)])
def test_gaps_have_the_rate_and_the_burstiness(kind, cv):
    gaps = np.diff(open_loop(5, 200_000, np.random.default_rng(0), kind, cv or 1.0))
    assert gaps.mean() == pytest.approx(0.2, rel=0.03)
    assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.03, abs=1e-6)


def test_profiles_move_requests_and_keep_their_number():
    rng = np.random.default_rng(0)
    times = open_loop(100, 40_000, rng, shape=profile("diurnal:4,200"))
    counts, _ = np.histogram(times, np.arange(0, 401, 50))
    assert counts[[0, 3, 4, 7]].sum() * 1.9 < counts[[1, 2, 5, 6]].sum()  # (1 + 2·0.6/π)/(1 - 2·0.6/π) = 2.24
    assert times.max() == pytest.approx(400, rel=0.03)
    spike = open_loop(100, 25_000, rng, shape=profile("spike:5,60,30"))
    assert ((spike >= 60) & (spike < 90)).sum() == pytest.approx(15_000, rel=0.03)
    for text in ("diurnal", "spike:5", "diurnal:0.5", "sometimes:3"):
        with pytest.raises(BadInput):
            profile(text)


def test_classes_share_requests_by_their_rates_and_keep_their_own_draws():
    a, b = Traffic(**FIXED, rate=3, name="a"), Traffic(**FIXED, rate=1, name="b", priority=2)
    jobs = jobs_of([a, b], 4000, seed=1)
    assert [jobs.kind.count(0), jobs.kind.count(1)] == [3000, 1000]
    assert {p for p, k in zip(jobs.priority, jobs.kind, strict=True) if k} == {2}
    faster = jobs_of([Traffic(**FIXED, rate=6), b], 4000, seed=1)
    assert faster.arrival[:10] == pytest.approx([t / 2 for t in jobs.arrival[:10]])  # common random numbers


def test_a_conversation_carries_its_past():
    chat = Traffic(lengths(100), lengths(28), turns=lengths(3), shared_tokens=128, think_s=2.0)
    jobs = jobs_of([chat], 6)
    assert jobs.input == [228, 356, 484] * 2
    assert jobs.follows == [1, 2, -1, 4, 5, -1]
    first, second = jobs.prefix[0], jobs.prefix[3]
    assert len(first) == (128 + 3 * 128) // PREFIX_TOKENS
    assert first[:2] == second[:2]
    assert not set(first[2:]) & set(second[2:])


def test_clients_take_from_one_list_or_have_their_own():
    shared = jobs_of([Traffic(**FIXED, clients=4)], 20)
    assert shared.starts == [0, 1, 2, 3]
    assert shared.queue == list(range(4, 20))
    own = jobs_of([Traffic(**FIXED, clients=4, shared_queue=False, stagger_s=9.0)], 20)
    assert own.follows[:3] == [4, 5, 6]
    assert max(own.arrival[:4]) > 1


def test_every_preset_says_where_it_is_from_and_can_be_drawn():
    for name, preset in PRESETS.items():
        assert preset.source
        assert preset.slo
        assert len(jobs_of([traffic_preset(name)], 50)) > 20
    with pytest.raises(BadInput, match="did you mean chat"):
        traffic_preset("chatt")
    assert PRESETS["code-completion"].input.mean == pytest.approx(2048, rel=0.01)  # the trace's own mean
    assert PRESETS["code-completion"].output.mean == pytest.approx(28, rel=0.01)


def test_traces_are_read_as_published(tmp_path):
    (tmp_path / "azure.csv").write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n"
        "2023-11-16 18:17:04.0319600,3180,8\n"
    )
    (tmp_path / "mooncake.jsonl").write_text(
        "".join(
            json.dumps(row) + "\n"
            for row in (
                {"timestamp": 0, "input_length": 1100, "output_length": 5, "hash_ids": [0, 1, 2]},
                {"timestamp": 3000, "input_length": 600, "output_length": 7, "hash_ids": [0, 3]},
            )
        )
    )
    (tmp_path / "plain.csv").write_text(
        "arrival_s,input_tokens,output_tokens,prefix_hash_blocks\n0,6758,500,0-13\n2,900,4,0 27\n"
    )
    azure, moon, plain = (load_trace(tmp_path / n) for n in ("azure.csv", "mooncake.jsonl", "plain.csv"))
    assert azure.arrival == pytest.approx([0, 0.052])
    assert (azure.input, azure.output, azure.prefix) == ([4808, 3180], [10, 8], None)
    assert (moon.arrival, [list(p) for p in moon.prefix]) == ([0, 3.0], [[0, 1, 2], [0, 3]])
    assert [len(p) for p in plain.prefix] == [14, 2]
    assert load_trace(tmp_path / "plain.csv", faster=4).arrival == [0, 0.5]
    assert len(load_trace(tmp_path / "plain.csv", most=1)) == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "x,y\n1,2\n", "no known layout"),
        ("a.csv", "arrival_s,input_tokens,output_tokens\n0,x,2\n", "a.csv:2"),
        ("a.csv", "arrival_s,input_tokens,output_tokens\n0,5\n", "a.csv:2"),
        ("a.csv", "arrival_s,input_tokens,output_tokens\n", "no requests"),
        ("a.csv", "arrival_s,input_tokens,output_tokens\n-1,2,2\n", "not a time"),
        ("a.jsonl", "{\n", "not a line of JSON"),
        ("a.jsonl", "[1]\n", "should be an object"),
    ],
)
def test_a_broken_trace_is_named_with_its_line(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=said):
        load_trace(tmp_path / name)
