"""A heading with something below it, hidden while there is nothing to say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalGroup
from textual.content import Content
from textual.widgets import Label, Static

if TYPE_CHECKING:
    from rich.table import Table
    from textual.visual import VisualType


class Section(VerticalGroup):
    """One part of an explanation."""

    def __init__(self, heading: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._heading = heading
        self.display = False

    def compose(self) -> ComposeResult:
        """Heading and body."""
        yield Label(Content(self._heading), classes="heading")
        yield Static(classes="body")

    def show(self, body: VisualType | None, heading: str | None = None) -> None:
        """Fill the body, or hide the section with ``None``; plain text is never read as markup."""
        self.display = body is not None
        self.query_one(".heading", Label).update(Content(heading or self._heading))
        if body is not None:
            self.query_one(".body", Static).update(Content(body) if isinstance(body, str) else body)


def facts(pairs: Iterable[tuple[str, str]]) -> Table:
    """Names and values in two columns; long values wrap within theirs."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for name, value in pairs:
        table.add_row(Text(name, style="dim"), Text(value))
    return table


def listed(lines: Iterable[str]) -> str | None:
    """Lines with bullets, or ``None`` for none."""
    text = "\n".join(f"• {line}" for line in lines)
    return text or None
