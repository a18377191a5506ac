"""Plots keep what they show: the plotting library spoils a figure with logarithmic axes when it builds it twice."""

from __future__ import annotations

from typing import Any

from textual.app import App, ComposeResult
from tui_world import settle

from tui.widgets.log_plot import Line, LogPlot, Picture


class Plotted(App[None]):
    """One plot."""

    def compose(self) -> ComposeResult:
        """A plot, and nothing else."""
        yield LogPlot()

    def on_mount(self) -> None:
        """Draw a straight line on logarithmic axes."""
        line = Line("rising", tuple((10.0**k, 10.0**k) for k in range(1, 5)))
        self.query_one(LogPlot).show_picture(Picture((line,), "{:g}".format))


def drawn(plot: Any) -> str:
    return plot.render().plain  # type: ignore[no-any-return]


async def test_a_plot_that_is_drawn_twice_stays_and_one_of_another_size_is_drawn_anew():
    async with Plotted().run_test(size=(60, 16)) as pilot:
        await settle(pilot)
        plot = pilot.app.query_one(LogPlot).plot
        first = drawn(plot)
        assert "rising" in first
        dots = sum("\u2800" < char <= "\u28ff" for char in first)
        assert dots > 20
        plot.refresh()
        await settle(pilot)
        assert drawn(plot) == first
        await pilot.resize_terminal(80, 20)
        await settle(pilot)
        plot.refresh(layout=True)
        await settle(pilot)
        assert sum("\u2800" < char <= "\u28ff" for char in drawn(plot)) > dots
