"""Replicas of two kinds, ranks of attention, and guessed tokens in plans."""

from __future__ import annotations

import pytest

import advisor
from advisor.planning.schema import Layouts, PlanFile
from advisor.planning.space import layouts_of, space_of
from advisor.scenario import Scenario
from advisor.simulator.service import service_of
from catalog.errors import BadInput
from catalog.loader import checked

CHAT = {"rate": "24/s", "input": "lognormal:600,0.5", "output": "150"}
OWNED = {
    "traffic": [CHAT],
    "slo": "ttft.p95<1s,tpot.p95<60ms",
    "models": ["llama-3.1-8b"],
    "machines": [{"id": "l40s", "pricing": "owned", "usd_per_hour": 0.3, "available": 2}, "h100-sxm"],
    "layouts": {"tp": [1]},
    "formats": ["bf16"],
    "months": 1,
    "requests": 600,
    "seeds": 1,
}


def test_owned_machines_that_are_too_few_are_joined_by_rented_ones():
    answer = advisor.plan(**OWNED | {"traffic": [CHAT | {"rate": "60/s"}], "mixed": True})
    assert answer.best.machine == "h100-sxm"
    owned, rented = answer.mixed.parts if "l40s" in answer.mixed.parts[0].way else answer.mixed.parts[::-1]
    assert owned.replicas <= 2
    assert "h100-sxm" in rented.way
    assert answer.mixed.usd_per_hour < answer.best.usd_per_hour
    assert answer.mixed.usd_per_hour == pytest.approx(owned.usd_per_hour + rented.usd_per_hour)
    assert all(p.worst is None or p.worst <= p.limit for p in answer.mixed.percentiles if p.limit)


def test_two_kinds_never_take_more_devices_than_there_are_on_their_terms():
    both = OWNED | {
        "machines": [OWNED["machines"][0]],
        "layouts": {"tp": [1, 2]},
        "traffic": [CHAT | {"rate": "200/s"}],
    }
    answer = advisor.plan(**both, mixed=True)
    assert not answer.kept
    assert answer.mixed is None


def test_layouts_with_ranks_of_attention_divide_experts_over_all_devices():
    found = {str(layout) for layout in layouts_of(Layouts(tp=(1, 2), dp=(1, 4)))}
    assert found == {"tp1", "dp4", "ep4-dp4", "tp2", "tp2-ep2", "tp2-dp4", "tp2-ep8-dp4"}


def test_each_rank_of_attention_has_room_for_sequences_of_its_own():
    alone = service_of(Scenario(model="qwen3-30b-a3b", machine="h100-sxm", weights="fp8"))
    ranks = service_of(Scenario(model="qwen3-30b-a3b", machine="h100-sxm", weights="fp8", dp=4, ep=4))
    assert ranks.cache_tokens > 4 * alone.cache_tokens  # experts are divided, so that more is left on each
    assert ranks.rules.context_tokens <= alone.rules.context_tokens


def test_guessing_tokens_is_one_more_way_to_serve():
    given = OWNED | {"machines": ["h100-sxm"], "traffic": [CHAT | {"rate": "2/s"}], "speculate": ["", "eagle3"]}
    space = space_of(checked(PlanFile, given, "plan"))
    assert [c.speculate for c in space] == ["", "eagle3"]
    answer = advisor.plan(**given | {"slo": "tpot.p50<5ms"})
    assert answer.best.speculate == "eagle3"
    assert '"method": "eagle3"' in answer.launches[0].command
    with pytest.raises(BadInput, match="none of mtp, eagle3"):
        checked(PlanFile, given | {"speculate": ["eagle"]}, "plan")
