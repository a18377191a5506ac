"""Curves on two logarithmic axes, each named beside its line, with lengths and limits marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from typing import Any

from textual.content import Content

from advisor.report import DISPLAY, tokens_text
from tui.widgets.plot_place import PlotPlace, powers

COLOURS = ("primary", "error", "success", "warning", "accent", "secondary")
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


class LogPlot(PlotPlace, can_focus=False):
    """Curves in a place for a plot."""

    picture: Picture | None = None
    _units = ""
    """In which the picture was drawn."""

    def show_picture(self, picture: Picture) -> None:
        """Draw a picture, at once or when it is looked at; one that is shown already stays as it is."""
        if picture == self.picture and self._units == DISPLAY.units:
            return
        self.picture, self._units = picture, DISPLAY.units
        lines = tuple(Line(line.label, _positive(line.points)) for line in picture.lines)
        lines = tuple(line for line in lines if line.points)
        self.show(partial(_draw, replace(picture, lines=lines)) if lines else None, picture.sentence)


def _positive(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """What has a place on logarithmic axes."""
    return tuple((x, y) for x, y in points if isfinite(y) and y > 0 and x > 0)


def _draw(picture: Picture, plt: Any, place: PlotPlace) -> None:
    plt.xscale("log")
    plt.yscale("log")
    back = place.colour("surface")
    for number, line in enumerate(picture.lines):
        colour = place.colour(COLOURS[number % len(COLOURS)])
        xs, ys = zip(*line.points, strict=True)
        plt.plot(xs, ys, marker="braille", color=colour)
        along = LABELS[number % len(LABELS)]
        at = round(along * (len(xs) - 1))
        side = "right" if along == 1 else "center"
        plt.text(line.label, xs[at], ys[at], color=colour, background=back, alignment=side)
    xs_all = sorted({x for line in picture.lines for x, _ in line.points})
    ys_all = [y for line in picture.lines for _, y in line.points]
    low, high = min(ys_all), max(ys_all)
    _draw_marks(plt, place, picture.marks, (xs_all[0], xs_all[-1]), (low, high))
    doublings = powers(xs_all[0], xs_all[-1], 2, 7)
    plt.xticks(doublings, [tokens_text(round(x)) for x in doublings])
    marks = powers(low, high, picture.base) or [low]
    plt.yticks(marks, [picture.text(mark) for mark in marks])


def _draw_marks(
    plt: Any, place: PlotPlace, marks: Sequence[Mark], xs: tuple[float, float], ys: tuple[float, float]
) -> None:
    ink, back = place.colour("foreground"), place.colour("surface")
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


def legend(labels: Sequence[str]) -> Content:
    """Names of curves after a piece of their line."""
    pieces: list[Any] = []
    for number, label in enumerate(labels):
        pieces += ["  " if number else "", ("━━", f"${COLOURS[number % len(COLOURS)]}"), f" {label}"]
    return Content.assemble(*pieces)
