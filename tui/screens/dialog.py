"""What all dialogs share: help, and closing by a click beside them."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual import events
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A dialog over a page; ``HELP`` says what it does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "Help", tooltip="What this dialog does, and its keys", id="dialog.help"),
    ]

    async def action_help(self) -> None:
        """Explain the dialog and its keys."""
        await self.run_action("app.help")

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close; a second time, as by a double click, closes nothing, where Textual would close the page below."""
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()

    def on_click(self, event: events.Click) -> None:
        """A click beside the dialog closes it."""
        if event.widget is self:
            self.dismiss(None)
