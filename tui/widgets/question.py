"""The line to type a question into."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input

EXAMPLE = "ask in plain English: chat in German on one RTX 4090, first token under 300 ms"


class QuestionLine(Input):
    """A question; arrows bring back earlier ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "earlier(1)", "Earlier question", show=False, id="ask.earlier"),
        Binding("down", "earlier(-1)", "Later question", show=False, id="ask.later"),
    ]

    def __init__(self) -> None:
        super().__init__(placeholder=EXAMPLE, id="question", compact=True)
        self._at = -1

    def on_paste(self, event: events.Paste) -> None:
        """A question may come in several lines; ``Input`` would take the first."""
        event.prevent_default()
        event.stop()
        self.replace(" ".join(event.text.split()), *self.selection)

    def action_earlier(self, steps: int) -> None:
        """Put an earlier question into the line."""
        questions = [place.title for place in self.app.store.now.history if place.mode == "ask"]  # type: ignore[attr-defined]
        if questions:
            self._at = min(max(self._at + steps, -1), len(questions) - 1)
            self.value = questions[self._at] if self._at >= 0 else ""
            self.cursor_position = len(self.value)
