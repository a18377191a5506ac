"""The Models page: search, the catalog, and everything about the highlighted model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static, TabbedContent
from textual.worker import Worker, get_current_worker

from advisor import quantities
from catalog.errors import BadInput
from tui import findings, garbage
from tui.model_cells import FIGURES, GROWTH, MODELS, OPERATORS, SIZES
from tui.model_text import as_json, command, table_csv, table_md
from tui.off_loop import off_loop
from tui.screens.page import Explanation, Page, State
from tui.widgets.detail import Detail
from tui.widgets.evidence import CHECKS, EvidencePane
from tui.widgets.form import Choice, Entry, Form
from tui.widgets.growth import GrowthPane
from tui.widgets.key_bar import KeyBar
from tui.widgets.page_bar import PageBar
from tui.widgets.row_table import Column, RowTable
from tui.widgets.timing import TimePane

if TYPE_CHECKING:
    from advisor.proving import Proven
    from tui.findings import Evidence, Findings
    from tui.library import Library, Model

PAUSE_S = 0.06
"""How long the cursor must rest before a model is computed."""
PUBLISHED = ""
LEAST, MOST = 2, 6
"""Models to compare."""
LENGTHS = ("128", "512", "1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k", "256k", "512k", "1m")
POWERS = ("1", "2", "4", "8", "16", "32", "64", "128", "256")
HINT = "words, <30b, >7b, active<5b, ctx>100k, family: org: task: licence: fits: lang: reads:, -word leaves out"
SHOWN = 12
"""Parts of a formula that are listed one by one."""

FIELDS = (
    Choice("machine", "machine", (("h100-sxm", "h100-sxm"),), "h100-sxm", help="Where times are taken."),
    Choice("weights", "weights", (("published", PUBLISHED),), PUBLISHED, help="Format of the weights (keys w W)."),
    Choice("cache", "cache", (("bf16", "bf16"),), "bf16", help="Format of the KV cache (keys ( ))."),
    Entry("input_tokens", "prompt", quantities.tokens, "2k", "", LENGTHS, help="Length of the prompt (keys [ ])."),
    Entry("batch", "batch", quantities.count, "1", "", POWERS, help="Requests at the same time (keys - +)."),
    Entry("tp", "devices", quantities.count, "1", "", ("1", "2", "4", "8"), help="Share each layer (keys d D)."),
)
STEPS = (
    ("left_square_bracket", "right_square_bracket", "input_tokens", "prompt"),
    ("minus", "plus,equals_sign", "batch", "batch"),
    ("d", "D", "tp", "number of devices"),
    ("w", "W", "weights", "weight format"),
    ("left_parenthesis", "right_parenthesis", "cache", "cache format"),
)


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

    @dataclass
    class NearFound(Message):
        """Names like what was typed."""

        query: str
        near: tuple[str, ...]

    @dataclass
    class RoomKnown(Message):
        """Which models fit a machine, or why that cannot be told."""

        machine: str
        ids: frozenset[str]
        problem: str = ""

    def __init__(self) -> None:
        super().__init__()
        self.model: Model | None = None
        self.load: dict[str, Any] = {}
        self.found: Findings | None = None
        self.marked: list[str] = []
        self._wanted: State | None = None
        self._fits: dict[str, frozenset[str]] = {}
        self._examined_any = False
        self._weighed = ""
        self._proof: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """Search and list at the left, load and detail at the right, or below in a narrow window."""
        yield PageBar("models")
        with Container(id="browser"):
            with Vertical(id="list"):
                yield Input(placeholder="search: moe <30b ctx>100k fits:rtx-4090", id="search", compact=True)
                yield Static(Content.styled(HINT, "dim"), id="understood")
                yield RowTable(MODELS, lambda m: m.id, id="models", empty="reading the catalog …", mark=self._mark)
                yield Static(id="brief")
            with Vertical(id="reading"):
                yield Form(FIELDS, id="load")
                yield Detail(id="detail")
        yield KeyBar()

    def on_mount(self) -> None:
        """Name the list."""
        self.query_one("#models").border_title = "Models"

    def _mark(self, model: Model) -> str:
        return str(self.marked.index(model.id) + 1) if model.id in self.marked else " "

    # The catalog

    def library_read(self, library: Library) -> None:
        """List every model; the first one, or the one asked for, is highlighted."""
        form = self.query_one("#load", Form)
        form.offer("machine", [(machine.id, machine.id) for machine in library.machines])
        form.offer("weights", [("published", PUBLISHED), *((name, name) for name in library.formats)])
        form.offer("cache", [(name, name) for name in library.caches])
        kept = getattr(getattr(self.app, "store", None), "now", None)
        self._fits.clear()
        if kept is not None and kept.machine and self._wanted is None and self.model is None:
            form.put({"machine": kept.machine})
        values, problems = form.read()
        self.load = {} if problems else values
        table = self.query_one("#models", RowTable)
        table.show_rows(library.models)
        self._search(self.query_one("#search", Input).value)
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
        table = self.query_one("#models", RowTable)
        if load := state.get("load"):
            form = self.query_one("#load", Form)
            form.put({name: value for name, value in load.items() if name in {f.name for f in FIELDS}})
        if "marked" in state:
            self.marked = [name for name in state["marked"] if self.library.model(name)][:MOST]
        name = state.get("model", "")
        query = state.get("query")
        if query is not None or (name and not table.go_to(name)):
            with self.prevent(Input.Changed):
                self.query_one("#search", Input).value = query or ""
            self._search(query or "")
            if name and not table.go_to(name):
                self.notify(f"There is no model {name} in the catalog now.", severity="warning", markup=False)
        table.refresh()
        self._count()
        if self.app.screen is self:
            table.focus()
        if state.get("compare"):
            self.action_compare()

    @property
    def state(self) -> State:
        """What is asked now."""
        query = self.query_one("#search", Input).value
        model = self.model.id if self.model else ""
        return {"model": model, "load": dict(self.load), "query": query, "marked": list(self.marked)}

    # Search

    @on(Input.Changed, "#search")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._search(event.value)

    def _search(self, query: str) -> None:
        table, line = self.query_one("#models", RowTable), self.query_one("#understood", Static)
        if self.library is None:
            return
        if not query.strip():
            table.keep_places(None)
            line.update(Content.styled(HINT, "dim"), layout=False)
            self._count()
            return
        found = self.library.index.find(query, self._fits)
        table.empty = "no model is all of this"
        table.keep_places(found.places)
        if found.problems:
            line.update(Content.styled("✗ " + "; ".join(found.problems), "$text-error"), layout=False)
        else:
            line.update(Content.styled(" · ".join(found.said), "dim"), layout=False)
        line.tooltip = Content("; ".join((*found.problems, *found.said)) or HINT)
        self._count()
        if not found.places:
            self.find_near(query)
        for machine in found.waits_for:
            self.find_room(machine)

    @off_loop("room", about=lambda machine: machine)
    def find_room(self, machine: str) -> RoomKnown:
        """Compute which models fit a machine: seconds the first time, so it holds nothing else up."""
        from advisor.room import fitting

        worker, library = get_current_worker(), self.library
        assert library is not None
        try:
            return self.RoomKnown(
                machine, fitting((m.spec for m in library.models), machine, lambda: worker.is_cancelled)
            )
        except BadInput as error:
            return self.RoomKnown(machine, frozenset(), str(error))

    @off_loop("near")
    def find_near(self, query: str) -> NearFound | None:
        """Look for names like what was typed, once typing pauses; slow among thousands."""
        assert self.library is not None
        time.sleep(PAUSE_S)
        near = () if get_current_worker().is_cancelled else tuple(self.library.index.near(query))
        return self.NearFound(query, near) if near else None

    @on(NearFound)
    def _near_found(self, event: NearFound) -> None:
        table = self.query_one("#models", RowTable)
        if event.query == self.query_one("#search", Input).value and not table.order:
            table.empty = f"no model is all of this; did you mean {' or '.join(event.near)}?"

    @on(RoomKnown)
    def _room_known(self, event: RoomKnown) -> None:
        self._fits[event.machine] = event.ids
        self._search(self.query_one("#search", Input).value)
        if event.problem:
            self.notify(event.problem, severity="warning", markup=False)

    def _count(self) -> None:
        table = self.query_one("#models", RowTable)
        compares = "[@click=screen.compare]\\[c] compares[/]"
        marks = f", {len(self.marked)} marked {compares}" if self.marked else ""
        table.border_subtitle = f"{len(table.order):,} of {len(table.rows):,}{marks}"

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.query_one("#models").focus()

    def action_search(self) -> None:
        """Go to the search line."""
        self.query_one("#search").focus()

    def action_back(self) -> None:
        """Escape ends a proof, clears the search, then leaves it; from the detail it returns to the list."""
        search = self.query_one("#search", Input)
        if self._proof is not None and self._proof.is_running and self.query_one(Detail).active == "evidence":
            self._proof.cancel()
        elif search.has_focus and search.value:
            search.value = ""
        else:
            super().action_back()

    # From the cursor to findings

    @on(RowTable.Highlighted, "#models")
    def _highlighted(self, event: RowTable.Highlighted) -> None:
        model: Model | None = event.row
        if model is None or model is self.model:
            return
        self.model = model
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
            self._say_brief()
            form = self.query_one("#load", Form)
            if event.findings.refusal and self.model.spec.is_disclosed:
                form.refuse(event.findings.refusal)
            else:
                form.remark("")
        self._weigh()

    def _say_brief(self) -> None:
        """Two lines about the model where the list has the whole window."""
        assert self.model is not None
        assert self.found is not None
        first = Content.assemble((self.model.spec.name, "bold"), f"  {self.model.spec.organisation or ''}")
        e = self.found.estimate
        if e is None:
            second = Content(self.found.refusal)
        else:
            fits = {True: "fits", False: "DOES NOT FIT", None: "memory not known"}[e.memory.fits]
            told = [f"{f.name} {f.text}" for f in self.found.figures[:2]]
            second = Content(" · ".join([f"{e.n_gpus} × {e.machine}: {fits}", *told, "enter opens"]))
        said = Content.assemble(first, "\n", second.stylize("dim"))
        self.query_one("#brief", Static).update(said, layout=False)

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

    # The proof

    def action_prove(self) -> None:
        """Prove the marked models, else the highlighted one."""
        if self.model is None:
            return
        detail = self.query_one(Detail)
        detail.active = "evidence"
        self._weigh()
        self._proof = self.prove(tuple(self.marked) or (self.model.id,))

    @work(exclusive=True, group="proof", exit_on_error=False)
    async def prove(self, models: tuple[str, ...]) -> None:
        """Follow the proof; it runs in another process."""
        from advisor import proving

        pane, started = self.query_one(EvidencePane), time.monotonic()
        news: Proven | None = None

        def tick() -> None:
            if news is not None:
                pane.progress(news, time.monotonic() - started)

        clock = self.set_interval(1, tick)
        try:
            async for news in proving.prove(models):
                pane.progress(news, time.monotonic() - started)
            if news is not None and news.checks is not None:
                pane.proven(news.checks, time.monotonic() - started)
        except BadInput as error:
            pane.tell(Content.styled(f"✗ {error}", "$text-error"))
        except asyncio.CancelledError:
            pane.tell("ended")
            raise
        finally:
            clock.stop()

    # Comparing

    def action_mark(self) -> None:
        """Mark or unmark the highlighted model."""
        table = self.query_one("#models", RowTable)
        if table.row is None:
            return
        name = table.row.id
        if name in self.marked:
            self.marked.remove(name)
        elif len(self.marked) == MOST:
            self.notify(f"{MOST} models are marked already; that is the most that fits side by side.", timeout=3)
        else:
            self.marked.append(name)
        table.refresh()
        self._count()
        self.past.went(self.state)

    @on(RowTable.Marked, "#models")
    def _marked_by_mouse(self) -> None:
        self.action_mark()

    def action_unmark(self) -> None:
        """Unmark all."""
        self.marked.clear()
        self.query_one("#models").refresh()
        self._count()

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

    @on(TabbedContent.TabActivated)
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
        self.query_one("#load Select").focus()

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
        match self.query_one(Detail).active:
            case "architecture":
                return command("catalog show", (self.model.id,), {}).replace("'catalog show'", "catalog show")
            case "growth":
                return command("scale", (self.model.id,), self.load, ("input_tokens",))
            case "time":
                return command("estimate", (self.model.id,), self.load) + " --breakdown"
            case _:
                return command("validate", tuple(self.marked) or (self.model.id,), {})

    def exports(self) -> Mapping[str, Callable[[], str]]:
        """The list while it has the focus, else the tab in view."""
        table = self.query_one("#models", RowTable)
        active = self.query_one(Detail).active
        if table.has_focus or self.found is None or self.query_one("#search").has_focus:
            rows = [table.rows[index] for index in table.order]
            data = [{c.title: c.key(m) if c.key else c.cell(m) for c in MODELS} for m in rows]
            return {
                "csv": lambda: table_csv(MODELS, rows),
                "md": lambda: table_md(MODELS, rows),
                "json": lambda: as_json(data),
            }
        tables: dict[str, tuple[str, Sequence[Column[Any]]]] = {
            "architecture": ("#sizes", SIZES),
            "growth": ("#points", GROWTH),
            "time": ("#operators-table", OPERATORS),
            "evidence": ("#checks", CHECKS),
        }
        name, columns = tables[active]
        rows, found = list(self.query_one(name, RowTable).rows), self.found
        more = "" if name != "#operators-table" else table_md(FIGURES, found.figures) + "\n"
        whole: Callable[[], Any] = {
            "architecture": lambda: found.estimate.to_dict() if found.estimate else {},
            "growth": lambda: found.growth.to_dict() if found.growth else {},
            "time": lambda: found.breakdown.to_dict() if found.breakdown else {},
            "evidence": lambda: rows,
        }[active]
        return {
            "md": lambda: more + table_md(columns, rows),
            "csv": lambda: table_csv(columns, rows),
            "json": lambda: as_json(whole()),
        }

    def explained(self) -> Explanation | None:
        """The formula of the figure under the cursor of the focused table, else of the tab's own table."""
        focused, model, load = self.focused, self.model, dict(self.load)
        if model is None or not model.spec.is_disclosed:
            return None
        if not isinstance(focused, RowTable) or focused.id == "checks":
            first = {"architecture": "#sizes", "growth": "#points", "time": "#figures"}
            name = first.get(self.query_one(Detail).active)
            focused = self.query_one(name, RowTable) if name else None
        if focused is None or focused.row is None:
            return None
        from advisor.explanation_text import full_text
        from advisor.figures import Asked, explained, explained_part

        row = focused.row
        match focused.id:
            case "models":
                asked = Asked(model.id, "parameters")
                return Explanation(f"Parameters of {model.id}", lambda: full_text(explained(asked, load), SHOWN))
            case "sizes" | "figures" if row.asks is not None:
                return Explanation(f"{row.name} of {model.id}", lambda: full_text(explained(row.asks, load), SHOWN))
            case "operators-table":
                shown = self.query_one(TimePane).shown
                assert shown is not None
                return Explanation(
                    f"{row.name} of {model.id}",
                    lambda: full_text(explained_part(model.id, shown.name, row.name, load), SHOWN),
                )
            case "points":
                length = row.point.context
                quantities_ = ("growth", "flops", "kv-cache") if row.memory else ("growth", "flops")
                return Explanation(
                    f"{model.id} at {length:,} tokens",
                    lambda: "\n\n".join(
                        full_text(explained(Asked(model.id, name, length), load), SHOWN) for name in quantities_
                    ),
                )
        return None
