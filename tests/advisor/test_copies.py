"""Copies that share users or a rate: they keep the promises, fit the devices and the budget, and are paid and shown."""

from __future__ import annotations

import re

import pytest

from advisor import recommend
from advisor.decision.details import Decision
from advisor.decision.text import answer_lines
from advisor.ranking.copies import counts, of_one
from advisor.requirements import Requirements, complete
from catalog.loader import load_task

ASKED = {"task": "code-completion", "ttft_s": 0.2, "machines": ("mi300x",), "families": ("decoder",), "limit": 99}


def needs_of(**fields):
    return complete(Requirements(task="chat", **fields), load_task("chat"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"users": 200, "max_gpus": 8}, [2, 4, 8]),
        ({"users": 200, "max_gpus": 6}, [2, 4, 6]),
        ({"users": 3, "max_gpus": 8}, [2, 3]),
        ({"users": 200, "max_gpus": 1}, []),
        ({"users": 1, "max_gpus": 8}, []),
        ({"users": 200, "max_gpus": 8, "requests_per_s": 5.0}, []),
    ],
)
def test_as_many_copies_are_tried_as_users_and_devices_allow(fields, expected):
    assert list(counts(needs_of(**fields))) == expected


def test_each_copy_has_its_share_of_users_devices_money_and_throughput():
    one = of_one(needs_of(users=201, max_gpus=8, budget_usd_per_hour=24.0, tokens_per_s=400.0), 4)
    assert (one.users, one.max_gpus) == (51, 2)
    assert (one.requirements.budget_usd_per_hour, one.requirements.tokens_per_s) == (6.0, 100.0)


def test_eight_copies_do_what_one_cannot_and_each_is_as_one_for_an_eighth_of_the_users():
    advice = recommend(**ASKED, users=200, max_gpus=8)
    row = next(r for r in advice.recommendations if r.model == "granite-3.3-8b")
    assert (row.copies, row.n_gpus, row.devices, row.users_per_copy) == (8, 1, 8, 25)
    alone = next(r for r in recommend(**ASKED, users=25, max_gpus=1).recommendations if r.model == row.model)
    assert (row.ttft_s, row.tpot_s, row.usd_per_hour) == (alone.ttft_s, alone.tpot_s, alone.usd_per_hour)
    assert all((r.ttft_s or 0) <= 0.2 and r.devices <= 8 for r in advice.recommendations)
    decision = Decision(advice)
    month = decision.details(row.model).month
    assert month is not None
    assert (month.copies, month.usd) == (8, pytest.approx(8 * 730 * (row.usd_per_hour or 0)))
    said = "\n".join(answer_lines(decision, of=row.model))
    for text in (
        "granite-3.3-8b (decoder, fp8), 8 copies on one mi300x each",
        "Start 8 of these behind a load balancer, at most 25 users each",
        "--max-num-seqs 25 ",
        "--batch 25 ",
        "8 × mi300x for 730 hours",
    ):
        assert text in said


def test_a_budget_pays_for_all_copies():
    free = recommend(**ASKED, users=200, max_gpus=8)
    hourly = next(r.usd_per_hour for r in free.recommendations if r.model == "granite-3.3-8b") or 0
    for budget, kept in ((8.01, True), (7.99, False)):
        found = recommend(**ASKED, users=200, max_gpus=8, budget_usd_per_hour=budget * hourly)
        assert ("granite-3.3-8b" in {p.model for p in found.points}) == kept


def test_copies_that_would_admit_a_model_admit_it():
    asked = ASKED | {"machines": ("rtx-4090",), "users": 100}
    checked = 0
    for rejected in recommend(**asked, max_gpus=2).rejected[:8]:
        if match := re.search(r"(\d+) copies on .* each \((\d+) devices in all\)", rejected.smallest_change):
            copies, devices = int(match[1]), int(match[2])
            if devices > 8:
                continue
            found = recommend(**asked, max_gpus=devices)
            assert rejected.model in {p.model for p in found.points}, rejected.smallest_change
            one = recommend(**asked, max_gpus=devices // 2)
            assert rejected.model not in {p.model for p in one.points}, (copies, rejected.smallest_change)
            checked += 1
    assert checked


def test_devices_that_are_given_hold_for_all_copies_of_a_rate_together():
    asked = {"task": "code-completion", "requests_per_s": 50.0, "machines": ("l4",), "limit": 99}
    free = recommend(**asked).recommendations
    assert max(r.copies for r in free) > 8
    assert all(r.n_gpus == 1 for r in free)
    held = recommend(**asked, max_gpus=8)
    assert held.recommendations
    assert all(r.devices <= 8 for r in held.recommendations)
    told = next(r for r in held.rejected if any("copies for the rate need" in v for v in r.violations))
    match = re.search(r"(\d+) devices in all", told.smallest_change)
    assert match is not None
    assert told.model in {p.model for p in recommend(**asked, max_gpus=int(match[1])).points}
    assert "at most 8 devices per copy" in " ".join(needs_of(requests_per_s=50.0).defaults)
    assert "at most 8 devices" in needs_of(users=50).defaults
