"""Opens pages before they are asked for, while nobody does anything, so that going to one only draws it.

A page is made of widgets that Textual mounts one by one, each in a step of its own, so that a key that is pressed
meanwhile waits for one of them and not for the page.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

from textual import events, work
from textual.screen import Screen

from tui.styling import Styled

REST_S = 0.25
"""So long nobody must have done anything."""
LOOK_S = 0.05
"""How often that is looked at."""


class Ahead(Styled):
    """An application that opens its modes ahead."""

    opens_ahead: bool | None = None
    """``None``: where a person looks at it, and not where a test does."""

    def __init__(self) -> None:
        super().__init__()
        self._touched = 0.0
        self._opening: dict[str, Any] = {}
        """What waits for pages that are being opened ahead."""

    async def on_event(self, event: events.Event) -> None:
        """Notice that somebody does something."""
        if isinstance(event, events.InputEvent):
            self._touched = monotonic()
        await super().on_event(event)

    @work(exclusive=True, group="ahead", exit_on_error=False)
    async def open_ahead(self, *modes: str) -> None:
        """Open these, one after the other, in the pauses that a person makes."""
        if self.opens_ahead is False or (self.opens_ahead is None and self.is_headless):
            return
        for mode in modes:
            await self._pause()
            if mode in self._screen_stacks:
                continue
            self.read_styles(mode)
            await self._pause()
            if mode not in self._screen_stacks:
                self._opening[mode] = opening = self._init_mode(mode)
                await opening

    async def _pause(self) -> None:
        """Wait until nobody does anything and nothing is computed."""
        while True:
            await asyncio.sleep(LOOK_S)
            busy = any(worker.is_running and worker.group != "ahead" for worker in self.workers)
            if not busy and monotonic() - self._touched > REST_S:
                return

    async def opened(self, mode: str) -> Screen[Any]:
        """Go to a mode, and wait until its page is there."""
        await self.switch_mode(mode)
        if (opening := self._opening.pop(mode, None)) is not None:
            await opening
        return self.screen
