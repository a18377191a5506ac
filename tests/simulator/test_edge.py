"""A verdict that hangs on the error of the passes' times says so."""

from __future__ import annotations

import pytest

from advisor import simulate
from advisor.scenario import Scenario
from advisor.simulator.edge import at_pace, least_share, weighed
from advisor.simulator.service import Service, service_of
from advisor.simulator.steps import pass_s
from catalog.loader import load_engine


@pytest.fixture(scope="module")
def service() -> Service:
    return service_of(Scenario(model="llama-3.1-8b", machine="h100-sxm"))


def test_every_pass_takes_the_same_share_of_its_time(service: Service):
    fast = at_pace(service, 0.5)
    for chunks, running, cached in (([], 7, [[900.0] * 7]), ([(300, 64), (40, 0)], 3, [[50.0, 60.0, 70.0]])):
        plain = pass_s(service.steps, chunks, running, cached)
        assert pass_s(fast.steps, chunks, running, cached) == pytest.approx(plain / 2, rel=1e-12)


def test_the_fast_end_is_that_of_the_engines_band_for_such_machines(service: Service):
    band = next(b for b in load_engine("vllm").bands if (b.quantity, b.badge) == ("tpot", "calibrated"))
    assert least_share(service) == band.p10
    encoder = service_of(Scenario(model="bert-base-uncased", machine="h100-sxm"))
    assert least_share(encoder) is None


def test_a_queue_that_grows_only_with_the_expected_times_is_at_the_edge_and_no_answer_yes():
    words = {}
    for rate in (15, 26, 60):
        found = simulate(
            model="llama-3.1-8b", machine="h100-sxm", rate=rate, input="1024", output="256", requests=2500,
            slo="ttft.p99<1h",
        )  # fmt: skip
        words[rate] = found.outcome.verdict.word, found.outcome.verdict.saturated, found.kept
    assert words == {
        15: ("keeps up", False, True), 26: ("at the edge", True, False), 60: ("saturated", True, False)
    }  # fmt: skip


def test_a_system_that_keeps_up_is_not_run_again(service: Service):
    calm = simulate(model="llama-3.1-8b", machine="h100-sxm", rate=2, input="128", output="16", requests=200).outcome

    def never(services: object) -> object:
        raise AssertionError("run again")

    assert weighed(calm, [service], never) is calm  # type: ignore[arg-type]
