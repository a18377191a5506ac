"""The line on top of every page: the name, and the pages to go to."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from tui.pages import PAGES, Entry


class PageTab(Static):
    """One page's name, its key underlined in it; a click goes there."""

    def __init__(self, entry: Entry, chosen: str | None, *, active: bool) -> None:
        """Name a page.

        Args:
            entry: The page.
            chosen: The key that the settings give it, if they do.
            active: Whether it is in view.
        """
        label = Content.styled(entry.title, "bold reverse" if active else "")
        if not active and (chosen is None or entry.key in chosen.split(",")):
            at = entry.title.lower().index(entry.key)
            label = label.stylize("bold underline $text-accent", at, at + 1)
        super().__init__(label, classes="-active" if active else "")
        self.mode = entry.mode
        keys = chosen.replace(",", " or ") if chosen else f"{entry.key} or {entry.twin.upper()}"
        self.tooltip = Content(f"{entry.about} (press {keys})")

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
        store = getattr(self.app, "store", None)
        keys = store.now.keys if store is not None else {}
        for entry in PAGES:
            yield PageTab(entry, keys.get(f"app.{entry.mode}"), active=entry.mode == self._active)
