"""The Models page: search, the catalog, and everything about the highlighted model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.message import Message
from textual.widgets import Input

from tui import findings, garbage, model_export
from tui.model_fields import FIELDS, PUBLISHED, STEPS
from tui.model_formulas import formula
from tui.off_loop import off_loop
from tui.screens.page import Explanation, Page, State
from tui.widgets.detail import Detail
from tui.widgets.evidence import EvidencePane
from tui.widgets.form import Form
from tui.widgets.growth import GrowthPane
from tui.widgets.key_bar import KeyBar
from tui.widgets.model_list import MOST, ModelList
from tui.widgets.page_bar import PageBar
from tui.widgets.proof_line import ProofLine
from tui.widgets.row_table import RowTable
from tui.widgets.tabbed import Tabbed
from tui.widgets.timing import TimePane

if TYPE_CHECKING:
    from tui.findings import Evidence, Findings
    from tui.library import Library, Model

PAUSE_S = 0.06
"""How long the cursor must rest before a model is computed."""
LEAST = 2
"""Models to compare."""
TABLES = {"architecture": "#sizes", "growth": "#points", "time": "#operators-table", "evidence": "#checks"}
"""What is exported of each tab."""
FIGURES = {"architecture": "#sizes", "growth": "#points", "time": "#figures"}
"""What is explained on each tab where nothing else has the focus."""


class ModelsScreen(Page):
    """Search, list, detail."""

    AUTO_FOCUS = "#models"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", tooltip="Words, or facets such as <30b ctx>100k", id="models.search"),
        Binding("space", "mark", "Mark", tooltip="Mark or unmark the model for comparing", id="models.mark"),
        Binding("c", "compare", "Compare", tooltip="Put the marked models side by side", id="models.compare"),
        Binding("M", "unmark", "Unmark all", show=False, id="models.unmark"),
        Binding("1", "tab(0)", "Architecture", show=False, id="models.architecture"),
        Binding("2", "tab(1)", "Growth", show=False, id="models.growth"),
        Binding("3", "tab(2)", "Time", show=False, id="models.time"),
        Binding("4", "tab(3)", "Evidence", show=False, id="models.evidence"),
        Binding("l", "load", "Load", tooltip="Change machine, formats, prompt and batch", id="models.load"),
        Binding("v", "view", "Plot", show=False, tooltip="Plot FLOPs, memory or time", id="models.view"),
        Binding("t", "other_pass", "Pass", show=False, tooltip="Operators of prefill or decode", id="models.pass"),
        Binding("P", "prove", "Prove", tooltip="Count the real PyTorch model, in another process", id="models.prove"),
        *(
            Binding(key, f"step({name!r}, {way})", f"{word} {what}", show=False, id=f"models.{name}.{word.lower()}")
            for less, more, name, what in STEPS
            for key, way, word in ((less, -1, "Previous"), (more, 1, "Next"))
        ),
    ]
    HELP = """
    # Models

    Every model of the catalog: what it is made of, how it grows, where its time goes, and what speaks for it.

    Type words in the search line; all must hold. A word is looked for in id, name, family, organisation and aliases.
    Facets narrow further: `<30b` `>7b` (parameters), `active<5b`, `ctx>100k`, `released>2025`, `family:moe`,
    `org:meta`, `task:chat`, `licence:apache`, `commercial:yes`, `fits:rtx-4090`, `lang:de`, `reads:image`,
    `writes:text`. A minus leaves out: `-family:api`.

    - **fits** means one device, weights as published (16 bits where that is 32), one request of 2,048 tokens in and
    500 out. The load above the tabs answers for other loads.
    - **Growth** reads the batch's prompts of each length. O(n) and O(n²) are read off the closed forms; the exponent
    is local. Memory is that of one device, with every request at that length.
    - **Time**: the band holds four cases in five. **Of roofline** is the time at nominal rates over the time it takes.
    - Counted FLOPs are **needed** ones: the causal triangle, not the square that eager PyTorch executes.
    - **Quality** is the share of scored models that it beats, from published scores only.
    - Publishers of API models disclose prices only; nothing else is guessed.

    Keys `1` to `4` choose a tab, `l` the load, `[` `]` `-` `+` `d` `w` step it from anywhere. `space` marks two to six
    models, `c` puts them side by side. `e` shows the formula of a focused figure, `z` gives a pane the whole window. In
    tables `o` sorts by the next column and `O` turns the order round; a click on a header sorts too.
    """

    @dataclass
    class Examined(Message):
        """A model was computed under a load."""

        model: str
        load: dict[str, Any]
        findings: Findings

    @dataclass
    class Weighed(Message):
        """What speaks for a model was looked up."""

        model: str
        evidence: Evidence

    def __init__(self) -> None:
        super().__init__()
        self.model: Model | None = None
        self.load: dict[str, Any] = {}
        self.found: Findings | None = None
        self._wanted: State | None = None
        self._examined_any = False
        self._weighed = ""

    def compose(self) -> ComposeResult:
        """Search and list at the left, load and detail at the right, or below in a narrow window."""
        yield PageBar("models")
        with Container(id="browser"):
            yield ModelList(id="list")
            with Vertical(id="reading"):
                yield Form(FIELDS, id="load", label=9)
                yield Detail(id="detail")
        yield KeyBar()

    @property
    def models(self) -> ModelList:
        """Search and models."""
        return self.query_one(ModelList)

    @property
    def marked(self) -> tuple[str, ...]:
        """Ids of the models to compare, in the order of their marks."""
        return tuple(self.models.marked)

    # The catalog

    def library_read(self, library: Library) -> None:
        """List every model; the first one, or the one asked for, is highlighted."""
        form = self.query_one("#load", Form)
        form.offer("machine", [(machine.id, machine.id) for machine in library.machines])
        form.offer("weights", [("published", PUBLISHED), *((name, name) for name in library.formats)])
        form.offer("cache", [(name, name) for name in library.caches])
        kept = getattr(getattr(self.app, "store", None), "now", None)
        if kept is not None and kept.machine and self._wanted is None and self.model is None:
            form.put({"machine": kept.machine})
        values, problems = form.read()
        self.load = {} if problems else values
        self.models.fill(library)
        if self._wanted is not None:
            self.restore(self._wanted)

    def open_model(self, name: str, load: Mapping[str, Any]) -> None:
        """Highlight a model and put it under a load."""
        self.restore({"model": name, "load": dict(load)})

    def restore(self, state: State) -> None:
        """Return to a model, a load, a search and marks; what is not named stays."""
        if self.library is None:
            self._wanted = state
            return
        self._wanted = None
        if load := state.get("load"):
            form = self.query_one("#load", Form)
            form.put({name: value for name, value in load.items() if name in {f.name for f in FIELDS}})
        if "marked" in state:
            self.models.mark_all(state["marked"])
        self.models.go_to(str(state.get("model", "")), state.get("query"))
        if self.app.screen is self:
            self.models.table.focus()
        if state.get("compare"):
            self.action_compare()

    @property
    def state(self) -> State:
        """What is asked now."""
        model = self.model.id if self.model else ""
        return {"model": model, "load": dict(self.load), "query": self.models.query_text, "marked": list(self.marked)}

    # Keys of the list

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.query_one("#models").focus()

    def action_search(self) -> None:
        """Go to the search line."""
        self.query_one("#search").focus()

    def action_back(self) -> None:
        """Escape ends a proof, clears the search, then leaves it; from the detail it returns to the list."""
        if self.query_one(Detail).active == "evidence" and (proof := self.query_one(ProofLine)).running:
            proof.stop()
        elif not self.models.clear():
            super().action_back()

    # From the cursor to findings

    @on(ModelList.Highlighted)
    def _highlighted(self, event: ModelList.Highlighted) -> None:
        if event.row is not None and event.row is not self.model:
            self.model = event.row
            self.settle()

    @on(Form.Changed, "#load")
    def _loaded(self, event: Form.Changed) -> None:
        if not event.problems and event.values != self.load and self.library is not None:
            self.load = event.values
            self.settle()

    def display_changed(self) -> None:
        """Write every figure anew."""
        self.settle()
        if self.model is not None and self.model.id == self._weighed:
            self.weigh(self.model)

    @work(exclusive=True, group="settle")
    async def settle(self) -> None:
        """Wait until the cursor rests."""
        await asyncio.sleep(PAUSE_S)
        if self.model is not None and self.load:
            self.compute(self.model, self.load)

    @off_loop("compute", alone=True, about=lambda model, load: model.id)
    def compute(self, model: Model, load: dict[str, Any]) -> Examined:
        """Compute off the event loop."""
        return self.Examined(model.id, load, findings.examine(model, load))

    @on(Examined)
    def _examined(self, event: Examined) -> None:
        if self.model is None or (event.model, event.load) != (self.model.id, self.load):
            return
        if not self._examined_any:
            self._examined_any = True
            garbage.keep()
        self.found = event.findings
        self.past.went(self.state)
        with self.app.batch_update():
            self.query_one(Detail).show(self.model, event.findings)
            self.models.say_brief(self.model, event.findings)
            form = self.query_one("#load", Form)
            if event.findings.refusal and self.model.spec.is_disclosed:
                form.refuse(event.findings.refusal)
            else:
                form.remark("")
        self._weigh()

    def _weigh(self) -> None:
        """Look evidence up once its tab is looked at."""
        model = self.model
        if model is None or model.id == self._weighed or self.query_one(Detail).active != "evidence":
            return
        self._weighed = model.id
        self.query_one(Detail).show_evidence(model, None)
        self.query_one(EvidencePane).forget()
        self.weigh(model)

    @off_loop("weigh", about=lambda model: model.id)
    def weigh(self, model: Model) -> Weighed:
        """Look up off the event loop."""
        return self.Weighed(model.id, findings.weigh(model))

    @on(Weighed)
    def _was_weighed(self, event: Weighed) -> None:
        if self.model is not None and event.model == self.model.id:
            self.query_one(Detail).show_evidence(self.model, event.evidence)

    def action_prove(self) -> None:
        """Prove the marked models, else the highlighted one."""
        if self.model is not None:
            self.query_one(Detail).active = "evidence"
            self._weigh()
            self.query_one(ProofLine).start(self.marked or (self.model.id,))

    # Comparing

    def action_mark(self) -> None:
        """Mark or unmark the highlighted model."""
        if self.models.toggle():
            self.past.went(self.state)

    @on(RowTable.Marked, "#models")
    def _marked_by_mouse(self) -> None:
        self.action_mark()

    def action_unmark(self) -> None:
        """Unmark all."""
        self.models.mark_all(())

    def action_compare(self) -> None:
        """Put the marked models side by side; with one marked, the highlighted one joins it."""
        from tui.screens.compare import CompareScreen

        models = list(self.marked)
        if len(models) == 1 and self.model is not None and self.model.id not in models:
            models.append(self.model.id)
        if len(models) < LEAST or not self.load:
            self.notify(f"Mark {LEAST} to {MOST} models with space first, then c compares them.", timeout=4)
            return
        self.app.push_screen(CompareScreen(tuple(models), dict(self.load)))

    # Keys

    @on(RowTable.Selected, "#models")
    def _opened(self) -> None:
        self.query_one(Detail).focus_tab()
        if self.model is not None and (visited := getattr(self.app, "visited", None)) is not None:
            visited(self.bookmark() or "", "models", self.state)

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        """In a small window the detail takes the list's place while it is read."""
        reading = self.query_one("#reading")
        self.set_class(reading in event.widget.ancestors_with_self, "-reading")

    def action_tab(self, index: int) -> None:
        """Choose a tab and go to it."""
        detail = self.query_one(Detail)
        detail.active = Detail.TABS[index][0]
        if self.has_class("-reading") or self.has_class("-narrow"):
            self.call_after_refresh(detail.focus_tab)

    @on(Tabbed.Turned)
    def _activated(self) -> None:
        self.refresh_bindings()
        self._weigh()

    def action_view(self) -> None:
        """Show the plot, or the next quantity in it."""
        if self.query_one(Detail).active == "growth":
            self.query_one(GrowthPane).action_next_view()
        else:
            self.action_tab(1)

    def action_other_pass(self) -> None:
        """Show the operators, or those of the other pass."""
        if self.query_one(Detail).active == "time":
            self.query_one(TimePane).action_next_pass()
        else:
            self.action_tab(2)

    def action_step(self, name: str, direction: int) -> None:
        """Step a field of the load from anywhere."""
        self.query_one("#load", Form).step(name, direction)

    def action_load(self) -> None:
        """Go to the first field of the load."""
        self.query_one("#load", Form).field("machine").focus()

    # What the application asks

    def bookmark(self) -> str | None:
        """The model and its load."""
        if self.model is None or not self.load:
            return None
        return f"{self.model.id} on {self.load['tp']} × {self.load['machine']}, batch {self.load['batch']}"

    def equivalent(self) -> str:
        """The command line of the tab in view."""
        if self.model is None:
            return ""
        return model_export.line(self.query_one(Detail).active, self.model.id, self.marked, self.load)

    def exports(self) -> Mapping[str, Callable[[], str]]:
        """The list while it has the focus, else the tab in view."""
        listed, active = self.models.table, self.query_one(Detail).active
        if listed.has_focus or self.found is None or self.query_one("#search").has_focus:
            return model_export.texts_of_list([listed.rows[index] for index in listed.order])
        rows = self.query_one(TABLES[active], RowTable).rows
        return model_export.texts_of_tab(active, self.found, rows)

    def explained(self) -> Explanation | None:
        """The formula of the figure under the cursor of the focused table, else of the tab's own table."""
        table, model = self.focused, self.model
        if model is None or not model.spec.is_disclosed:
            return None
        if not isinstance(table, RowTable) or table.id == "checks":
            name = FIGURES.get(self.query_one(Detail).active)
            table = self.query_one(name, RowTable) if name else None
        if table is None or table.row is None:
            return None
        found = formula(table.id or "", table.row, model.id, dict(self.load), self.query_one(TimePane).shown)
        return Explanation(*found) if found else None
