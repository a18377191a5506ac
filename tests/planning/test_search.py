"""No better plan is lost: the search against every plan simulated, bounds against what replicas really need."""

from __future__ import annotations

import numpy as np
import pytest
from planned import plan_of, trials_of

from advisor.planning.bounds import bound_of, concurrency, request_work_s
from advisor.planning.coarse import coarse_bounds
from advisor.planning.demand import classes_of, demand_of
from advisor.planning.search import fewest, search
from advisor.planning.space import space_of
from advisor.planning.trials import Trial
from advisor.simulator.memory import Memory
from advisor.simulator.rules import Rules
from advisor.simulator.service import Service, service_of
from advisor.simulator.steps import Linear
from catalog.errors import BadInput

GRIDS = {
    "chat": {},
    "tight": {"slo": "ttft.p99<250ms,tpot.p95<25ms", "max_devices": 12},
    "long prompts, shared start": {
        "traffic": [
            {"name": "rag", "rate": "2/s", "input": "normal:3000,500", "output": "150", "shared_tokens": 1024},
            {"name": "short", "rate": "5/s", "input": "200", "output": "30", "slo": "ttft.p90<600ms"},
        ],
        "slo": "e2e.p95<12s",
    },
    "users": {"traffic": [{"users": 60, "think": "2s", "input": "400", "output": "100"}], "slo": "tpot.p95<40ms"},
}


@pytest.mark.parametrize("name", GRIDS)
def test_the_search_finds_what_simulating_every_plan_finds(name):
    plan = plan_of(**GRIDS[name])
    space = space_of(plan)
    found = search(space, trials_of(plan), max_devices=plan.max_devices)
    every = trials_of(plan)
    best = None
    for candidate in space:
        service = every.service(candidate)
        if isinstance(service, str):
            continue
        bound = bound_of(service, every.demand(0, service.rules.prefix_cache, service.rules.context_tokens))
        least, hopeless = bound.replicas(every.rate), every.hopeless(bound)
        for replicas in range(1, min(plan.max_devices // candidate.devices, 9) + 1):
            price = (replicas * candidate.usd_per_hour, replicas * candidate.devices)
            if not every.run(candidate, replicas).kept:
                continue
            assert replicas >= least, candidate.way
            assert not hopeless, candidate.way
            if best is None or price < best[0]:
                best = (price, candidate.way)
            break
    assert best is not None
    assert found.best is not None
    assert (found.best.usd_per_hour, found.best.devices) == pytest.approx(best[0])
    assert found.simulated < len(space)


def test_coarse_bounds_are_below_exact_ones_and_never_refuse_what_fits():
    plan = plan_of(
        models=["llama-3.1-8b", "gemma-3-27b", "qwen3-30b-a3b", "jamba-v0.1", "mamba-2.8b"],
        machines=["h100-sxm", "l40s", "rtx-4090"], layouts={"tp": [1, 4]}, slo="ttft.p95<20s",
    )  # fmt: skip
    trials = trials_of(plan)
    built = 0
    for group in space_of(plan).groups.values():
        for candidate, coarse in zip(
            group, coarse_bounds(group, trials.asked(group[0].spec), trials.promises), strict=True
        ):
            try:
                service = service_of(candidate.scenario)
            except BadInput:
                continue
            built += 1
            assert coarse.fits, candidate.way
            exact = trials.bound(candidate, service).work_s
            assert 0.6 * exact < coarse.work_s < exact, candidate.way
    assert built > 15


def linear(**changes):
    rules = Rules(budget_tokens=64, max_sequences=4, prefix_cache=False)
    steps = Linear(base_s=0.01, sequence_s=0.0, prompt_token_s=0.0, cached_s=(0.0,), most=4, **changes)
    return Service(rules, steps, Memory(1000))


def demand(plan_fields, n=100):
    return demand_of(classes_of(plan_of(**plan_fields)), n, 0, prefixes=False)


def test_a_request_needs_its_share_of_full_passes():
    # Passes take 10 ms whatever they hold. 41 tokens: the first comes with the prompt, 40 with steps of at most four
    # sequences, so 10 passes of 10 ms; the prompt may ride along for nothing.
    asked = demand({"traffic": [{"rate": 1, "input": "16", "output": "41"}]})
    bound = bound_of(linear(), asked)
    assert bound.work_s == pytest.approx(0.1)
    assert bound.replicas(25.0) == 3
    assert bound.replicas(20.0) == 2
    assert bound.ttft_s.min() == pytest.approx(0.01)
    assert np.nanmin(bound.tpot_s) == pytest.approx(0.01)


def test_prompts_that_fill_passes_need_them():
    # 640 prompt tokens at 64 a pass: ten passes of 10 ms, no further tokens.
    asked = demand({"traffic": [{"rate": 1, "input": "640", "output": "1"}]})
    assert bound_of(linear(), asked).work_s == pytest.approx(0.1)


def test_a_small_cache_makes_passes_small():
    # 100 units of one token: 50 and up to 10 more tokens of a request leave room for less than two at a time.
    service = Service(
        Rules(budget_tokens=64, max_sequences=4, prefix_cache=False, block_tokens=1),
        Linear(base_s=0.01, sequence_s=0.0, prompt_token_s=0.0, cached_s=(0.0,), most=4),
        Memory(100),
    )
    asked = demand({"traffic": [{"rate": 1, "input": "50", "output": "11"}]})
    held = sum(50 + k for k in range(10))
    assert bound_of(service, asked).work_s == pytest.approx(0.01 * held / 100)


def test_numbers_of_the_bound_add_up_where_nothing_overlaps():
    # Passes of 1 s per prompt token and 1 s per sequence: 3 prompt tokens and 5 steps are 8 s.
    running, new = np.arange(1, 5.0), np.arange(1, 9.0)
    prompts = np.arange(0, 5.0)[:, None] + new
    assert request_work_s(running.copy(), running, prompts, new, np.array(5 / 4), 3, 5) == pytest.approx(8)


def test_concurrency_is_a_fixed_point_of_littles_law():
    batches = np.arange(1, 257.0)
    steps = 0.01 + 1e-4 * batches
    for rate in (50.0, 1000.0, 5000.0):
        n = float(concurrency(rate, steps, batches))
        assert n == pytest.approx(rate * (0.01 + 1e-4 * max(n, 1)), rel=2e-2)
    assert concurrency(9999.0, steps, batches) == np.inf


class Fake(Trial):
    def __init__(self, replicas, needed):
        object.__setattr__(self, "replicas", replicas)
        object.__setattr__(self, "needed", needed)

    @property
    def kept(self):
        return self.replicas >= self.needed


@pytest.mark.parametrize("needed", range(1, 14))
@pytest.mark.parametrize("guess", [1, 4, 12])
def test_the_fewest_replicas_are_found_from_any_guess(needed, guess):
    runs = []
    good, missed = fewest(lambda n: runs.append(n) or Fake(n, needed), 1, guess, 12)
    assert len(runs) == len(set(runs)) <= 8
    assert (good.replicas if good else 13) == needed
    assert missed is None or missed.replicas == needed - 1
