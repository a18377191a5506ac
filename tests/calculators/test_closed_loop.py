"""What clients of a closed loop see: by hand, and against passes simulated one by one."""

from __future__ import annotations

import numpy as np
import pytest

from calculators.efficiency import efficiency
from calculators.params import architecture_of
from calculators.serving import Demand, Server, closed_loop, in_lockstep, serve
from catalog.loader import load, load_format, load_machine, machine_classes

PROMPT, STEP = 0.05, 0.01


def server(**costs: float) -> Server:
    machine, weights = load_machine("h100-sxm"), load_format("bf16")
    eff = efficiency(machine, weights, machine_classes())
    return Server.of(architecture_of(load("llama-3.1-8b")), machine, eff, weights, 16, **costs)


def loop(clients: int, output: int, **more: object):
    return closed_loop(PROMPT, STEP, PROMPT + STEP, clients, output, 0.0, **more)


def simulated(clients: int, output: int, *, together: int = 1, first: bool = False, vary: bool = True, seed: int = 0):
    """Mean times to the first token and per token of ten requests a client, pass by pass."""
    rng, total = np.random.default_rng(seed), 10 * clients
    lengths = rng.integers(int(0.8 * output), output + 1, total) if vary else np.full(total, output)
    arrived, begun, ended = np.zeros(total), np.zeros(total), np.zeros(total)
    waiting, writing, time, sent = list(range(clients)), {}, 0.0, clients
    while waiting or writing:
        reading = waiting[:together]
        waiting = waiting[together:]
        steps = not (first and reading)
        time += PROMPT * len(reading) + STEP * bool(writing) * steps
        for request in list(writing) if steps else ():
            writing[request] -= 1
            if writing[request] <= 0:
                del writing[request]
                ended[request] = time
                if sent < total:
                    arrived[sent] = time
                    waiting.append(sent)
                    sent += 1
        for request in reading:
            begun[request], writing[request] = time, lengths[request] - 1
    return float(np.mean(begun - arrived)), float(np.mean((ended - begun) / (lengths - 1)))


@pytest.mark.parametrize(("clients", "output", "together"), [(4, 400, 1), (16, 400, 1), (16, 800, 4), (32, 1000, 2)])
def test_a_loop_of_varied_answers_agrees_with_its_simulation(clients, output, together):
    served = loop(clients, round(0.9 * output), together=together)
    runs = [simulated(clients, output, together=together, seed=seed) for seed in range(4)]
    first, each = np.mean(runs, axis=0)
    assert float(served.tpot_s) == pytest.approx(each, rel=0.04)
    assert float(served.ttft_s) == pytest.approx(first, rel=0.12)


@pytest.mark.parametrize(("clients", "together"), [(8, 1), (16, 4), (32, 8)])
def test_clients_in_lockstep_agree_with_their_simulation(clients, together):
    served = in_lockstep(loop(clients, 200), clients, 200, 0.0, together)
    first, each = simulated(clients, 200, together=together, first=True, vary=False)
    assert float(served.ttft_s) == pytest.approx(first, rel=0.02)
    assert float(served.tpot_s) == pytest.approx(each, rel=0.02)


def test_one_client_waits_for_its_own_prompt_alone():
    served = closed_loop(PROMPT, STEP, PROMPT + STEP, 1, 100, 0.2, steps_ahead=1)
    assert float(served.ttft_s) == pytest.approx(0.2 + PROMPT)
    assert float(served.tpot_s) == pytest.approx(STEP)


def test_a_calm_first_token_waits_for_half_a_step_and_those_scheduled_ahead():
    for ahead in (0, 1, 2):
        served = closed_loop(PROMPT, STEP, PROMPT + STEP, 4, 100, 0.2, steps_ahead=ahead)
        assert float(served.calm_ttft_s) == pytest.approx(0.2 + (0.5 + ahead) * STEP + PROMPT + STEP)
        assert float(served.ttft_s) > float(served.calm_ttft_s)


def test_an_engine_costs_so_much_a_step_and_so_much_a_request():
    free, costly = server(), server(step_overhead_s=1e-3, step_request_s=1e-5)
    plain, dear = (serve(s, Demand(512, 128), 16) for s in (free, costly))
    assert float(dear.decode_s - plain.decode_s) == pytest.approx(1e-3 + 16e-5)
    assert float(dear.prefill_s - plain.prefill_s) == pytest.approx(1e-3 + 1e-5)
    assert float(dear.shared_s - plain.shared_s) == pytest.approx(1e-3 + 17e-5)
