"""Pictures of Lab and Learn, of fixed data, dark and light. Look at one before accepting it."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from tui_world import World, settle

from tui.app import WhicharchApp


@pytest.mark.parametrize(
    ("mode", "keys", "size", "theme"),
    [
        ("lab", ["slash", "up", "up"], (80, 24), "textual-dark"),
        ("lab", ["3"], (120, 40), "textual-light"),
        ("learn", ["down", "down", "enter"], (80, 24), "textual-light"),
        ("learn", [], (120, 40), "textual-dark"),
    ],
    ids=["lab-80x24", "lab-120x40", "learn-80x24", "learn-120x40"],
)
def test_page_looks_as_it_did(
    snap_compare: Any,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    keys: list[str],
    size: tuple[int, int],
    theme: str,
):
    from test_tui_learn import lesson

    monkeypatch.setattr(WhicharchApp, "DEFAULT_MODE", mode)
    monkeypatch.setattr("tui.screens.learn.read_lesson", lesson)

    async def run_before(pilot: Pilot[None]) -> None:
        pilot.app.theme = theme
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)

    assert snap_compare(WhicharchApp(), terminal_size=size, run_before=run_before)
