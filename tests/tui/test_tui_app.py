from __future__ import annotations

import contextlib
import gc
import random
import subprocess
import sys
from typing import Any

import pytest
from tui_world import World, field, settle

from tui import garbage
from tui.app import WhicharchApp
from tui.screens.help import HelpScreen
from tui.screens.page import Page
from tui.widgets.bars import bar, heat
from tui.widgets.key_bar import KeyBar
from tui.widgets.reader import Reader


def keys_in_view(app: WhicharchApp) -> list[str]:
    """Keys of the active bindings, without those that end or suspend the application."""
    return [
        key
        for key, active in app.screen.active_bindings.items()
        if active.binding.action
        not in ("quit", "app.quit", "suspend_process", "app.suspend_process", "help_quit", "end")
        and key not in ("ctrl+q", "ctrl+z", "ctrl+c")
    ]


@pytest.mark.parametrize("keys", [200, pytest.param(3000, marks=pytest.mark.slow)])
async def test_random_keys_and_resizes_do_not_raise(app: WhicharchApp, keys: int):
    chance = random.Random(keys)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for step in range(keys):
            if step % 25 == 24:
                width, height = chance.choice([20, 60, 80, 119, 160, 200]), chance.choice([6, 12, 24, 48, 60])
                await pilot.resize_terminal(width, height)
            await pilot.press(chance.choice([*keys_in_view(app), "tab", "7", "x"]))
        await settle(pilot)
    assert app.return_code in (0, None)


async def test_pages_switch_by_key_by_mouse_and_keep_their_state(app: WhicharchApp):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("f3")
        await settle(pilot)
        assert app.current_mode == "models"
        await pilot.press("down")
        await pilot.click("PageBar", offset=(14, 0))
        await settle(pilot)
        assert app.current_mode == "ask"
        await pilot.press("m")
        await settle(pilot)
        assert app.screen.query_one("#models").cursor == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", ["a", "m", "n", "p", "b", "r"])
async def test_help_explains_every_key_of_the_page(app: WhicharchApp, mode: str):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press(mode)
        await settle(pilot)
        page = app.screen
        assert isinstance(page, Page)
        await pilot.press("question_mark")
        await settle(pilot)
        assert isinstance(app.screen, HelpScreen)
        text = app.screen.query_one("#help", Reader).text
        for binding in type(page).BINDINGS:
            if page.check_action(binding.action.partition("(")[0], ()) is not False:  # type: ignore[union-attr]
                assert binding.description in text  # type: ignore[union-attr]
        await pilot.press("j", "escape")
        await settle(pilot)
        assert app.screen is page


async def test_the_key_bar_presses_keys_and_hides_those_that_would_be_typed(app: WhicharchApp):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        text = app.screen.query_one(KeyBar).render().plain
        assert text.rstrip().endswith("palette")
        await pilot.click(KeyBar, offset=(text.index("Edit") + 1, 0))
        await settle(pilot)
        assert field(app.screen, "context_tokens").has_focus
        text = app.screen.query_one(KeyBar).render().plain
        assert "Larger" in text
        assert "Shortlist" not in text
        await pilot.click(KeyBar, offset=(text.index("Back"), 0))
        await settle(pilot)
        assert app.focused is app.screen.query_one("#shortlist")


async def test_zoom_gives_a_pane_the_window_and_escape_takes_it_back(app: WhicharchApp):
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("w", "z")
        await settle(pilot)
        assert app.screen.maximized is app.screen.query_one("#why")
        await pilot.press("escape")
        await settle(pilot)
        assert app.screen.maximized is None


async def test_every_theme_draws_every_page(app: WhicharchApp):
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        for keys in ("a", "m3", "n", "p", "b", "r"):
            await pilot.press(*keys)
            for theme in ("textual-light", "ansi-dark", "ansi-light", "textual-dark"):
                app.theme = theme
                await settle(pilot)
                assert app.export_screenshot()


async def test_without_colour_the_cursor_and_the_page_are_still_marked(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app = WhicharchApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert app.no_color
        lines = [strip.text for strip in app.screen._compositor.render_strips()]
        assert any(text.startswith("▸ tiny-2l") for text in lines)
        assert any("✗" in text for text in lines) is False
        await pilot.press("i", "x")
        await settle(pilot)
        assert any("✗ context" in strip.text for strip in app.screen._compositor.render_strips())


async def test_a_catalog_that_cannot_be_read_is_a_toast(world: World, monkeypatch: pytest.MonkeyPatch):
    def broken() -> Any:
        raise OSError("disk [/gone]")

    monkeypatch.setattr("tui.library.read_library", broken)
    app = WhicharchApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("m", "down", "enter", "slash", "x", "escape", "a")
        await settle(pilot)
        assert [note.message for note in app._notifications] == ["OSError: disk [/gone]"]


def test_the_first_paint_loads_neither_the_catalog_nor_numpy():
    code = "import sys, tui.app; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()).isdisjoint({"numpy", "pydantic", "networkx", "torch", "plotext", "yaml", "click"})


def test_bars_never_leave_their_width_and_show_a_sliver_of_anything():
    assert bar(0, 4) == "    "
    assert bar(0.001, 4) == "▏   "
    assert bar(0.5, 4) == "██  "
    assert bar(7, 4) == "████"
    assert heat(0.5) == "▄"
    assert heat(0) == " "


def test_collections_resume_after_building_even_if_it_fails():
    with contextlib.suppress(OSError), garbage.building():
        assert not gc.isenabled()
        raise OSError
    assert gc.isenabled()


async def test_a_page_that_is_returned_to_has_the_colours_and_the_size_of_now(app: WhicharchApp):
    async with app.run_test(size=(160, 48)) as pilot:
        await settle(pilot)
        page = app.screen
        dark = page.query_one("#shortlist").background_colors
        await pilot.press("m")
        await settle(pilot)
        app.theme = "textual-light"
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        await pilot.press("a")
        await settle(pilot)
        assert app.screen is page
        assert page.query_one("#shortlist").background_colors != dark
        assert page.has_class("-narrow")
        assert not page.has_class("-wide")
        assert page.size.width == 80


async def test_a_theme_taken_on_one_page_is_worn_by_those_opened_before_and_after(app: WhicharchApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        for theme, pages, ground in (("contrast-light", "ra", "#FFFFFF"), ("contrast-dark", "rapa", "#000000")):
            app.theme = theme
            await settle(pilot)
            for key in pages:
                await pilot.press(key)
                await settle(pilot)
                pane = app.screen.query_one("#run, #shortlist, #topics")
                assert pane.background_colors[0].hex == ground, (theme, key)
