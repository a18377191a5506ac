"""Plans over a day whose hours differ."""

from __future__ import annotations

import pytest

import advisor
from advisor.planning.demand import busiest_over_mean, classes_of
from advisor.planning.money import HOURS
from advisor.planning.schema import PlanFile
from catalog.errors import BadInput
from catalog.loader import checked

GIVEN = {
    "traffic": [{"rate": "12/s", "input": "lognormal:600,0.5", "output": "150"}],
    "slo": "ttft.p95<1s,tpot.p95<60ms",
    "models": ["llama-3.1-8b"],
    "machines": ["l40s"],
    "layouts": {"tp": [1]},
    "formats": ["bf16"],
    "months": 1,
    "requests": 600,
    "seeds": 1,
}
DAY = [1.0] * 12 + [4.0] * 12


def test_a_day_says_how_busy_its_busiest_hour_is():
    plan = checked(PlanFile, GIVEN | {"day": DAY}, "plan")
    assert busiest_over_mean(DAY) == pytest.approx(1.6)
    assert classes_of(plan)[0].rate == pytest.approx(12 * 1.6)
    assert classes_of(plan, busiest=False)[0].rate == pytest.approx(12)


def test_quiet_hours_need_fewer_replicas_and_cost_less():
    answer = advisor.plan(**GIVEN | {"day": DAY, "provisioning": "1h", "redundancy": 1})
    quiet, busy = answer.day.replicas[0], answer.day.replicas[-1]
    assert answer.day.replicas == (quiet,) * 12 + (busy,) * 12
    assert busy == answer.best.replicas > quiet >= 2
    each = answer.best.usd_per_hour / answer.best.replicas
    hours = 12 * quiet + 12 * busy + (busy - quiet)  # each that is added is paid for an hour before it serves
    assert answer.day.usd_per_month == pytest.approx(hours / 24 * HOURS * each)
    assert answer.day.fixed_usd_per_month == pytest.approx(busy * HOURS * each)


def test_every_month_has_its_own_day_as_if_planned_for_its_traffic_alone():
    grown = GIVEN["traffic"][0] | {"growth": "60%"}
    answer = advisor.plan(**GIVEN | {"traffic": [grown], "day": DAY, "months": 3, "max_devices": 3})
    later = advisor.plan(**GIVEN | {"traffic": [grown | {"rate": "19.2/s"}], "day": DAY, "max_devices": 3})
    assert answer.day.months[1].replicas == later.day.replicas
    assert answer.day.months[1].usd == pytest.approx(later.day.usd_per_month)
    assert [m.replicas and max(m.replicas) for m in answer.day.months] == [m.replicas for m in answer.months]
    assert answer.months[2].replicas is None  # 30.7 requests a second in the mean: three devices are not enough
    assert answer.day.usd == pytest.approx(sum(m.usd for m in answer.day.months[:2]))
    assert answer.day.fixed_usd == pytest.approx(sum(m.usd for m in answer.months[:2]))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"day": DAY[:23]}, "got 23 numbers; right would be 24"),
        ({"day": [0.0] * 24}, "not all of them 0"),
        ({"day": DAY, "traffic": [GIVEN["traffic"][0] | {"peak": 2}]}, "leave out peak"),
        ({"provisioning": "soon"}, "provisioning"),
    ],
)
def test_a_wrong_day_is_refused_with_what_would_be_right(change, complaint):
    with pytest.raises(BadInput, match=complaint):
        checked(PlanFile, GIVEN | change, "plan")
