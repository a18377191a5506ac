"""Every model that keeps the promises as a point of quality over cost, the front marked, the selection named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message

from advisor.report import percent_text, seconds_text, usd_text
from tui.colours import colour

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from advisor.ranking.rows import Point

VIEWS: tuple[tuple[str, Callable[[Point], float | None], Callable[[float], str]], ...] = (
    ("cost of 1,000 requests", lambda p: p.usd_per_thousand_requests, usd_text),
    ("time of a whole answer", lambda p: p.latency_s, seconds_text),
)


class FrontPane(Container):
    """The picture of the trade."""

    can_focus = True
    ALLOW_MAXIMIZE = True

    class PlotReady(Message):
        """The plotting library is imported."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plot: Any = None
        self._points: Sequence[Point] = ()
        self._selected = ""
        self._view = 0
        self._asked = False

    def compose(self) -> ComposeResult:
        """The plot comes once it is looked at."""
        yield from ()

    def on_show(self) -> None:
        """Import the plotting library when the pane is first looked at."""
        if not self._asked:
            self._asked = True
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
        self._plot.tooltip = Content("a click: cost or time")
        await self.mount(self._plot)
        self._draw()

    def show(self, points: Sequence[Point], selected: str) -> None:
        """Show points, one of them selected."""
        if points is not self._points or selected != self._selected:
            self._points, self._selected = points, selected
            self._draw()

    def next_view(self) -> None:
        """Cost or time along the bottom."""
        self._view = (self._view + 1) % len(VIEWS)
        self._draw()

    def on_click(self) -> None:
        """A click changes what runs along the bottom."""
        self.next_view()

    def _draw(self) -> None:
        from math import log10

        title, value, text = VIEWS[self._view]
        known = [(p, x) for p in self._points if p.quality is not None and (x := value(p)) is not None and x > 0]
        self.border_title = f"Quality over {title}"
        self.border_subtitle = "● no other beats it  · others  ◆ selected"
        if self._plot is None:
            return
        plt = self._plot.plt
        plt.clear_figure()
        if not known:
            plt.title("no model with both a quality and a price")
            self._plot.refresh()
            return
        groups = (
            ("·", "foreground", [(p, x) for p, x in known if not p.on_front and p.model != self._selected]),
            ("●", "success", [(p, x) for p, x in known if p.on_front and p.model != self._selected]),
            ("◆", "warning", [(p, x) for p, x in known if p.model == self._selected]),
        )
        for marker, name, group in groups:
            if group:
                xs, ys = [log10(x) for _, x in group], [100 * (p.quality or 0) for p, _ in group]
                plt.scatter(xs, ys, marker=marker, color=colour(self.app, name))
        low, high = (log10(f(x for _, x in known)) for f in (min, max))
        room = max(0.05, 0.04 * (high - low))
        plt.xlim(low - room, high + room)
        marks = [low + (high - low) * k / 4 for k in range(5)] if high > low else [low]
        plt.xticks(marks, [text(10**mark) for mark in marks])
        tops = [100 * (p.quality or 0) for p, _ in known]
        bottom, top = 10 * int(min(tops) // 10), 10 * int(-(-max(tops) // 10))
        plt.ylim(bottom, max(top, bottom + 10))
        ticks = range(bottom, max(top, bottom + 10) + 1, 10 if top - bottom <= 60 else 20)
        plt.yticks(list(ticks), [percent_text(tick / 100) for tick in ticks])
        span = 0.1 * (max(top, bottom + 10) - bottom)
        for p, x in known:
            if p.model == self._selected:
                right = log10(x) > (low + high) / 2
                above = (
                    100 * (p.quality or 0) + (-1 if p.quality == max(q.quality or 0 for q, _ in known) else 1) * span
                )
                plt.text(f" {p.model} ", log10(x), above, color=colour(self.app, "warning"),
                         background=colour(self.app, "surface"), alignment="right" if right else "left")  # fmt: skip
        self._plot.refresh()
