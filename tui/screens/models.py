"""The Models page: search, the catalog, and everything about the highlighted model."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.message import Message
from textual.widgets import Input, TabbedContent
from textual.worker import get_current_worker

from advisor import quantities
from catalog.errors import BadInput
from tui import garbage
from tui.cells import MODELS
from tui.screens.page import Page
from tui.search import matcher
from tui.widgets.detail import Detail, Findings
from tui.widgets.form import Choice, Entry, Form
from tui.widgets.growth import Growth
from tui.widgets.key_bar import KeyBar
from tui.widgets.page_bar import PageBar
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from tui.library import Library, Model

PAUSE_S = 0.06
"""How long the cursor must rest before a model is computed."""
PUBLISHED = ""
LENGTHS = ("128", "512", "1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k", "256k", "512k", "1m")
POWERS = ("1", "2", "4", "8", "16", "32", "64", "128", "256")
SHORT, LONG, LONGEST = (64, 16384), (1024, 262144), (1024, 2**20)
"""Ranges of lengths that growth is shown over, by the advertised context."""

FIELDS = (
    Choice("machine", "machine", (("h100-sxm", "h100-sxm"),), "h100-sxm", help="Where times are taken."),
    Choice("weights", "weights", (("published", PUBLISHED),), PUBLISHED, help="Format of the weights."),
    Choice("cache", "cache", (("bf16", "bf16"),), "bf16", help="Format of the KV cache."),
    Entry("input_tokens", "prompt", quantities.tokens, "2k", "", LENGTHS, help="Length of the prompt: 2048, 16k."),
    Entry("batch", "batch", quantities.count, "1", "", POWERS, help="Requests at the same time."),
    Entry("tp", "devices", quantities.count, "1", "", ("1", "2", "4", "8"), help="Devices that share each layer."),
)


def examine(model: Model, load: Mapping[str, Any]) -> Findings:
    """Compute what there is to say about a model under a load; takes some tens of milliseconds."""
    from advisor.estimate import estimate
    from advisor.scaling import scale
    from calculators.params import params_by_part

    if not model.spec.is_disclosed:
        secret = "The publisher does not disclose the architecture; only prices and limits are known."
        return Findings({}, None, secret, None, secret)
    found, refusal, growth, growth_refusal = None, "", None, ""
    try:
        found = estimate(model=model.id, **load)
    except BadInput as error:
        refusal = str(error)
    try:
        fields = {name: load[name] for name in ("machine", "weights", "cache", "tp")}
        fine, coarse = (scale([model.id], context=_range(model), per_octave=n, **fields).curves[0] for n in (4, 1))
        growth = Growth(fine, coarse, model.spec.context_tokens)
    except BadInput as error:
        growth_refusal = str(error)
    return Findings(params_by_part(model.spec), found, refusal, growth, growth_refusal)


def _range(model: Model) -> tuple[int, int]:
    context = model.spec.context_tokens or LONG[1]
    return SHORT if context < 8192 else LONG if context <= LONG[1] else LONGEST


class ModelsScreen(Page):
    """Search, list, detail."""

    AUTO_FOCUS = "#models"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", tooltip="Words, or facets such as <30b ctx>100k", id="models.search"),
        Binding("1", "tab(0)", "Overview", show=False, id="models.overview"),
        Binding("2", "tab(1)", "Operators", show=False, id="models.operators"),
        Binding("3", "tab(2)", "Growth", show=False, id="models.growth"),
        Binding("4", "tab(3)", "Evidence", show=False, id="models.evidence"),
        Binding("l", "load", "Load", tooltip="Change machine, formats, prompt and batch", id="models.load"),
        Binding("v", "view", "Plot", tooltip="Plot FLOPs, memory or time", id="models.view"),
    ]
    HELP = """
    # Models

    Every model of the catalog, and what it is made of.

    Type words in the search line; all must appear in id, name, family, organisation or aliases. Facets narrow further:
    `<30b` `>7b` by parameters, `ctx>100k` by context, `licence:apache`, `family:moe`.

    - **Operators** are the kernels of one forward pass; **×** says how often the model holds one. FLOPs and traffic are
      those of the prefill of the whole batch, times those of the chosen machine.
    - **Growth** reads one prompt of each length. The **exponent** is local: 1 is linear, 2 quadratic.
    - Counted FLOPs are **needed** ones: the causal triangle, not the square that eager PyTorch executes.
    - Publishers of API models disclose prices only; nothing else is guessed.

    Keys `1` to `4` choose a tab, `l` the load, `v` what the plot shows, `z` gives a pane the whole window. In tables
    `o` sorts by the next column and `O` turns the order round; a click on a header sorts too.
    """

    @dataclass
    class Examined(Message):
        """A model was computed under a load."""

        model: str
        load: dict[str, Any]
        findings: Findings

    @dataclass
    class Failed(Message):
        """Computing failed; that is a failure of ours."""

        sentence: str

    def __init__(self) -> None:
        super().__init__()
        self.model: Model | None = None
        self.load: dict[str, Any] = {}
        self._wanted: tuple[str, Mapping[str, Any]] | None = None
        self._one_at_a_time = Lock()
        self._examined_any = False

    def compose(self) -> ComposeResult:
        """Search and list at the left, load and detail at the right, or below in a narrow window."""
        yield PageBar("models")
        with Container(id="browser"):
            with Vertical(id="list"):
                yield Input(placeholder="search: words, <30b, ctx>100k, licence:apache", id="search", compact=True)
                yield RowTable(MODELS, lambda m: m.id, id="models", empty="reading the catalog …")
            with Vertical(id="reading"):
                yield Form(FIELDS, id="load")
                yield Detail(id="detail")
        yield KeyBar()

    def on_mount(self) -> None:
        """Name the list."""
        self.query_one("#models").border_title = "Models"

    # The catalog

    def library_read(self, library: Library) -> None:
        """List every model; the first one, or the one asked for, is highlighted."""
        form = self.query_one("#load", Form)
        form.offer("machine", [(machine.id, machine.id) for machine in library.machines])
        form.offer("weights", [("published", PUBLISHED), *((name, name) for name in library.formats)])
        form.offer("cache", [(name, name) for name in library.caches])
        values, problems = form.read()
        self.load = {} if problems else values
        table = self.query_one("#models", RowTable)
        table.empty = "no model has all of these words"
        table.show_rows(library.models)
        self._count()
        if self._wanted is not None:
            self.open_model(*self._wanted)

    def open_model(self, name: str, load: Mapping[str, Any]) -> None:
        """Highlight a model and put it under a load."""
        if self.library is None:
            self._wanted = name, load
            return
        self._wanted = None
        table = self.query_one("#models", RowTable)
        if load:
            self.query_one("#load", Form).put(load)
        if not table.go_to(name):
            with self.prevent(Input.Changed):
                self.query_one("#search", Input).value = ""
            self._search("")
            table.go_to(name)
        table.focus()

    # Search

    @on(Input.Changed, "#search")
    def _typed(self, event: Input.Changed) -> None:
        self._search(event.value)

    def _search(self, query: str) -> None:
        self.query_one("#models", RowTable).keep(matcher(query) if query.strip() else None)
        self._count()

    def _count(self) -> None:
        table = self.query_one("#models", RowTable)
        table.border_subtitle = f"{len(table.order):,} of {len(table.rows):,}"

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.query_one("#models").focus()

    def action_search(self) -> None:
        """Go to the search line."""
        self.query_one("#search").focus()

    def action_back(self) -> None:
        """Escape clears the search, then leaves it; from the detail it returns to the list."""
        search = self.query_one("#search", Input)
        if search.has_focus and search.value:
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

    @work(exclusive=True, group="settle")
    async def settle(self) -> None:
        """Wait until the cursor rests."""
        await asyncio.sleep(PAUSE_S)
        if self.model is not None and self.load:
            self.compute(self.model, self.load)

    @work(thread=True, exclusive=True, group="compute", exit_on_error=False)
    def compute(self, model: Model, load: dict[str, Any]) -> None:
        """Compute off the event loop; models that were passed by meanwhile are dropped."""
        worker = get_current_worker()
        news: Message
        with self._one_at_a_time:
            if worker.is_cancelled:
                return
            try:
                news = self.Examined(model.id, load, examine(model, load))
            except Exception as error:
                news = self.Failed(f"{model.id}: {type(error).__name__}: {error}")
        if not worker.is_cancelled:
            self.post_message(news)

    @on(Examined)
    def _examined(self, event: Examined) -> None:
        if self.model is None or (event.model, event.load) != (self.model.id, self.load):
            return
        if not self._examined_any:
            self._examined_any = True
            garbage.keep()
        with self.app.batch_update():
            self.query_one(Detail).show(self.model, event.findings)
            form = self.query_one("#load", Form)
            if event.findings.refusal and self.model.spec.is_disclosed:
                form.refuse(event.findings.refusal)
            else:
                form.remark("")

    @on(Failed)
    def _failed(self, event: Failed) -> None:
        self.notify(event.sentence, title="whicharch failed; this is our fault", severity="error", markup=False)

    # Keys

    @on(RowTable.Selected, "#models")
    def _opened(self) -> None:
        self.query_one(Detail).focus_tab()

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        """In a small window the detail takes the list's place while it is read."""
        reading = self.query_one("#reading")
        self.set_class(reading in event.widget.ancestors_with_self, "-reading")

    def action_tab(self, index: int) -> None:
        """Choose a tab and go to it."""
        detail = self.query_one(Detail)
        detail.active = Detail.TABS[index][0]
        if self.has_class("-reading"):
            self.call_after_refresh(detail.focus_tab)

    @on(TabbedContent.TabActivated)
    def _activated(self) -> None:
        self.refresh_bindings()

    def action_view(self) -> None:
        """Show the plot, or the next quantity in it."""
        from tui.widgets.growth import GrowthPane

        if self.query_one(Detail).active == "growth":
            self.query_one(GrowthPane).action_next_view()
        else:
            self.action_tab(2)

    def action_load(self) -> None:
        """Go to the first field of the load."""
        self.query_one("#load Select").focus()
