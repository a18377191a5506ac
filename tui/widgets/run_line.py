"""One line that starts, tells of and stops something long; by key, by Enter, or by a click."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.timer import Timer


class RunLine(Widget, can_focus=True):
    """What is going on."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "press", "Run or stop", show=False, id="run.press")]
    running: reactive[bool] = reactive(False)
    text: reactive[str] = reactive("")
    mark: reactive[str] = reactive("○")
    """``○`` ready, ``✓`` done, ``✗`` failed; while it runs ``●``."""

    class Pressed(Message):
        """Start or stop."""

    def __init__(self, invitation: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._invitation = invitation
        self._began = 0.0
        self._clock: Timer | None = None

    def start(self) -> None:
        """It runs from now on."""
        self._began, self.text, self.running = monotonic(), "", True
        if self._clock is None:
            self._clock = self.set_interval(0.5, self.refresh)
        self._clock.resume()

    def stop(self, mark: str, text: str) -> None:
        """It is over."""
        if self._clock is not None:
            self._clock.pause()
        self.running, self.mark, self.text = False, mark, text
        self.tooltip = Content(text)

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return monotonic() - self._began

    def render(self) -> Content:
        """Mark, time, text."""
        if self.running:
            head = ("● ", "bold $text-accent")
            return Content.assemble(head, f"{self.seconds:.0f} s  ", ("s stops", "underline"), f"  {self.text}")
        colour = {"✓": "bold $text-success", "✗": "bold $text-error"}.get(self.mark, "")
        said = f"{self.text}  " if self.text else ""
        return Content.assemble((f"{self.mark} ", colour), said, (self._invitation, "underline dim"))

    def action_press(self) -> None:
        """Start or stop."""
        self.post_message(self.Pressed())

    def on_click(self, event: events.Click) -> None:
        """Start or stop."""
        self.action_press()
