"""What a design costs, in four views: beside its base, as curves, as shapes of its size, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from advisor.report import count_text, tokens_text
from tui.lab_cells import DIFFERENCES, LEFT_OUT, shapes
from tui.widgets.curves import Curves
from tui.widgets.reader import Reader, listed
from tui.widgets.row_table import RowTable
from tui.widgets.tab_bar import TabBar

if TYPE_CHECKING:
    from advisor.design.depths import Depths
    from advisor.design.design import Design
    from tui.lab_answer import Answer

HOMES = {"compare": "#differences", "curves": "#curves", "depths": "#depths", "why": "#why"}
"""What takes the focus in each view."""


class LabResult(Vertical):
    """A sentence, tabs and their panes; wide windows show curves beside, tall ones the reasons below."""

    view: reactive[str] = reactive("compare", init=False)

    @dataclass
    class Turned(Message):
        """Another view is looked at."""

        view: str

    def compose(self) -> ComposeResult:
        """Sentence, tabs, panes."""
        yield Static(id="said")
        yield TabBar(
            [("compare", "1 Compare"), ("curves", "2 Curves"), ("depths", "3 Depth × width"), ("why", "4 Why")]
        )
        with Horizontal(id="panes"):
            with Vertical(id="left-panes"):
                yield RowTable(DIFFERENCES, lambda r: r.name, id="differences", empty="reading the catalog …")
                yield RowTable(shapes(None), lambda s: str(s.layers), id="depths", empty="computing …")
                yield Reader(id="why")
            yield Curves(id="curves")

    def on_mount(self) -> None:
        """Name the panes."""
        self.query_one("#why").border_title = "Why"
        self.query_one(TabBar).can_focus = False
        self._arrange()

    # What is shown

    def say(self, sentence: str | Content) -> None:
        """A sentence above everything."""
        self.query_one("#said", Static).update(sentence)

    def show(self, answer: Answer) -> None:
        """Show a design beside its base."""
        design = answer.design
        table = self.query_one("#differences", RowTable)
        table.empty = "nothing to compare"
        table.show_rows([row for row in design.rows if row.name not in LEFT_OUT])
        setting = design.setting
        table.border_title = Content(f"{design.base} → design")
        devices = f"{setting.devices} × " if setting.devices > 1 else ""
        table.border_subtitle = Content(
            f"{devices}{setting.machine}, {design.weights}, {tokens_text(setting.input_tokens)} in"
        )
        self.query_one(Curves).compare(answer.curves, answer.no_curves)
        self._explain(design)

    def _explain(self, design: Design) -> None:
        from catalog.writer import to_yaml

        self.query_one("#why", Reader).read(
            Content(""),
            [
                ("Layers", f"{design.before.pattern} → {design.after.pattern}"
                 if design.before.pattern != design.after.pattern else design.after.pattern),
                ("What makes the difference", listed(design.reasons)),
                ("Assumed, because nobody said", listed(design.assumed)),
                ("Notes", listed(design.notes)),
                ("The architecture as YAML", to_yaml(design.spec.architecture)),  # type: ignore[arg-type]
            ],
            stay=True,
        )  # fmt: skip

    def await_depths(self) -> None:
        """Shapes of the design's size are being computed."""
        self.query_one("#depths", RowTable).border_subtitle = "computing …"

    def show_depths(self, found: Depths | None, sentence: str) -> None:
        """Show shapes of one size, the design's own highlighted, or why there are none."""
        table = self.query_one("#depths", RowTable)
        table.columns = shapes(found)
        table.empty = sentence
        table.border_title = f"{count_text(found.aimed_at)} parameters each" if found else "Depth × width"
        table.border_subtitle = Content(f"cache at {found.tokens:,}; ● the design; enter takes" if found else "")
        table.show_rows(found.shapes if found else ())
        if found:
            own = next((s.layers for s in found.shapes if s.is_own), None)
            if own is not None:
                table.go_to(str(own))

    # Views

    @property
    def home(self) -> str:
        """What takes the focus in the view."""
        return HOMES[self.view]

    @on(TabBar.Turned)
    def _activated(self, event: TabBar.Turned) -> None:
        event.stop()
        self.view = event.bar.active

    def watch_view(self) -> None:
        """Show other panes."""
        self.query_one(TabBar).active = self.view
        self._arrange()
        self.post_message(self.Turned(self.view))

    def on_resize(self, event: events.Resize) -> None:
        """Other panes have room."""
        self.call_after_refresh(self._arrange)

    def _arrange(self) -> None:
        wide, tall = self.screen.has_class("-wide"), self.screen.has_class("-tall")
        left = "compare" if wide and self.view == "curves" else self.view
        self.query_one("#left-panes").display = wide or left != "curves"
        self.query_one("#curves").display = wide or self.view == "curves"
        self.query_one("#differences").display = left == "compare"
        self.query_one("#depths").display = left == "depths"
        self.query_one("#why").display = left == "why" or (tall and left in ("compare", "depths"))

    def next_curve(self) -> None:
        """Another curve, or the curves if they are not in view."""
        curves = self.query_one(Curves)
        if curves.display:
            curves.action_next()
        else:
            self.view = "curves"
