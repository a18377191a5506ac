"""The Plan page's plots: cost against latency, a run over time, money over months. Each stands beside its table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from advisor.report import percent_text, rate_text, seconds_text, usd_text
from tui.widgets.plot_place import Draw, PlotPlace, steps

if TYPE_CHECKING:
    from advisor.planning.result import Plan
    from tui.plan_cells import Moment, Numbered

COLOURS = ("primary", "error", "success", "warning")


def _axis(
    marks: Sequence[float], text: Callable[[float], str], put: Callable[[Sequence[float], list[str]], None]
) -> None:
    put(marks, [text(mark) if mark else "0" for mark in marks])


def front(rows: Sequence[Numbered], latency: str, chosen: Numbered | None) -> Draw:
    """Dollars per hour against a latency; every plan by its number."""

    def draw(plt: Any, place: PlotPlace) -> None:
        known = [(row, s) for row in rows if (s := row.seconds(latency)) is not None]
        if not known:
            return
        xs, ys = [row.choice.usd_per_hour for row, _ in known], [s for _, s in known]
        right, top = 1.25 * max(xs), 1.15 * max(ys)
        plt.scatter([0.0, right], [0.0, top], marker=" ")
        plt.plot(xs, ys, marker="braille", color=place.colour("primary"))
        for row, s in known:
            mark = str(row.number) if row.number < 10 else "*"
            here = chosen is not None and row.number == chosen.number
            colour = place.colour("accent" if here else "foreground")
            text = f" {mark} {usd_text(row.choice.usd_per_hour)}/h {seconds_text(s)} " if here else f" {mark} "
            plt.text(
                text, row.choice.usd_per_hour, s, color=colour, background=place.colour("surface"), style="bold",
                alignment="left" if row.choice.usd_per_hour < 0.6 * right else "right",
            )  # fmt: skip
        _axis(steps(0.0, right), usd_text, plt.xticks)
        _axis(steps(0.0, top), seconds_text, plt.yticks)

    return draw


LATENCIES = ("e2e.p50", "ttft.p95", "tpot.p95")


@dataclass(frozen=True)
class View:
    """What a plot over time shows."""

    title: str
    series: tuple[tuple[str, str], ...]
    """Label and column."""
    text: Callable[[float], str]


def _count(value: float) -> str:
    return f"{value:,.0f}"


OVER_TIME = (
    View("occupancy", (("busy", "utilisation"), ("cache filled", "cache_share")), percent_text),
    View("tokens per second", (("read", "input_tokens_per_s"), ("written", "output_tokens_per_s")), rate_text),
    View("requests", (("in hand", "writing"), ("waiting", "waiting")), _count),
)


def over_time(rows: Sequence[Moment], view: View) -> Draw:
    """Lines over the seconds of a simulated run."""

    def draw(plt: Any, place: PlotPlace) -> None:
        if not rows:
            return
        xs = [row.values["to_s"] for row in rows]
        most = 0.0
        lines = []
        for (label, name), colour in zip(view.series, COLOURS, strict=False):
            ys = [row.values[name] for row in rows]
            most = max(most, *ys)
            lines.append((label, ys, place.colour(colour)))
        plt.scatter([0.0], [1.1 * most or 1.0], marker=" ")
        for _, ys, colour in lines:
            plt.plot(xs, ys, marker="braille", color=colour)
        for k, (label, ys, colour) in enumerate(lines):
            at = round((0.35 + 0.35 * k) * (len(xs) - 1))
            plt.text(f" {label} ", xs[at], ys[at], color=colour, background=place.colour("surface"), alignment="center")
        _axis(steps(0.0, xs[-1]), seconds_text, plt.xticks)
        _axis(steps(0.0, 1.1 * most or 1.0), view.text, plt.yticks)

    return draw


def months(plan: Plan, apis: bool) -> Draw:
    """Dollars by month: the plan, and hosted models where asked for."""

    def draw(plt: Any, place: PlotPlace) -> None:
        own = [(m.month, m.usd) for m in plan.months if m.usd is not None]
        lines = [("this plan", own)] if own else []
        if apis:
            lines += [(f"{a.model} ({a.provider})", list(enumerate(a.usd, 1))) for a in plan.apis]
        if not lines:
            return
        last = max(x for _, points in lines for x, _ in points)
        top = 1.15 * max(y for _, points in lines for _, y in points) or 1.0
        plt.scatter([0.5, last + 0.5], [0.0, top], marker=" ")
        for (label, points), colour in zip(lines, COLOURS, strict=False):
            ramp = [(x + dx, y) for x, y in points for dx in (-0.5, 0.5)]
            plt.plot([x for x, _ in ramp], [y for _, y in ramp], marker="braille", color=place.colour(colour))
            x, y = points[len(points) // 2]
            plt.text(
                f" {label} ", x, y, color=place.colour(colour), background=place.colour("surface"), alignment="center"
            )
        ticks = list(range(1, last + 1, max(1, -(-last // 12))))
        plt.xticks(ticks, [str(tick) for tick in ticks])
        _axis(steps(0.0, top), usd_text, plt.yticks)

    return draw
