"""Tabs about one thing, each with a widget that takes the focus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.containers import Vertical
from textual.message import Message

from tui.widgets.tab_bar import TabBar


class Pane(Vertical):
    """What a tab holds."""

    DEFAULT_CSS = "Pane { height: 1fr; }"


class Tabbed(Vertical):
    """A ``bar()`` above ``pane()``s."""

    TABS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Tab and selector of what takes the focus in it."""
    TITLES: ClassVar[tuple[str, ...]] = ()
    """What stands on the tabs."""

    @dataclass
    class Turned(Message):
        """Another tab is looked at."""

        name: str

    def bar(self) -> TabBar:
        """The tabs; the first is active."""
        return TabBar([(name, title) for (name, _), title in zip(self.TABS, self.TITLES, strict=True)])

    def pane(self, name: str) -> Pane:
        """What a tab holds, with ``with``."""
        pane = Pane(id=f"{name}-tab")
        pane.display = name == self.TABS[0][0]
        return pane

    @property
    def active(self) -> str:
        """Name of the tab in view."""
        return self.query_one(TabBar).active

    @active.setter
    def active(self, name: str) -> None:
        self.query_one(TabBar).active = name
        self._turn(name)

    def _turn(self, name: str) -> None:
        focused = self.screen.focused
        for pane in self.query_children(Pane):
            shown = pane.id == f"{name}-tab"
            if not shown and pane.display and focused is not None and pane in focused.ancestors:
                self.screen.set_focus(self.query_one(TabBar), scroll_visible=False)
            pane.display = shown

    @on(TabBar.Turned)
    def _turned(self, event: TabBar.Turned) -> None:
        event.stop()
        self._turn(event.bar.active)
        self.post_message(self.Turned(event.name))

    def focus_tab(self) -> None:
        """Focus what the active tab holds, if it shows it."""
        widget = self.query_one(dict(self.TABS)[self.active])
        if widget.display:
            widget.focus()
