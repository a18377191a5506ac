"""Separate replicas for prompts and for answers."""

from __future__ import annotations

import numpy as np
import pytest
from planned import plan_of, trials_of

import advisor
from advisor.planning.demand import again
from advisor.planning.space import space_of
from advisor.planning.split import joined, link_of, run_split


def test_a_split_run_is_the_simulators_own_and_caches_travel():
    plan = plan_of(models=["llama-3.1-8b"], machines=["h100-sxm"], layouts={"tp": [1]}, slo="ttft.p95<2s", seeds=1)
    trials = trials_of(plan)
    candidate = next(iter(space_of(plan)))
    service = trials.service(candidate)
    fast, full = run_split((service, service), trials, 1, 1, 1e12)
    slow, _ = run_split((service, service), trials, 1, 1, 1e9)
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


def test_prompts_and_answers_may_be_on_different_machines_where_that_is_cheaper():
    machines = [{"id": "h100-sxm", "usd_per_hour": 3.0}, {"id": "a100-sxm4-80gb", "usd_per_hour": 1.2}]
    plan = plan_of(
        traffic=[{"rate": "25/s", "input": "4000", "output": "60"}], models=["llama-3.1-8b"], machines=machines,
        layouts={"tp": [1]}, formats=["bf16"], slo="ttft.p95<1500ms,tpot.p95<14ms", disaggregation=True, months=1,
        seeds=1,
    )  # fmt: skip
    split = advisor.plan(plan).split
    alone = advisor.plan(plan, machines=machines[:1]).split
    assert "a100" in split.prompts_on
    assert "h100" in split.answers_on
    assert split.choice.usd_per_hour == pytest.approx(1.2 * split.prompts + 3.0 * split.answers)
    assert split.choice.devices == split.prompts + split.answers
    assert split.choice.usd_per_hour < alone.choice.usd_per_hour
    assert (alone.prompts_on, alone.answers_on) == ("", "")


def test_caches_travel_between_machines_only_where_both_are_joined_by_a_network():
    plan = plan_of(models=["llama-3.1-8b"], machines=["h100-sxm", "a100-sxm4-80gb", "l40s"], layouts={"tp": [1, 2]})
    kinds = {(c.terms.machine.id, c.layout.tp): c for c in space_of(plan)}
    h100, wide, a100 = kinds["h100-sxm", 1], kinds["h100-sxm", 2], kinds["a100-sxm4-80gb", 1]
    assert joined(h100, kinds["l40s", 1]) is None
    assert joined(h100, h100) == link_of(h100)
    assert joined(h100, a100)[0] == min(link_of(h100)[0], link_of(a100)[0])
    assert joined(wide, h100)[0] == pytest.approx(link_of(h100)[0] / 2)  # two devices send what one takes
