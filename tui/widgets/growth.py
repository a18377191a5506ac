"""Growth with context: one sentence, a plot on two logarithmic axes, and a table with the same numbers."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from advisor.report import bytes_text, flops_text, seconds_text, tokens_text
from tui.cells import GROWTH
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from advisor.scaling import Curve


@dataclass(frozen=True)
class View:
    """What the plot shows of a curve."""

    title: str
    series: tuple[tuple[str, str, str], ...]
    """Label, field of ``Point``, colour (a variable of the theme)."""
    text: Callable[[float], str]
    base: int = 10
    """Marks on the upright axis stand at powers of it."""


VIEWS = (
    View("FLOPs", (("all", "flops", "primary"), ("linear part", "linear_flops", "success"),
                   ("attention", "attention_flops", "error")), flops_text),
    View("memory", (("with weights", "memory_bytes", "primary"), ("cache + state", "cache_bytes", "error")),
         bytes_text, 4),
    View("time", (("prefill", "prefill_s", "primary"), ("decode step", "decode_s", "error")), seconds_text),
)  # fmt: skip
MARKS = 6
ANSI = {"primary": "blue", "success": "green", "error": "red", "foreground": "default", "surface": "default"}
LABELS = (1.0, 0.6, 0.3)
"""Where along its line each series is named: apart from the others, and readable without colours."""


@dataclass(frozen=True)
class Growth:
    """A model's growth, finely for the plot and by doublings for the table."""

    fine: Curve
    coarse: Curve
    advertised: int | None
    """The context length that the publisher names."""


class GrowthPane(Vertical):
    """Sentence, plot, table."""

    view: reactive[int] = reactive(0, init=False)

    class PlotReady(Message):
        """The plotting library is imported."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.growth: Growth | None = None
        self._plot: Any = None
        self._asked_for_plot = False

    def compose(self) -> ComposeResult:
        """Sentence, a place for the plot, table."""
        yield Static(id="no-growth")
        yield Container(id="plot")
        yield RowTable(GROWTH, lambda p: str(p.context), id="points")

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
        self._plot.tooltip = Content("v or a click: FLOPs, memory, time")
        await self.query_one("#plot").mount(self._plot)
        self._draw()

    def show(self, growth: Growth | None, sentence: str = "") -> None:
        """Show a model's growth, or say why there is none."""
        self.growth = growth
        refusal, table = self.query_one("#no-growth", Static), self.query_one("#points", RowTable)
        if growth is None:
            refusal.update(Content(sentence))
        refusal.display = growth is None
        self.query_one("#plot").display = table.display = growth is not None
        table.border_title = self._sentence()
        advertised = growth.advertised if growth else None
        table.border_subtitle = f"advertised context {tokens_text(advertised)}" if advertised else ""
        table.show_rows(growth.coarse.points if growth else ())
        self._draw()

    def _sentence(self) -> str:
        if self.growth is None:
            return ""
        at = self.growth.coarse.overtakes_at
        if at is None:
            return "Attention never overtakes the rest: FLOPs grow linearly"
        return f"Attention overtakes everything else at {at:,} tokens"

    def watch_view(self) -> None:
        """Another quantity."""
        self._draw()

    def action_next_view(self) -> None:
        """Show the next quantity."""
        self.view = (self.view + 1) % len(VIEWS)

    def on_click(self, event: Any) -> None:
        """A click on the plot shows the next quantity."""
        if self._plot is not None and event.widget is self._plot:
            self.action_next_view()

    def _draw(self) -> None:
        place = self.query_one("#plot")
        view = VIEWS[self.view]
        keys = "  ".join(f"[${colour}]━━[/] {label}" for label, _, colour in view.series)
        place.border_title = f"{view.title} over context  {keys}"
        place.border_subtitle = "\\[v] " + ", ".join(other.title for other in VIEWS if other is not view)
        if self._plot is None or self.growth is None:
            return
        plt = self._plot.plt
        plt.clear_figure()
        plt.xscale("log")
        plt.yscale("log")
        drawn: list[float] = []
        points = self.growth.fine.points
        back = self._colour("surface")
        for (label, field, colour), share in zip(view.series, LABELS, strict=False):
            known = [(p.context, y) for p in points if isfinite(y := getattr(p, field)) and y > 0]
            if known:
                xs, ys = zip(*known, strict=True)
                plt.plot(xs, ys, marker="braille", color=self._colour(colour))
                mark = round(share * (len(xs) - 1))
                side = "right" if share == 1 else "center"
                plt.text(label, xs[mark], ys[mark], color=self._colour(colour), background=back, alignment=side)
                drawn += ys
        if not drawn:
            self._plot.refresh()
            return
        first, last = points[0].context, points[-1].context
        lengths = [p.context for p in self.growth.coarse.points]
        lengths = lengths[:: max(1, -(-len(lengths) // 7))]
        plt.xticks(lengths, [tokens_text(length) for length in lengths])
        marks = _powers(min(drawn), max(drawn), view.base)
        plt.yticks(marks, [view.text(mark) for mark in marks])
        at = self.growth.coarse.overtakes_at
        if view is VIEWS[0] and at is not None and first < at < last:
            plt.vline(at, self._colour("foreground"))
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


def _powers(low: float, high: float, base: int) -> list[float]:
    """Powers of the base between two values, few enough to be read."""
    power, found = 1.0, []
    while power > low:
        power /= base
    while power <= high:
        if power >= low:
            found.append(power)
        power *= base
    return found[:: max(1, -(-len(found) // MARKS))]
