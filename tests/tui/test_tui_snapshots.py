"""Few pictures, of fixed data: what changes in the catalog does not change them. Look at one before accepting it."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from tui_world import settle

from tui.app import WhicharchApp


@pytest.mark.parametrize(
    ("keys", "size"),
    [([], (80, 24)), ([], (120, 40)), (["m"], (80, 24)), (["m", "2"], (120, 40))],
    ids=["ask-80x24", "ask-120x40", "models-80x24", "growth-120x40"],
)
def test_page_looks_as_it_did(snap_compare: Any, app: WhicharchApp, keys: list[str], size: tuple[int, int]):
    async def run_before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)

    assert snap_compare(app, terminal_size=size, run_before=run_before)
