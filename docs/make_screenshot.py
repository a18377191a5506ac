"""Draw ``docs/screenshot.svg``, the picture in the README, from the real application and catalog.

Run from the repository root::

    python -m docs.make_screenshot
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual.pilot import Pilot

from tui.app import WhicharchApp
from tui.widgets.row_table import RowTable


async def answered(pilot: Pilot[None]) -> None:
    """Wait for the first answer."""
    while not pilot.app.screen.query_one("#shortlist", RowTable).rows:
        await pilot.pause(0.1)
    await pilot.pause(0.5)


async def main() -> None:
    """Draw it."""
    app = WhicharchApp()
    async with app.run_test(size=(160, 40)) as pilot:
        await answered(pilot)
        Path("docs/screenshot.svg").write_text(app.export_screenshot(title="whicharch"), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
