"""A scrolling widget that draws its own lines and whose length changes without laying the whole screen out."""

from __future__ import annotations

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.widget import Widget


class LineView(ScrollView, can_focus=True, inherit_bindings=False):
    """Base of widgets with a ``render_line``."""

    DEFAULT_CSS = """
    LineView { overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    def set_length(self, lines: int) -> None:
        """Say how many lines there are.

        Setting ``virtual_size`` costs a layout of the screen, 40 ms or more on two shared cores. This is what Textual
        itself does where it knows that no layout is needed; the scrollbar's coming or going still causes one.
        """
        size = Size(0, lines)
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
