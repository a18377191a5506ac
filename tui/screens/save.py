"""A dialog that asks under which id a design is added to the user's own catalog."""

from __future__ import annotations

import re
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.screens.dialog import Dialog

ID = re.compile(r"^[a-z0-9][a-z0-9._+-]{0,79}$")


class SaveScreen(Dialog[str | None]):
    """Dismissed with the id; one that is taken must be confirmed by a second Enter."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close", id="save.close")]

    HELP = """
    # Save to your own catalog

    Type the id under which the design is kept: lower case letters, digits, dots and dashes. It is then a model like any
    other, on every page and in every command. An id that is taken is replaced only by a second Enter.
    """

    def __init__(self, name: str, known: frozenset[str]) -> None:
        super().__init__()
        self._name, self._known, self._replaces = name, known, ""

    def compose(self) -> ComposeResult:
        """One line to type into."""
        with Vertical(id="save", classes="dialog") as box:
            box.border_title = "Save to your own catalog"
            box.border_subtitle = "[@click=screen.save]enter saves[/], [@click=screen.dismiss]esc closes[/]"
            yield Input(self._name, id="id", compact=True)
            yield Static(id="problem")
            yield Static(Content.styled("It is then a model like any other, in every page and command.", "dim"))

    def on_mount(self) -> None:
        """Enter is all that is needed."""
        self.query_one("#id").focus()

    @on(Input.Submitted)
    def action_save(self) -> None:
        """Close with the id, if it is one."""
        name = self.query_one("#id", Input).value.strip()
        if not ID.match(name):
            self._refuse(f"{name!r} is no id: lower case letters, digits, dots and dashes, at most 80")
        elif name in self._known and self._replaces != name:
            self._replaces = name
            self._refuse(f"{name} is in the catalog already; Enter again puts this in its place")
        else:
            self.dismiss(name)

    def _refuse(self, sentence: str) -> None:
        self.query_one("#problem", Static).update(Content.styled(f"✗ {sentence}", "$text-error"))
