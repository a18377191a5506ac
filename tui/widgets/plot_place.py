"""A place for a plot: the plotting library is imported off the event loop, when the place is first looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.message import Message

from tui.colours import colour

MARKS = 6
FEWEST = 3
ROUNDED = 1.0001
"""How far a power may lie outside and still be marked: an axis that ends at 128k has its mark there."""
Draw = Callable[[Any, "PlotPlace"], None]
"""Draws on plotext's ``plt``; colours come from ``PlotPlace.colour``."""


class PlotPlace(Container, can_focus=True):
    """A bordered plot; Enter or a click asks for the next view."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "next", "Next plot", id="plot.next")]

    class Ready(Message):
        """The plotting library is imported."""

    class Next(Message):
        """The next view was asked for."""

        def __init__(self, place: PlotPlace) -> None:
            super().__init__()
            self.place = place

        @property
        def control(self) -> PlotPlace:
            """The plot, for selectors."""
            return self.place

    def __init__(self, *, views: bool = False, id: str | None = None) -> None:
        """Set up a place.

        Args:
            views: Whether there is more than one view.
            id: The widget's id.
        """
        super().__init__(id=id)
        self._views = views
        self._draw: Draw | None = None
        self._sentence = ""
        self._asked = False
        self.plot: Any = None
        """The plot, once its library is there."""

    def on_mount(self) -> None:
        """Follow the theme."""
        self.watch(self.app, "theme", self._theme_changed, init=False)

    def _theme_changed(self, theme: str) -> None:
        self.call_after_refresh(self.draw)

    def on_show(self) -> None:
        """Import the plotting library when the place is first looked at; draw what came while nobody looked."""
        if not self._asked:
            self._asked = True
            self.import_plot()
        self.draw()

    def on_resize(self) -> None:
        """A place that was hidden meanwhile is drawn anew."""
        self.draw()

    @work(thread=True, exit_on_error=False)
    def import_plot(self) -> None:
        """Import off the event loop: it takes a tenth of a second."""
        import tui.widgets.plot  # noqa: F401

        self.post_message(self.Ready())

    @on(Ready)
    async def _ready(self) -> None:
        from tui.widgets.plot import Plot

        self.plot = Plot()
        if self._views:
            self.plot.tooltip = Content("a click shows the next plot")
        await self.mount(self.plot)
        self.draw()

    def show(self, draw: Draw | None, sentence: str = "") -> None:
        """Draw something else, at once or when it is looked at; ``None`` leaves the place to the sentence."""
        self._draw, self._sentence = draw, sentence
        self.draw()

    def draw(self) -> None:
        """Draw anew, for instance in other colours."""
        if self.plot is None or not self.is_attached or not self.is_on_screen:
            return
        draw = self._draw
        self.plot.sentence = "" if draw else self._sentence
        self.plot.paint = None if draw is None else lambda plt: draw(plt, self)
        self.plot.outdated()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There may be no next plot."""
        return action != "next" or self._views

    def action_next(self) -> None:
        """Ask for the next view."""
        self.post_message(self.Next(self))

    def on_click(self) -> None:
        """A click asks for the next view."""
        if self._views:
            self.action_next()

    def colour(self, name: str) -> Any:
        """A colour of the theme for plotext."""
        return colour(self.app, name)


def powers(low: float, high: float, base: int = 10, most: int = MARKS) -> list[float]:
    """Powers of the base between two values, few enough to be read."""
    power, found = 1.0, []
    while power > low:
        power /= base
    while power <= high * ROUNDED:
        if power >= low / ROUNDED:
            found.append(power)
        power *= base
    return found[:: max(1, -(-len(found) // most))]


def marks(low: float, high: float, most: int = MARKS) -> list[float]:
    """Round values for a logarithmic axis: powers of ten, with 2 and 5 times them, or 1 to 9, where powers are few."""
    for between in ((1,), (1, 2, 5), tuple(range(1, 10))):
        found = [m * power for power in powers(low / 10, high) for m in between]
        found = [mark for mark in found if low / ROUNDED <= mark <= high * ROUNDED]
        if len(found) >= FEWEST:
            return found[:: max(1, -(-len(found) // most))]
    return found or [low]


def steps(low: float, high: float, most: int = MARKS) -> list[float]:
    """Round values between two values, for a linear axis."""
    span = high - low
    if span <= 0:
        return [low]
    step = 10.0**12
    for power in range(-6, 13):
        step = next((m * 10.0**power for m in (1, 2, 5) if span / (m * 10.0**power) <= most), 0.0)
        if step:
            break
    first = -(-low // step)
    return [step * (first + k) for k in range(int((high - first * step) // step) + 1)]
