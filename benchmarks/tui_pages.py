"""CPU time of the event loop to open each page, and the memory of all of them.

Four ways to come to a page, each until it is drawn with its content: ``early``, 0.3 s after the first paint, while the
catalog is still being read; ``first``, opened when it is asked for, after the first answer; ``ahead``, opened by the
application while nobody did anything, as it is for most people; and ``again``, returned to. ``in all`` is until the
answers that threads compute are drawn too. The work of threads is left out. The catalog's compiled form is on disk, as
it is from the second start on; ``cold`` leaves it out. Run from the repository root::

    python -m benchmarks.tui_pages [columns rows] [cold]
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from benchmarks.tui_models import AT_ONCE_S, settle, timed
from tui.app import WhicharchApp
from tui.pages import PAGES

EARLY_S = 0.3
MODES = [entry.mode for entry in PAGES[1:]]


class Watched(WhicharchApp):
    """Tells when its first frame is out."""

    def __init__(self, *, ahead: bool) -> None:
        super().__init__()
        self.opens_ahead = ahead
        self.seen = asyncio.Event()

    def painted(self) -> None:
        """The first frame is out."""
        super().painted()
        self.seen.set()


def resident_mb() -> float:
    """Memory of this process in MB, as Linux tells it."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@asynccontextmanager
async def running(size: tuple[int, int], *, ahead: bool = False) -> AsyncIterator[tuple[Watched, Pilot[None]]]:
    """The application after its first frame."""
    app = Watched(ahead=ahead)
    async with app.run_test(size=size) as pilot:
        await app.seen.wait()
        yield app, pilot


async def opened(app: Watched, pilot: Pilot[None], mode: str) -> tuple[float, float]:
    """CPU milliseconds until a page is drawn with the catalog in it, and until its answers are."""
    started = time.thread_time()
    await app.action_go(mode)
    while app.library is None:
        await asyncio.sleep(0.01)
    await asyncio.sleep(AT_ONCE_S)
    drawn = (time.thread_time() - started) * 1e3
    await settle(pilot)
    return drawn, (time.thread_time() - started) * 1e3


async def early(size: tuple[int, int]) -> dict[str, float]:
    """Each page in an application of its own."""
    found = {}
    for mode in MODES:
        async with running(size) as (app, pilot):
            await asyncio.sleep(EARLY_S)
            found[mode], _ = await opened(app, pilot, mode)
    return found


async def visited(size: tuple[int, int], *, ahead: bool) -> dict[str, Any]:
    """One page after the other, and the memory at the end."""
    found: dict[str, Any] = {}
    async with running(size, ahead=ahead) as (app, pilot):
        await settle(pilot)
        found["answer"] = resident_mb()
        while ahead and not all(mode in app._screen_stacks for mode in MODES):
            await asyncio.sleep(0.1)
        await settle(pilot)
        found["ready"] = resident_mb()
        for mode in MODES:
            drawn, whole = await opened(app, pilot, mode)
            count = len(app.screen.query("*"))
            await app.action_go("ask")
            await settle(pilot)
            again = await timed(pilot, partial(app.action_go, mode))
            found[mode] = drawn, whole, again, count
        found["all"] = resident_mb()
    return found


async def measure(size: tuple[int, int]) -> None:
    ahead = await visited(size, ahead=True)
    memory = f"after the first answer {ahead['answer']:.0f} MB, with every page opened ahead {ahead['ready']:.0f}, "
    print(f"resident {memory}with every page visited {ahead['all']:.0f}")
    first, at_once = await visited(size, ahead=False), await early(size)
    print(f"{size[0]}x{size[1]}, CPU ms of the event loop    early  first  ahead  again  in all  widgets")
    for entry in PAGES[1:]:
        drawn, whole, again, count = ahead[entry.mode]
        print(
            f"  {entry.title:<38}{at_once[entry.mode]:6.0f}{first[entry.mode][0]:7.0f}{drawn:7.0f}{again:7.0f}", end=""
        )
        print(f"{whole:8.0f}{count:9}")


def main(columns: int = 120, rows: int = 40, *, cold: bool = False) -> None:
    """Print times and memory on a screen of that size, and whether torch came along."""
    os.environ["WHICHARCH_HOME"] = home = tempfile.mkdtemp()
    os.environ["WHICHARCH_CONFIG"] = str(Path(home) / "settings.yaml")
    if not cold:
        subprocess.run([sys.executable, "-m", "advisor.cli", "recommend"], check=True, capture_output=True)
    asyncio.run(measure((columns, rows)))
    print(f"torch {'was' if 'torch' in sys.modules else 'was not'} imported")


if __name__ == "__main__":
    wanted = [int(word) for word in sys.argv[1:] if word.isdigit()]
    main(*wanted[:2], cold="cold" in sys.argv)
