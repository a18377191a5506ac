"""Keys one after the other: each finds what the one before it did, however fast they come.

Textual hands a key to the focused widget at once, and runs the action of the key before it only when that has bubbled
up from widget to widget. On a busy computer, over a slow line, or where a line is pasted as keys, ``/chat`` would be
read as five commands.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from textual import events, on
from textual.message import Message
from textual.message_pump import MessagePump

from tui.styling import Styled

LONGEST_S = 0.5
"""How long a key waits for the one before it, where the widget that had it is gone."""


class TypingAhead(Styled):
    """An application that takes keys in turn."""

    @dataclass
    class Passed(Message):
        """Follows a key on its way up; where this arrives, the key has been seen by everybody.

        It goes twice: what a key makes the focused widget say, such as that a line was entered, is on its way after it.
        """

        turn: int
        way: MessagePump
        again: bool = True

    def __init__(self) -> None:
        super().__init__()
        self._ahead: deque[events.Key] = deque()
        self._turn = 0
        self._in_turn = False

    async def on_event(self, event: events.Event) -> None:
        """Keep keys back while one is on its way."""
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif self._in_turn:
            self._ahead.append(event)
            turn = self._turn
            self.set_timer(LONGEST_S, lambda: self._over(turn))
        else:
            await self._press(event)

    async def _press(self, event: events.Key) -> None:
        self._in_turn = True
        self._turn += 1
        way = self.focused or self.screen
        await super().on_event(event)
        self._follow(self.Passed(self._turn, way))

    def _follow(self, passed: Passed) -> None:
        if not passed.way.post_message(passed):
            self._over(passed.turn)

    @on(Passed)
    def _passed(self, event: Passed) -> None:
        if event.again:
            self._follow(self.Passed(event.turn, event.way, again=False))
        else:
            self._over(event.turn)

    def _over(self, turn: int) -> None:
        """The next key, after what the last one left to be done later, such as moving the focus."""
        if self._in_turn and turn == self._turn:
            self.call_later(self._next, turn)

    async def _next(self, turn: int) -> None:
        if turn != self._turn or not self._in_turn:
            return
        self._in_turn = False
        if self._ahead:
            await self._press(self._ahead.popleft())
