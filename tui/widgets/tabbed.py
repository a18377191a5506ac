"""Tabs about one thing, each with a widget that takes the focus."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Vertical
from textual.widgets import TabbedContent, TabPane, Tabs


class Tabbed(Vertical):
    """Holds one ``TabbedContent`` whose panes are called ``NAME-tab``."""

    TABS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Tab and selector of what takes the focus in it."""

    @property
    def active(self) -> str:
        """Name of the tab in view."""
        return self.query_one(TabbedContent).active.removesuffix("-tab")

    @active.setter
    def active(self, name: str) -> None:
        # A pane that hides what has the focus passes it on to a neighbour inside itself, and is brought back by that.
        focused = self.screen.focused
        if name != self.active and focused is not None and any(isinstance(a, TabPane) for a in focused.ancestors):
            self.screen.set_focus(self.query_one(Tabs), scroll_visible=False)
        self.query_one(TabbedContent).active = f"{name}-tab"

    def focus_tab(self) -> None:
        """Focus what the active tab holds, if it shows it."""
        widget = self.query_one(dict(self.TABS)[self.active])
        if widget.display:
            widget.focus()
