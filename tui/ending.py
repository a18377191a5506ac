"""How the application ends: a letter pressed twice, or a signal, after which the terminal is as it was before."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

AGAIN_S = 3.0
"""How long a second press counts as a confirmation."""


class Ending(App[None]):
    """An application that cannot be ended by accident, and never leaves the terminal in its own state."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "end", "Quit", show=False, tooltip="Twice", id="app.q"),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, tooltip="fg brings it back", priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._wished_to_end = -AGAIN_S

    def obey_signals(self) -> None:
        """End in order when told to, or when the terminal is gone; Python alone would end at once, still drawing."""
        if self.is_headless or self.is_web:
            return
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP"):
            if number := getattr(signal, name, None):
                with suppress(NotImplementedError, RuntimeError, ValueError):  # no signals here
                    loop.add_signal_handler(number, partial(self.exit, return_code=128 + number))

    def action_end(self) -> None:
        """The first press says what the second does."""
        if monotonic() - self._wished_to_end < AGAIN_S:
            self.exit()
            return
        self._wished_to_end = monotonic()
        self.notify("Once more quits; so does ctrl+q at once.", timeout=AGAIN_S)

    def action_help_quit(self) -> None:
        """Ctrl+C where nothing is to be copied."""
        self.action_end()
