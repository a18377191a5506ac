from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import yaml
from plan_world import miss, plan
from textual.widgets import Input
from tui_world import field, settle

from catalog.errors import BadInput
from tui.app import WhicharchApp
from tui.screens import plan as page
from tui.screens.plan import PlanScreen
from tui.widgets.plan_result import EARLIER, PlanResult
from tui.widgets.reader import Reader
from tui.widgets.row_table import RowTable
from tui.widgets.run_line import RunLine

ROOT = Path(__file__).parents[2]


class Planner:
    """What stands in for the planner."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.reply: Callable[[Callable[[str], None], Callable[[], None]], Any] = lambda tell, check: plan()

    def answer(self, data: dict[str, Any], tell: Callable[[str], None], check: Callable[[], None]) -> Any:
        self.asked.append(data)
        return self.reply(tell, check)


@pytest.fixture
def planner(monkeypatch: pytest.MonkeyPatch) -> Planner:
    it = Planner()
    monkeypatch.setattr(page, "answer", it.answer)
    return it


async def opened(pilot: Any) -> PlanScreen:
    await settle(pilot)
    await pilot.press("p")
    await settle(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, PlanScreen)
    return screen


def line(screen: PlanScreen) -> str:
    return screen.query_one(RunLine).render().plain


async def test_a_plan_by_keyboard_from_the_form_to_every_tab(app: WhicharchApp, planner: Planner):
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert app.focused is screen.query_one("#run")
        await pilot.press("slash")
        assert field(screen, "class_rate").has_focus
        field(screen, "class_rate").enter("90/min")
        await settle(pilot)
        await pilot.press("enter", "s")
        await settle(pilot)
        assert [asked["traffic"][0]["rate"] for asked in planner.asked] == ["90/min"]
        result = screen.query_one(PlanResult)
        assert app.focused is result.query_one("#summary")
        text = result.query_one("#summary", Reader).text
        for words in ("✓ 2 × (tiny-2l fp8 on l4)", "✓ kept", "✗ MISSED", "$730.00 per month", "20 % more", "[/x]"):
            assert words in text
        found = {}
        for key, (tab, what) in zip("23456", PlanResult.TABS[1:], strict=True):
            await pilot.press(key)
            await settle(pilot)
            assert (result.active, app.focused) == (tab, result.query_one(what))
            found[tab] = "\n".join(strip.text for strip in screen._compositor.render_strips())
        assert "2 2 × (tiny-2l" in found["front"]
        assert "6.0 tok/s" in found["time"]
        assert "breaks in month 2" in found["cost"]
        assert "too [/slow]" in found["others"]
        assert "vllm serve tiny-2l" in found["launch"]
        assert screen.copied() == "vllm serve tiny-2l"
        await pilot.press("2", "v")
        await settle(pilot)
        assert "ttft.p95 against" in str(result.query_one("#front-plot").border_title)
        assert "a note" in screen.exports()["md"]()
        assert json.loads(screen.exports()["json"]())["best"]["machine"] == "l4"
        assert screen.exports()["csv"]().splitlines()[0] == "plan,usd_per_hour,ttft.p95,tpot.p95,e2e.p50"
        assert yaml.safe_load(screen.exports()["yaml"]())["traffic"][0]["rate"] == "90/min"
        await pilot.press("escape", "u")
        await settle(pilot)
        assert field(screen, "class_rate").written() == "8/s"


async def what_is_wrong_is_said(pilot: Any, screen: PlanScreen, planner: Planner, tmp_path: Path) -> None:
    before = len(planner.asked)
    field(screen, "slo").enter("ttft.p95<never")
    await settle(pilot)
    assert "never" in line(screen)
    await pilot.press("s")
    assert len(planner.asked) == before
    field(screen, "slo").enter("ttft.p95<1s")
    await settle(pilot)
    assert not line(screen).startswith("✗")
    for path, said in ((tmp_path / "gone.yaml", "gone.yaml"), (tmp_path / "bad.yaml", "traffic")):
        if "bad" in path.name:
            path.write_text("name: x\ntraffic: 3\n", encoding="utf-8")
        await pilot.press("escape", "o")
        screen.query_one("#path", Input).value = str(path)
        await pilot.press("enter")
        await settle(pilot)
        assert said in line(screen)

    def refuse(tell: Any, check: Any) -> Any:
        raise BadInput("models: [/nothing] is called that")

    planner.reply = refuse
    await pilot.press("escape", "s")
    await settle(pilot)
    assert "✗ models: [/nothing] is called that" in line(screen)


async def test_planning_can_be_stopped_and_says_what_is_wrong(app: WhicharchApp, planner: Planner, tmp_path: Path):
    def slow(tell: Callable[[str], None], check: Callable[[], None]) -> Any:
        tell("simulating [/this]")
        for _ in range(200):
            time.sleep(0.02)
            check()
        return plan()

    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        planner.reply = slow
        await pilot.click("#run")
        for _ in range(50):
            await pilot.pause(0.02)
            if "simulating [/this]" in line(screen):
                break
        assert line(screen).startswith("● ")
        assert "simulating [/this]" in line(screen)
        await pilot.click("#run")
        await settle(pilot)
        assert "stopped" in line(screen)
        screen.post_message(PlanScreen.Answered(1, plan()))
        await settle(pilot)
        assert screen.plan is None
        planner.reply = lambda tell, check: miss()
        await pilot.press("s")
        await settle(pilot)
        assert line(screen).startswith("✗ nothing keeps the promises")
        assert "ttft.p95 is 3 s" in screen.query_one("#summary", Reader).text
        await what_is_wrong_is_said(pilot, screen, planner, tmp_path)


async def test_a_file_fills_the_form_and_its_classes_are_edited_one_by_one(app: WhicharchApp, planner: Planner):
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        screen.query_one("#path", Input).value = str(ROOT / "examples" / "rag.yaml")
        await pilot.press("o", "enter")
        await settle(pilot)
        assert field(screen, "class_input").written() == "normal:3500,600"
        assert field(screen, "machines").written() == "l40s, h100-sxm:reserved"
        field(screen, "class").enter("2 titles")
        await settle(pilot)
        assert field(screen, "class_slo").written() == "e2e.p90<1.5s"
        field(screen, "class_rate").enter("40/min")
        await settle(pilot)
        await pilot.press("escape", "plus", "s")
        await settle(pilot)
        asked = planner.asked[-1]
        assert [entry["rate"] for entry in asked["traffic"]] == ["90/min", "40/min", "40/min"]
        assert (asked["traffic"][0]["groups"], asked["router"]) == (4, "prefix-aware")
        await pilot.press("escape", "minus", "minus", "minus")
        await settle(pilot)
        assert [entry["name"] for entry in screen.data["traffic"]] == ["questions"]  # type: ignore[index]


async def test_an_answer_to_an_earlier_form_says_so_wherever_it_is_shown_copied_or_written(
    app: WhicharchApp, planner: Planner
):
    path = str(ROOT / "examples" / "rag.yaml")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        result, warning = screen.query_one(PlanResult), screen.query_one("#earlier")
        await pilot.press("s")
        await settle(pilot)
        verdict = line(screen)
        assert "planned in" in verdict
        assert not warning.display
        field(screen, "class_rate").enter("90/min")
        await settle(pilot)
        for key in "123456":
            await pilot.press(key)
            await settle(pilot)
            shown = "\n".join(strip.text for strip in screen._compositor.render_strips())
            assert "✗ Answer to an earlier form" in shown
        assert screen.copied().splitlines() == [f"# {EARLIER}", "vllm serve tiny-2l"]
        await pilot.press("2")
        await settle(pilot)
        texts = screen.exports()
        assert texts["md"]().startswith(f"> {EARLIER}")
        assert texts["csv"]().startswith(f"# {EARLIER}")
        assert next(iter(json.loads(texts["json"]()).items())) == ("warning", EARLIER)
        assert EARLIER not in texts["yaml"]()
        await pilot.press("escape", "u")
        await settle(pilot)
        assert not warning.display
        assert line(screen) == verdict
        assert EARLIER not in screen.exports()["md"]()
        screen.query_one("#path", Input).value = path
        await pilot.press("escape", "o", "enter")
        await settle(pilot)
        assert (screen.plan, result.plan, warning.display) == (None, None, False)
        assert not any(screen.query_one(name, RowTable).rows for name in ("#front", "#moments", "#months", "#others"))
        await pilot.press("6")
        await settle(pilot)
        assert "vllm" not in screen.query_one("#launch", Reader).text
        assert set(screen.exports()) == {"yaml"}
        assert screen.query_one("#path", Input).value == path
        await pilot.press("escape", "u")
        await settle(pilot)
        assert screen.query_one("#path", Input).value == ""
        assert path not in line(screen)
        await pilot.press("U")
        await settle(pilot)
        assert screen.query_one("#path", Input).value == path


def test_the_real_planner_answers_with_a_time_series():
    from advisor.planning.draft import START

    small = {**START, "models": ["llama-3.1-8b"], "machines": [{"id": "l40s"}], "layouts": {"tp": [1]}, "months": 1}
    told: list[str] = []
    found = page.answer({**small, "seeds": 1, "requests": 200}, told.append, lambda: None)
    assert found.kept
    assert len(found.series["to_s"]) == page.POINTS
    assert told


@pytest.mark.parametrize(
    ("keys", "size", "theme"),
    [(["s"], (80, 24), "textual-dark"), (["s", "2"], (120, 40), "textual-light")],
    ids=["plan-80x24", "front-120x40"],
)
def test_plans_look_as_they_did(
    snap_compare: Any, app: WhicharchApp, planner: Planner, keys: list[str], size: tuple[int, int], theme: str
):
    async def run_before(pilot: Any) -> None:
        app.theme = theme
        screen = await opened(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)
        screen.query_one(RunLine).stop("✓", "planned")

    assert snap_compare(app, terminal_size=size, run_before=run_before)


async def test_what_is_edited_while_it_is_planned_is_not_taken_for_planned(app: WhicharchApp, planner: Planner):
    go_on = Event()

    def waits(tell: Callable[[str], None], check: Callable[[], None]) -> Any:
        assert go_on.wait(20)
        return plan()

    planner.reply = waits
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await pilot.press("s")
        field(screen, "class_rate").enter("90/min")
        await pilot.pause(0.4)
        assert screen.data is not None
        assert screen.data["traffic"][0]["rate"] == "90/min"
        go_on.set()
        await settle(pilot)
        assert screen.planned == planner.asked[0] != screen.data
        assert "changed since it was planned" in line(screen)


async def test_what_was_typed_a_moment_ago_stays_when_a_class_is_added_and_a_file_is_named_while_it_is_what_is_shown(
    app: WhicharchApp, planner: Planner, tmp_path: Path
):
    path = tmp_path / "my plan.yaml"
    path.write_text((ROOT / "examples" / "rag.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        assert screen.equivalent() == "whicharch plan whicharch-plan.yaml"
        screen.query_one("#path", Input).value = str(path)
        await pilot.press("o", "enter")
        await settle(pilot)
        assert screen.equivalent() == f"whicharch plan '{path}'"
        await pilot.press("s")
        await settle(pilot)
        assert screen.equivalent() == f"whicharch plan '{path}'"
        field(screen, "class_rate").enter("41/min")
        assert screen.equivalent() == "whicharch plan whicharch-plan.yaml  # plans the form as it is now"
        await pilot.press("u")
        await settle(pilot)
        assert screen.equivalent() == f"whicharch plan '{path}'"
        field(screen, "class_rate").enter("42/min")
        screen.action_class(1)
        assert screen.data is not None
        assert [entry["rate"] for entry in screen.data["traffic"]] == ["42/min", "30/min", "30/min"]
        field(screen, "class_users").enter("many")
        field(screen, "class").enter("1 questions")
        await settle(pilot)
        assert "many" in line(screen)
        assert field(screen, "class_users").written() == "many"
        assert field(screen, "class").written().startswith("3 ")
