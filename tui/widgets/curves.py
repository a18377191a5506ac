"""Growth with context of two models, on two logarithmic axes; each line is named where it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from advisor.report import bytes_text, flops_text, seconds_text, tokens_text

if TYPE_CHECKING:
    from advisor.scaling import Curve

ANSI = {"primary": "blue", "error": "red", "surface": "default"}
NAMES = ("base", "design")
COLOURS = ("primary", "error")
LABELS = (0.35, 0.75)
"""Where along its line each model is named: apart from each other, and readable without colours."""
MARKS = 6


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


class Curves(Container, can_focus=True):
    """One quantity of the models, another at a click or by the page's key."""

    view: reactive[int] = reactive(0, init=False)

    class PlotReady(Message):
        """The plotting library is imported."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.curves: tuple[Curve, ...] = ()
        self._plot: Any = None
        self._asked_for_plot = False

    def compose(self) -> ComposeResult:
        """A sentence where there is nothing to plot."""
        yield Static(classes="nothing")

    def on_show(self) -> None:
        """Import the plotting library when the pane is first looked at."""
        if not self._asked_for_plot:
            self._asked_for_plot = True
            self.import_plot()

    @work(thread=True, exit_on_error=False)
    def import_plot(self) -> None:
        """Import off the event loop: it takes a tenth of a second."""
        import tui.widgets.plot  # noqa: F401

        self.post_message(self.PlotReady())

    @on(PlotReady)
    async def _plot_ready(self) -> None:
        from tui.widgets.plot import Plot

        self._plot = Plot()
        self._plot.tooltip = Content("v or a click shows another quantity")
        await self.mount(self._plot)
        self._draw()

    def show(self, curves: Sequence[Curve], sentence: str = "") -> None:
        """Plot these, or say why there is nothing to plot."""
        self.curves = tuple(curves)
        nothing = self.query_one(".nothing", Static)
        nothing.update(Content(sentence))
        nothing.display = not curves
        self._draw()

    @property
    def shown(self) -> View:
        """The quantity in view, of those that these models have."""
        return self._views[self.view % len(self._views)]

    @property
    def _views(self) -> tuple[View, ...]:
        found = tuple(view for view in VIEWS if any(self._known(curve, view) for curve in self.curves))
        return found or VIEWS[:1]

    def _known(self, curve: Curve, view: View) -> list[tuple[int, float]]:
        return [(p.context, y) for p in curve.points if isfinite(y := getattr(p, view.field)) and y > 0]

    def watch_view(self) -> None:
        """Another quantity."""
        self._draw()

    def next_view(self) -> None:
        """Show the next quantity."""
        self.view = (self.view + 1) % len(self._views)

    def on_click(self, event: events.Click) -> None:
        """A click on the plot shows the next quantity."""
        if self._plot is not None and event.widget is self._plot:
            self.next_view()

    def notify_style_update(self) -> None:
        """Colours changed, for instance with the theme."""
        super().notify_style_update()
        if self._plot is not None:
            self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        view = self.shown
        named = zip(self.curves, NAMES, COLOURS, strict=False)
        keys = "  ".join(f"[${colour}]━━[/] {name}" for _, name, colour in named)
        values = [[y for _, y in self._known(curve, view)] for curve in self.curves]
        same = len(values) > 1 and all(line == values[0] for line in values)
        self.border_title = f"{view.title} over context  {keys}{'  (the same)' if same else ''}"
        others = ", ".join(other.title for other in self._views if other is not view)
        self.border_subtitle = f"\\[v] {others}" if others else ""
        if self._plot is None:
            return
        self._plot.display = bool(self.curves)
        if not self.curves:
            return
        plt = self._plot.plt
        plt.clear_figure()
        plt.xscale("log")
        plt.yscale("log")
        drawn: list[float] = []
        for curve, name, colour, share in zip(self.curves, NAMES, COLOURS, LABELS, strict=False):
            if known := self._known(curve, view):
                xs, ys = zip(*known, strict=True)
                plt.plot(xs, ys, marker="braille", color=self._colour(colour))
                mark = round(share * (len(xs) - 1))
                plt.text(
                    name, xs[mark], ys[mark], color=self._colour(colour), background=self._colour("surface"),
                    alignment="center",
                )  # fmt: skip
                drawn += ys
        if drawn:
            lengths = [p.context for p in self.curves[0].points if p.context & (p.context - 1) == 0]
            lengths = lengths[:: max(1, -(-len(lengths) // 6))]
            plt.xticks(lengths, [tokens_text(length) for length in lengths])
            marks = powers(min(drawn), max(drawn), view.base)
            plt.yticks(marks, [view.text(mark) for mark in marks])
        self._plot.refresh()

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


def powers(low: float, high: float, base: int) -> list[float]:
    """Powers of the base between two values, few enough to be read; the lower value where there are none."""
    power, found = 1.0, []
    while power > low:
        power /= base
    while power <= high:
        if power >= low:
            found.append(power)
        power *= base
    return found[:: max(1, -(-len(found) // MARKS))] or [low]
