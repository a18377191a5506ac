"""Draw the pictures of the README from the real application and catalog.

Run from the repository root::

    python -m docs.make_screenshot
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from textual.pilot import Pilot

from tui.app import WhicharchApp

QUESTION = "chat in German for 20 users at 16k context, first token under 1 s, on own servers"
PICTURES: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "screenshot": ((160, 46), ("/", QUESTION, "enter")),
    "models": ((140, 40), ("m", "/", "llama-3.1-8b", "enter", "2")),
    "machines": ((140, 40), ("n", "/", "h100-sxm", "enter", "2")),
    "plan": ((140, 40), ("p", "s")),
    "lab": ((140, 40), ("b", "/", "down", "down", "escape")),
    "learn": ((140, 40), ("r", "/", "gqa", "enter")),
}
"""File, size, and what is pressed or (more than one character that is no key) typed."""
KEYS = {"/": "slash"}
NAMED = ("enter", "escape", "down", "up")


async def settled(pilot: Pilot[None]) -> None:
    """Wait until nothing is computing any more."""
    for _ in range(3):
        await pilot.pause(0.3)
        while any(not worker.is_finished for worker in pilot.app.workers):
            await pilot.pause(0.05)


async def draw(name: str, size: tuple[int, int], steps: tuple[str, ...]) -> None:
    """One picture."""
    app = WhicharchApp()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        for step in steps:
            if len(step) == 1 or step in NAMED:
                await pilot.press(KEYS.get(step, step))
            else:
                app.focused.value = step  # type: ignore[union-attr]
            await settled(pilot)
        Path(f"docs/{name}.svg").write_text(app.export_screenshot(title="whicharch"), encoding="utf-8")


async def main() -> None:
    """All of them, with settings of nobody."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["WHICHARCH_HOME"] = home
        for name, (size, steps) in PICTURES.items():
            await draw(name, size, steps)


if __name__ == "__main__":
    asyncio.run(main())
