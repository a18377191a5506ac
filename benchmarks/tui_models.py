"""CPU time of the Models page: a keystroke in the search, a sort, and a step of the load, each until it is drawn.

Keys are sent as the terminal sends them and waited for by sleeping, so that nothing but the application is measured.
With the catalog as it is, and with 20,000 models made of it. Run from the repository root::

    python -m benchmarks.tui_models [columns rows]
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from unittest import mock

from textual import events
from textual.pilot import Pilot

from tui import library
from tui.app import WhicharchApp
from tui.library import Library, Model
from tui.screens.models import PAUSE_S, ModelsScreen
from tui.widgets.row_table import RowTable

QUERY = "moe <30b ctx>100k licence:apache"
AT_ONCE_S = 0.1
"""How long a key is waited for: the next frame is 1/60 s away."""
KEYS = {" ": "space", "<": "less_than_sign", ">": "greater_than_sign", ":": "colon"}


def many(real: Library, count: int) -> Library:
    """The catalog again and again, under other names."""
    models = [
        Model(m.spec.model_copy(update={"id": f"{m.id}-{i}"}), m.params, f"{m.words} {i}")
        for i, m in ((i, real.models[i % len(real.models)]) for i in range(count))
    ]
    return Library(tuple(models), real.machines, real.tasks, real.formats, real.caches, ())


async def settle(pilot: Pilot[None]) -> None:
    for _ in range(3):
        await pilot.pause(0.05)
        while any(not worker.is_finished for worker in pilot.app.workers):
            await asyncio.sleep(0.02)
        await pilot.pause()


async def timed(pilot: Pilot[None], act: Callable[[], Awaitable[Any]]) -> float:
    """CPU milliseconds of the event loop until everything that the act caused at once is drawn."""
    started = time.thread_time()
    await act()
    await asyncio.sleep(AT_ONCE_S)
    spent = (time.thread_time() - started) * 1e3
    await settle(pilot)
    return spent


async def key(pilot: Pilot[None], name: str, character: str | None = None) -> None:
    """Press a key as the terminal tells of it; ``Pilot.press`` asks every widget whether it is done, 25 ms of CPU."""
    pilot.app.post_message(events.Key(name, character))


async def measure(real: Library, columns: int, rows: int) -> None:
    """What is drawn at once; the highlighted model, computed once the cursor rests, is left out."""
    with mock.patch.object(ModelsScreen, "settle"):
        await _measure(real, columns, rows)


async def _measure(real: Library, columns: int, rows: int) -> None:
    library.read_library = lambda: real  # type: ignore[assignment]
    app = WhicharchApp()
    async with app.run_test(size=(columns, rows)) as pilot:
        await settle(pilot)
        await pilot.press("m")
        await settle(pilot)
        table = app.screen.query_one("#models", RowTable)
        await pilot.press("slash")
        idle = [await timed(pilot, partial(key, pilot, "f12")) for _ in range(10)]
        typed = [await timed(pilot, partial(key, pilot, KEYS.get(c, c), c)) for c in QUERY]
        left = len(table.order)
        erased = [await timed(pilot, partial(key, pilot, "backspace")) for _ in QUERY]
        await pilot.press("escape")
        sorts = [await timed(pilot, partial(key, pilot, "o", "o")) for _ in range(6)]
        moves = [await timed(pilot, partial(key, pilot, "down")) for _ in range(10)]
        print(f"{len(real.models):,} models, {columns}x{rows}; {QUERY!r} leaves {left}; CPU ms, median (worst):")
        measured = {"an unbound key": idle, "type a letter": typed, "erase one": erased, "sort": sorts, "move": moves}
        for name, times in measured.items():
            print(f"  {name:<16}{statistics.median(times):6.1f} ({max(times):.1f})")


async def steps(real: Library, columns: int, rows: int) -> None:
    """A step of the load in each tab: from the key until the answer is drawn, the waiting pause not counted."""
    library.read_library = lambda: real  # type: ignore[assignment]
    app = WhicharchApp()
    async with app.run_test(size=(columns, rows)) as pilot:
        await settle(pilot)
        await app.open_model("llama-3.1-8b")
        await settle(pilot)
        for tab, name in (("1", "architecture"), ("2", "growth"), ("3", "time")):
            await pilot.press(tab)
            await settle(pilot)
            loop = []
            for step, character in (("right_square_bracket", "]"), ("plus", "+"), ("minus", "-")) * 2:
                loop.append(await timed(pilot, partial(stepped, pilot, step, character)))
            view = "v" if tab == "2" else "t"
            at_once = [await timed(pilot, partial(key, pilot, view, view)) for _ in range(4)]
            print(
                f"  step, {name:<13}{statistics.median(loop):6.1f} on the event loop; another view "
                f"{statistics.median(at_once):.1f}"
            )


async def stepped(pilot: Pilot[None], name: str, character: str) -> None:
    """Press a key and wait for what is computed after it."""
    await key(pilot, name, character)
    await asyncio.sleep(PAUSE_S * 2)
    while any(not worker.is_finished for worker in pilot.app.workers):
        await asyncio.sleep(0.02)


def main(columns: int = 120, rows: int = 40) -> None:
    """Print the times on a screen of that size, with a home of its own."""
    os.environ["WHICHARCH_HOME"] = tempfile.mkdtemp()
    real = library.read_library()
    asyncio.run(measure(real, columns, rows))
    asyncio.run(measure(many(real, 20_000), columns, rows))
    asyncio.run(steps(real, columns, rows))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
