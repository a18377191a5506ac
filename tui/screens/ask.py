"""The Ask page: requirements on top, a ranked shortlist that follows every edit, and why."""

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
from textual.reactive import reactive
from textual.widgets import Input
from textual.worker import get_current_worker

from advisor import quantities
from advisor.report import tokens_text
from catalog.errors import BadInput
from tui import garbage
from tui.cells import REJECTED, SHORTLIST
from tui.screens.page import OpenModel, Page
from tui.widgets.form import Choice, Entry, Form
from tui.widgets.key_bar import KeyBar
from tui.widgets.page_bar import PageBar
from tui.widgets.row_table import RowTable
from tui.widgets.why import WhyPane

if TYPE_CHECKING:
    from advisor.recommend import Advice, Recommendation
    from advisor.rejection import Rejection
    from tui.library import Library

PAUSE_S = 0.15
"""How long a person must pause in typing before the question is asked."""
ROWS = 1000
"""More than any catalog has: both lists are complete, and their counts true."""
ANY = ""
LENGTHS = ("512", "1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k", "256k", "512k", "1m")
USERS = ("1", "2", "4", "8", "16", "32", "64", "128", "256")

FIELDS = (
    Choice("task", "task", (("chat", "chat"),), "chat", help="What the model is for."),
    Entry(
        "context_tokens", "context", quantities.tokens, "16k", "auto", LENGTHS,
        help="Prompt and answer together, for which every user needs memory at the same time: 2048, 16k, 1m.",
    ),
    Entry("users", "users", quantities.count, "8", "1", USERS, help="Requests at the same time."),
    Entry(
        "input_tokens", "prompt", quantities.tokens, "", "auto", LENGTHS,
        help="Length of a typical prompt, for which the first token is timed. Empty: as the task says.",
    ),
    Entry(
        "ttft_s", "first token", quantities.seconds, "1s", "no limit", ("100ms", "200ms", "500ms", "1s", "2s", "5s"),
        help="Longest time to the first token: 300ms, 1.5s.",
    ),
    Entry(
        "tpot_s", "per token", quantities.seconds, "60ms", "no limit", ("10ms", "20ms", "40ms", "60ms", "100ms"),
        help="Longest time per token after the first: 40ms.",
    ),
    Choice(
        "machines", "machine", (("any", ANY), ("rtx-4090", "rtx-4090")), "rtx-4090",
        help="The machine to run on; any: every machine that is rented out and whose speed is known.",
    ),
    Entry(
        "max_gpus", "devices", quantities.count, "", "auto", ("1", "2", "4", "8", "16"),
        help="Devices at most. Empty: 1 on a named machine, 8 on any.",
    ),
    Entry(
        "memory_bytes", "memory", quantities.memory_bytes, "", "all",
        ("8GiB", "12GiB", "16GiB", "24GiB", "32GiB", "48GiB", "80GiB", "141GiB", "192GiB"),
        help="Memory that may be used per device: 20GiB, 80GB. Empty: all that the machine has.",
    ),
)  # fmt: skip
"""The question that the page opens with."""


def question(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the form asks, as keyword arguments of ``recommend``; empty fields are left out."""
    asked = {name: value for name, value in values.items() if value is not None}
    asked["machines"] = (asked["machines"],) if asked.get("machines") else ()
    return asked


class AskScreen(Page):
    """Requirements, shortlist, reasons."""

    AUTO_FOCUS = "#shortlist"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash,i", "edit", "Edit", tooltip="Edit the requirements", id="ask.edit"),
        Binding("s", "list('shortlist')", "Shortlist", id="ask.shortlist"),
        Binding("t", "list('rejected')", "Rejected", id="ask.rejected"),
        Binding("w", "screen.focus('#why')", "Why", id="ask.why"),
    ]
    HELP = """
    # Ask

    Which architecture, model and machine keep your promises? Edit the fields on top; the list follows.

    - **context** is reserved for every user at once; **prompt** is what the first token is timed for.
    - Every row is the best way to run one model: its format, cache, machine and devices.
    - **quality** is the share of the catalog's scored models that a model beats at the task, drawn down where evidence
      is thin. Models without evidence stand last.
    - **Rejected** models name what they break and the smallest change that would admit them.

    Type `16k`, `60ms`, `24GiB`. Arrows up and down step a field, Escape returns to the list, Enter opens the model.
    In lists `j` and `k` move, `o` sorts by the next column, `O` turns the order round; a click on a header sorts too.
    Columns that do not fit leave by importance. `z` gives the focused pane the whole window.

    Not modelled here: queueing under bursts, prefix reuse, speculative decoding.
    """
    listing: reactive[str] = reactive("shortlist", init=False)
    """Which of the two lists is explained (and, in a small window, shown)."""

    @dataclass
    class Answered(Message):
        """A question has its answer."""

        asked: dict[str, Any]
        advice: Advice

    @dataclass
    class Refused(Message):
        """A question cannot be answered."""

        asked: dict[str, Any]
        sentence: str
        ours: bool = False
        """Whether it is a failure of ours rather than of the question."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, Any] = {}
        self.advice: Advice | None = None
        self._one_at_a_time = Lock()

    def compose(self) -> ComposeResult:
        """Form on top; lists at the left, reasons at the right, or below in a narrow window."""
        yield PageBar("ask")
        yield Form(FIELDS, id="requirements")
        with Container(id="answer"):
            with Vertical(id="lists"):
                yield RowTable(SHORTLIST, lambda r: r.model, id="shortlist", empty="reading the catalog …")
                yield RowTable(REJECTED, lambda r: r.model, id="rejected", empty="nothing was rejected")
            yield WhyPane(id="why")
        yield KeyBar()

    def on_mount(self) -> None:
        """Name the panes; the catalog arrives later."""
        self.query_one("#why").border_title = "Why \\[w]"
        self._name_lists()
        self.query_one(WhyPane).say("The catalog is being read.")

    # The catalog

    def library_read(self, library: Library) -> None:
        """Offer every task and machine, and ask for the first time."""
        form = self.query_one(Form)
        tasks = [(task.id, task.id) for task in library.tasks]
        machines = [("any", ANY), *((machine.id, machine.id) for machine in library.machines)]
        form.offer("task", tasks)
        form.offer("machines", machines)
        values, problems = form.read()
        if not problems:
            self.asked = question(values)
            self.query_one("#shortlist", RowTable).empty = "ranking …"
            self.query_one(WhyPane).say("Every way to run every model is being tried.")
            self.compute(self.asked)

    # From edits to answers

    @on(Form.Changed)
    def _edited(self, event: Form.Changed) -> None:
        if event.problems or (asked := question(event.values)) == self.asked or self.library is None:
            return
        self.asked = asked
        self.query_one("#shortlist").border_subtitle = "ranking …"
        self.settle()

    @work(exclusive=True, group="settle")
    async def settle(self) -> None:
        """Wait for a pause in typing; each edit starts the wait anew."""
        await asyncio.sleep(PAUSE_S)
        self.compute(self.asked)

    @work(thread=True, exclusive=True, group="compute", exit_on_error=False)
    def compute(self, asked: dict[str, Any]) -> None:
        """Answer off the event loop; superseded questions that wait for their turn are dropped unasked."""
        from advisor.recommend import recommend

        worker = get_current_worker()
        news: Message
        with self._one_at_a_time:
            if worker.is_cancelled:
                return
            try:
                news = self.Answered(asked, recommend(limit=ROWS, **asked))
            except BadInput as error:
                news = self.Refused(asked, str(error))
            except Exception as error:
                news = self.Refused(asked, f"{type(error).__name__}: {error}", ours=True)
        if not worker.is_cancelled:
            self.post_message(news)

    @on(Answered)
    def _answered(self, event: Answered) -> None:
        if event.asked != self.asked:
            return
        if self.advice is None:
            garbage.keep()
        advice = self.advice = event.advice
        with self.app.batch_update():
            shortlist = self.query_one("#shortlist", RowTable)
            shortlist.empty = "Nothing keeps every promise; see what was rejected."
            shortlist.show_rows(advice.recommendations, follow=shortlist.cursor > 0)
            self.query_one("#rejected", RowTable).show_rows(advice.rejected)
            assumed = "; ".join(advice.requirements.get("defaults", ()))
            self.query_one(Form).remark(f"assumed: {assumed}" if assumed else "")
            self._name_lists()
            if not advice.recommendations and advice.rejected:
                self.listing = "rejected"
            elif self.listing == "rejected" and not advice.rejected:
                self.listing = "shortlist"
            self._explain()

    @on(Refused)
    def _refused(self, event: Refused) -> None:
        if event.asked != self.asked:
            return
        self._name_lists()
        if event.ours:
            self.notify(event.sentence, title="whicharch failed; this is our fault", severity="error", markup=False)
        else:
            self.query_one(Form).refuse(event.sentence)

    # Lists and reasons

    def _name_lists(self) -> None:
        advice = self.advice
        counts = ("", "") if advice is None else (f" {len(advice.recommendations)}", f" {len(advice.rejected)}")
        names = {"shortlist": f"Shortlist{counts[0]} \\[s]", "rejected": f"Rejected{counts[1]} \\[t]"}
        both = not self.has_class("-wide") or self.has_class("-short")
        for name, other in (("shortlist", "rejected"), ("rejected", "shortlist")):
            table = self.query_one(f"#{name}")
            link = f"  [dim @click=screen.list('{other}')]{names[other]}[/]"
            table.border_title = f"{names[name]}{link if both else ''}"
        if advice is not None:
            self.query_one("#shortlist").border_subtitle = f"{advice.considered:,} ways considered"

    def on_resize(self, event: events.Resize) -> None:
        """Small windows show one list at a time."""
        self.call_after_refresh(self._name_lists)

    def watch_listing(self, listing: str) -> None:
        """Show (in a small window) and explain that list."""
        self.set_class(listing == "rejected", "-rejected")
        self._explain()

    def action_list(self, name: str) -> None:
        """Go to a list."""
        self.listing = name
        self.call_after_refresh(self.query_one(f"#{name}").focus)

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        if event.widget.id in ("shortlist", "rejected"):
            self.listing = event.widget.id

    @on(RowTable.Highlighted)
    def _highlighted(self, event: RowTable.Highlighted) -> None:
        if event.table.id == self.listing:
            self._explain()

    def _explain(self) -> None:
        why, row = self.query_one(WhyPane), self.query_one(f"#{self.listing}", RowTable).row
        if self.advice is None:
            return
        if row is None:
            why.say("Nothing keeps every promise, and nothing comes close. Loosen a limit or choose another machine.")
        elif self.listing == "shortlist":
            why.explain(row, self.advice)
        else:
            why.reject(row)

    @on(RowTable.Selected, "#shortlist")
    def _open(self, event: RowTable.Selected) -> None:
        r: Recommendation = event.row
        needs = self.advice.requirements if self.advice else {}
        load = {"batch": needs.get("users"), "input_tokens": tokens_text(needs["input_tokens"]) if needs else None}
        if r.machine is None:
            load = {}
        else:
            load |= {"machine": r.machine, "weights": r.weights, "tp": r.n_gpus}
            load |= {"cache": r.kv} if r.tpot_s is not None else {}
        self.post_message(OpenModel(r.model, {k: v for k, v in load.items() if v is not None}))

    @on(RowTable.Selected, "#rejected")
    def _open_rejected(self, event: RowTable.Selected) -> None:
        r: Rejection = event.row
        self.post_message(OpenModel(r.model, {}))

    # Keys

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.action_back()

    def action_edit(self) -> None:
        """Go to the first field to type into."""
        self.query_one("#field-context-tokens Input", Input).focus()

    def home(self) -> str:
        """Where Escape goes."""
        return f"#{self.listing}"
