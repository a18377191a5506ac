"""Everything about one machine, and what a model does on the picked ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.content import Content

from advisor.report import bytes_text, rate_text, seconds_text, usd_text
from tui.cells import NONE
from tui.machine_cells import Listed
from tui.widgets.bars import bar
from tui.widgets.calibrating import CalibratePane
from tui.widgets.columns import Column
from tui.widgets.machine_sheet import sections, title
from tui.widgets.memory_bars import memory
from tui.widgets.reader import Reader, Section, facts, listed
from tui.widgets.roofline import RooflinePane
from tui.widgets.row_table import RowTable
from tui.widgets.tabbed import Tabbed

if TYPE_CHECKING:
    from advisor.answer import Band
    from advisor.breakdown import Breakdown
    from advisor.machine_choice import Placed
    from advisor.machine_sheet import Fact
    from catalog.price import MachinePrice

BEST = "★"


@dataclass(frozen=True)
class Found:
    """What was computed about a machine under a load."""

    facts: Sequence[Fact]
    prices: Sequence[MachinePrice]
    breakdown: Breakdown | None
    refusal: str
    """Why there is no breakdown."""
    placed: Sequence[Placed]
    best: Mapping[str, float]


def placed_columns(best: Mapping[str, float]) -> tuple[Column[Placed], ...]:
    """Columns of the comparison; the best of each is starred."""

    def cell(name: str, text: Callable[[float], str]) -> Callable[[Placed], str]:
        def write(p: Placed) -> str:
            value = p.value(name)
            return NONE if value is None else f"{BEST} {text(value)}" if best.get(name) == value else text(value)

        return write

    def column(
        head: str, name: str, text: Callable[[float], str], priority: int, *, down: bool = False
    ) -> Column[Placed]:
        return Column(head, cell(name, text), priority, key=lambda p: p.value(name), descending=down)

    return (
        Column("machine", lambda p: f"{p.devices} × {p.machine}", 0, left=True, most=28, key=lambda p: p.machine),
        Column("", _verdict, 1, left=True, most=18),
        column("memory each", "memory_bytes", bytes_text, 6),
        column("first token", "ttft_s", seconds_text, 4),
        column("per token", "tpot_s", seconds_text, 3),
        column("whole answer", "e2e_s", seconds_text, 8),
        Column("throughput", _rate(best), 2, key=lambda p: p.value("throughput"), descending=True),
        column("$/h", "usd_per_hour", usd_text, 7),
        Column("cost", _cost(best), 5, key=lambda p: p.value("usd")),
    )


def _choice(choice: Placed, rows: Sequence[Placed]) -> list[Section]:
    """One choice in full, and all of them as bars."""
    e = choice.estimate
    bars = [
        (title, Content("\n").join(drawn))
        for title, name, text in BARS
        if (drawn := _bars(rows, name, text))
    ]  # fmt: skip
    if e is None:
        return [(f"{choice.devices} × {choice.machine}", choice.refusal), *bars]
    pairs = [
        ("first token" if e.time.tpot_s else "answer", _band(e.time.ttft_s)), ("per token", _band(e.time.tpot_s)),
        ("whole answer", _band(e.time.e2e_s)), ("engine", e.engine),
        ("price", NONE if e.cost.usd_per_hour is None else f"{usd_text(e.cost.usd_per_hour)}/h, {e.cost.basis}"),
    ]  # fmt: skip
    return [
        *bars,
        (f"{choice.devices} × {choice.machine}", facts((name, text) for name, text in pairs if text)),
        ("Memory of one device", memory(e)),
        ("Notes", listed(e.notes)),
    ]


BARS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("Throughput (longer is better)", "throughput", rate_text),
    ("Cost (shorter is better)", "usd", usd_text),
)
WIDTH = 30


def _bars(rows: Sequence[Placed], name: str, text: Callable[[float], str]) -> list[Content]:
    known = [(row, value) for row in rows if (value := row.value(name)) is not None]
    if len(known) < 2:
        return []
    most, wide = max(value for _, value in known), max(len(row.machine) for row, _ in known) + 5
    return [
        Content.assemble(
            f"{row.devices} × {row.machine}".ljust(wide), (bar(value / most, WIDTH), "$text-primary"), f" {text(value)}"
        )
        for row, value in known
    ]


def _band(band: Band | None) -> str:
    if band is None:
        return ""
    if band.p10 is None or band.p90 is None:
        return f"{seconds_text(band.p50)} ({band.badge})"
    return f"{seconds_text(band.p50)}, 80 % in {seconds_text(band.p10)} to {seconds_text(band.p90)} ({band.badge})"


def _verdict(p: Placed) -> str:
    if p.estimate is None:
        return "impossible"
    return {True: "fits", False: "DOES NOT FIT", None: "memory not known"}[p.estimate.memory.fits]


def _rate(best: Mapping[str, float]) -> Callable[[Placed], str]:
    def write(p: Placed) -> str:
        value = p.value("throughput")
        if value is None or p.estimate is None:
            return NONE
        star = f"{BEST} " if best.get("throughput") == value else ""
        return star + rate_text(value, p.estimate.throughput.unit)

    return write


def _cost(best: Mapping[str, float]) -> Callable[[Placed], str]:
    def write(p: Placed) -> str:
        value = p.value("usd")
        if value is None or p.estimate is None:
            return NONE
        unit = "per 1000" if p.estimate.time.tpot_s is None else "/M out"
        return f"{BEST if best.get('usd') == value else ''} {usd_text(value)} {unit}".strip()

    return write


PRICES: tuple[Column[MachinePrice], ...] = (
    Column("terms", lambda p: p.pricing, 0, left=True, key=lambda p: p.pricing),
    Column("$/h", lambda p: usd_text(p.usd_per_hour), 1, key=lambda p: p.usd_per_hour),
    Column("to buy", lambda p: usd_text(p.usd_purchase), 4, key=lambda p: p.usd_purchase),
    Column("provider", lambda p: p.provider, 2, left=True, most=30, key=lambda p: p.provider),
    Column("as of", lambda p: p.as_of, 3, left=True, key=lambda p: p.as_of, descending=True),
    Column("source", lambda p: str(p.source), 5, left=True, most=60),
)


class MachineDetail(Tabbed):
    """Five tabs about the highlighted machine."""

    TABS = (
        ("sheet", "#sheet"), ("roofline", "#dots"), ("compare", "#placed"), ("prices", "#prices"),
        ("calibrate", "#measured"),
    )  # fmt: skip
    """Tab and what takes the focus in it."""
    TITLES = ("1 Sheet", "2 Roofline", "3 Compare", "4 Prices", "5 Calibrate")
    LOADED = ("roofline", "compare")
    """Tabs that depend on a model and its load."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown = ""

    def compose(self) -> ComposeResult:
        """The tabs."""
        yield self.bar()
        with self.pane("sheet"):
            yield Reader(id="sheet")
        with self.pane("roofline"):
            yield RooflinePane(id="roofline-pane")
        with self.pane("compare"):
            yield RowTable(
                placed_columns({}), lambda p: f"{p.machine} {p.devices}", id="placed", empty="nothing is picked"
            )
            yield Reader(id="choice")
        with self.pane("prices"):
            yield RowTable(
                PRICES, lambda p: f"{p.pricing} {p.provider} {p.as_of} {p.usd_per_hour}", id="prices",
                empty="no price is known",
            )  # fmt: skip
        with self.pane("calibrate"):
            yield CalibratePane(id="calibrate-pane")

    @property
    def point(self) -> Any:
        """The row under the cursor of the tab in view; ``None`` where it has no table."""
        table = {"roofline": "#dots", "compare": "#placed", "prices": "#prices"}.get(self.active)
        return None if table is None else self.query_one(table, RowTable).row

    def show(self, row: Listed, found: Found, about: str, together: str) -> None:
        """Show a machine; ``about`` says which model runs on it, ``together`` what is compared."""
        same = self._shown == row.id
        self._shown = row.id
        self.query_one("#sheet", Reader).read(title(row), sections(row, found.facts), stay=same)
        self.query_one(RooflinePane).show(found.breakdown, about, found.refusal)
        table = self.query_one("#placed", RowTable)
        table.columns = placed_columns(found.best)
        table.show_rows(found.placed)
        table.border_title = Content(together)
        prices = self.query_one("#prices", RowTable)
        prices.show_rows(found.prices, follow=same)
        prices.border_title = Content(f"Prices of {row.id}")
        prices.border_subtitle = f"{len(found.prices)} known"

    @on(RowTable.Highlighted, "#placed")
    def _chosen(self, event: RowTable.Highlighted) -> None:
        event.stop()
        choice: Placed | None = event.row
        rows = self.query_one("#placed", RowTable).rows
        self.query_one("#choice", Reader).read(Content(""), [] if choice is None else _choice(choice, rows))
