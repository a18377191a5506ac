"""What people expect of any good terminal application."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.color import Color
from textual.widgets import Input
from tui_world import World, field, settle

from tui.app import WhicharchApp
from tui.colours import contrast
from tui.screens.help import HelpScreen
from tui.widgets.page_bar import PageBar
from tui.widgets.reader import Reader


async def test_keys_that_come_faster_than_they_are_handled_find_what_the_one_before_did(app: WhicharchApp):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        driver: Any = app._driver
        for key in ("slash", *"mashed", "enter", "m", "slash", *"4l", "enter"):
            driver.send_message(events.Key(key, key if len(key) == 1 else None))
        for _ in range(4):
            await settle(pilot)
        assert app.current_mode == "models"
        await pilot.press("a")
        await settle(pilot)
        assert app.screen.query_one("#question", Input).value == "mashed"


@pytest.mark.parametrize(("key", "said"), [("x", "raw numbers"), ("comma", "on all pages"), ("F", "Places to return")])
async def test_every_dialog_has_help(app: WhicharchApp, key: str, said: str):
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await settle(pilot)
        dialog = app.screen
        await pilot.press("f1")
        await settle(pilot)
        assert isinstance(app.screen, HelpScreen)
        text = app.screen.query_one(Reader).text
        assert said in " ".join(text.split())
        assert "Close" in text
        await pilot.press("f1")
        await settle(pilot)
        assert app.screen is dialog
        await pilot.click(offset=(1, 39))
        await settle(pilot)
        assert app.screen is app.page


async def test_a_setting_that_is_changed_and_changed_back_is_as_it_was(app: WhicharchApp):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("comma")
        await settle(pilot)
        for units in ("GB", "GiB"):
            field(app.screen, "units").enter(units)
            await settle(pilot)
            assert app.store.now.units == units


async def test_ctrl_d_and_ctrl_u_move_by_half_of_what_is_in_view(app: WhicharchApp):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        await settle(pilot)
        reader = app.screen.query_one(Reader)
        await pilot.press("ctrl+d", "ctrl+d", "ctrl+u")
        await settle(pilot)
        assert reader.scroll_offset.y == reader.size.height // 2


@pytest.mark.parametrize("theme", ["contrast-dark", "contrast-light"])
async def test_text_stands_out_in_the_themes_of_high_contrast(app: WhicharchApp, theme: str):
    async with app.run_test(size=(120, 40)) as pilot:
        app.theme = theme
        for keys in ("", "m3", "n2"):
            await settle(pilot)
            await pilot.press(*keys)
            await settle(pilot)
            for strip in app.screen._compositor.render_strips():
                for text, style, _ in strip:
                    if style and style.color and style.bgcolor and any(c.isalnum() for c in text) and not style.dim:
                        ink, ground = (Color.from_rich_color(c) for c in (style.color, style.bgcolor))
                        assert contrast(ink, ground) >= 4.5, (keys, text)


async def test_q_ends_the_application_only_if_pressed_twice(app: WhicharchApp):
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("q")
        await settle(pilot)
        assert any("Once more" in note.message for note in app._notifications)
        assert app._exit is False
        await pilot.press("q")
    assert app._exit is True


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals of this kind")
def test_a_signal_leaves_the_terminal_as_it_was(tmp_path: Path):
    import pty

    parent, child = pty.openpty()
    environment = os.environ | {"WHICHARCH_HOME": str(tmp_path), "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "advisor.cli", "tui"]
    process = subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=environment)
    os.close(child)
    drawn, until = b"", time.monotonic() + 60
    while b"Shortlist" not in drawn and time.monotonic() < until:
        drawn += os.read(parent, 65536)
    process.send_signal(signal.SIGTERM)
    try:
        while news := os.read(parent, 65536):
            drawn += news
    except OSError:  # the other end is closed
        pass
    assert process.wait(30) == 128 + signal.SIGTERM
    os.close(parent)
    for mode in (b"1049", b"1000"):
        assert 0 <= drawn.find(b"\x1b[?%sh" % mode) < drawn.rfind(b"\x1b[?%sl" % mode)
    assert drawn.rfind(b"\x1b[?25l") < drawn.rfind(b"\x1b[?25h")


def test_without_a_terminal_there_is_one_sentence():
    done = subprocess.run(
        [sys.executable, "-m", "advisor.cli"], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "needs a terminal; redirected: input, output, errors" in done.stderr


async def test_keys_of_the_settings_that_cannot_be_are_told_once(world: World, tmp_path: Path):
    keys = {"page.undo": "m", "page.undoo": "f12", "app.copy": "kk", "app.learn": "f12,L", "table.first": "ctrl+a"}
    (tmp_path / "settings.json").write_text(json.dumps({"keys": keys, "machine": "rtx-9999"}))
    app = WhicharchApp()
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("", "tab", "down", "tab"):
            await settle(pilot)
            await pilot.press(*([key] if key else []))
        assert sorted(note.message for note in app._notifications) == [
            "keys: app.copy: 'kk' is no key",
            "keys: m is both Undo (page.undo) and Models (app.models)",
            "keys: unknown action 'page.undoo'; did you mean page.undo?",
            "there is no machine rtx-9999; pages start with their own choice",
        ]
        bar = app.screen.query_one(PageBar)
        await pilot.hover(bar, offset=(bar.span("learn")[0] + 1, 0))
        assert "press f12 or L" in str(bar.tooltip)


async def test_the_palette_runs_actions_of_panes_without_focus_and_of_other_pages(app: WhicharchApp):
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        for words, mode, tab in (("machines prices", "machines", "prices"), ("models growth", "models", "growth")):
            await pilot.press("ctrl+p", *words.replace(" ", ""))
            await settle(pilot)
            await pilot.pause(0.3)
            await pilot.press("enter")
            await settle(pilot)
            await settle(pilot)
            assert app.current_mode == mode
            assert app.screen.query_one("#detail").active == tab  # type: ignore[attr-defined]
