"""A row of tabs drawn as one widget; Textual's own mounts fourteen for six tabs, 80 ms of CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class TabBar(Widget, can_focus=True):
    """Titles, and below them, where there are two lines, a rule that is strong under the active one."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "go(-1)", "Previous tab", show=False, id="tabs.previous"),
        Binding("right", "go(1)", "Next tab", show=False, id="tabs.next"),
    ]
    DEFAULT_CSS = """
    TabBar { width: 1fr; height: 2; color: $foreground; text-wrap: nowrap; text-overflow: clip; pointer: pointer; }
    """
    active: reactive[str] = reactive("", init=False)
    hover: reactive[str] = reactive("", init=False)

    @dataclass
    class Turned(Message):
        """Another tab is active."""

        bar: TabBar
        name: str

        @property
        def control(self) -> TabBar:
            """Who says so, for selectors."""
            return self.bar

    def __init__(self, tabs: Sequence[tuple[str, str]], *, id: str | None = None) -> None:
        """Set tabs up; the first is active.

        Args:
            tabs: Name and title of each.
            id: For selectors.
        """
        super().__init__(id=id)
        self.tabs = tuple(tabs)
        self.set_reactive(TabBar.active, self.tabs[0][0])

    def span(self, name: str) -> tuple[int, int]:
        """First cell of a tab, and the one after its last."""
        at = 0
        for known, title in self.tabs:
            after = at + cell_len(title) + 2
            if known == name:
                return at, after
            at = after
        return 0, 0

    def watch_active(self, name: str) -> None:
        """Tell."""
        self.post_message(self.Turned(self, name))

    def action_go(self, direction: int) -> None:
        """Turn to a neighbour, round the ends."""
        names = [name for name, _ in self.tabs]
        self.active = names[(names.index(self.active) + direction) % len(names)]

    def render(self) -> Content:
        """One line, or two."""
        titles = Content.assemble(*((f" {title} ", self._style(name)) for name, title in self.tabs))
        return titles if self.size.height < 2 else Content("\n").join((titles, self._rule()))

    def _style(self, name: str) -> str:
        if name != self.active:
            plain = "dim" if self.app.native_ansi_color else "$foreground 75%"
            return "$foreground" if name == self.hover else plain
        if self.has_focus:
            return "$block-cursor-foreground on $block-cursor-background bold"
        return "bold" if self.app.native_ansi_color else "$foreground"

    def _rule(self) -> Content:
        start, after = self.span(self.active)
        start, after, width = start + 1, after - 1, self.size.width
        weak = "$foreground 30%" if self.has_focus else "$foreground 10%"
        left = "━" * (start - 1) + "╸"
        right = "╺" + "━" * (width - after - 1) if width > after else ""
        return Content.assemble((left, weak), ("━" * (after - start), "$block-cursor-background"), (right, weak))

    def _at(self, x: int) -> str:
        return next((name for name, _ in self.tabs if self.span(name)[0] <= x < self.span(name)[1]), "")

    def on_click(self, event: events.Click) -> None:
        """Turn to the tab under the pointer."""
        if name := self._at(event.x):
            self.active = name

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show what a click would turn to."""
        self.hover = self._at(event.x)

    def on_leave(self) -> None:
        """Nothing is under the pointer."""
        self.hover = ""
