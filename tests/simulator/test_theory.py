"""Where queueing theory applies, the simulator agrees with it."""

from __future__ import annotations

from math import factorial

import numpy as np
import pytest

from advisor.simulator.engine import Replica
from advisor.simulator.jobs import Jobs
from advisor.simulator.memory import Memory
from advisor.simulator.rules import Rules
from advisor.simulator.steps import Linear

N = 150_000


def waits(arrival, output, servers, step_s):
    """Mean time in the queue of requests that hold one of ``servers`` for as many passes as they write tokens."""
    n = len(arrival)
    jobs = Jobs(arrival=arrival.tolist(), input=[1] * n, output=output.tolist())
    rules = Rules(budget_tokens=1024, max_sequences=servers, block_tokens=16)
    steps = Linear(base_s=step_s, sequence_s=0, prompt_token_s=0, cached_s=(0.0,), most=servers)
    replica = Replica(jobs, rules, steps, Memory(10**9))
    replica.load(jobs.starts)
    replica.run()
    return float(np.mean(np.array(jobs.admitted) - arrival))


@pytest.mark.parametrize("load", [0.4, 0.7])
def test_fixed_service_on_one_server_waits_as_pollaczek_and_khinchine_say(load):
    rng = np.random.default_rng(5)
    arrival = np.cumsum(rng.exponential(1 / load, N))
    mean = waits(arrival, np.ones(N, dtype=int), 1, 1.0)
    assert mean == pytest.approx(load / (2 * (1 - load)), rel=0.03)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (4, 0.7)])
def test_exponential_service_on_several_servers_waits_as_erlang_says(servers, load):
    """Answers of 400 tokens on average on servers whose passes take the same however many write."""
    rng = np.random.default_rng(6)
    step = 1 / 400
    arrival = np.cumsum(rng.exponential(1 / (load * servers), N))
    output = rng.geometric(1 / 400, N)
    offered = load * servers
    queued = offered**servers / factorial(servers) / (1 - load)
    chance = queued / (sum(offered**k / factorial(k) for k in range(servers)) + queued)
    theory = chance / (servers * (1 - load))
    mean = waits(arrival, output, servers, step) - step / 2 * offered / servers  # a pass is under way: half of it
    assert mean == pytest.approx(theory, rel=0.03)
