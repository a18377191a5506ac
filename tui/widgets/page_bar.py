"""The line on top of every page: the name, and the pages to go to."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static


class PageTab(Static):
    """One page's name with its key; a click goes there."""

    def __init__(self, mode: str, key: str, title: str, *, active: bool) -> None:
        label = Content.assemble((key, "bold $text-accent"), " ", (title, "bold underline" if active else ""))
        super().__init__(label, classes="-active" if active else "")
        self.mode = mode
        self.tooltip = Content(f"{title} (press {key})")

    async def on_click(self) -> None:
        """Go to the page."""
        await self.run_action(f"app.go({self.mode!r})")


class PageBar(Horizontal):
    """Brand and pages."""

    PAGES: ClassVar[tuple[tuple[str, str, str], ...]] = (("ask", "a", "Ask"), ("models", "m", "Models"))
    """Mode, key and title of every page, in order."""

    def __init__(self, active: str) -> None:
        super().__init__()
        self._active = active

    def compose(self) -> ComposeResult:
        """Brand, then a tab per page."""
        yield Static(Content.styled("whicharch", "bold $text-primary"), id="brand")
        for mode, key, title in self.PAGES:
            yield PageTab(mode, key, title, active=mode == self._active)
