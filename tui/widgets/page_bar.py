"""The line on top of every page: the name, and the pages to go to; drawn by one widget."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.pages import PAGES, Entry

BRAND = " whicharch  "


class PageBar(Widget):
    """Brand and pages; a key is underlined in its page's name, and a click goes there."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "PageBar { height: 1; background: $panel; color: $foreground; text-wrap: nowrap; }"
    hover: reactive[str] = reactive("", init=False)
    """The page under the pointer."""

    def __init__(self, active: str) -> None:
        super().__init__()
        self._active = active

    def span(self, mode: str) -> tuple[int, int]:
        """First cell of a page's tab, and the one after its last."""
        at = cell_len(BRAND)
        for entry in PAGES:
            after = at + cell_len(entry.title) + 4
            if entry.mode == mode:
                return at, after
            at = after
        return 0, 0

    def render(self) -> Content:
        """Brand, then a tab per page."""
        return Content.assemble((BRAND, "bold $text-primary"), *map(self._tab, PAGES))

    def _tab(self, entry: Entry) -> Content:
        title = Content(f"  {entry.title}  ")
        end = len(title) - 2
        if entry.mode == self._active:
            return title.stylize("on $surface").stylize("bold reverse", 2, end)
        if entry.mode == self.hover:
            title = title.stylize("on $block-hover-background")
        if (chosen := self._chosen(entry)) is not None and entry.key not in chosen.split(","):
            return title
        at = 2 + entry.title.lower().index(entry.key)
        return title.stylize("bold underline $text-accent", at, at + 1)

    def _chosen(self, entry: Entry) -> str | None:
        """The keys that the settings give a page, if they do."""
        store = getattr(self.app, "store", None)
        keys: dict[str, str] = store.now.keys if store is not None else {}
        return keys.get(f"app.{entry.mode}")

    def _at(self, x: int) -> Entry | None:
        return next((e for e in PAGES if self.span(e.mode)[0] <= x < self.span(e.mode)[1]), None)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show what a click would go to."""
        entry = self._at(event.x)
        self.hover = entry.mode if entry else ""
        if entry is None:
            self.tooltip = None
            return
        chosen = self._chosen(entry)
        keys = chosen.replace(",", " or ") if chosen else f"{entry.key} or {entry.twin.upper()}"
        self.tooltip = Content(f"{entry.about} (press {keys})")

    def on_leave(self) -> None:
        """Nothing is under the pointer."""
        self.hover = ""

    async def on_click(self, event: events.Click) -> None:
        """Go to the page under the pointer."""
        if entry := self._at(event.x):
            await self.run_action(f"app.go({entry.mode!r})")
