"""A dialog that asks under which id a design is added to the user's own catalog."""

from __future__ import annotations

import re
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

ID = re.compile(r"^[a-z0-9][a-z0-9._+-]{0,79}$")


class SaveScreen(ModalScreen[str | None]):
    """Dismissed with the id; one that is taken must be confirmed by a second Enter."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close", id="save.close")]

    def __init__(self, name: str, known: frozenset[str]) -> None:
        super().__init__()
        self._name, self._known, self._replaces = name, known, ""

    def compose(self) -> ComposeResult:
        """One line to type into."""
        with Vertical(id="save", classes="dialog") as box:
            box.border_title = "Save to your own catalog"
            box.border_subtitle = "enter saves, esc closes"
            yield Input(self._name, id="id", compact=True)
            yield Static(id="problem")
            yield Static(Content.styled("It is then a model like any other, in every page and command.", "dim"))

    def on_mount(self) -> None:
        """Enter is all that is needed."""
        self.query_one("#id").focus()

    @on(Input.Submitted)
    def _save(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if not ID.match(name):
            self._refuse(f"{name!r} is no id: lower case letters, digits, dots and dashes, at most 80")
        elif name in self._known and self._replaces != name:
            self._replaces = name
            self._refuse(f"{name} is in the catalog already; Enter again puts this in its place")
        else:
            self.dismiss(name)

    def _refuse(self, sentence: str) -> None:
        self.query_one("#problem", Static).update(Content.styled(f"✗ {sentence}", "$text-error"))
