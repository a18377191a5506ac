"""Pictures of the Models page with fixed data. Look at one before accepting it."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from tui_world import settle

from tui.app import WhicharchApp


@pytest.mark.parametrize(
    ("keys", "size", "theme"),
    [(["m", "enter"], (80, 24), "textual-dark"), (["m", "3"], (120, 40), "textual-light")],
    ids=["architecture-80x24-dark", "time-120x40-light"],
)
def test_models_page_looks_as_it_did(
    snap_compare: Any,
    app: WhicharchApp,
    keys: list[str],
    size: tuple[int, int],
    theme: str,
):
    async def run_before(pilot: Pilot[None]) -> None:
        app.theme = theme
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)

    assert snap_compare(app, terminal_size=size, run_before=run_before)
