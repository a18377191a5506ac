"""Every model that keeps the promises as a point of quality over cost, front and selection marked and named."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from advisor.report import percent_text, seconds_text, usd_text
from tui.widgets.plot_place import PlotPlace, marks, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from advisor.ranking.rows import Point

LEGEND = "● unbeaten  · others  ◆ selected"
AXES = (9, 4)
"""Columns and rows of a plot that its axes take, roughly."""
VIEWS: tuple[tuple[str, Callable[[Point], float | None], Callable[[float], str]], ...] = (
    ("cost of 1,000 requests", lambda p: p.usd_per_thousand_requests, usd_text),
    ("time of a whole answer", lambda p: p.latency_s, seconds_text),
)


class FrontPane(PlotPlace):
    """The picture of the trade."""

    ALLOW_MAXIMIZE = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(views=True, id=id)
        self._points: Sequence[Point] = ()
        self._selected = ""
        self._view = 0

    def show_points(self, points: Sequence[Point], selected: str) -> None:
        """Show points, one of them selected."""
        if points is not self._points or selected != self._selected:
            self._points, self._selected = points, selected
            self._show()

    def action_next(self) -> None:
        """Cost or time along the bottom."""
        self._view = (self._view + 1) % len(VIEWS)
        self._show()

    def _show(self) -> None:
        title, value, text = VIEWS[self._view]
        known = [Dot(p, x, p.quality) for p in self._points if p.quality is not None and (x := value(p))]
        self._entitle(title)
        draw = partial(_draw, known, self._selected, text) if known else None
        self.show(draw, "no model has both a quality and this")

    def _entitle(self, title: str) -> None:
        """What is drawn and what the signs mean; a small window has no lower border to say it on."""
        short = self.screen.has_class("-short")
        self.border_title = f"Quality over {title} \\[v]{f'  [dim]{LEGEND}[/]' if short else ''}"
        self.border_subtitle = LEGEND

    def on_resize(self) -> None:
        """Another room for the legend."""
        self._entitle(VIEWS[self._view][0])
        super().on_resize()


class Dot(NamedTuple):
    """A model in the picture."""

    point: Point
    x: float
    quality: float


def _draw(dots: Sequence[Dot], selected: str, text: Callable[[float], str], plt: Any, place: PlotPlace) -> None:
    plt.xscale("log")
    chosen = [dot for dot in dots if dot.point.model == selected]
    others = [dot for dot in dots if dot.point.model != selected]
    groups = (
        ("·", "foreground", [dot for dot in others if not dot.point.on_front]),
        ("●", "success", [dot for dot in others if dot.point.on_front]),
        ("◆", "warning", chosen),
    )
    for marker, colour, group in groups:
        if group:
            plt.scatter([dot.x for dot in group], [dot.quality for dot in group], marker=marker,
                        color=place.colour(colour))  # fmt: skip
    costs, qualities = [dot.x for dot in dots], [dot.quality for dot in dots]
    along = marks(min(costs), max(costs))
    plt.xticks(along, [text(mark) for mark in along])
    ticks = steps(min(qualities), max(qualities))
    plt.yticks(ticks, [percent_text(tick) for tick in ticks])
    width, height = place.size.width - AXES[0], place.size.height - AXES[1]
    for dot, right in _named([*chosen, *groups[1][2]], dots, width, height, must=len(chosen)):
        sign, colour = ("◆", "warning") if dot.point.model == selected else ("●", "success")
        name = dot.point.model
        plt.text(f"{sign} {name}" if right else f"{name} {sign}", dot.x, dot.quality, color=place.colour(colour),
                 background=place.colour("surface"), alignment="left" if right else "right")  # fmt: skip


def _named(
    wanted: Sequence[Dot], dots: Sequence[Dot], width: int, height: int, *, must: int = 0
) -> list[tuple[Dot, bool]]:
    """Which dots there is room to name, and whether at their right: the first ones first, ``must`` of them anyway."""
    low, high = math.log(min(dot.x for dot in dots)), math.log(max(dot.x for dot in dots))
    least, most = min(dot.quality for dot in dots), max(dot.quality for dot in dots)

    def cell(dot: Dot) -> tuple[int, int]:
        along = (math.log(dot.x) - low) / ((high - low) or 1.0)
        up = (dot.quality - least) / ((most - least) or 1.0)
        return round(along * width), round(up * height)

    taken = {cell(dot) for dot in dots}
    found = []
    for place, dot in enumerate(wanted):
        column, row = cell(dot)
        size = len(dot.point.model) + 3
        for right in (False, True) if column > width / 2 else (True, False):
            start = column + 1 if right else column - size
            room = {(at, row) for at in range(start, start + size)}
            free = place < must or not room & taken
            if free and start >= 0 and start + size <= width + 1:
                taken |= room
                found.append((dot, right))
                break
    return found
