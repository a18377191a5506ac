"""The plot widget. Import this module in a worker: the plotting library takes a tenth of a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.text import Text
from textual.app import RenderResult
from textual_plotext import PlotextPlot

SMALLEST = (24, 6)
"""Columns and rows below which a plot says nothing."""


class Plot(PlotextPlot):  # type: ignore[misc]  # its package has no types
    """A plot that never ends the application, however small the window."""

    sentence = ""
    """What to say instead of drawing."""
    paint: Callable[[Any], None] | None = None
    """Puts everything onto an empty figure: plotext spoils figures with logarithmic axes in building them, so each is
    built once, and painted anew for another size or theme."""
    _built: tuple[Any, RenderResult] | None = None

    def outdated(self) -> None:
        """Something else is to be painted."""
        self._built = None
        self.refresh()

    def render(self) -> RenderResult:
        """The plot, or a sentence where there is nothing to draw or no room for it."""
        if self.sentence:
            return Text(self.sentence, style="dim")
        if self.size.width < SMALLEST[0] or self.size.height < SMALLEST[1]:
            return Text("no room for a plot; z gives the table, or widen the window", style="dim")
        # The terminal's own colours: plotext would paint the theme's placeholders black.
        self.set_reactive(PlotextPlot.theme, "clear" if self.app.native_ansi_color else "auto")
        conditions = self.size, self.app.theme, self.app.native_ansi_color
        if self._built is None or self._built[0] != conditions:
            self._built = conditions, self._build()
        return self._built[1]

    def _build(self) -> RenderResult:
        try:
            self.plt.clear_figure()
            if self.paint is not None:
                self.paint(self.plt)
            drawn: RenderResult = super().render()
            return drawn
        except (IndexError, ValueError, ZeroDivisionError):
            return Text("this window is too small for the plot", style="dim")
