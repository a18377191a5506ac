"""Every model that keeps the promises as a point of quality over cost, the front marked, the selection named."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from advisor.report import percent_text, seconds_text, usd_text
from tui.widgets.plot_place import PlotPlace, marks, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from advisor.ranking.rows import Point

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
        self.border_title = f"Quality over {title}"
        self.border_subtitle = "● no other beats it  · others  ◆ selected"
        draw = partial(_draw, known, self._selected, text) if known else None
        self.show(draw, "no model has both a quality and this")


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
    for dot in chosen:
        right = sum(other.x < dot.x for other in dots) > len(dots) / 2
        plt.text(f"{selected} ◆" if right else f"◆ {selected}", dot.x, dot.quality, color=place.colour("warning"),
                 background=place.colour("surface"), alignment="right" if right else "left")  # fmt: skip
