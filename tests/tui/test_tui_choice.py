from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll

from tui.widgets.choice import ListScreen, Options, Select

NAMES = ("apple", "a[/foo] [bold]", "banana", "cherry", *(f"fruit-{i}" for i in range(30)))


class Chooser(App[None]):
    def __init__(self, at: int) -> None:
        super().__init__()
        self.at, self.told = at, list[str]()

    def compose(self) -> ComposeResult:
        with VerticalScroll() as place:
            place.styles.padding = (self.at, 0, 0, 4)
            yield Select([(name, name) for name in NAMES], "banana")

    def on_select_changed(self, event: Select.Changed) -> None:
        self.told.append(event.value)


async def test_a_list_opens_at_the_choice_and_enter_takes_another():
    app = Chooser(0)
    async with app.run_test() as pilot:
        select = app.query_one(Select)
        select.focus()
        await pilot.press("enter", "down", "enter")
        assert (select.value, app.told) == ("cherry", ["cherry"])
        assert app.focused is select
        await pilot.press("down", "up", "up", "escape")
        assert (select.value, app.told) == ("cherry", ["cherry"])


async def test_typing_finds_an_entry():
    app = Chooser(0)
    async with app.run_test() as pilot:
        app.query_one(Select).focus()
        await pilot.press("enter", *"fruit-27", "enter")
        assert app.told == ["fruit-27"]


async def test_a_click_opens_the_list_and_a_click_beside_it_closes_it():
    app = Chooser(0)
    async with app.run_test() as pilot:
        await pilot.click(Select)
        assert isinstance(app.screen, ListScreen)
        await pilot.click(offset=(79, 23))
        assert app.told == []
        await pilot.click(Select)
        await pilot.click(Options, offset=(3, 0))
        assert len(app.told) == 1
        assert not isinstance(app.screen, ListScreen)


@pytest.mark.parametrize("at", [0, 10, 21])
async def test_the_list_stands_beside_its_control_within_the_window(at: int):
    app = Chooser(at)
    async with app.run_test(size=(30, 24)) as pilot:
        select = app.query_one(Select)
        select.focus()
        await pilot.press("enter")
        listed, chooser = app.screen.query_one(Options).region, select.region
        assert chooser.y == listed.bottom or chooser.bottom == listed.y
        assert app.screen.region.contains_region(listed)
        await pilot.resize_terminal(20, 5)
        assert app.screen.region.contains_region(app.screen.query_one(Options).region)


async def test_new_entries_keep_the_choice_that_they_have():
    app = Chooser(0)
    async with app.run_test() as pilot:
        select = app.query_one(Select)
        select.set_options([("Banana", "banana"), ("Kiwi", "kiwi")])
        assert (select.value, app.told) == ("banana", [])
        select.set_options([("Kiwi", "kiwi")])
        await pilot.pause()
        assert (select.value, app.told) == ("kiwi", ["kiwi"])
        with pytest.raises(ValueError, match="'pear' is not offered"):
            select.value = "pear"


async def test_a_list_that_is_closed_twice_closes_nothing_else():
    app = Chooser(0)
    async with app.run_test(size=(60, 24)) as pilot:
        page = app.screen
        app.query_one(Select).action_open()
        await pilot.pause()
        listed = app.screen
        assert isinstance(listed, ListScreen)
        listed.dismiss(0)
        listed.dismiss(1)
        await pilot.pause()
        assert app.screen is page
        assert app.told == ["apple"]
