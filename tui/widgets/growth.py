"""The growth tab: one sentence, a plot, and a table of the same numbers with a device's memory as bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from advisor.report import bytes_text, flops_text, seconds_text, tokens_text
from tui.model_cells import GROWTH, STACK_PARTS, Step, memory_parts, stack
from tui.widgets.bars import FILLS
from tui.widgets.log_plot import Line, LogPlot, Mark, Picture, legend
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from advisor.answer import Memory
    from advisor.growing import Growth
    from tui.findings import Findings


@dataclass(frozen=True)
class View:
    """What the plot shows."""

    title: str
    series: tuple[tuple[str, str], ...]
    """Label and field of ``Point``."""
    text: Callable[[float], str]
    base: int = 10


VIEWS = (
    View("FLOPs", (("all", "flops"), ("attention", "attention_flops"), ("linear part", "linear_flops")), flops_text),
    View("memory", (("with weights", "memory_bytes"), ("cache + state", "cache_bytes")), bytes_text, 4),
    View("time", (("prefill", "prefill_s"), ("decode step", "decode_s")), seconds_text),
)
BAR = 40


class GrowthPane(Vertical):
    """Sentence, memory, plot, table."""

    view: reactive[int] = reactive(0, init=False)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.growth: Growth | None = None

    def compose(self) -> ComposeResult:
        """Sentence, a device's memory now, plot, table."""
        yield Static(id="grows")
        yield Static(id="memory")
        plot = LogPlot(id="plot")
        plot.tooltip = Content("v or a click: FLOPs, memory, time")
        yield plot
        yield RowTable(GROWTH, lambda s: str(s.point.context), id="points")

    def show(self, findings: Findings) -> None:
        """Show a model's growth, or say why there is none."""
        growth = self.growth = findings.growth
        said, table = self.query_one("#grows", Static), self.query_one("#points", RowTable)
        said.update(Content(findings.growth_refusal) if growth is None else sentence(growth), layout=False)
        self.query_one("#plot").display = table.display = growth is not None
        memory = findings.estimate.memory if findings.estimate else None
        self.query_one("#memory").display = memory is not None
        if memory is not None:
            drawn = memory_now(memory, max(12, self.size.width - 52))
            self.query_one("#memory", Static).update(drawn, layout=False)
        if growth is not None:
            held = {h.context: h.memory for h in growth.held}
            many = f", {growth.batch:,} requests at once" if growth.batch > 1 else ""
            table.border_title = f"By doublings{many}"
            table.border_subtitle = Content(_fills() if held else "")
            table.show_rows([Step(point, held.get(point.context)) for point in growth.coarse.points])
        self._draw()

    def watch_view(self) -> None:
        """Another quantity."""
        self._draw()

    def action_next_view(self) -> None:
        """Show the next quantity."""
        self.view = (self.view + 1) % len(VIEWS)

    def on_click(self, event: Any) -> None:
        """A click on the plot shows the next quantity."""
        plot = self.query_one("#plot")
        if plot in event.widget.ancestors_with_self:
            self.action_next_view()

    def _draw(self) -> None:
        place, view, growth = self.query_one("#plot", LogPlot), VIEWS[self.view], self.growth
        named = legend([label for label, _ in view.series])
        place.border_title = Content.assemble(f"{view.title} over context ", named)
        place.border_subtitle = "\\[v] " + ", ".join(other.title for other in VIEWS if other is not view)
        if growth is None:
            return
        points = growth.fine.points
        lines = tuple(
            Line(_classed(label, field, growth), tuple((p.context, getattr(p, field)) for p in points))
            for label, field in view.series
        )
        place.show_picture(Picture(lines, view.text, view.base, tuple(_marks(growth, view))))


def _classed(label: str, field: str, growth: Growth) -> str:
    """A series' name with how it grows, where that is known exactly."""
    classes = {"linear_flops": "O(n)", "attention_flops": growth.work, "cache_bytes": growth.kept}
    return f"{label} {classes[field]}" if field in classes else label


def _marks(growth: Growth, view: View) -> list[Mark]:
    marks = []
    if view is VIEWS[0] and growth.coarse.overtakes_at is not None:
        marks.append(Mark(f"attention leads from {growth.coarse.overtakes_at:,}", growth.coarse.overtakes_at))
    if view is not VIEWS[0] and growth.fits_to:
        marks.append(Mark(f"fits to {growth.fits_to:,}", growth.fits_to))
    if growth.advertised:
        marks.append(Mark(f"advertised {tokens_text(growth.advertised)}", growth.advertised))
    if view is VIEWS[1] and growth.usable_bytes:
        marks.append(Mark(f"one device: {bytes_text(growth.usable_bytes)}", y=growth.usable_bytes))
    return marks


def sentence(growth: Growth) -> Content:
    """How it grows, where attention leads, and where memory ends."""
    at = growth.coarse.overtakes_at
    leads = "attention never leads" if at is None else f"attention leads from {at:,} tokens"
    pieces: list[Any] = [
        "Reading grows as ", (growth.work, "bold"), ", what is kept as ", (growth.kept, "bold"), f"; {leads}. ",
    ]  # fmt: skip
    if growth.held:
        who = "one request" if growth.batch == 1 else f"{growth.batch:,} requests"
        if growth.usable_bytes is None:
            pieces.append("The machine's memory is not known.")
        elif growth.fits_to is None:
            longest = tokens_text(growth.coarse.points[-1].context)
            pieces.append((f"✓ {who} of {longest} still fit{'s' * (growth.batch == 1)} a device.", "$text-success"))
        elif growth.fits_to == 0:
            pieces.append(("✗ Does not fit a device at any length.", "$text-error"))
        else:
            pieces.append((f"✗ Beyond {growth.fits_to:,} tokens {who} no longer fit{'s' * (growth.batch == 1)}.",
                           "$text-warning"))  # fmt: skip
    return Content.assemble(*pieces)


def _fills() -> str:
    return "  ".join(f"{fill} {name}" for fill, name in zip(FILLS, STACK_PARTS, strict=False))


def memory_now(m: Memory, width: int) -> Content:
    """A device's memory under the load: a bar, its parts, and the verdict."""
    verdict = {True: "✓ fits", False: "✗ DOES NOT FIT", None: "memory of the machine not known"}[m.fits]
    of = "" if m.usable_bytes is None else f" of {bytes_text(m.usable_bytes)}"
    most = f"; at most {m.max_batch:,} at once" if m.max_batch is not None else ""
    colour = "$text-error" if m.fits is False else "$text-success"
    named = [
        f"{fill} {name} {bytes_text(size)}"
        for fill, name, size in zip(FILLS, STACK_PARTS, memory_parts(m), strict=False)
        if size
    ]
    return Content.assemble(
        (stack(m, min(BAR, width)), "$primary"), f" {bytes_text(m.total_bytes_per_gpu)}{of} ",
        (verdict, f"bold {colour}"), f"{most}\n", ("  ".join(named), "dim"),
    )  # fmt: skip
