"""The Ask page: a question or fields, a ranked shortlist that follows every edit, why, and the trade as a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from catalog.errors import BadInput
from tui import ask_export, garbage
from tui.ask_fields import ANY, MAIN, MORE, said_of, wishes_of
from tui.off_loop import Failed, off_loop
from tui.screens.page import Explanation, OpenModel, Page, State
from tui.widgets.answer_lists import OUTDATED, RANKING, AnswerLists
from tui.widgets.form import Form
from tui.widgets.key_bar import KeyBar
from tui.widgets.page_bar import PageBar
from tui.widgets.question import QuestionLine
from tui.widgets.reasons_pane import ReasonsPane
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from advisor.asking.draft import Reading
    from advisor.ranking.rows import Advice, Recommendation
    from advisor.rejection import Rejection
    from tui.library import Library

TYPING_S = 0.15
"""How long a person must pause in typing before the question is asked."""
STEPS_S = 0.03
"""The same of steps and choices, each of which is whole; held keys repeat at this pace."""
ROWS = 1000
"""More than any catalog has: both lists are complete, and their counts true."""


class AskScreen(Page):
    """Question, requirements, shortlist, reasons."""

    AUTO_FOCUS = "#shortlist"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "question", "Ask", tooltip="Type a question in plain English", id="ask.question"),
        Binding("i", "edit", "Edit", tooltip="Edit the requirements", id="ask.edit"),
        Binding("d", "more", "More", tooltip="Show or hide the further requirements", id="ask.more"),
        Binding("s", "list('shortlist')", "Shortlist", show=False, id="ask.shortlist"),
        Binding("t", "list('rejected')", "Rejected", id="ask.rejected"),
        Binding("w", "screen.focus('#why')", "Why", id="ask.why"),
        Binding("c", "copy_launch", "Copy launch line", show=False, tooltip="What starts it", id="ask.launch"),
        Binding("v", "front", "Plot", tooltip="Quality over cost or time, the front marked", id="ask.front"),
    ]
    HELP = """
    # Ask

    Which architecture, model and machine keep your promises? Press `/` and type a question, or edit the fields; the
    list follows every change. What was understood, from which words, and what was not used stands under the question.

    - **context** is reserved for every user at once; **prompt** is what the first token is timed for.
    - Every row is the best way to run one model: its format, cache, machine and devices. Near-duplicates of a model
      stand inside its row.
    - **quality** is the share of the catalog's scored models that a model beats at the task, drawn down where evidence
      is thin. Models without evidence stand last.
    - After a change, `+` marks rows that are new, `▲` and `▼` those that moved past others; the title says what went.
    - **Rejected** models name what they break and the smallest change that would admit them.
    - The plot names the unbeaten models: no other is as good in quality, time and cost at once and better in one.

    Type `16k`, `60ms`, `24GiB`. Arrows up and down step a field, Escape returns to the list, Enter opens the model.
    `u` takes a change back, `U` makes it again; `f` keeps a question, `F` and `H` return to kept and earlier ones.
    In lists `j` and `k` move, `o` sorts by the next column, `O` turns the order round; a click on a header sorts too.
    Columns that do not fit leave by importance. `z` gives the focused pane the whole window.

    Not modelled here: queueing under bursts; the Plan page and `whicharch simulate` do that.
    """

    @dataclass
    class Read(Message):
        """A question was read."""

        reading: Reading
        fields: dict[str, Any]
        others: dict[str, Any]

    @dataclass
    class Restored(Message):
        """A state was turned into fields."""

        question: str
        fields: dict[str, Any]
        others: dict[str, Any]

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

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, Any] = {}
        self.advice: Advice | None = None
        self.question = ""
        self._reading: Reading | None = None
        """How the question was read; ``None`` where it was returned to, or nothing was asked in words."""
        self._read_as: dict[str, Any] = {}
        """What the question asks, as the form said it."""
        self._answered_to: dict[str, Any] = {}
        """What ``advice`` answers."""
        self._others: dict[str, Any] = {}
        """What was understood and no field shows."""
        self._more: bool | None = None
        """Whether the further fields are shown; ``None``: where there is room."""
        self._awaits = False
        """Whether an answer is on its way."""
        self._wrong = False
        """Whether a field cannot be read."""
        self._waiting: State | None = None

    def compose(self) -> ComposeResult:
        """Question and form on top; lists at the left, reasons at the right, or below in a narrow window."""
        yield PageBar("ask")
        yield QuestionLine()
        yield Static(id="reading")
        yield Form(MAIN, id="requirements")
        with Container(id="answer"):
            yield AnswerLists(id="lists")
            yield ReasonsPane(id="reasons")
        yield KeyBar()

    @property
    def lists(self) -> AnswerLists:
        """Shortlist and rejected."""
        return self.query_one(AnswerLists)

    @property
    def reasons(self) -> ReasonsPane:
        """Why, and the picture."""
        return self.query_one(ReasonsPane)

    # The catalog

    def library_read(self, library: Library) -> None:
        """Offer every task and machine, and ask for the first time."""
        form = self.query_one("#requirements", Form)
        tasks = [(task.id, task.id) for task in library.tasks]
        machines = [("any", ANY), *((machine.id, machine.id) for machine in library.machines)]
        form.offer("task", tasks)
        form.offer("machines", machines)
        if self.asked:
            return  # read again: what is asked stays
        self.lists.shortlist.empty = "ranking …"
        self.reasons.say("Every way to run every model is being tried.")
        self.run_worker(self._mount_more(), exit_on_error=False)
        if self._waiting is not None:
            self.restore(self._waiting)
            return
        if own := self.app.store.now.machine:  # type: ignore[attr-defined]
            form.field("machines").put(own)
        self._ask_anew()

    async def _mount_more(self) -> None:
        """Further fields come after the first paint, which they would make a third slower."""
        if not self.query("#more"):  # the catalog may be read again
            await self.mount(Form(MORE, id="more"), before="#answer")

    # From a question to fields

    def action_question(self) -> None:
        """Go to the line for questions."""
        self.query_one("#question").focus()

    @on(Input.Submitted, "#question")
    def _question_asked(self, event: Input.Submitted) -> None:
        if text := event.value.strip():
            self.read_question(text)
        else:
            self._say_reading(None)
        self.query_one(self.home()).focus()

    @off_loop("read")
    def read_question(self, text: str) -> Read:
        """Read a question off the event loop."""
        from advisor.asking.reading import read
        from tui.ask_fields import texts_of

        reading = read(text)
        return self.Read(reading, *texts_of(reading.requirements.model_dump(exclude_defaults=True)))

    @on(Read)
    def _question_read(self, event: Read) -> None:
        reading = event.reading
        self._say_reading(reading)
        if reading.problem is None and reading.understood:
            self.question, self._reading = reading.text, reading
            self._put(event.fields, event.others)
            self._read_as = self.asked
            self.app.visited(reading.text, "ask", self._state())  # type: ignore[attr-defined]

    def _say_reading(self, reading: Reading | None) -> None:
        from tui.widgets.understood import line_of

        line = self.query_one("#reading", Static)
        line.display = reading is not None
        if reading is not None:
            text, details = line_of(reading)
            line.update(text)
            line.tooltip = Content(details)

    def _put(self, fields: Mapping[str, Any], others: dict[str, Any]) -> None:
        """Show wishes in the form and ask."""
        self._others = others
        for form in self.query(Form):
            with self.prevent(Form.Changed):
                form.put({name: value for name, value in fields.items() if form.holds(name)})
        self._ask_anew()

    # From edits to answers

    def _values(self) -> tuple[dict[str, Any], dict[str, str]]:
        values: dict[str, Any] = {}
        problems: dict[str, str] = {}
        for form in self.query(Form):
            read, wrong = form.read()
            values |= read
            problems |= wrong
        return values, problems

    def _ask_anew(self, pause_s: float = 0.0) -> None:
        """Ask what the fields say now, if they say something new, and nothing newer for a while."""
        values, problems = self._values()
        if problems or self.library is None:
            self._wrong = bool(problems)
            self._say_age()
            return
        self._wrong = False
        asked = wishes_of(values, self._others)
        if asked != self.asked:
            self.asked, self._awaits = asked, True
            self.past.went(self._state())
            self.settle(pause_s)
        self._say_age()

    def _say_age(self) -> None:
        """Say of the lists whether they are the answer to what the form says."""
        outdated = self.advice is not None and (self._wrong or self.asked != self._answered_to)
        self.lists.note = RANKING if self._awaits and not self._wrong else OUTDATED if outdated else ""

    def _state(self) -> State:
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in self.asked.items()}
        return {"question": self.question, "wishes": plain}

    @on(Form.Changed)
    def _edited(self, event: Form.Changed) -> None:
        self._ask_anew(TYPING_S if event.typed else STEPS_S)

    @work(exclusive=True, group="settle")
    async def settle(self, pause_s: float) -> None:
        """Wait for a pause; each edit starts the wait anew."""
        await asyncio.sleep(pause_s)
        self.compute(self.asked)

    @off_loop("compute", alone=True)
    def compute(self, asked: dict[str, Any]) -> Answered | Refused:
        """Answer off the event loop."""
        from advisor.recommend import recommend

        try:
            advice = recommend(limit=ROWS, **asked)
        except BadInput as error:
            return self.Refused(asked, str(error))
        return self.Answered(asked, advice)

    @on(Answered)
    def _answered(self, event: Answered) -> None:
        if event.asked != self.asked:
            return
        if self.advice is None:
            garbage.keep()
        advice = self.advice = event.advice
        self._answered_to, self._awaits = event.asked, False
        self.reasons.take(advice)
        with self.app.batch_update():
            self.lists.show(advice)
            self._say_age()
            self.query_one("#requirements", Form).remark(self._remark(advice))
            self._explain()

    def _remark(self, advice: Advice) -> str:
        assumed = "; ".join(advice.requirements.get("defaults", ()))
        further = ", ".join(said_of(self._others))
        return "; ".join(
            filter(None, [f"also: {further}" if further else "", f"assumed: {assumed}" if assumed else ""])
        )

    @on(Refused)
    def _refused(self, event: Refused) -> None:
        if event.asked == self.asked:
            self._awaits = False
            self._say_age()
            self.query_one("#requirements", Form).refuse(event.sentence)

    @on(Failed)
    def _not_answered(self) -> None:
        self._awaits = False
        self._say_age()

    # Lists and reasons

    def action_list(self, name: str) -> None:
        """Go to a list."""
        self.lists.turn_to(name)

    @on(AnswerLists.Turned)
    def _turned(self) -> None:
        self._explain()

    @on(RowTable.Highlighted)
    def _highlighted(self, event: RowTable.Highlighted) -> None:
        if event.table.id == self.lists.listing:
            self._explain()

    def _explain(self) -> None:
        row = self.lists.row
        if self.advice is None:
            return
        if row is None:
            self.reasons.say(
                "Nothing keeps every promise, and nothing comes close. Loosen a limit or take another machine."
            )
        elif self.lists.listing == "shortlist":
            self.reasons.explain(row)
        else:
            self.reasons.reject(row)

    @on(RowTable.Selected, "#shortlist")
    def _open(self, event: RowTable.Selected) -> None:
        row: Recommendation = event.row
        self.post_message(
            OpenModel(row.model, ask_export.load_of(row, self.advice.requirements if self.advice else {}))
        )

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
        self.query_one("#requirements", Form).field("context_tokens").focus()

    def action_more(self) -> None:
        """Show or hide the further fields."""
        if not (more := self.query("#more")):
            return  # mounted in a moment
        self._more = not more.first().display
        self.set_class(self._more, "-more")
        self.set_class(not self._more, "-fewer")

    def action_copy_launch(self) -> None:
        """Copy the command line that starts the highlighted row."""
        row = self.lists.shortlist.row
        reasons = self.reasons.known.get(row.model) if row is not None else None
        if reasons is None or not reasons.launch[1]:
            self.notify("There is nothing to launch here.", timeout=2)
        else:
            self.app.copy_to_clipboard(reasons.launch[1])
            self.notify(f"Copied: {reasons.launch[1][:60]} …", timeout=3, markup=False)

    def action_front(self) -> None:
        """Show the picture instead of the reasons, or its other axis."""
        self.reasons.action_front()

    def action_back(self) -> None:
        """Escape leaves the picture, then returns to the list."""
        self.remove_class("-front")
        super().action_back()

    def home(self) -> str:
        """Where Escape goes."""
        return f"#{self.lists.listing}"

    # What the application asks for

    def restore(self, state: State) -> None:
        """Ask again what was asked then."""
        if self.library is None:
            self._waiting = state
            return
        self._waiting = None
        self.restoring(state)

    @off_loop("read")
    def restoring(self, state: State) -> Restored:
        """Turn wishes into texts off the event loop: the first time imports a little."""
        from tui.ask_fields import texts_of

        put = {name: value for name, value in state.get("put", {}).items() if value is not None}
        wishes = {**self.asked, **put} if put else state.get("wishes", {})
        try:
            fields, others = texts_of({n: tuple(v) if isinstance(v, list) else v for n, v in wishes.items()})
        except Exception as error:  # kept by another version, or edited by hand
            raise BadInput("This bookmark cannot be read any more.") from error
        return self.Restored(str(state.get("question", "")), fields, others)

    @on(Restored)
    def _restored(self, event: Restored) -> None:
        self.question = event.question
        with self.prevent(Input.Changed):
            self.query_one("#question", Input).value = event.question
        self._say_reading(None)
        if self._reading is not None and self._reading.text != event.question:
            self._reading = None
        self._put(event.fields, event.others)

    def bookmark(self) -> str | None:
        """The question, or the requirements as a sentence."""
        return (self.question or ask_export.sentence_of(self.asked)) if self.asked else None

    def equivalent(self) -> str:
        """``whicharch recommend`` with every requirement."""
        return ask_export.command(self.asked)

    def exports(self) -> Mapping[str, Callable[[], str]]:
        """The answer with its question and reasons as Markdown, the shortlist as CSV, the whole as JSON."""
        if self.advice is None:
            return {}
        from tui.ask_document import Question, explained_document

        asked, row = self._answered_to, self.lists.shortlist.row
        edited = self._reading is not None and asked != self._read_as
        question = Question(self.question, self._reading, asked, edited)
        names = [row.model] if row is not None else []
        return {
            "md": partial(explained_document, question, self.advice, names, dict(self.reasons.known)),
            **ask_export.texts(self.advice),
        }

    def explained(self) -> Explanation | None:
        """Where the highlighted row's times, memory and price come from."""
        row = self.lists.shortlist.row
        if row is None or row.machine is None or self.advice is None:
            return None
        from tui.ask_formulas import of_recommendation

        return Explanation(
            f"{row.model} on {row.machine}", partial(of_recommendation, row, dict(self.advice.requirements))
        )

    def display_changed(self) -> None:
        """Units changed: write the tables anew, and ask again, for reasons and refusals are sentences with figures."""
        if self.advice is not None:
            self.lists.redraw()
            self.compute(self.asked)
