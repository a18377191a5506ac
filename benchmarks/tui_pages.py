"""CPU time of the event loop to open each page for the first time and to return to it, and the memory of all of them.

``at once`` is until the page is drawn, ``in all`` until its first answer is drawn too; work in threads is left out.
Run from the repository root::

    python -m benchmarks.tui_pages [columns rows]
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.tui_models import AT_ONCE_S, settle, timed
from tui.app import WhicharchApp
from tui.pages import PAGES


def resident_mb() -> float:
    """Memory of this process in MB, as Linux tells it."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def measure(columns: int, rows: int) -> None:
    app = WhicharchApp()
    async with app.run_test(size=(columns, rows)) as pilot:
        await settle(pilot)
        print(f"{columns}x{rows}, CPU ms of the event loop; resident at first {resident_mb():.0f} MB")
        for page in PAGES[1:]:
            started = time.thread_time()
            await app.action_go(page.mode)
            await asyncio.sleep(AT_ONCE_S)
            drawn = (time.thread_time() - started) * 1e3
            await settle(pilot)
            whole = (time.thread_time() - started) * 1e3
            await app.action_go("ask")
            await settle(pilot)
            back = await timed(pilot, partial(app.action_go, page.mode))
            print(f"  {page.title:<9} at once {drawn:5.0f}, in all {whole:5.0f}, return {back:4.0f}; ", end="")
            print(f"{len(app.screen.query('*')):3} widgets; resident {resident_mb():.0f} MB")
            await app.action_go("ask")
            await settle(pilot)


def main(columns: int = 120, rows: int = 40) -> None:
    """Print times and memory on a screen of that size, and whether torch came along."""
    os.environ["WHICHARCH_HOME"] = tempfile.mkdtemp()
    asyncio.run(measure(columns, rows))
    print(f"torch {'was' if 'torch' in sys.modules else 'was not'} imported")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
