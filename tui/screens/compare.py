"""Two to six models side by side: every quantity with the best of each row, their curves, and why they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message

from advisor.report import bytes_text, flops_text, seconds_text, tokens_text
from catalog.errors import BadInput
from tui import findings, raw_tables
from tui.model_export import as_json, command, table_md
from tui.off_loop import Failed, off_loop
from tui.screens.page import Explanation, Page
from tui.widgets.columns import Column
from tui.widgets.key_bar import KeyBar
from tui.widgets.log_plot import Line, LogPlot, Mark, Picture, legend
from tui.widgets.page_bar import PageBar
from tui.widgets.reader import Reader, listed
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from advisor.comparing import Row
    from tui.findings import SideBySide

BEST = "★"
VIEWS: tuple[tuple[str, Callable[[float], str], int], ...] = (
    ("FLOPs", flops_text, 10), ("cache", bytes_text, 4), ("memory", bytes_text, 4), ("prefill time", seconds_text, 10),
    ("decode time", seconds_text, 10),
)  # fmt: skip
"""Quantities of ``advisor.scaling``, how they are written, and the base of their marks."""
FORMULAS = {
    "parameters": "parameters", "active": "active-parameters", "weights/device": "weights",
    "cache per token": "kv-cache", "FLOPs, prompts": "flops", "first token": "ttft", "per token": "tpot",
    "whole answer": "e2e", "$/1,000 requests": "cost", "energy/request": "energy",
}  # fmt: skip
"""What explains a row."""
PANES = ("sides", "curves", "reasons")
SHOWN = 4
NEAR = 1.5
"""Crossings that are less than this factor apart share one name."""


@dataclass(frozen=True)
class Side:
    """A line of the table: a row, or the heading of a section."""

    name: str
    row: Row | None = None


class CompareScreen(Page):
    """Side by side; Escape returns to the list."""

    AUTO_FOCUS = "#sides"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "pane(0)", "Table", tooltip="Every quantity, the best of each row marked", id="compare.table"),
        Binding("2", "pane(1)", "Curves", tooltip="How they grow, and where they cross", id="compare.curves"),
        Binding("3", "pane(2)", "Why", tooltip="Why they differ, from their parts", id="compare.why"),
        Binding("v", "view", "Plot", tooltip="Plot the next quantity", id="compare.view"),
        Binding("left,h", "shift(-1)", "Models before", show=False, id="compare.left"),
        Binding("right,l", "shift(1)", "More models", show=False, id="compare.right"),
    ]
    HELP = """
    # Side by side

    The marked models at one workload: the load of the Models page, with answers of 500 tokens.

    - ★ marks the best of a row; a row in which all are equal, or in which neither end is better, has none. Brackets
    hold the band in which four cases in five fall.
    - **Curves** show one quantity over context lengths on logarithmic axes; ◆ marks where two cross. Below that length
    the first needs less, above it the second.
    - **Why** tells from the parts of the models what makes the difference.

    Keys `1` `2` `3` choose a pane where the window holds one, `v` what is plotted. Left and right show other models
    where not all fit. `e` shows the formula behind a row for each model.
    """

    @dataclass
    class Compared(Message):
        """The answer."""

        answer: SideBySide

    def __init__(self, models: tuple[str, ...], load: dict[str, Any]) -> None:
        super().__init__()
        self.models, self.load = models, load
        self.answer: SideBySide | None = None
        self.view = 0
        self._first = 0

    def compose(self) -> ComposeResult:
        """Table, curves, reasons."""
        yield PageBar("models")
        with Container(id="compared"):
            yield RowTable(self._columns(), lambda s: s.name, id="sides", empty="comparing …")
            with Vertical(id="beside"):
                curves = LogPlot(id="curves")
                curves.tooltip = Content("v or a click: another quantity")
                yield curves
                yield Reader(id="reasons")
        yield KeyBar()

    def on_mount(self) -> None:
        """Name the panes and compute."""
        self.past.went({"compare": True, "marked": list(self.models), "load": self.load, "model": self.models[0]})
        self.query_one("#reasons").border_title = "Why they differ"
        self.action_pane(0)
        self.compute()

    @off_loop("compare")
    def compute(self) -> Compared:
        """Compare off the event loop."""
        return self.Compared(findings.put_side_by_side(self.models, self.load))

    @on(Failed)
    def _not_compared(self, event: Failed) -> None:
        self.query_one("#sides", RowTable).empty = event.sentence

    @on(Compared)
    def _compared(self, event: Compared) -> None:
        self.answer = event.answer
        found = event.answer.comparison
        sides: list[Side] = []
        for section, rows in groupby(found.rows, key=lambda row: row.section):
            sides += [Side(f"── {section}"), *(Side(row.name, row) for row in rows)]
        table = self.query_one("#sides", RowTable)
        table.show_rows(sides)
        self._arrange()
        crossings = [
            f"{c.quantity}: below {c.context:,} tokens {c.below} needs less, above it {c.above}"
            for c in (event.answer.scaling.crossings if event.answer.scaling else ())
        ]
        self.query_one("#reasons", Reader).read(
            Content(""),
            [
                ("From their parts", listed(found.differences)),
                ("Where their curves cross", listed(crossings) if crossings else "Nowhere between 1k and 256k tokens."),
                ("Notes", listed(found.notes)),
            ],
        )
        self._draw()

    @on(RowTable.Selected)
    def _opened(self) -> None:
        self.app.run_worker(self.app.run_action("explain"), exit_on_error=False)

    def display_changed(self) -> None:
        """Write every figure anew."""
        self.compute()

    # The table

    def _columns(self, *, bands: bool = True) -> tuple[Column[Side], ...]:
        """Quantities, then the models from the first that is shown."""

        def of(place: int) -> Callable[[Side], str]:
            def cell(side: Side) -> str:
                if side.row is None:
                    return ""
                text = side.row.texts[place] if bands else side.row.texts[place].partition(" (")[0]
                return f"{BEST} {text}" if place in side.row.best else text

            return cell

        places = range(self._first, len(self.models))
        return (
            Column("", lambda s: s.name if s.row is None else f"  {s.name}", 0, left=True, most=20),
            *(Column(self.models[p], of(p), 1 + p, most=26 if bands else 17) for p in places),
        )

    def _arrange(self) -> None:
        """All models with bands if there is room, else without bands, else as many as there is room for."""
        table = self.query_one("#sides", RowTable)
        rows = table.rows
        for bands in (True, False):
            table.columns = self._columns(bands=bands)
            table.show_rows(rows)
            if len(table.columns_shown) == len(table.columns):
                break
        w = self.load
        lengths = f"{tokens_text(w['input_tokens'])} in, {w.get('output_tokens', 500)} out, batch {w['batch']:,}"
        last = self._first + len(table.columns_shown) - 1
        if self._first or last < len(self.models):
            told = f"models {self._first + 1}–{last} of {len(self.models)}, ← → for others"
        else:
            told = f"{BEST} best of the row  [e] formula"
        behind = f"  {told}" if self.has_class("-short") else ""  # a small window has no lower border to say it on
        table.border_title = Content(f"{w['tp']} × {w['machine']}, {lengths}{behind}")
        table.border_subtitle = Content(told)

    def action_shift(self, way: int) -> None:
        """Begin with the next or the previous model."""
        table = self.query_one("#sides", RowTable)
        if way > 0 and self._first + len(table.columns_shown) - 1 >= len(self.models):
            return
        first = min(max(self._first + way, 0), len(self.models) - 1)
        if first != self._first:
            self._first = first
            self._arrange()

    def on_resize(self) -> None:
        """Other columns fit."""
        self.call_after_refresh(self._arrange)

    # The curves

    def action_view(self) -> None:
        """Plot the next quantity."""
        if not self.has_class("-wide") and self.query_one("#beside").has_class("-hidden"):
            self.action_pane(1)
            return
        self.view = (self.view + 1) % len(VIEWS)
        self._draw()

    def on_click(self, event: Any) -> None:
        """A click on the plot shows the next quantity."""
        if event.widget is not None and self.query_one("#curves") in event.widget.ancestors_with_self:
            self.action_view()

    def _draw(self) -> None:
        from advisor.scaling import QUANTITIES, value_at

        plot = self.query_one("#curves", LogPlot)
        quantity, text, base = VIEWS[self.view]
        scaling = self.answer.scaling if self.answer else None
        if scaling is None:
            plot.border_title = "Curves"
            sentence = "Fewer than two of these models read text of any length: there are no curves to overlay."
            plot.show_picture(Picture((), text, base, (), sentence if self.answer else ""))
            return
        plot.border_title = Content.assemble(f"{quantity} over context ", legend([c.model for c in scaling.curves]))
        plot.border_subtitle = Content("[v] " + ", ".join(name for name, *_ in VIEWS if name != quantity))
        lines = tuple(
            Line(curve.model, tuple((p.context, getattr(p, QUANTITIES[quantity])) for p in curve.points))
            for curve in scaling.curves
        )
        by_name = {curve.model: curve for curve in scaling.curves}
        marks: list[Mark] = []
        for c in sorted((c for c in scaling.crossings if c.quantity == quantity), key=lambda c: c.context):
            before = marks[-1].x if marks else None
            if before and c.context < before * NEAR:
                marks[-1] = replace(marks[-1], label=f"{marks[-1].label}, {c.context:,}")
            else:
                marks.append(Mark(f"{c.context:,}", c.context, value_at(by_name[c.below], quantity, c.context)))
        plot.show_picture(Picture(lines, text, base, tuple(marks)))

    # Panes

    def action_pane(self, index: int) -> None:
        """Show one pane where the window does not hold all of them."""
        for number, name in enumerate(PANES):
            self.query_one(f"#{name}").set_class(number != index, "-hidden")
        self.query_one("#beside").set_class(index == 0, "-hidden")
        target = self.query_one(f"#{PANES[index]}")
        if target.can_focus:
            target.focus()

    def action_back(self) -> None:
        """Return to the list."""
        self.dismiss()

    # What the application asks

    def bookmark(self) -> str | None:
        """The models."""
        return " against ".join(self.models)

    def equivalent(self) -> str:
        """The command that compares."""
        return command("compare", self.models, self.load)

    def exports(self) -> Mapping[str, Callable[[], str]]:
        """The whole table."""
        if self.answer is None:
            return {}
        found = self.answer.comparison
        first, self._first = self._first, 0
        columns = self._columns()
        self._first = first
        rows = [Side(row.name, row) for row in found.rows]
        return {
            "md": lambda: table_md(columns, rows),
            "csv": lambda: raw_tables.comparison(found),
            "json": lambda: as_json(found.to_dict()),
        }

    def explained(self) -> Explanation | None:
        """The formula behind the highlighted row, for each model."""
        side = self.query_one("#sides", RowTable).row
        if side is None or side.row is None or self.answer is None:
            return None
        name = side.name
        quantity = FORMULAS.get(name) or ("kv-cache" if name.startswith("cache at") else "")
        quantity = quantity or ("throughput" if name.startswith("throughput") else "")
        step = name == "FLOPs, one step"
        if not quantity and not step:
            return None
        from advisor.explanation_text import full_text
        from advisor.figures import Asked, explained

        load, models = self.load, self.models
        length = load["input_tokens"] + load.get("output_tokens", 500)
        held = length if quantity == "kv-cache" else length - 250 if step else None

        def text() -> str:
            pieces = []
            for model in models:
                try:
                    pieces.append(full_text(explained(Asked(model, quantity or "flops", held, step), load), SHOWN))
                except BadInput as error:
                    pieces.append(str(error))
            return "\n\n".join(pieces)

        return Explanation(f"{name}: {', '.join(models)}", text)
