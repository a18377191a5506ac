"""``e`` on the pages Machines, Plan, Lab and Learn: formulas hold the numbers that the page shows, and name sources."""

from __future__ import annotations

from dataclasses import replace

import pytest
from plan_world import plan
from tui_world import library, machine

from advisor.design.changes import Changes, Setting
from advisor.design.design import beside
from advisor.estimate import estimate
from advisor.learn import learn
from advisor.learn_formulas import explained
from advisor.machine_choice import Placed
from advisor.machine_sheet import facts
from catalog.loader import load
from tui.lab_formulas import formula as lab_formula
from tui.machine_cells import listed
from tui.machine_formulas import formula as machine_formula
from tui.plan_cells import numbered
from tui.plan_fields import TRAFFIC, WHOLE
from tui.plan_formulas import formula as plan_formula
from tui.widgets.machine_detail import Found


def test_a_plan_is_explained_with_its_own_numbers():
    found = plan()
    told = plan_formula("answer", None, found)
    assert told is not None
    text = told.text()
    for words in (
        "2 × $0.5 = $1.00; × 730 = $730.00", "$1.00 / 3600 / 5,556 tok/s × 10⁶ = $0.05", "1 + 1 spare = 2",
        "worst 800 ms ≤ limit 1.00 s: 80 % of it used", "worst 30.0 ms > limit 20.0 ms: 150 %", "Student",
    ):  # fmt: skip
        assert words in text
    other = plan_formula("front", numbered(found)[1], found)
    assert other is not None
    assert "2 × $3 = $6.00" in other.text()
    money = plan_formula("cost", found.months[1], found)
    assert money is not None
    assert "4 × $0.5 × 730 = $1,460" in money.text()
    assert "gpt-x (Someone)" in money.text()
    lost = plan_formula("others", found.runners_up[1], found)
    assert lost is not None
    assert "λ·w" in lost.text()
    assert plan_formula("launch", None, found) is None
    assert plan_formula("answer", None, replace(found, best=None)) is None


def test_a_machine_and_a_model_on_it_are_explained():
    load_ = {"model": "llama-3.1-8b", "batch": 8}
    one = Placed("h100-sxm", 1, estimate(machine="h100-sxm", **load_))
    row = next(row for row in listed(library().machines) if row.id == "h100-sxm")
    found = Found(facts(machine("h100-sxm", 80)), (), None, "", (one,), {})
    told = machine_formula("compare", row, found, one, load_, str)
    assert told is not None
    assert one.estimate is not None
    assert told.text().count("\n  formula  ") == 5
    assert f"{one.estimate.time.e2e_s.p50:.2f} s" in told.text()
    assert machine_formula("compare", row, found, Placed("h100-sxm", 3, None, "no"), load_, str) is None
    sheet = machine_formula("sheet", row, found, None, load_, str)
    assert sheet is not None
    assert "nominal memory bandwidth: 1000 GB/s (spec sheet)" in sheet.text()
    assert "source   tests" in sheet.text()


def test_a_design_is_explained_in_every_view():
    base = load("llama-3.1-8b")
    design = beside(base, Changes(layers=16), Setting(machine="h100-sxm"))
    rows = {row.name: row for row in design.rows}
    for view, row, curve, said in (
        ("compare", rows["cache per token"], "", "16 x 2·8·128"),
        ("compare", rows["layers"], "", "Total parameters"),
        ("curves", None, "cache", "16 x 2·8·128"),
    ):
        told = lab_formula(view, row, curve, base, design)
        assert told is not None
        assert said in told.text()
        assert base.id in told.text()
    assert lab_formula("why", None, "", base, design) is None


@pytest.mark.parametrize("name", ["gqa", "ssm-scan", "quantization", "hybrid-layers"])
def test_pages_to_learn_from_are_explained_with_the_numbers_they_show(name: str):
    text = explained("innovation", name)
    for effect in learn(name).data["effects"]:
        assert effect["sentence"] in text
        if effect["measure"] in ("parameters", "weights", "flops"):
            assert f"{effect['before']:,.0f}" in text
            assert f"{effect['after']:,.0f}" in text
    assert text.count("source") >= len(learn(name).data["effects"])


def test_a_state_is_explained_where_a_model_keeps_no_cache():
    assert "37,748,736 bytes" in explained("innovation", "ssm-scan")
    assert "37,748,736 bytes" in explained("family", "ssm")


def test_steps_of_the_plan_go_from_less_to_more():
    for entry in (*TRAFFIC, *WHOLE):
        steps = getattr(entry, "ladder", ())
        assert sorted(steps, key=lambda text: entry.parse(text, "")) == list(steps)  # type: ignore[union-attr]
