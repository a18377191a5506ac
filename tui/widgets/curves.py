"""Growth with context of two models: one quantity at a time, another at a click or by the page's key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from textual.content import Content

from advisor.report import bytes_text, flops_text, seconds_text
from tui.widgets.log_plot import Line, LogPlot, Picture, legend

if TYPE_CHECKING:
    from advisor.scaling import Curve

NAMES = ("base", "design")


@dataclass(frozen=True)
class View:
    """What is plotted."""

    title: str
    field: str
    """Of a ``Point``."""
    text: Callable[[float], str]
    base: int = 10
    """Marks on the upright axis stand at powers of it."""


VIEWS = (
    View("cache", "cache_bytes", bytes_text, 4),
    View("FLOPs", "flops", flops_text),
    View("prefill", "prefill_s", seconds_text),
    View("decode step", "decode_s", seconds_text),
    View("memory", "memory_bytes", bytes_text, 4),
)


class Curves(LogPlot, can_focus=True):
    """One quantity of the models."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(views=True, id=id)
        self.curves: tuple[Curve, ...] = ()
        self._refusal = ""
        self._view = 0

    def compare(self, curves: Sequence[Curve], sentence: str = "") -> None:
        """Plot these, or say why there is nothing to plot."""
        self.curves, self._refusal = tuple(curves), sentence
        self._picture_anew()

    @property
    def shown(self) -> View:
        """The quantity in view, of those that these models have."""
        return self._quantities[self._view % len(self._quantities)]

    @property
    def _quantities(self) -> tuple[View, ...]:
        found = tuple(view for view in VIEWS if any(_known(curve, view) for curve in self.curves))
        return found or VIEWS[:1]

    def action_next(self) -> None:
        """Show the next quantity."""
        self._view = (self._view + 1) % len(self._quantities)
        self._picture_anew()

    def _picture_anew(self) -> None:
        view = self.shown
        lines = [Line(name, _known(curve, view)) for curve, name in zip(self.curves, NAMES, strict=False)]
        same = len(lines) > 1 and all([y for _, y in line.points] == [y for _, y in lines[0].points] for line in lines)
        names = legend([line.label for line in lines])
        self.border_title = Content.assemble(f"{view.title} over context  ", names, "  (the same)" if same else "")
        others = ", ".join(other.title for other in self._quantities if other is not view)
        self.border_subtitle = f"\\[v] {others}" if others else ""
        self.show_picture(Picture(tuple(lines), view.text, view.base, (), self._refusal))


def _known(curve: Curve, view: View) -> tuple[tuple[float, float], ...]:
    return tuple((p.context, y) for p in curve.points if isfinite(y := getattr(p, view.field)) and y > 0)
