"""Curves on two logarithmic axes, each named beside its line, with lengths and limits marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from textual import work
from textual.containers import Container
from textual.content import Content
from textual.message import Message

from advisor.report import tokens_text

MARKS = 6
COLOURS = ("primary", "error", "success", "warning", "accent", "secondary")
ANSI = {
    "primary": "blue", "success": "green", "error": "red", "warning": "yellow", "accent": "magenta",
    "secondary": "cyan", "foreground": "default", "surface": "default",
}  # fmt: skip
LABELS = (1.0, 0.62, 0.32, 0.8, 0.47, 0.15)
"""Where along its line each series is named: apart from the others, and readable without colours."""


@dataclass(frozen=True)
class Line:
    """One curve."""

    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Mark:
    """A length, or a limit on the upright axis, with its name; a crossing has both."""

    label: str
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True)
class Picture:
    """What is to be drawn."""

    lines: tuple[Line, ...]
    text: Callable[[float], str]
    """How values are written."""
    base: int = 10
    """Marks on the upright axis stand at powers of it."""
    marks: tuple[Mark, ...] = ()
    sentence: str = ""
    """Shown instead where there is nothing to draw."""


class LogPlot(Container):
    """A plot that imports its library when it is first looked at."""

    class PlotReady(Message):
        """The plotting library is imported."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picture: Picture | None = None
        self._drawn: Picture | None = None
        self._plot: Any = None
        self._asked_for_plot = False

    def on_show(self) -> None:
        """Import the plotting library, or draw what came while nobody looked."""
        if not self._asked_for_plot:
            self._asked_for_plot = True
            self.import_plot()
        self.redraw()

    def on_resize(self) -> None:
        """A plot that was hidden meanwhile is drawn anew."""
        self.redraw()

    @work(thread=True, exit_on_error=False)
    def import_plot(self) -> None:
        """Import off the event loop: it takes a tenth of a second."""
        import tui.widgets.plot  # noqa: F401

        self.post_message(self.PlotReady())

    async def on_log_plot_plot_ready(self) -> None:
        """Put the plot in place."""
        from tui.widgets.plot import Plot

        self._plot = Plot()
        await self.mount(self._plot)
        self._draw()

    def show(self, picture: Picture) -> None:
        """Draw a picture, at once or when it is looked at."""
        self._picture = picture
        self._draw()

    def redraw(self) -> None:
        """Draw again, for instance in other colours."""
        self._drawn = None
        self._draw()

    def _draw(self) -> None:
        picture = self._picture
        if self._plot is None or picture is None or picture is self._drawn or not self.is_on_screen:
            return
        self._drawn = picture
        plt = self._plot.plt
        plt.clear_figure()
        lines = [
            (line.label, [(x, y) for x, y in line.points if isfinite(y) and y > 0 and x > 0]) for line in picture.lines
        ]
        lines = [(label, points) for label, points in lines if points]
        self._plot.sentence = "" if lines else picture.sentence
        if not lines:
            self._plot.refresh()
            return
        plt.xscale("log")
        plt.yscale("log")
        back = self._colour("surface")
        for number, (label, points) in enumerate(lines):
            colour = self._colour(COLOURS[number % len(COLOURS)])
            xs, ys = zip(*points, strict=True)
            plt.plot(xs, ys, marker="braille", color=colour)
            place = LABELS[number % len(LABELS)]
            at = round(place * (len(xs) - 1))
            side = "right" if place == 1 else "center"
            plt.text(label, xs[at], ys[at], color=colour, background=back, alignment=side)
        xs_all = sorted({x for _, points in lines for x, _ in points})
        ys_all = [y for _, points in lines for _, y in points]
        low, high = min(ys_all), max(ys_all)
        self._draw_marks(plt, picture.marks, (xs_all[0], xs_all[-1]), (low, high))
        doublings = _powers(xs_all[0], xs_all[-1], 2, 7)
        plt.xticks(doublings, [tokens_text(round(x)) for x in doublings])
        marks = _powers(low, high, picture.base, MARKS)
        plt.yticks(marks, [picture.text(mark) for mark in marks])
        self._plot.refresh()

    def _draw_marks(self, plt: Any, marks: Sequence[Mark], xs: tuple[float, float], ys: tuple[float, float]) -> None:
        ink, back = self._colour("foreground"), self._colour("surface")
        for number, mark in enumerate(marks):
            if mark.x is not None and not xs[0] < mark.x < xs[1]:
                continue
            if mark.y is not None and not ys[0] <= mark.y <= ys[1]:
                continue
            if mark.x is not None and mark.y is not None:
                right = mark.x > (xs[0] * xs[1]) ** 0.5
                text = f"{mark.label} ◆" if right else f"◆ {mark.label}"
                plt.text(text, mark.x, mark.y, color=ink, background=back, alignment="right" if right else "left")
            elif mark.x is not None:
                plt.vline(mark.x, ink)
                y = ys[0] * (ys[1] / ys[0]) ** (0.04 + 0.07 * number)
                right = mark.x > (xs[0] * xs[1]) ** 0.5
                plt.text(mark.label, mark.x, y, color=ink, background=back, alignment="right" if right else "left")
            elif mark.y is not None:
                plt.hline(mark.y, ink)
                plt.text(mark.label, xs[0], mark.y, color=ink, background=back, alignment="left")

    def _colour(self, name: str) -> Any:
        """A colour of the theme, or of the terminal where the theme leaves colours to it."""
        from textual.color import Color, ColorParseError

        value = self.app.theme_variables.get(name, "")
        if self.app.native_ansi_color or value.startswith("ansi"):
            return ANSI[name]
        try:
            return Color.parse(value).rgb
        except ColorParseError:
            return ANSI[name]


def legend(labels: Sequence[str]) -> Content:
    """Names of curves after a piece of their line."""
    pieces: list[Any] = []
    for number, label in enumerate(labels):
        pieces += ["  " if number else "", ("━━", f"${COLOURS[number % len(COLOURS)]}"), f" {label}"]
    return Content.assemble(*pieces)


def _powers(low: float, high: float, base: int, most: int) -> list[float]:
    """Powers of the base between two values, few enough to be read."""
    power, found = 1.0, []
    while power > low:
        power /= base
    while power <= high * 1.0001:
        if power >= low * 0.9999:
            found.append(power)
        power *= base
    return found[:: max(1, -(-len(found) // most))]
