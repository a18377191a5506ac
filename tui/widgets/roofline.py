"""A machine's roofline with a model's operators on it: a plot, and a table with the same content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from advisor.report import bytes_text, flops_text, percent_text, rate_text, seconds_text
from tui.cells import NONE
from tui.widgets.bars import heat
from tui.widgets.columns import Column
from tui.widgets.plot_place import PlotPlace, powers
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from advisor.breakdown import Breakdown, Part

CEILINGS = ("success", "error", "warning")
"""Colours of ceilings, in order; each carries its name too."""


@dataclass(frozen=True)
class Dot:
    """One operator in one pass."""

    mark: str
    """Its letter: a capital in the prefill (or the only pass), small in a decode step."""
    name: str
    """Of the operator, without what all names begin with."""
    stage: str
    part: Part

    @property
    def id(self) -> str:
        """Tells it from all others."""
        return f"{self.stage} {self.part.name}"


def dots(found: Breakdown) -> tuple[Dot, ...]:
    """Every operator of every pass; letters by the most time that an operator takes in any of them."""
    most: dict[str, float] = {}
    for one in found.passes:
        for part in one.parts:
            most[part.name] = max(most.get(part.name, 0.0), part.share)
    names = sorted(most, key=lambda name: -most[name])
    letters = dict(zip(names, ascii_uppercase, strict=False))
    stacks = {name.partition(".")[0] for name in names}
    begin = f"{next(iter(stacks))}." if len(stacks) == 1 else ""
    rows = []
    for one in found.passes:
        for part in one.parts:
            letter = letters.get(part.name, "·")
            mark = letter.lower() if one.name == "decode" else letter
            rows.append(Dot(mark, part.name.removeprefix(begin), one.name, part))
    return tuple(rows)


def rate(flops_per_s: float | None) -> str:
    """Arithmetic per second."""
    return f"{flops_text(flops_per_s)}/s" if flops_per_s else NONE


def _intensity(value: float | None) -> str:
    if not value:
        return NONE
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


COLUMNS: tuple[Column[Dot], ...] = (
    Column("operator", lambda d: f"{d.mark} {d.name}", 0, left=True, most=34, key=lambda d: d.name),
    Column("pass", lambda d: d.stage, 1, left=True, key=lambda d: d.stage),
    Column(
        "share", lambda d: f"{percent_text(d.part.share)} {heat(d.part.share)}", 2, key=lambda d: d.part.share,
        descending=True,
    ),
    Column("bound by", lambda d: d.part.bound, 3, left=True, key=lambda d: d.part.bound),
    Column(
        "of roofline",
        lambda d: NONE if d.part.fraction_of_roofline is None else percent_text(d.part.fraction_of_roofline), 4,
        key=lambda d: d.part.fraction_of_roofline, descending=True,
    ),
    Column("FLOP/B", lambda d: _intensity(d.part.intensity), 5, key=lambda d: d.part.intensity, descending=True),
    Column("rate", lambda d: rate(d.part.flops_per_s), 6, key=lambda d: d.part.flops_per_s, descending=True),
    Column("time", lambda d: seconds_text(d.part.seconds), 3, key=lambda d: d.part.seconds, descending=True),
    Column("traffic", lambda d: bytes_text(d.part.bytes), 8, key=lambda d: d.part.bytes, descending=True),
    Column("×", lambda d: str(d.part.repeat), 9, key=lambda d: d.part.repeat, descending=True),
)  # fmt: skip


class RooflinePane(Vertical):
    """Plot above, table below; the table's cursor names a point."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("v", "stage", "Pass", tooltip="Both passes, or one", id="roof.v")]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.found: Breakdown | None = None
        self.stage = ""
        """The pass that is shown; empty: all."""
        self.about = ""

    def compose(self) -> ComposeResult:
        """A sentence where there is no plot; plot; table."""
        yield Static(id="no-roofline")
        yield PlotPlace(views=True, id="roofline-plot")
        yield RowTable(COLUMNS, lambda d: d.id, id="dots")

    def show(self, found: Breakdown | None, about: str, refusal: str = "") -> None:
        """Show a model's passes on a machine, or say why there are none."""
        self.found, self.about = found, about
        sentence = self.query_one("#no-roofline", Static)
        sentence.update(Content(refusal))
        self.set_class(found is None, "-none")
        if found is not None and self.stage not in [p.name for p in found.passes]:
            self.stage = ""
        self._fill()

    @property
    def rows(self) -> Sequence[Dot]:
        """What the table holds."""
        return self.query_one("#dots", RowTable).rows

    def _fill(self) -> None:
        table, place = self.query_one("#dots", RowTable), self.query_one("#roofline-plot", PlotPlace)
        found = self.found
        shown = [] if found is None else [p for p in found.passes if self.stage in ("", p.name)]
        table.show_rows([] if found is None else [d for d in dots(found) if self.stage in ("", d.stage)])
        table.border_title = Content(self.about)
        said = "; ".join(f"{p.name} {seconds_text(p.seconds)}: {p.what}" for p in shown)
        table.border_subtitle = Content(said)
        capital = {p.name for p in shown} - {"decode"}
        small = " · small decode" if any(p.name == "decode" for p in shown) else ""
        place.border_title = Content(
            "FLOP/s over FLOP/byte" + (f" · CAPITALS {', '.join(sorted(capital))}" if capital else "") + small
        )
        place.border_subtitle = "\\[v] " + (", ".join(self._others()) or "all passes")
        place.show(self._draw if found is not None else None)

    def _others(self) -> list[str]:
        found = self.found
        names = ["", *(p.name for p in found.passes)] if found is not None and len(found.passes) > 1 else [""]
        return [name or "both passes" for name in names if name != self.stage]

    def action_stage(self) -> None:
        """Show the next pass, or all of them."""
        if self.found is None or len(self.found.passes) < 2:
            return
        names = ["", *(p.name for p in self.found.passes)]
        self.stage = names[(names.index(self.stage) + 1) % len(names)]
        self._fill()

    @on(PlotPlace.Next, "#roofline-plot")
    def _next(self, event: PlotPlace.Next) -> None:
        event.stop()
        self.action_stage()

    @on(RowTable.Highlighted, "#dots")
    def _highlighted(self, event: RowTable.Highlighted) -> None:
        event.stop()
        self.query_one("#roofline-plot", PlotPlace).draw()

    def _draw(self, plt: Any, place: PlotPlace) -> None:
        found, table = self.found, self.query_one("#dots", RowTable)
        placed = [d for d in table.rows if d.part.intensity and d.part.flops_per_s]
        slope = next((roof.bytes_per_s for roof in found.roofs if roof.bytes_per_s), None) if found else None
        if found is None or slope is None or not placed:
            return
        names: dict[tuple[float, float], str] = {}
        for roof in found.roofs:
            if roof.flops_per_s and roof.ridge_intensity:
                key = (roof.flops_per_s, roof.ridge_intensity)
                names[key] = f"{names[key]}, {roof.name}" if key in names else roof.name
        ceilings = [(name, peak, ridge) for (peak, ridge), name in names.items()]
        xs = [d.part.intensity for d in placed]
        ridges = [ridge for _, _, ridge in ceilings]
        low, high = min(xs + ridges) / 2, max(xs + ridges) * 4
        top = max(peak for _, peak, _ in ceilings)
        back = place.colour("surface")
        plt.xscale("log")
        plt.yscale("log")
        plt.scatter([high], [top * 6], marker=" ")  # room for the names of ceilings
        plt.plot([low, top / slope], [slope * low, top], marker="braille", color=place.colour("primary"))
        for (_, peak, ridge), colour in zip(ceilings, CEILINGS, strict=False):
            plt.plot([ridge, high], [peak, peak], marker="braille", color=place.colour(colour))
        for dot in reversed(placed):
            plt.scatter([dot.part.intensity], [dot.part.flops_per_s], marker=dot.mark, color=place.colour("foreground"))
        chosen = table.row
        if chosen is not None and chosen.part.intensity and chosen.part.flops_per_s:
            side = "right" if chosen.part.intensity > (low * high) ** 0.5 else "left"
            text = f"{chosen.name} {chosen.mark}" if side == "right" else f"{chosen.mark} {chosen.name}"
            plt.text(
                text, chosen.part.intensity, chosen.part.flops_per_s, color=place.colour("accent"), background=back,
                alignment=side, style="bold",
            )  # fmt: skip
        plt.text(
            f" memory {rate_text(slope / 1e9, 'GB/s')} ", low * 1.2, slope * low * 1.6, color=place.colour("primary"),
            background=back, alignment="left",
        )  # fmt: skip
        for (name, peak, _), colour in zip(ceilings, CEILINGS, strict=False):
            plt.text(f" {name} ", high, peak * 2.2, color=place.colour(colour), background=back, alignment="right")
        marks = powers(low, high)
        plt.xticks(marks, [f"{mark:g}" for mark in marks])
        lowest = min([slope * low, *(d.part.flops_per_s for d in placed)])
        heights = powers(lowest, top * 6)
        plt.yticks(heights, [rate(mark) for mark in heights])
