"""The keys that work here, on the last line; one widget, where Textual's footer mounts one per key at every focus."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

ENDS = ("help", "command_palette")
"""Actions at the right end."""


class KeyBar(Widget):
    """Keys and what they do; a click presses one."""

    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: 1; background: $footer-background; color: $footer-foreground; }
    """
    hover: reactive[int] = reactive(-1)
    """Column under the pointer."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[str, tuple[str, str, str]] = {}
        """By action: the key, how it is shown, and what it does."""
        self._spans: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        typing = isinstance(screen.focused, Input)
        found: dict[str, tuple[str, str, str]] = {}
        for key, active in screen.active_bindings.items():
            binding = active.binding
            shown = self.app.get_key_display(binding)
            if typing and len(shown) == 1 and shown.isascii():
                continue  # it would only be typed
            if (binding.show and active.enabled and not binding.system) or binding.action in ENDS:
                found.setdefault(binding.action, (key, shown, binding.description))
        if list(found.items()) != list(self._keys.items()):
            self._keys = found
            self.refresh()

    def render(self) -> Content:
        """As many keys as there is room for; help and the palette, which lead to all others, stay at the end."""
        ends = [entry for action in ENDS if (entry := self._keys.get(action)) is not None]
        room = self.size.width - sum(map(_width, ends)) + bool(ends)
        at, spans = 1, []
        parts: list[str | Content] = [" "]
        for entry in (*(entry for action, entry in self._keys.items() if action not in ENDS), *ends):
            if entry in ends[:1]:
                gap = max(0, room - at)
                parts.append(" " * gap)
                at += gap
            elif entry not in ends and at + _width(entry) > room:
                continue
            spans.append((at, at + _width(entry) - 2, entry[0]))
            parts.append(self._entry(entry, at <= self.hover < at + _width(entry) - 2))
            at += _width(entry)
        self._spans = spans
        return Content.assemble(*parts)

    def _entry(self, entry: tuple[str, str, str], hover: bool) -> Content:
        _, key, description = entry
        return Content.assemble(
            (key, "bold $footer-key-foreground"), (f" {description}", "underline" if hover else ""), "  "
        )  # fmt: skip

    def on_click(self, event: events.Click) -> None:
        """Press the key under the pointer."""
        for start, end, key in self._spans:
            if start <= event.x < end:
                self.app.simulate_key(key)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show what a click would press."""
        self.hover = event.x

    def on_leave(self) -> None:
        """Nothing is under the pointer."""
        self.hover = -1


def _width(entry: tuple[str, str, str]) -> int:
    return cell_len(entry[1]) + 1 + cell_len(entry[2]) + 2
