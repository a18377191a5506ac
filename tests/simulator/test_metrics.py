"""What is reported of a run: exact percentiles, verdicts, money, files."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.simulator.dispatch import Pool
from advisor.simulator.export import request_table, series_table, write_chrome_trace, write_table
from advisor.simulator.jobs import Jobs
from advisor.simulator.limits import limits, per_request, rate_per_s
from advisor.simulator.memory import Memory
from advisor.simulator.metrics import interval, outcome
from advisor.simulator.percentiles import Gaps
from advisor.simulator.rules import Rules
from advisor.simulator.service import Service
from advisor.simulator.steps import Linear
from advisor.simulator.traffic import Traffic, lengths
from catalog.errors import BadInput


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.99))
@settings(max_examples=60, deadline=None)
def test_quantiles_of_stretches_are_those_of_all_tokens(seed, q):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 20))
    table = np.zeros((n, 7))
    table[:, 1] = rng.uniform(0.1, 1, n)
    table[:, 2] = rng.uniform(0, 0.05, n) * rng.integers(0, 2, n)
    table[:, 3] = rng.integers(1, 30, n)
    table[:, 4] = rng.integers(0, 5, n)
    singles = [(float(g), int(w)) for g, w in zip(rng.uniform(0, 3, 4), rng.integers(1, 4, 4), strict=True)]
    every = [a + d * j for _, a, d, k, w, _, _ in table for j in range(int(k)) for _ in range(int(w))]
    every += [g for g, w in singles for _ in range(w)]
    gaps = Gaps([table], singles)
    assert gaps.count == len(every)
    assert gaps.mean == pytest.approx(np.mean(every))
    assert gaps.quantile(q) == pytest.approx(np.quantile(every, q, method="inverted_cdf"), rel=1e-9)


def test_quantiles_of_very_many_stretches_are_exact_too():
    rng = np.random.default_rng(3)
    table = np.zeros((100_000, 7))
    table[:, 1] = rng.lognormal(0, 1, len(table))
    table[:, 3] = 1
    table[:, 4] = rng.integers(1, 4, len(table))
    every = np.repeat(table[:, 1], table[:, 4].astype(int))
    gaps = Gaps([table], [])
    for q in (0.001, 0.5, 0.95, 0.999):
        assert gaps.quantile(q) == pytest.approx(np.quantile(every, q, method="inverted_cdf"), rel=1e-9)


def one(**changes):
    steps = Linear(base_s=0.01, sequence_s=0.0, prompt_token_s=1e-4, cached_s=(0.0,), most=16)
    given = {"usd_per_hour": 3.6, "watts": 100.0} | changes
    return Service(Rules(budget_tokens=100, max_sequences=16, block_tokens=1), steps, Memory(10_000), **given)


def serve(arrival, given=10, written=11, count=1, **changes):
    n = len(arrival)
    jobs = Jobs(arrival=list(arrival), input=[given] * n, output=[written] * n)
    pool = Pool(jobs, [one(**changes)] * count)
    pool.run()
    return jobs, pool


def test_one_request_by_hand():
    jobs, pool = serve([0.0])
    o = outcome(jobs, [pool], request_s=0.005)
    assert o.ttft_s.mean == pytest.approx(0.011 + 0.005)
    assert o.tpot_s.mean == o.itl_s.p99 == pytest.approx(0.01)
    assert o.e2e_s.p50 == pytest.approx(0.111 + 0.005)
    assert o.output_tokens_per_s == pytest.approx(11 / 0.111)
    assert o.utilisation == pytest.approx(1)
    assert o.usd_per_hour == pytest.approx(3.6)
    assert o.usd_per_million_tokens == pytest.approx(1e6 * 0.001 * 0.111 / 21)
    assert o.usd_per_million_input_tokens == pytest.approx(1e6 * 0.001 * 0.011 / 10)
    assert o.joules_per_token == pytest.approx(100 * 0.111 / 11)
    assert o.cache_peak == pytest.approx(20 / 10_000)


def test_too_much_is_called_saturated_and_enough_is_not():
    # 16 sequences of 10 steps take 0.1 s: 160 requests a second and no more.
    rng = np.random.default_rng(0)
    for rate, saturated in ((60, False), (120, False), (200, True), (1000, True)):
        jobs, pool = serve(np.cumsum(rng.exponential(1 / rate, 4000)))
        assert outcome(jobs, [pool]).verdict.saturated is saturated, rate


def test_a_burst_that_is_worked_off_is_no_saturation():
    arrival = [0.05 * i for i in range(2000)] + [50.0 + 1e-4 * i for i in range(300)]
    jobs, pool = serve(sorted(arrival))
    assert not outcome(jobs, [pool]).verdict.saturated


def test_limits_count_per_request_and_refused_ones_are_missed():
    jobs = Jobs(arrival=[0.0, 50.0, 100.0], input=[10, 5000, 10], output=[11, 9000, 1], kind=[0, 0, 1])
    pool = Pool(jobs, [one()])
    pool.run()
    classes = [
        Traffic(lengths(10), lengths(11), name="a", slo={"ttft": 0.02, "tpot": 0.02}),
        Traffic(lengths(10), lengths(1), name="b", slo={"tpot": 1e-9}),
    ]
    o = outcome(jobs, [pool], classes)
    assert o.refused == {"memory": 1}
    assert [c.kept for c in o.classes] == [0.5, 1.0]  # one token has no time per further token to miss
    assert o.kept == pytest.approx(2 / 3)
    assert o.requests == o.finished + sum(o.refused.values())


def test_promises_are_read_and_mistakes_named():
    found = limits("ttft.p99<1s, tpot<50ms,e2e.mean<=10s")
    assert [(x.name, x.seconds) for x in found] == [("ttft.p99", 1.0), ("tpot.p95", 0.05), ("e2e.mean", 10.0)]
    assert per_request(found) == {"ttft": 1.0, "tpot": 0.05, "e2e": 10.0}
    for text, said in (("tfft<1s", "did you mean ttft"), ("ttft.p94<1s", "p9"), ("ttft>1s", "cannot read"), ("", "no")):
        with pytest.raises(BadInput, match=said):
            limits(text)
    assert rate_per_s("300/min") == 5
    for text in ("0/s", "x/s", "5/fortnight", "nan"):
        with pytest.raises(BadInput, match="not a positive rate"):
            rate_per_s(text)


def test_an_interval_is_students():
    i = interval([1.0, 2.0, 3.0])
    assert (i.mean, i.high - i.mean) == (2.0, pytest.approx(4.303 / math.sqrt(3)))


def test_files_hold_every_request_and_all_time(tmp_path):
    jobs, pool = serve([0.02 * i for i in range(50)])
    write_table(tmp_path / "r.csv", request_table(jobs))
    rows = list(csv.DictReader((tmp_path / "r.csv").open()))
    assert len(rows) == 50
    assert float(rows[7]["ttft_s"]) == pytest.approx(jobs.first[7] - jobs.arrival[7])
    series = series_table(jobs, [pool], 40)
    width = series["to_s"][0]
    assert sum(series["output_tokens_per_s"]) * width == pytest.approx(
        50 * 10
    )  # the first of each comes with its prompt
    assert sum(series["input_tokens_per_s"]) * width == pytest.approx(50 * 10)
    log = pool.replicas[0].log.table()
    busy = float((log[:, 3] * log[:, 1]).sum())
    assert sum(series["utilisation"]) * width == pytest.approx(busy)
    assert write_chrome_trace(tmp_path / "t.json", jobs, [pool]) > 50
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert sum(e["dur"] for e in events if e["ph"] == "X") == pytest.approx(1e6 * busy)
    assert sum(e["ph"] == "b" for e in events) == sum(e["ph"] == "e" for e in events) == 150
    with pytest.raises(BadInput, match="cannot write"):
        write_table(tmp_path / "no" / "r.csv", {})


def test_gaps_that_grow_by_less_than_rounding_shows_have_quantiles():
    from advisor.simulator.percentiles import Gaps

    gaps = Gaps([np.array([[0.0, 0.015625, 1.2e-38, 2.0, 1.0]])], ())
    assert [gaps.quantile(q) for q in (0.5, 0.9, 0.99)] == [0.015625] * 3


def test_quantiles_found_by_halving_are_those_of_all_gaps_written_out(monkeypatch: pytest.MonkeyPatch):
    from advisor.simulator import percentiles

    rng = np.random.default_rng(7)
    for _ in range(150):
        monkeypatch.setattr(percentiles, "MOST_SPREAD", int(rng.choice([5, 40, 300_000])))
        monkeypatch.setattr(percentiles, "SAMPLE", int(rng.choice([3, 20_000])))
        m = int(rng.integers(1, 40))
        first = rng.choice(np.concatenate([rng.uniform(0, 1, 3), [0.0, 0.25, 0.5]]), m)
        passes, weight = rng.integers(1, 30, m), rng.integers(0, 5, m)
        growth = rng.choice([0.0, 1e-38, 1e-3, 0.01, -1e-4], m)
        gaps = percentiles.Gaps([np.stack([first, first, growth, passes, weight], 1)], [(0.7, 2)])
        rows = zip(first, growth, passes, weight, strict=True)
        written = sorted([f + g * j for f, g, k, w in rows for j in range(k) for _ in range(w)] + [0.7, 0.7])
        for q in (0.01, 0.5, 0.9, 0.99, 1.0):
            assert gaps.quantile(q) == written[max(0, int(np.ceil(q * len(written) - 1e-6)) - 1)]
