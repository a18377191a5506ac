"""The jumping engine against the plain one, on random configurations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.simulator.engine import Replica
from advisor.simulator.jobs import Jobs
from advisor.simulator.memory import Memory
from advisor.simulator.oracle import run_plain
from advisor.simulator.rules import OutputShare, Rules
from advisor.simulator.steps import Linear

SEEN = {"runs": 0, "plain": 0, "preemptions": 0, "retractions": 0, "hits": 0, "refused": 0}
"""What the random runs of one session came across."""


def situation(draw, plain=False, share=False):
    """Everything that the rules know, small enough that blocks run out.

    ``plain``: only what the loop of ``hot`` knows; ``share``: always with an ``output_share``, and often too small.
    """
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    n = draw(st.integers(1, 25))
    block = 1 if share else draw(st.sampled_from([1, 2, 4, 8]))
    mixed = plain or (not share and draw(st.booleans()))
    chunked = draw(st.booleans())
    reserve = draw(st.sampled_from(["chunk", "input"] if plain or share else ["chunk", "input", "all"]))
    prefixed = reserve != "all" and not plain and draw(st.booleans())
    most = draw(st.integers(1, 8))
    advance = (1, 1) if plain else draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (3, 2), (7, 4)]))
    budget = draw(st.integers(most, 40)) if chunked else draw(st.integers(most, 120))
    left_free = None
    if share or (block == 1 and reserve != "all" and not mixed and draw(st.booleans())):
        start = draw(st.sampled_from([0.1, 0.3, 0.7, 1.0]))
        least = start * draw(st.sampled_from([0.0, 0.14, 1.0]))
        left_free = OutputShare(start, least, draw(st.sampled_from([1, 5, 30])), draw(st.sampled_from([0, 3])))
    rules = Rules(
        budget_tokens=budget,
        max_sequences=most,
        block_tokens=block,
        chunked=chunked,
        chunk_tokens=draw(st.sampled_from([0, 5])),
        mixed=mixed,
        reserve=reserve,
        output_share=left_free,
        priorities=not plain and draw(st.booleans()),
        prefix_cache=prefixed,
        steps_ahead=draw(st.integers(0, 1)),
        context_tokens=draw(st.sampled_from([0, 0, 0, 60])),
    )
    window = not plain and draw(st.booleans())
    steps = Linear(
        base_s=rng.uniform(0.5, 1.5),
        sequence_s=rng.uniform(0, 0.1),
        prompt_token_s=rng.uniform(0, 0.1),
        pair_s=rng.uniform(0, 1e-3),
        cached_s=(rng.uniform(0, 0.01), rng.uniform(0, 0.01)) if window else (rng.uniform(0, 0.01),),
        caps=(0, draw(st.integers(1, 30))) if window else (0,),
        advance=advance,
        most=most,
    )
    per_block = draw(st.integers(1, 3))
    memory = Memory(
        units=draw(st.integers(*((40, 120) if share else (5, 60)))) * per_block,
        per_block=per_block,
        window_tokens=draw(st.integers(1, 20)),
        per_window_block=0 if plain else draw(st.sampled_from([0, 0, 1])),
        per_request=draw(st.sampled_from([0, 0, 2])),
    )
    inputs = rng.integers(1, 15 if share else 50, n).tolist()
    outputs = rng.integers(1, 30, n).tolist()
    groups = rng.integers(0, 3, n)
    prefix = [[int(100 * g + k) for k in range(rng.integers(0, 40))] for g in groups] if prefixed else None
    chained = draw(st.booleans())
    follows = [-1] * n
    if chained:
        for i in range(n - 3):
            if rng.random() < 0.5:
                follows[i] = i + 3
    queue = None
    if not chained and draw(st.integers(0, 3)) == 0:
        queue = list(range(max(1, n // 2), n))
    ready = None
    if not plain and draw(st.integers(0, 4)) == 0:
        ready = [bool(rng.random() < 0.5) and outputs[i] > 1 for i in range(n)]
    columns = {
        "arrival": np.cumsum(rng.exponential(draw(st.sampled_from([0.3, 3.0, 20.0])), n)).tolist(),
        "input": inputs,
        "output": outputs,
        "priority": rng.integers(0, 3, n).tolist(),
        "prefix": prefix,
        "prefix_tokens": block * draw(st.integers(1, 3)),
        "ready": ready,
        "follows": follows if chained else None,
        "queue": queue,
        "think_s": rng.uniform(0, 5, n).tolist() if chained or queue else None,
    }
    return columns, rules, steps, memory


situations = st.composite(situation)


def run_jumping(columns, rules, steps, memory):
    jobs = Jobs(**{k: list(v) if isinstance(v, list) else v for k, v in columns.items()})
    replica = Replica(jobs, rules, steps, memory)
    replica.load(jobs.starts)
    replica.run()
    return jobs, replica


def gaps_of(replica):
    """Every time between tokens, from stretches and corrections."""
    found = []
    for _, first, growth, passes, writing, _, _ in replica.log.table():
        for j in range(int(passes)):
            found += [first + growth * j] * int(writing)
    for gap, count in replica.gaps:
        if count > 0:
            found += [gap] * count
    found.sort()
    for gap, count in replica.gaps:
        for _ in range(-count):
            index = int(np.searchsorted(found, gap - 1e-9))
            assert found[index] == pytest.approx(gap, abs=1e-9)
            del found[index]
    return found


def check(case):
    columns, rules, steps, memory = case
    jobs, replica = run_jumping(*case)
    plain_jobs = Jobs(**{k: list(v) if isinstance(v, list) else v for k, v in columns.items()})
    plain = run_plain(plain_jobs, rules, steps, memory)

    for name in ("admitted", "first", "finish", "arrival"):
        ours, theirs = np.array(getattr(jobs, name)), np.array(getattr(plain_jobs, name))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9, err_msg=name)
    assert jobs.preempted == plain_jobs.preempted
    assert jobs.hits == plain_jobs.hits
    assert jobs.refused == plain_jobs.refused
    assert int(replica.log.table()[:, 3].sum()) == plain.passes
    np.testing.assert_allclose(gaps_of(replica), sorted(plain.gaps), rtol=1e-9, atol=1e-9)

    # Conservation: everybody is answered or refused, and all room is back.
    assert all((i in jobs.refused) == math.isnan(jobs.finish[i]) for i in range(len(jobs)))
    assert replica.idle
    assert replica.pool.available == replica.memory.units
    assert sorted(replica.pool.kept) == sorted(plain.kept)
    SEEN["runs"] += 1
    SEEN["plain"] += replica.quick
    SEEN["retractions"] += sum(jobs.preempted) if rules.output_share else 0
    SEEN["preemptions"] += sum(jobs.preempted)
    SEEN["hits"] += sum(jobs.hits)
    SEEN["refused"] += len(jobs.refused)


@given(situations())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_jumping_agrees_with_passes_one_by_one(case):
    check(case)


@given(situations(plain=True))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_loop_for_plain_replicas_agrees_with_passes_one_by_one(case):
    before = SEEN["plain"]
    check(case)
    assert SEEN["plain"] == before + 1


@given(situations(share=True))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_taking_requests_back_as_sglang_does_agrees_with_passes_one_by_one(case):
    check(case)


@pytest.mark.slow
@given(situations())
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_jumping_agrees_with_passes_one_by_one_ten_thousand_times(case):
    check(case)
