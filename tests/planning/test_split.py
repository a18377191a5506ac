"""Separate replicas for prompts and for answers."""

from __future__ import annotations

import numpy as np
import pytest
from planned import plan_of, trials_of

import advisor
from advisor.planning.demand import again
from advisor.planning.space import space_of
from advisor.planning.split import link_of, run_split


def test_a_split_run_is_the_simulators_own_and_caches_travel():
    plan = plan_of(models=["llama-3.1-8b"], machines=["h100-sxm"], layouts={"tp": [1]}, slo="ttft.p95<2s", seeds=1)
    trials = trials_of(plan)
    candidate = next(iter(space_of(plan)))
    service = trials.service(candidate)
    fast, full = run_split(service, trials, 1, 1, 1e12)
    slow, _ = run_split(service, trials, 1, 1, 1e9)
    assert fast.kept
    assert not full
    jobs = again(trials.demand())
    # 128 KiB of cache a token travel after the first token, at 1 GB/s instead of 1 TB/s.
    longer = 131_072 * np.mean(jobs.input) * (1 / 1e9 - 1 / 1e12)
    gained = slow.outcomes[0].e2e_s.mean - fast.outcomes[0].e2e_s.mean
    assert gained == pytest.approx(longer, rel=0.1)
    assert slow.outcomes[0].ttft_s == fast.outcomes[0].ttft_s
    assert link_of(candidate)[0] > 1e10


def test_a_plan_says_what_splitting_would_bring():
    traffic = [{"rate": "25/s", "input": "4000", "output": "60"}]
    plan = plan_of(
        traffic=traffic, models=["llama-3.1-8b"], machines=["h100-sxm"], layouts={"tp": [1]}, formats=["bf16"],
        slo="ttft.p95<1500ms,tpot.p95<14ms", disaggregation=True, months=1, seeds=1,
    )  # fmt: skip
    answer = advisor.plan(plan)
    split = answer.split
    assert split is not None
    assert split.choice.usd_per_hour < answer.best.usd_per_hour
    assert split.prompts + split.answers == split.choice.replicas
    assert split.choice.promise_used <= 1
    few = advisor.plan(plan, max_devices=split.choice.devices)
    assert few.best is None
    assert few.kept
    assert few.split.choice.replicas == split.choice.replicas
    relaxed = advisor.plan(plan, slo="ttft.p95<5s", traffic=[{"rate": "1/s", "input": "400", "output": "60"}])
    assert relaxed.split is None
    assert any("not cheaper" in note for note in relaxed.notes)
