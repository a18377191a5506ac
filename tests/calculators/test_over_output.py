"""Times as means over an answer, against the sum of all its steps."""

from __future__ import annotations

import numpy as np
import pytest

from calculators.efficiency import efficiency
from calculators.over_output import bends, passes_over_output_s
from calculators.params import architecture_of
from calculators.remembered import Remembering
from calculators.serving import Demand, Server, decode_workload, prefill_workload, serve
from catalog.loader import load, load_format, load_machine, machine_classes


def server_of(model: str) -> Server:
    machine, weights = load_machine("h100-sxm"), load_format("bf16")
    return Server.of(
        architecture_of(load(model)), machine, efficiency(machine, weights, machine_classes()), weights, 16
    )


@pytest.mark.parametrize(
    ("model", "prompt", "output"),
    [
        ("llama-3.1-8b", 100, 3000),
        ("gemma-3-27b", 512, 4096),
        ("gemma-2-9b", 3000, 6000),
        ("gpt-oss-20b", 40, 900),
        ("deepseek-v3.2", 1000, 4000),
        ("mamba-2.8b", 100, 1000),
        ("jamba-v0.1", 10, 500),
        ("deepseek-v4-flash", 500, 3000),
    ],
)
def test_the_mean_step_is_the_mean_of_all_steps(model, prompt, output):
    server, demand = server_of(model), Demand(prompt, output)
    every = server.pass_s(decode_workload(demand, 4, done=np.arange(1, output))).mean()
    assert float(serve(server, demand, 4).decode_s) == pytest.approx(float(every), rel=5e-4)


def test_a_window_reached_on_the_way_bends_and_one_reached_before_does_not():
    table = server_of("gpt-oss-20b").table
    for prompt, bent in ((40, True), (5000, False)):
        halfway = decode_workload(Demand(prompt, 600), [1], done=300)
        assert bends(table, halfway, np.array([599.0])) is bent


def test_arrays_of_demands_give_what_each_alone_gives():
    server = server_of("gpt-oss-20b")
    prompts, outputs = np.array([40, 900, 5000]), np.array([600, 300, 1])
    demand = Demand(prompts, outputs)
    steps = decode_workload(demand, 8, done=outputs / 2)
    together = passes_over_output_s(server, prefill_workload(demand), steps, outputs - 1)
    for i, (prompt, output) in enumerate(zip(prompts, outputs, strict=True)):
        alone = serve(server, Demand(prompt, output), 8)
        assert [float(part[i]) for part in together] == pytest.approx(
            [float(alone.prefill_s), float(alone.decode_s), float(alone.shared_s)], rel=5e-4
        )


def test_a_server_that_remembers_answers_as_one_that_does_not():
    plain = server_of("gpt-oss-20b")
    remembering = Remembering(plain.table, plain.settings)
    demand = Demand(700, 300)
    remembering.expect(prefill_workload(demand).reshape(-1).then(decode_workload(demand, 8, done=[1, 150])))
    for w in (
        prefill_workload(demand),
        decode_workload(demand, 8, done=[150, 1, 7]),
        decode_workload(demand, 3, done=5),
    ):
        assert remembering.pass_s(w) == pytest.approx(plain.pass_s(w), rel=1e-12)
    for field in ("ttft_s", "tpot_s", "output_tokens_per_s"):
        assert float(getattr(serve(remembering, demand, 8), field)) == pytest.approx(
            float(getattr(serve(plain, demand, 8), field)), rel=1e-12
        )
