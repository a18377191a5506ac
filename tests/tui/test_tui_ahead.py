"""Pages that are opened before they are asked for."""

import asyncio

from textual.pilot import Pilot
from tui_world import World, settle

from tui.app import WhicharchApp
from tui.pages import PAGES
from tui.screens.models import ModelsScreen
from tui.widgets.row_table import RowTable

MODES = {entry.mode for entry in PAGES}


async def all_open(pilot: Pilot[None], app: WhicharchApp) -> None:
    for _ in range(400):
        if app._screen_stacks.keys() >= MODES and all(stack[0].is_mounted for stack in app._screen_stacks.values()):
            return
        await pilot.pause(0.05)
    raise AssertionError(f"only {list(app._screen_stacks)} were opened")


async def test_tests_open_nothing_that_they_do_not_ask_for(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.pause(0.5)
        assert "plan" not in app._screen_stacks


async def test_a_rest_opens_every_page_behind_the_one_in_view_and_a_page_fills_when_gone_to(
    app: WhicharchApp, world: World
):
    app.opens_ahead = True
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        asked = list(world.asked)
        await all_open(pilot, app)
        assert app.current_mode == "ask"
        assert app.focused is app.screen.query_one("#shortlist")
        assert world.asked == asked
        await pilot.press("m")
        await settle(pilot)
        assert isinstance(app.screen, ModelsScreen)
        assert app.screen.query_one("#models", RowTable).row.id == "tiny-2l"
        assert app.focused is app.screen.query_one("#models")
        await pilot.resize_terminal(120, 40)
        await pilot.press("p")
        await settle(pilot)
        assert app.screen.size == (120, 40)
        assert app.screen.has_class("-tall", "-medium")
        assert app.focused is app.screen.query_one("#run")


async def test_a_page_that_is_gone_to_while_it_is_being_opened_is_filled_all_the_same(app: WhicharchApp, world: World):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app._opening["models"] = app._init_mode("models")
        await asyncio.sleep(0)
        assert not app._screen_stacks["models"][0].is_mounted
        await app.action_go("models")
        await settle(pilot)
        assert app.screen.query_one("#models", RowTable).row.id == "tiny-2l"
