"""The list of models: search by words and facets, marks, and in a small window a few words on the highlighted one."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from catalog.errors import BadInput
from tui import garbage
from tui.model_cells import MODELS
from tui.off_loop import off_loop
from tui.widgets.row_table import RowTable
from tui.widgets.searched_list import SearchedList

if TYPE_CHECKING:
    from tui.findings import Findings
    from tui.library import Library, Model

MOST = 6
"""Models that can be marked."""
PAUSE_S = 0.06
"""How long a person must pause in typing before similar names are looked for."""
HINT = "words, <30b, >7b, active<5b, ctx>100k, family: org: task: licence: fits: lang: reads:, -word leaves out"


class ModelList(SearchedList["Model"]):
    """Search line, what was understood of it, models."""

    THING = "model"

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

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.library: Library | None = None
        self.marked: list[str] = []
        self._fits: dict[str, frozenset[str]] = {}

    def compose(self) -> ComposeResult:
        """Search, hint, table, and two lines that only small windows show."""
        yield Input(placeholder="search: moe <30b ctx>100k fits:rtx-4090", id="search", compact=True)
        yield Static(Content.styled(HINT, "dim"), id="understood")
        yield RowTable(MODELS, lambda m: m.id, id="models", empty="reading the catalog …", mark=self._mark)
        yield Static(id="brief")

    def fill(self, library: Library) -> None:
        """List every model that the search lets through."""
        self.library = library
        self._fits.clear()
        self.index()
        self.table.show_rows(library.models)
        self.search(self.query_text)

    @off_loop("index")
    def index(self) -> None:
        """Lay out what is searched before the first letter comes: a fifth of a second for 20,000 models."""
        if self.library is not None:
            _ = self.library.index
            garbage.keep()  # a full collection would walk over it amid typing, 50 ms

    # Search

    def search(self, query: str) -> None:
        """Show the models that are all of the query, and say what was understood of it."""
        if self.library is None:
            return
        if not query.strip():
            self.table.keep_places(None)
            self._say(Content.styled(HINT, "dim"))
            self.name_it()
            return
        found = self.library.index.find(query, self._fits)
        self.table.empty = "no model is all of this"
        self.table.keep_places(found.places)
        if found.problems:
            self._say(Content.styled("✗ " + "; ".join(found.problems), "$text-error"))
        else:
            self._say(Content.styled(" · ".join(found.said), "dim"))
        self.query_one("#understood").tooltip = Content("; ".join((*found.problems, *found.said)) or HINT)
        self.name_it()
        if not found.places:
            self.find_near(query)
        for machine in found.waits_for:
            self.find_room(machine)

    def _say(self, text: Content) -> None:
        self.query_one("#understood", Static).update(text, layout=False)

    @off_loop("room", about=lambda machine: machine)
    def find_room(self, machine: str) -> RoomKnown:
        """Compute which models fit a machine: seconds the first time."""
        from advisor.room import fitting

        worker, library = get_current_worker(), self.library
        assert library is not None
        try:
            ids = fitting((m.spec for m in library.models), machine, lambda: worker.is_cancelled)
        except BadInput as error:
            return self.RoomKnown(machine, frozenset(), str(error))
        return self.RoomKnown(machine, ids)

    @off_loop("near")
    def find_near(self, query: str) -> NearFound | None:
        """Look for names like what was typed, once typing pauses; slow among thousands."""
        assert self.library is not None
        time.sleep(PAUSE_S)
        near = () if get_current_worker().is_cancelled else tuple(self.library.index.near(query))
        return self.NearFound(query, near) if near else None

    @on(NearFound)
    def _near_found(self, event: NearFound) -> None:
        if event.query == self.query_text and not self.table.order:
            self.table.empty = f"none; did you mean {' or '.join(event.near)}?"

    @on(RoomKnown)
    def _room_known(self, event: RoomKnown) -> None:
        self._fits[event.machine] = event.ids
        self.search(self.query_text)
        if event.problem:
            self.notify(event.problem, severity="warning", markup=False)

    # Marks

    def _mark(self, model: Model) -> str:
        return str(self.marked.index(model.id) + 1) if model.id in self.marked else " "

    def mark_all(self, names: Iterable[str]) -> None:
        """Mark these models and no others; unknown ones are left out."""
        self.marked = [name for name in names if self.library is not None and self.library.model(name)][:MOST]
        self._marks_changed()

    def toggle(self) -> bool:
        """Mark or unmark the highlighted model; ``False`` where that cannot be."""
        if self.table.row is None:
            return False
        name = self.table.row.id
        if name in self.marked:
            self.marked.remove(name)
        elif len(self.marked) == MOST:
            self.notify(f"{MOST} models are marked already; that is the most that fits side by side.", timeout=3)
            return False
        else:
            self.marked.append(name)
        self._marks_changed()
        return True

    def _marks_changed(self) -> None:
        self.table.refresh()
        self.name_it()

    def name_it(self) -> None:
        """With the count and the marks."""
        marks = f", {len(self.marked)} marked [@click=screen.compare]\\[c] compares[/]" if self.marked else ""
        self.entitle("Models", f"{self.shown}{marks}" if self.table.rows else "")

    # The highlighted model

    def say_brief(self, model: Model, found: Findings) -> None:
        """Two lines about the model where the list has the whole window."""
        first = Content.assemble((model.spec.name, "bold"), f"  {model.spec.organisation or ''}")
        e = found.estimate
        if e is None:
            second = Content(found.refusal)
        else:
            fits = {True: "fits", False: "DOES NOT FIT", None: "memory not known"}[e.memory.fits]
            told = [f"{f.name} {f.text}" for f in found.figures[:2]]
            second = Content(" · ".join([f"{e.weights}, {e.n_gpus} × {e.machine}: {fits}", *told, "enter opens"]))
        said = Content.assemble(first, "\n", second.stylize("dim"))
        self.query_one("#brief", Static).update(said, layout=False)
