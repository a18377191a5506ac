"""What growth does to money: budgets, plans that cost the same at first, and machines bought when they are needed."""

from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner

import advisor
from advisor.cli import cli
from advisor.planning.breakeven import even_months
from advisor.planning.money import HOURS
from advisor.planning.text import plan_lines

GROWING = {
    "traffic": [{"rate": "6/s", "input": "400", "output": "100", "growth": "60%"}],
    "months": 4,
    "slo": "ttft.p95<500ms,tpot.p95<40ms",
    "models": ["llama-3.1-8b"],
    "machines": [{"id": "l40s", "usd_per_hour": 1}],
    "formats": ["bf16"],
    "layouts": {"tp": [1]},
    "requests": 600,
    "seeds": 1,
}


def test_a_budget_that_growth_breaks_is_answered_no_with_the_month(tmp_path):
    free = advisor.plan(**GROWING)
    assert free.breaks_in is not None
    assert (free.budget_breaks_in, free.over_budget, free.kept) == (None, False, True)
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump({**GROWING, "budget": "1.5/hour"}), encoding="utf-8")
    result = CliRunner().invoke(cli, ["plan", str(path), "--json"])
    answer = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (answer["kept"], answer["over_budget"], answer["budget_breaks_in"]) == (False, True, free.breaks_in)
    assert answer["best"]["usd_per_hour"] == 1
    assert [m["usd"] for m in answer["months"]] == [m.usd for m in free.months]
    assert f"from month {free.breaks_in} on, the budget is $1,095 per month" in answer["miss"]
    most = max(m.usd for m in free.months)
    assert answer["smallest_changes"] == [f"a budget of ${most:,.0f} per month"]
    kept = advisor.plan(**GROWING, budget=f"{most / HOURS}/hour")
    assert (kept.kept, kept.over_budget, kept.miss) == (True, False, "")
    said = " ".join("\n".join(plan_lines(advisor.plan(**GROWING, budget="1.5/hour"))).split())
    assert "NO PLAN stays within the budget in every month: the cheapest costs $730.00 in the first month" in said
    assert "Cheapest plan that keeps them in the first month" in said


def test_what_stays_within_the_budget_is_planned_although_another_costs_less_now():
    machines = [{"id": "l40s", "usd_per_hour": 1}, {"id": "h100-sxm", "usd_per_hour": 1.4}]
    free = advisor.plan(**{**GROWING, "machines": machines})
    assert free.best.machine == "l40s"
    within = advisor.plan(**{**GROWING, "machines": machines}, budget="1.5/hour")
    assert (within.best.machine, within.kept, within.over_budget) == ("h100-sxm", True, False)
    assert max(m.usd for m in within.months) == pytest.approx(1.4 * HOURS)
    why = f"costs less now ($730.00 in the first month), but more than the budget from month {free.breaks_in} on"
    assert any(why in note for note in within.notes)


def test_of_plans_that_cost_the_same_at_first_the_cheaper_over_all_months_wins():
    machines = [{"id": m, "usd_per_hour": 1} for m in ("l40s", "h100-sxm")]
    for order in (machines, machines[::-1]):
        answer = advisor.plan(**{**GROWING, "machines": order})
        assert answer.best.machine == "h100-sxm"
        assert sum(m.usd for m in answer.months) == 4 * HOURS
        [other] = answer.runners_up
        assert other.usd_per_hour == 1
    still = [{**GROWING["traffic"][0], "growth": 0}]
    assert advisor.plan(**{**GROWING, "machines": machines, "traffic": still}).breaks_in is None


def test_machines_are_paid_when_they_are_added():
    # One machine of $1,000 saves $100 a month: even after 10 months. A second one in month 6 leaves 1000 − 500 + 1000
    # to be saved at 200 a month: 7.5 months after the fifth.
    assert even_months([1] * 12, 1000, 100) == pytest.approx(10)
    assert even_months([1] * 5 + [2] * 7, 1000, 100) == pytest.approx(12.5)
    # Even at 10, behind again from month 12 on by 1000 − 100, which two machines save in 4.5 months.
    assert even_months([1] * 11 + [2], 1000, 100) == pytest.approx(15.5)
    # One that is given back and needed again is not bought twice.
    assert even_months([2, 1, 2], 100, 100) == pytest.approx(1)
    assert even_months([1], 1000, 0) is None
    assert even_months([1, None], 1000, 100) == pytest.approx(10)


def test_the_break_even_agrees_with_the_sums_of_its_table():
    plan = {**GROWING, "machines": ["l40s"], "traffic": [{**GROWING["traffic"][0], "growth": "25%"}], "months": 12}
    answer = advisor.plan(**plan)
    rows = {t.pricing: t for t in answer.terms}
    even = rows["bought"].break_even_months
    assert (rows["bought"].usd < rows["on-demand"].usd) == (even < 12)
    last = answer.months[-1]
    owes = rows["bought"].usd - rows["on-demand"].usd
    assert owes > 0
    assert even == pytest.approx(12 + owes / last.usd)
    said = " ".join("\n".join(plan_lines(answer)).split())
    assert f"after {even:.1f} months, machines paid when they are added, if nothing is added after month 12." in said
