from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input
from tui_world import World, settle

from advisor.learn import Page as Lesson
from advisor.learn import Section, Table
from tui.app import WhicharchApp
from tui.guide import POOR, place, suiting, told
from tui.screens.ask import AskScreen
from tui.screens.learn import LearnScreen
from tui.screens.preferences import PreferencesScreen
from tui.widgets.reader import Reader
from tui.widgets.row_table import RowTable

EFFECT = {"model": "tiny-2l", "before": 4 * 2**30, "after": 2**30, "unit": "bytes"}


def lesson(name: str) -> Lesson:
    """A page with one of everything."""
    sections = (
        Section("", (f"All about {name} [/foo].",), ("██· ", "████"), Table(("tokens", "kept"), (("1k", "2 B"),))),
        Section("Before and after, computed", points=("A quarter is left.",)),
    )
    data = {"models": ["tiny-2l", "not-there"], "families": ["decoder"], "effects": [EFFECT]}
    return Lesson(name, "innovation", f"The {name}", sections, ("a source",), data)


@pytest.fixture
def app(world: World, monkeypatch: pytest.MonkeyPatch) -> WhicharchApp:
    """An application that opens with Learn."""
    monkeypatch.setattr(WhicharchApp, "DEFAULT_MODE", "learn")
    monkeypatch.setattr("tui.screens.learn.read_lesson", lesson)
    return WhicharchApp()


async def opened(pilot: Any) -> LearnScreen:
    await settle(pilot)
    assert isinstance(pilot.app.screen, LearnScreen)
    return pilot.app.screen


def text(page: LearnScreen) -> str:
    return page.query_one("#page", Reader).text


async def test_a_page_is_computed_shown_and_leads_to_others_and_to_models(app: WhicharchApp):
    async with app.run_test(size=(120, 40)) as pilot:
        page = await opened(pilot)
        await pilot.press("slash", *"grouped")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert page.topic == "gqa"
        assert "All about gqa [/foo]." in text(page)
        assert "without ████████████████████████ 4.00 GiB" in text(page)
        assert "with    ██████                   1.00 GiB" in text(page)
        links = page.query_one("#links", RowTable)
        assert [(link.kind, link.id) for link in links.rows] == [("model", "tiny-2l"), ("page", "decoder")]
        await pilot.press("t", "down", "enter")
        await settle(pilot)
        assert (page.topic, page.query_one("#search", Input).value) == ("decoder", "")
        await pilot.press("backspace")
        await settle(pilot)
        assert page.topic == "gqa"
        assert page.equivalent() == "whicharch learn gqa"
        assert page.exports()["md"]().startswith("# The gqa")
        await pilot.click("#links", offset=(6, 2))
        await settle(pilot)
        assert app.current_mode == "models"


async def test_the_guide_is_walked_by_key_and_mouse_and_ends_in_ask(app: WhicharchApp, monkeypatch: pytest.MonkeyPatch):
    states: list[Any] = []
    monkeypatch.setattr(AskScreen, "restore", lambda self, state: states.append(state))
    async with app.run_test(size=(80, 24)) as pilot:
        page = await opened(pilot)
        assert "What goes in?" in text(page)
        await pilot.press("w")
        await settle(pilot)
        links = page.query_one("#links", RowTable)
        assert links.go_to("answer text")
        await pilot.press("enter")
        await settle(pilot)
        assert page.place is not None
        assert page.place.answers == ("text",)
        await pilot.press("backspace")
        await settle(pilot)
        assert page.place.answers == ()
        page.walk(("text", "text", "chat"))
        await settle(pilot)
        assert "preferred: decoder" in text(page)
        while not page.place.takes_value:
            await pilot.press("s")
            await settle(pilot)
        asked = len(page.place.answers)
        own = page.query_one("#own", Input)
        await pilot.click(own)
        own.value = "nonsense, really"
        await pilot.press("enter")
        await settle(pilot)
        assert len(page.place.answers) == asked
        await pilot.press("escape", "t")
        await pilot.click("#links", offset=(6, 2))
        await settle(pilot)
        if len(page.place.answers) == asked:
            await pilot.click("#links", offset=(6, 2))
            await settle(pilot)
        assert len(page.place.answers) == asked + 1
        await pilot.press("u")
        await settle(pilot)
        assert len(page.place.answers) == asked
        while page.place.question:
            await pilot.press("s")
            await settle(pilot)
        await pilot.press("home", "enter")
        await settle(pilot)
        assert app.current_mode == "ask"
        assert states[-1]["wishes"]["task"] == "chat"


def test_the_tree_holds_the_open_question_and_what_suits_poorly_takes_one_line():
    start = place(())
    title, sections = told(start, start.rows[0])
    assert title.plain.startswith(start.question)
    lines = [line.plain for line in dict(sections)["The tree so far"].renderables]  # type: ignore[union-attr]
    assert lines[0] == start.question
    assert lines[-1] == f"└▸ {start.rows[0].label} ?"
    text = next(row for row in start.rows if row.id == "text")
    for answers in ((text.id,), (text.id, place((text.id,)).rows[0].id)):
        suits = suiting(now := place(answers))
        if now.suits:
            assert sum(line.startswith(POOR) for line in suits) <= 1
            assert "; ".join(suits).count(": ") <= len(now.suits)


async def test_what_was_computed_in_old_units_is_neither_shown_nor_kept(app: WhicharchApp):
    async with app.run_test(size=(120, 40)) as pilot:
        page = await opened(pilot)
        await pilot.press("slash", *"grouped", "enter")
        await settle(pilot)
        late = [LearnScreen.Learned(name, lesson("in GiB"), page._edition) for name in ("gqa", "decoder")]
        app.post_message(PreferencesScreen.Changed({"units": "GB"}))
        await settle(pilot)
        assert "without ████████████████████████ 4.29 GB" in text(page)
        for learned in late:
            page.post_message(learned)
        await settle(pilot)
        assert "All about gqa" in text(page)
        await pilot.press("t", "down", "enter")
        await settle(pilot)
        assert "All about decoder" in text(page)
        app.post_message(PreferencesScreen.Changed({"units": "GiB"}))
        await settle(pilot)
