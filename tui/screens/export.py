"""A dialog that writes what a page shows to a file, and shows the command line that gives the same."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.screens.dialog import Dialog
from tui.widgets.choice import Select

NAMES = {
    "md": "Markdown", "csv": "CSV", "json": "JSON", "yaml": "YAML", "txt": "plain text", "svg": "picture of the screen",
}  # fmt: skip


class ExportScreen(Dialog[str | None]):
    """Choose a format and a file; dismissed with what was written."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close", id="export.close")]

    HELP = """
    # Export

    Writes what the page shows to a file: choose the format, change the path if you like, press Enter.

    - **CSV** holds raw numbers, with the unit in the column's name.
    - **JSON** has the names that the command's `--json` prints.
    - **Picture** is the screen as it was before this dialog, as SVG.

    A file that is there already is overwritten only by a second Enter. Below the path stands the command line that
    gives the same without the application.
    """

    def __init__(self, name: str, texts: Mapping[str, Callable[[], str]], equivalent: str) -> None:
        """Offer formats.

        Args:
            name: What the file is called, without suffix.
            texts: What each suffix holds.
            equivalent: The command line that gives the same; may be empty.
        """
        super().__init__()
        self._name, self._texts, self._equivalent = name, dict(texts), equivalent
        self._overwrites = ""

    def compose(self) -> ComposeResult:
        """Format, path, and the command line."""
        with Vertical(id="export", classes="dialog") as box:
            box.border_title = "Export"
            box.border_subtitle = "[@click=screen.write]enter writes[/], [@click=screen.dismiss]esc closes[/]"
            yield Select([(f"{NAMES.get(s, s)} (.{s})", s) for s in self._texts], id="format")
            yield Input(f"{self._name}.{next(iter(self._texts))}", id="path", compact=True)
            yield Static(id="problem")
            if self._equivalent:
                yield Static(Content.styled("The same from the command line:", "dim"))
                yield Static(Content(self._equivalent), id="equivalent")

    def on_mount(self) -> None:
        """Enter is all that is needed."""
        self.query_one("#path").focus()

    @on(Select.Changed)
    def _format(self, event: Select.Changed) -> None:
        path = self.query_one("#path", Input)
        try:
            path.value = str(Path(path.value).with_suffix(f".{event.value}"))
        except ValueError:  # nothing, or a folder's path, has no name
            path.value = f"{self._name}.{event.value}"

    @on(Input.Submitted)
    def action_write(self) -> None:
        """Write the file, or say why not."""
        value = self.query_one("#path", Input).value
        suffix = str(self.query_one("#format", Select).value)
        text = self._texts[suffix]()
        if self.app.is_web:
            self.app.deliver_text(io.StringIO(text), save_filename=Path(value).name)
            self.dismiss(Path(value).name)
            return
        from catalog.errors import BadInput
        from catalog.overlay import write_text

        path = Path(os.path.expanduser(value))
        if os.path.exists(path) and self._overwrites != str(path):
            self._overwrites = str(path)
            self._refuse(f"{path} is there already; Enter again overwrites it")
            return
        try:
            write_text(text, path)
        except BadInput as error:
            self._refuse(str(error))
            return
        self.dismiss(str(path.absolute()))

    def _refuse(self, sentence: str) -> None:
        self.query_one("#problem", Static).update(Content.styled(f"✗ {sentence}", "$text-error"))
