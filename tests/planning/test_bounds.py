"""Bounds hold on every path: no run is shorter than its work, no request faster than it would be alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.planning.bounds import bound_of
from advisor.planning.demand import again, demand_of
from advisor.scenario import Scenario
from advisor.simulator.dispatch import Pool
from advisor.simulator.lengths import Lengths
from advisor.simulator.memory import Memory
from advisor.simulator.metrics import columns, outcome
from advisor.simulator.rules import Rules
from advisor.simulator.service import Service, service_of
from advisor.simulator.steps import Linear
from advisor.simulator.traffic import Traffic

N = 60


def check(service, traffic, replicas, seed):
    """A run at any load: busy time and latencies against the bounds."""
    rules = service.rules
    demand = demand_of(traffic, N, seed, prefixes=rules.prefix_cache, context=rules.context_tokens)
    bound = bound_of(service, demand)
    jobs = again(demand)
    if service.input_tokens is not None:
        jobs.input = [service.input_tokens] * N
    if service.output_tokens is not None:
        jobs.output = [service.output_tokens] * N
    if jobs.prefix is None:
        service = replace(service, rules=service.rules.with_(prefix_cache=False))
    pool = Pool(jobs, [service] * replicas, "least-loaded")
    pool.run()
    if jobs.refused:
        return False
    found = outcome(jobs, [pool], traffic, request_s=service.request_s)
    busy = found.utilisation * found.replicas * found.duration_s
    assert busy >= len(jobs) * bound.work_s * (1 - 1e-9)
    seen = columns(jobs, service.request_s)
    assert np.all(seen.ttft_s >= bound.ttft_s * (1 - 1e-9))
    writes = seen.writes
    assert np.all(seen.tpot_s[writes] >= bound.tpot_s[writes] * (1 - 1e-9))
    return True


lengths = st.one_of(
    st.integers(1, 300).map(lambda n: Lengths("fixed", n)),
    st.tuples(st.integers(1, 200), st.floats(0.1, 1.2)).map(lambda p: Lengths("lognormal", *p)),
)
traffics = st.builds(
    Traffic,
    input=lengths,
    output=lengths,
    rate=st.sampled_from([0.5, 5.0, 500.0]),
    turns=st.sampled_from([Lengths("fixed", 1), Lengths("fixed", 3)]),
    shared_tokens=st.sampled_from([0, 0, 64, 200]),
    groups=st.integers(1, 2),
)


@settings(max_examples=150, deadline=None)
@given(
    traffic=st.lists(traffics, min_size=1, max_size=2),
    replicas=st.integers(1, 2),
    seed=st.integers(0, 5),
    base=st.floats(1e-3, 0.02),
    sequence=st.floats(0, 1e-3),
    prompt=st.floats(0, 1e-4),
    pair=st.sampled_from([0.0, 1e-7]),
    cached=st.floats(0, 1e-6),
    cap=st.sampled_from([0, 100]),
    room=st.integers(700, 20_000),
    sequences=st.integers(1, 16),
    budget=st.sampled_from([16, 64, 512]),
    mixed=st.booleans(),
    reserve=st.sampled_from(["chunk", "input"]),
    prefixes=st.booleans(),
)
def test_no_run_beats_its_bounds(
    traffic,
    replicas,
    seed,
    base,
    sequence,
    prompt,
    pair,
    cached,
    cap,
    room,
    sequences,
    budget,
    mixed,
    reserve,
    prefixes,
):
    rules = Rules(
        budget_tokens=max(budget, sequences),
        max_sequences=sequences,
        mixed=mixed,
        reserve=reserve,
        prefix_cache=prefixes,
    )
    steps = Linear(
        base_s=base, sequence_s=sequence, prompt_token_s=prompt, pair_s=pair, cached_s=(cached,), caps=(cap,),
        most=sequences,
    )  # fmt: skip
    check(Service(rules, steps, Memory(room)), traffic, replicas, seed)


@pytest.mark.parametrize(
    ("model", "machine", "tp", "engine"),
    [
        ("llama-3.1-8b", "l40s", 1, ""),
        ("gemma-3-27b", "h100-sxm", 2, ""),
        ("qwen3-30b-a3b", "h200-sxm", 1, "sglang"),
        ("jamba-v0.1", "h200-sxm", 2, ""),
        ("mamba-2.8b", "l4", 1, ""),
        ("llama-3.1-8b", "rtx-4090", 1, "llama.cpp"),
        ("t5-large", "l4", 1, ""),
        ("bge-base-en-v1.5", "l4", 1, ""),
        ("vit-b16", "l4", 1, ""),
    ],
)
@pytest.mark.parametrize("rate", [1.0, 100.0])
def test_no_run_of_the_catalog_beats_its_bounds(model, machine, tp, engine, rate):
    weights = "gguf-q8_0" if engine == "llama.cpp" else ""
    service = service_of(Scenario(model=model, machine=machine, tp=tp, engine=engine, weights=weights))
    traffic = [Traffic(Lengths("lognormal", 500, 0.8), Lengths("lognormal", 60, 0.6), rate=rate)]
    assert check(service, traffic, 1, 0)
