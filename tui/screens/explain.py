"""A dialog with the formula of a figure, its values and its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.worker import get_current_worker

from catalog.errors import BadInput
from tui.screens.dialog import Dialog
from tui.screens.page import Explanation
from tui.widgets.key_bar import KeyBar
from tui.widgets.reader import Reader


class ExplainScreen(Dialog[None]):
    """How a figure comes about."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,e,q", "dismiss", "Close", id="explain.close"),
        Binding("y", "copy", "Copy", tooltip="Copy the formula with its values", id="explain.copy"),
    ]

    HELP = """
    # Where a figure comes from

    The formula in symbols, the numbers put in, the unit, and the source. Money in formulas stays in dollars. `y`
    copies all of it; `whicharch explain` prints the same.
    """

    @dataclass
    class Computed(Message):
        """The text is there."""

        text: str

    def __init__(self, explanation: Explanation) -> None:
        super().__init__()
        self._explanation = explanation
        self._text = ""

    def compose(self) -> ComposeResult:
        """A pane that scrolls."""
        pane = Reader(id="explanation")
        pane.border_title = Content(self._explanation.title)
        pane.border_subtitle = "[@click=screen.dismiss]esc close[/]"
        yield pane
        yield KeyBar()

    def on_mount(self) -> None:
        """Compute off the event loop."""
        self.query_one(Reader).read(Content.styled("computing …", "dim italic"), ())
        self.compute()

    @work(thread=True, exit_on_error=False)
    def compute(self) -> None:
        """Ask for the text."""
        try:
            text = self._explanation.text()
        except BadInput as error:
            text = str(error)
        except Exception as error:
            text = f"whicharch failed; this is our fault: {type(error).__name__}: {error}"
        if not get_current_worker().is_cancelled:
            self.post_message(self.Computed(text))

    @on(Computed)
    def _computed(self, event: Computed) -> None:
        self._text = event.text
        self.query_one(Reader).read(Content(""), [("", event.text)])

    def action_copy(self) -> None:
        """Copy the text."""
        self.app.copy_to_clipboard(self._text)
        self.notify("Copied.", timeout=2)
