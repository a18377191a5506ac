"""Several replicas: the pool against replicas that are stepped together, one event at a time."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.simulator.disaggregate import disaggregated
from advisor.simulator.dispatch import Failure, Pool, Scaling
from advisor.simulator.jobs import Jobs
from advisor.simulator.memory import Memory
from advisor.simulator.oracle import PlainReplica
from advisor.simulator.rules import Rules
from advisor.simulator.service import Service
from advisor.simulator.steps import Linear
from catalog.errors import BadInput


def service(seed=0, **rules):
    rng = np.random.default_rng(seed)
    own = {"budget_tokens": 30, "max_sequences": 6, "block_tokens": 4, "prefix_cache": True} | rules
    steps = Linear(base_s=rng.uniform(0.5, 1.5), sequence_s=0.05, prompt_token_s=0.03, cached_s=(0.003,), most=8)
    return Service(Rules(**own), steps, Memory(40))


def columns(seed, n, linked):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 4, n)
    return {
        "arrival": np.cumsum(rng.exponential(3.0, n)).tolist(),
        "input": rng.integers(1, 60, n).tolist(),
        "output": rng.integers(1, 30, n).tolist(),
        "prefix": [range(100 * g, 100 * g + int(rng.integers(0, 12))) for g in groups],
        "prefix_tokens": 8,
        "follows": [i + 3 if rng.random() < 0.5 and i + 3 < n else -1 for i in range(n)] if linked else None,
        "think_s": rng.uniform(0, 4, n).tolist() if linked else None,
    }


def run_plainly(jobs, services, router, stages=(), second=10**9):
    """All replicas in step: always the earliest of arrivals and passes."""
    stages = stages or [0] * len(services)
    replicas = [PlainReplica(jobs, s.rules, s.steps, s.memory) for s in services]
    for r in replicas:
        r._follow = lambda i, time, r=r: r.sent.append((time, ~i))
    coming = sorted((jobs.arrival[i], i) for i in jobs.starts)
    turns = [0, 0]
    while coming or any(r.waiting or r.running for r in replicas):
        ready = [(r.t, k) for k, r in enumerate(replicas) if r.waiting or r.running]
        when = min(ready)[0] if ready else math.inf
        if coming and coming[0][0] <= when:
            time, i = coming.pop(0)
            if i < 0:
                event = jobs.next_after(~i, time)
                coming = sorted([*coming, event] if event else coming)
                continue
            loads = [
                sum(
                    jobs.replica[j] == k and j not in jobs.refused and not jobs.finish[j] <= time
                    for j in range(len(jobs))
                )
                for k in range(len(replicas))
            ]
            speeds = [1.0 / s.steps.step_s[8] for s in services]
            stage = int(i >= second)
            mine = [k for k in range(len(replicas)) if stages[k] == stage]
            order = sorted(mine, key=lambda k: (loads[k] / speeds[k], k))
            chosen = order[0]
            if router == "round-robin":
                chosen, turns[stage] = mine[turns[stage] % len(mine)], turns[stage] + 1
            elif router == "prefix-aware":
                names = list(jobs.prefix[i])[: (jobs.input[i] - 1) // jobs.prefix_tokens]
                best = 0
                for k in mine:
                    found = 0
                    while found < len(names) and names[found] in replicas[k].holders:
                        found += 1
                    if loads[k] > 1.5 * loads[order[0]] + 8 or not found:
                        continue
                    if found > best or (found == best and loads[k] / speeds[k] < loads[chosen] / speeds[chosen]):
                        chosen, best = k, found
            jobs.replica[i] = chosen
            if not replicas[chosen].waiting and not replicas[chosen].running:
                replicas[chosen].t = max(replicas[chosen].t, time)
            replicas[chosen].deliver(i, time)
        else:
            replicas[min(ready)[1]].step()
        for r in replicas:
            coming = sorted(coming + r.sent)
            r.sent.clear()
    return jobs


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 4), st.booleans(), st.booleans(),
    st.sampled_from(["round-robin", "least-loaded", "prefix-aware"]),
)  # fmt: skip
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_pool_agrees_with_replicas_stepped_together(seed, n, count, linked, alike, router):
    services = [service(0 if alike else k) for k in range(count)]
    jobs, plain = (Jobs(**columns(seed, n, linked)) for _ in range(2))
    Pool(jobs, services, router).run()
    run_plainly(plain, services, router)
    assert jobs.replica == plain.replica
    np.testing.assert_allclose(jobs.finish, plain.finish, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(jobs.first, plain.first, rtol=1e-9, atol=1e-9)
    assert jobs.refused == plain.refused


def test_what_a_failed_replica_held_is_answered_by_others():
    jobs = Jobs(**columns(1, 60, False))
    pool = Pool(jobs, [service(0), service(0)], "least-loaded")
    pool.run([Failure(0, at_s=60.0)])
    assert all((i in jobs.refused) != (not math.isnan(jobs.finish[i])) for i in range(60))
    assert jobs.began
    late = [i for i in range(60) if jobs.arrival[i] >= 60.0 and i not in jobs.refused]
    assert {jobs.replica[i] for i in late} == {1}
    alone = Jobs(**columns(1, 60, False))
    Pool(alone, [service(0), service(0)], "least-loaded").run()
    assert np.nansum(jobs.finish) > np.nansum(alone.finish)


def test_the_last_replica_cannot_fail():
    with pytest.raises(BadInput, match="no other is up"):
        Pool(Jobs(**columns(1, 9, False)), [service(0)]).run([Failure(0, at_s=1.0)])


def test_replicas_come_late_and_go_when_they_are_not_needed():
    busy = Jobs(
        arrival=[0.01 * i for i in range(80)] + [2000.0 + 50 * i for i in range(20)],
        input=[20] * 100,
        output=[20] * 100,
    )
    fixed = replace_columns(busy)
    one = service(0, prefix_cache=False)
    pool = Pool(busy, [one] * 4, "least-loaded")
    pool.run(scaling=Scaling(least=1, most=4, target=8, delay_s=30, every_s=5))
    assert not any(map(math.isnan, busy.finish))
    assert set(busy.replica[:80]) == {0}  # all came before anybody could be asked for
    end = max(busy.finish)
    assert sum(pool.paid_s(end)) < 4 * end
    Pool(fixed, [one] * 4, "least-loaded").run()
    assert max(fixed.finish[:80]) < max(busy.finish[:80])


def replace_columns(jobs):
    return Jobs(arrival=list(jobs.arrival), input=list(jobs.input), output=list(jobs.output))


def test_scaling_up_helps_those_who_come_later():
    arrivals = [2.0 * i for i in range(200)]
    runs = []
    for most in (1, 4):
        jobs = Jobs(arrival=list(arrivals), input=[20] * 200, output=[20] * 200)
        Pool(jobs, [service(0, prefix_cache=False)] * most, "least-loaded").run(
            scaling=Scaling(least=1, most=most, target=6, delay_s=20, every_s=5)
        )
        runs.append(np.array(jobs.finish) - arrivals)
    assert runs[1][-50:].mean() < 0.5 * runs[0][-50:].mean()


def test_a_cache_that_travels_delays_the_second_token_only():
    jobs = Jobs(arrival=[0.0, 100.0], input=[20, 20], output=[1, 5])
    one = service(0, prefix_cache=False)
    disaggregated(jobs, [one], [one], sent_bytes=lambda n: 10.0 * n, bytes_per_s=100, latency_s=1.0)
    read = one.steps.prompt_s(20, 0)
    assert jobs.first == pytest.approx([read, 100 + read])
    assert jobs.finish[0] == jobs.first[0]
    steps = sum(one.steps.step_s[1] + 0.003 * (20 + k) for k in range(4))
    assert jobs.finish[1] == pytest.approx(100 + read + 1.0 + 2.0 + steps)


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 2), st.integers(1, 2), st.booleans(),
    st.sampled_from(["round-robin", "least-loaded", "prefix-aware"]),
)  # fmt: skip
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_conversations_over_separate_replicas_agree_with_replicas_stepped_together(
    seed, n, read, write, clients, router
):
    columns_of = columns(seed, n, not clients) | ({"queue": list(range(max(1, n // 2), n))} if clients else {})
    columns_of["output"] = [1 if k % 5 == 0 else o for k, o in enumerate(columns_of["output"])]
    kinds = [service(k) for k in range(read)], [service(7 + k) for k in range(write)]
    jobs, plain = Jobs(**columns_of), Jobs(**columns_of | {"arrival": list(columns_of["arrival"])})
    link = {"sent_bytes": lambda tokens: 10.0 * tokens, "bytes_per_s": 100.0, "latency_s": 0.1}
    disaggregated(jobs, *kinds, router=router, **link)

    class Plain(Pool):
        def run(self):
            run_plainly(self.jobs, self.services, router, self.stages, self.second)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("advisor.simulator.disaggregate.Pool", Plain)
        disaggregated(plain, *kinds, router=router, **link)
    assert jobs.refused == plain.refused
    assert jobs.replica == plain.replica
    for name in ("arrival", "first", "finish", "waited"):
        np.testing.assert_allclose(getattr(jobs, name), getattr(plain, name), rtol=1e-9, atol=1e-9, err_msg=name)
    for i, j in enumerate(jobs.follows or ()):
        if j >= 0 and i not in jobs.refused:
            assert jobs.arrival[j] == pytest.approx(jobs.finish[i] + jobs.think_s[j])
    assert all((i in jobs.refused) == math.isnan(jobs.finish[i]) for i in range(n))


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.sampled_from(["round-robin", "least-loaded"]))
@settings(max_examples=20, deadline=None)
def test_reading_first_and_reading_beside_writing_give_the_same(seed, n, router):
    beside, first = (Jobs(**columns(seed, n, False)) for _ in range(2))
    beside.follows = [-1] * n
    link = {"sent_bytes": lambda tokens: 10.0 * tokens, "bytes_per_s": 100.0, "latency_s": 0.1}
    for jobs in (beside, first):
        disaggregated(jobs, [service(0)] * 2, [service(1)] * 2, router=router, **link)
    np.testing.assert_allclose(beside.finish, first.finish, rtol=1e-9, atol=1e-9)
    assert (beside.refused, beside.hits) == (first.refused, first.hits)


def test_impossible_pools_are_refused():
    jobs = Jobs(**columns(1, 9, True))
    with pytest.raises(BadInput, match="did you mean round-robin"):
        Pool(jobs, [service(0)], "round-robbin")
    with pytest.raises(BadInput, match="positive bandwidth"):
        disaggregated(jobs, [service(0)], [service(0)], sent_bytes=float, bytes_per_s=0)
    with pytest.raises(BadInput, match="steps are known for 8"):
        Pool(jobs, [replace(service(0), rules=Rules(max_sequences=20))])


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=60, deadline=None)
def test_stopping_at_every_arrival_changes_nothing_where_passes_are_decided_ahead(seed, linked):
    """Replicas that are moved from arrival to arrival against the same ones run to the end at once."""
    one = service(0, steps_ahead=1)
    count = 1 if linked else 3
    apart, at_once = (Jobs(**columns(seed, 40, linked)) for _ in range(2))
    Pool(at_once, [one] * count, "round-robin").run()
    Pool(apart, [one] * count, "round-robin").run([Failure(0, at_s=1e9)])
    np.testing.assert_allclose(apart.finish, at_once.finish, rtol=1e-9, atol=1e-9)
    assert apart.replica == at_once.replica
