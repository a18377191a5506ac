"""The keys that work here, on the last line; one widget, where Textual's footer mounts one per key at every focus."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input


class KeyBar(Widget):
    """Keys and what they do; a click presses one."""

    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: 1; background: $footer-background; color: $footer-foreground; }
    """
    hover: reactive[int] = reactive(-1)
    """Column under the pointer."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[tuple[str, str, str]] = []
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
            last = key == self.app.COMMAND_PALETTE_BINDING
            if (binding.show and active.enabled and not binding.system) or last:
                found.setdefault(binding.action, (key, shown, binding.description))
        if (keys := list(found.values())) != self._keys:
            self._keys = keys
            self.refresh()

    def render(self) -> Content:
        """As many keys as there is room for; the palette's comes last and stays."""
        palette = self.app.COMMAND_PALETTE_BINDING
        shown = sorted(self._keys, key=lambda entry: entry[0] == palette)
        room, at = self.size.width, 1
        last = shown[-1] if shown and shown[-1][0] == palette else None
        room -= _width(last) if last else 0
        parts: list[str | Content] = [" "]
        spans = []
        for entry in shown:
            if entry is last:
                gap = max(0, self.size.width - at - _width(entry) - 1)
                parts.append(" " * gap)
                at += gap
            elif at + _width(entry) > room:
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
