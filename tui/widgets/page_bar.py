"""The line on top of every page: the name, and the pages to go to."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from tui.pages import PAGES, Entry


class PageTab(Static):
    """One page's name, its key underlined in it; a click goes there."""

    def __init__(self, entry: Entry, *, active: bool) -> None:
        label = Content.styled(entry.title, "bold reverse" if active else "")
        if not active:
            at = entry.title.lower().index(entry.key)
            label = label.stylize("bold underline $text-accent", at, at + 1)
        super().__init__(label, classes="-active" if active else "")
        self.mode = entry.mode
        self.tooltip = Content(f"{entry.about} (press {entry.key} or {entry.twin.upper()})")

    async def on_click(self) -> None:
        """Go to the page."""
        await self.run_action(f"app.go({self.mode!r})")


class PageBar(Horizontal):
    """Brand and pages."""

    def __init__(self, active: str) -> None:
        super().__init__()
        self._active = active

    def compose(self) -> ComposeResult:
        """Brand, then a tab per page."""
        yield Static(Content.styled("whicharch", "bold $text-primary"), id="brand")
        for entry in PAGES:
            yield PageTab(entry, active=entry.mode == self._active)
