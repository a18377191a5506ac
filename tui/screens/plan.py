"""The Plan page: a form or a file on one side, the cheapest machines that keep the promises on the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Input, TabbedContent
from textual.worker import Worker, get_current_worker

from catalog.errors import BadInput
from tui.screens.page import Page, State
from tui.widgets.form import Choice, Entry, Form
from tui.widgets.key_bar import KeyBar
from tui.widgets.page_bar import PageBar
from tui.widgets.plan_result import PlanResult, csv_rows
from tui.widgets.run_line import RunLine

if TYPE_CHECKING:
    from advisor.planning.result import Plan
    from tui.library import Library

PAUSE_S = 0.15
"""How long a person must pause in typing before the form is checked."""
POINTS = 120
"""Intervals of the time series."""
OWN = ""


def _plain(text: str, label: str) -> str:
    return text


def _entry(name: str, label: str, help: str, blank: str = "–", ladder: tuple[str, ...] = ()) -> Entry:
    return Entry(name, label, _plain, "", blank, ladder, help)


PRESETS = ("chat", "rag", "code-completion", "agentic", "summarization", "batch")
COUNTS = ("1", "2", "3", "4", "6", "8", "12", "16", "24", "32", "48", "64")
TRAFFIC = (
    Choice("class", "class", (("1 of 1", ""),), "", help="The class of traffic that is edited; + adds one."),
    _entry("class_name", "name", "What it is called."),
    Choice("class_preset", "like", (("nothing", OWN), *((name, name) for name in PRESETS)), OWN,
           help="What is not said below is taken from this kind of traffic."),
    _entry("class_rate", "rate", "Requests, or conversations where there are turns: 5/s, 300/min."),
    _entry("class_users", "or users", "Instead of a rate: people who wait for an answer, think, and ask again."),
    _entry("class_peak", "peak", "Busiest hour over the mean.", "1", ("1", "1.5", "2", "3", "5")),
    _entry("class_input", "prompt", "Tokens: 800, normal:512,128, lognormal:800,1.2 (median, sigma), …"),
    _entry("class_output", "answer", "Tokens, likewise."),
    _entry("class_turns", "turns", "Turns of a conversation; each prompt holds all before it.", "1"),
    _entry("class_shared_tokens", "shared", "A common start of all prompts (a system prompt), in tokens.", "0"),
    _entry("class_growth", "growth", "Per month: 8%.", "0%", ("0%", "2%", "5%", "10%", "20%", "50%")),
    _entry("class_slo", "promise", "To this class alone: ttft.p95<1s,e2e.p99<30s.", "as for all"),
)  # fmt: skip
WHOLE = (
    _entry("slo", "promises", "To all requests together: ttft.p95<1s,tpot.p95<50ms.", "none"),
    _entry("models", "models", "Candidates: llama-3.1-8b, qwen3-32b. Empty: the best for the task.", "best for task"),
    Choice("task", "task", (("chat", "chat"),), "chat", help="What the models are for, where none are named."),
    _entry("machines", "machines", "l4, h100-sxm:reserved, rtx-4090:spot=0.3 ($/h). Empty: all that are rented out.",
           "all rented"),
    _entry("tp", "devices", "Devices that share each layer of a replica, each of which is tried: 1, 2, 4.", "1 2 4 8"),
    _entry("formats", "weights", "Formats of the weights. Empty: the usual ones.", "usual ones"),
    _entry("caches", "cache", "Formats of the KV cache, each of which is tried.", "bf16"),
    _entry("max_devices", "at most", "Devices in all.", "64", COUNTS),
    _entry("redundancy", "spare", "Replicas more than keep the promises: 1 is N+1.", "0", ("0", "1", "2", "3")),
    _entry("headroom", "headroom", "How much more traffic must be kept: 20%.", "0%", ("0%", "10%", "20%", "50%")),
    _entry("months", "months", "For which traffic grows and money is counted.", "12", ("1", "6", "12", "24", "36")),
    _entry("apis", "hosted", "Hosted models to compare with: gpt-5-mini.", "none"),
    Choice("disaggregation", "split", (("no", OWN), ("try it", "yes")), OWN,
           help="Whether separate replicas for prompts and for answers are tried too."),
    Choice("mixed", "two kinds", (("no", OWN), ("try it", "yes")), OWN,
           help="Whether replicas of two kinds behind one router are tried too."),
    _entry("usd_per_kwh", "$ per kWh", "Electricity of owned machines.", "0"),
    _entry("pue", "PUE", "Power usage effectiveness of the building.", "1"),
    _entry("seeds", "seeds", "Simulated runs of each plan, for intervals.", "3", ("1", "2", "3", "5", "10")),
    _entry("requests", "requests", "Simulated in each run.", "2k to 20k", ("500", "2000", "5000", "10000", "20000")),
)  # fmt: skip


class Ended(Exception):
    """The person ended the planning."""


def answer(data: Mapping[str, Any], progress: Callable[[str], None], check: Callable[[], None]) -> Plan:
    """Plan; takes seconds to minutes."""
    from advisor.planning.draft import plan_of
    from advisor.planning.plan import plan

    return plan(plan_of(data), progress=progress, check=check, series=POINTS)


class PlanScreen(Page):
    """Form, line of progress, answer."""

    AUTO_FOCUS = "#run"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s,f9", "run", "Run/stop", tooltip="Find the cheapest plan, or stop looking", id="plan.run"),
        Binding("slash,i", "edit", "Edit", tooltip="Edit the traffic and the promises", id="plan.edit"),
        Binding("o", "open", "Open", tooltip="Open a plan.yaml", id="plan.open"),
        Binding("plus,equals_sign", "class(1)", "Add class", tooltip="One more class of traffic", id="plan.more"),
        Binding("minus", "class(-1)", "Drop class", tooltip="Remove this class of traffic", id="plan.fewer"),
        Binding("1", "tab(0)", "Plan", show=False, id="plan.answer"),
        Binding("2", "tab(1)", "Front", show=False, id="plan.front"),
        Binding("3", "tab(2)", "Time", show=False, id="plan.time"),
        Binding("4", "tab(3)", "Cost", show=False, id="plan.cost"),
        Binding("5", "tab(4)", "Others", show=False, id="plan.others"),
        Binding("6", "tab(5)", "Launch", show=False, id="plan.launch"),
    ]
    HELP = """
    # Plan

    What has to be bought for this traffic and these promises? Fill the form in, or open a `plan.yaml` (`o`), and press
    `s`. The search looks at every model, format, machine and layout that the form allows, cheapest first by lower
    bounds, and simulates requests one by one before it promises anything. `s` again stops it.

    - **promises** are percentiles over all requests of a run: `ttft.p95<1s,tpot.p95<50ms,e2e.p99<30s`.
    - Lengths: `800`, `normal:512,128`, `lognormal:800,1.2` (median, sigma), `uniform:100,2000`.
    - Machines on other terms: `h100-sxm:reserved`, `l4:spot`, with your own price `l4=0.55` in dollars per hour.
    - **Front**: plans that no other beats in both price and latency. **Time**: one simulated run of the busiest hour.
      **Cost**: growth month by month, other terms, hosted models. **Others**: why they lost. **Launch**: command lines.

    Keys `1` to `6` choose a tab, `v` what its plot shows, `+` and `-` add and remove classes of traffic. `x` writes the
    answer as Markdown, JSON or CSV, and the form as `plan.yaml`, which `whicharch plan` reads.
    """

    @dataclass
    class Filled(Message):
        """Data to edit: the first, or those of a file."""

        data: dict[str, Any]
        path: str = ""

    @dataclass
    class Checked(Message):
        """The form was read; a sentence where it is wrong."""

        data: dict[str, Any] | None
        sentence: str

    @dataclass
    class Told(Message):
        """What is going on."""

        text: str
        run: int

        def can_replace(self, message: Message) -> bool:
            """Only the newest is worth showing."""
            return isinstance(message, PlanScreen.Told)

    @dataclass
    class Answered(Message):
        """A plan, or why there is none."""

        run: int
        plan: Plan | None
        sentence: str = ""
        ours: bool = False

    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, Any] | None = None
        self.path = ""
        self.index = 0
        self.plan: Plan | None = None
        self.planned: dict[str, Any] | None = None
        """What ``plan`` answers."""
        self._asked: dict[str, Any] | None = None
        """What is being planned; the form may be edited meanwhile."""
        self._run = 0
        self._lock = Lock()
        self._worker: Worker[None] | None = None
        self._wanted: State | None = None
        self._tasks: list[str] = []

    def compose(self) -> ComposeResult:
        """Form at the left, or above in a narrow window; answer at the right, or below."""
        yield PageBar("plan")
        with Container(id="planner"):
            with Vertical(id="asking"):
                yield Input(placeholder="o opens a plan.yaml: type its path, Enter", id="path", compact=True)
                with VerticalScroll(id="forms", can_focus=False):
                    yield Form(TRAFFIC, id="traffic")
                    yield Form(WHOLE, id="whole")
                yield RunLine("press s to plan", id="run")
            yield PlanResult(id="answer")
        yield KeyBar()

    def on_mount(self) -> None:
        """The form is filled once the catalog is there."""
        self.query_one("#traffic").border_title = "Traffic"
        self.query_one("#whole").border_title = "Promises, machines, money"
        self.query_one(PlanResult).invite()

    # The form

    def library_read(self, library: Library) -> None:
        """Offer tasks, and fill the form in."""
        self._tasks = [task.id for task in library.tasks]
        self.query_one("#whole", Form).offer("task", [(name, name) for name in self._tasks])
        if self.data is None:
            self.begin()

    @work(thread=True, group="fill", exit_on_error=False)
    def begin(self) -> None:
        """The first plan; its modules take a while to import."""
        from advisor.planning.draft import START

        self.post_message(self.Filled(dict(START)))

    @on(Input.Submitted, "#path")
    def _path(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.read_file(event.value.strip())

    @work(thread=True, exclusive=True, group="fill", exit_on_error=False)
    def read_file(self, path: str) -> None:
        """Read a plan.yaml off the event loop."""
        from pathlib import Path

        from advisor.planning.draft import data_of
        from advisor.planning.schema import read_plan

        news: Message
        try:
            news = self.Filled(data_of(read_plan(Path(path).expanduser())), path)
        except BadInput as error:
            news = self.Checked(None, str(error))
        except (OSError, ValueError) as error:
            news = self.Checked(None, f"{path}: cannot be read ({error})")
        self.post_message(news)

    @on(Filled)
    def _filled(self, event: Filled) -> None:
        first = self.data is None
        self.path = event.path
        self._fill(event.data, 0)
        if wanted := self._wanted:
            self._wanted = None
            self.restore(wanted)
        elif first or event.path:
            self.query_one("#run").focus()
        if event.path:
            self.query_one("#run", RunLine).stop("○", f"read {event.path}")

    def _fill(self, data: dict[str, Any], index: int) -> None:
        """Show data in the form."""
        from advisor.planning import draft

        self.data, self.index = data, min(index, len(data["traffic"]) - 1)
        known = draft.names(data)
        traffic, whole = self.query_one("#traffic", Form), self.query_one("#whole", Form)
        shown = draft.texts(data, self.index)
        with self.prevent(Form.Changed):
            classes = [(f"{k} of {len(known)}: {name}", f"{k} {name}") for k, name in enumerate(known, 1)]
            traffic.offer("class", classes)
            traffic.put({name: text for name, text in shown.items() if name.startswith("class_")})
            traffic.field("class").put(classes[self.index][1])
            whole.put({name: text for name, text in shown.items() if not name.startswith("class_")})
        self.check(data)

    @on(Form.Changed)
    def _edited(self, event: Form.Changed) -> None:
        if self.data is None:
            return
        number = str(event.values.get("class") or "").partition(" ")[0]
        if event.form.id == "traffic" and number and int(number) - 1 != self.index:
            self._fill(self.data, int(number) - 1)
        else:
            self.settle()

    @work(exclusive=True, group="settle")
    async def settle(self) -> None:
        """Wait for a pause in typing."""
        await asyncio.sleep(PAUSE_S)
        self.read_form()

    def read_form(self) -> bool:
        """Take over what the form shows; ``False`` where it cannot be read."""
        from advisor.planning import draft

        assert self.data is not None
        shown = self.query_one("#traffic", Form).written() | self.query_one("#whole", Form).written()
        try:
            self.data = draft.put(self.data, self.index, {name: str(text or "") for name, text in shown.items()})
        except BadInput as error:
            self._refuse(str(error))
            return False
        return self.check(self.data)

    def check(self, data: dict[str, Any]) -> bool:
        """Say what is wrong with data, or that nothing is."""
        from advisor.planning import draft

        try:
            draft.plan_of(data)
        except BadInput as error:
            self._refuse(str(error))
            return False
        self.past.went(self.state())
        self.query_one("#whole", Form).remark("")
        line = self.query_one("#run", RunLine)
        if not line.running:
            changed = self.planned is not None and data != self.planned
            if changed:
                line.stop("○", "changed since it was planned")
            elif line.mark == "✗":
                line.stop("○", "")
        return True

    def _refuse(self, sentence: str) -> None:
        self.query_one("#whole", Form).refuse(sentence)
        line = self.query_one("#run", RunLine)
        if not line.running:
            line.stop("✗", sentence)

    @on(Checked)
    def _checked(self, event: Checked) -> None:
        self._refuse(event.sentence)

    # Running

    @on(RunLine.Pressed)
    def action_run(self) -> None:
        """Plan, or stop planning."""
        if self.query_one("#run", RunLine).running:
            self._stop("stopped")
        elif self.data is not None and self.read_form():
            self._run += 1
            self.query_one("#run", RunLine).start()
            self._asked = self.data
            self._worker = self.search(self._run, self.data)

    def _stop(self, text: str) -> None:
        self._run += 1
        if self._worker is not None:
            self._worker.cancel()
        self.query_one("#run", RunLine).stop("○", text)

    @work(thread=True, exclusive=True, group="search", exit_on_error=False)
    def search(self, run: int, data: dict[str, Any]) -> None:
        """Plan off the event loop; looks before every simulated run whether it was ended."""
        worker = get_current_worker()

        def check() -> None:
            if worker.is_cancelled:
                raise Ended

        def tell(text: str) -> None:
            check()
            self.post_message(self.Told(text, run))

        with self._lock:
            try:
                check()
                news = self.Answered(run, answer(data, tell, check))
            except Ended:
                return
            except BadInput as error:
                news = self.Answered(run, None, str(error))
            except Exception as error:
                news = self.Answered(run, None, f"{type(error).__name__}: {error}", ours=True)
        if not worker.is_cancelled:
            self.post_message(news)

    @on(Told)
    def _told(self, event: Told) -> None:
        if event.run == self._run:
            self.query_one("#run", RunLine).text = event.text

    @on(Answered)
    def _answered(self, event: Answered) -> None:
        if event.run != self._run:
            return
        line = self.query_one("#run", RunLine)
        if event.plan is None:
            line.stop("✗", event.sentence)
            if event.ours:
                self.notify(event.sentence, title="whicharch failed; this is our fault", severity="error", markup=False)
            else:
                self.query_one("#whole", Form).refuse(event.sentence)
            return
        plan = self.plan = event.plan
        self.planned = self._asked
        kept = "planned" if plan.kept else "nothing keeps the promises"
        line.stop("✓" if plan.kept else "✗", f"{kept} in {line.seconds:.0f} s")
        with self.app.batch_update():
            self.query_one(PlanResult).show(plan)
        if self.data != self.planned:
            line.stop(line.mark, f"{kept}; changed since it was planned")
        if self.has_class("-narrow") and self.focused is line:
            self.query_one(PlanResult).focus_tab()

    # Keys

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        """In a small window the answer takes the form's place while it is read."""
        self.set_class(self.query_one("#answer") in event.widget.ancestors_with_self, "-reading")

    def action_edit(self) -> None:
        """Go to the first field to type into."""
        self.query_one("#field-class-rate Input").focus()

    def action_open(self) -> None:
        """Go to the path."""
        self.query_one("#path").focus()

    def action_class(self, change: int) -> None:
        """One more class of traffic, or one less."""
        from advisor.planning import draft

        if self.data is None:
            return
        if change > 0:
            data = draft.with_class(self.data)
            self._fill(data, len(data["traffic"]) - 1)
        elif len(self.data["traffic"]) > 1:
            self._fill(draft.without_class(self.data, self.index), max(0, self.index - 1))
        else:
            self.notify("One class of traffic must stay.", timeout=2)

    def action_tab(self, index: int) -> None:
        """Choose a tab and go to it."""
        result, name = self.query_one(PlanResult), PlanResult.TABS[index][0]
        self.set_focus(None)  # a focused widget in a tab that hides would bring its tab back
        result.active = name
        self.call_after_refresh(result.focus_tab)

    @on(TabbedContent.TabActivated)
    def _activated(self) -> None:
        self.refresh_bindings()

    @on(Input.Submitted, "Form Input")
    def _entered(self) -> None:
        self.query_one("#run").focus()

    # Hooks of the application

    def state(self) -> State:
        """The form, as plain data."""
        return {"data": self.data, "index": self.index}

    def restore(self, state: State) -> None:
        """Fill the form with what it held, or put a few texts in: ``{"put": {"machines": "l4"}}``."""
        if self.data is None:
            self._wanted = state
            return
        from advisor.planning import draft

        if isinstance(data := state.get("data"), dict) and data.get("traffic"):
            self._fill(data, int(state.get("index", 0)))
        if isinstance(texts := state.get("put"), dict):
            shown = draft.texts(self.data, self.index) | {str(k): str(v) for k, v in texts.items()}
            try:
                self._fill(draft.put(self.data, self.index, shown), self.index)
            except BadInput as error:
                self._refuse(str(error))
        self.query_one("#run").focus()

    def display_changed(self) -> None:
        """Write every figure anew."""
        if self.plan is not None:
            self.query_one(PlanResult).show(self.plan)

    def bookmark(self) -> str | None:
        """The plan's name and promises."""
        if self.data is None:
            return None
        return f"{self.data.get('name') or 'plan'}: {self.data.get('slo', '')}"

    def equivalent(self) -> str:
        """The command; the form must be exported first where it is no file."""
        return f"whicharch plan {self.path}" if self.path else "whicharch plan whicharch-plan.yaml"

    def copied(self) -> str:
        """On the last tab the launch lines, else the plan in a line."""
        if self.plan is None or self.plan.best is None:
            return self.equivalent()
        if self.query_one(PlanResult).active == "launch":
            return "\n".join(launch.command for launch in self.plan.launches)
        return self.plan.best.way

    def exports(self) -> Mapping[str, Callable[[], str]]:
        """The form as plan.yaml; the answer as Markdown and JSON; the tab's table as CSV."""
        texts: dict[str, Callable[[], str]] = {}
        plan, data = self.plan, self.data
        if plan is not None:
            texts["md"] = lambda: _markdown(plan)
            texts["json"] = lambda: _json(plan)
            if (found := csv_rows(plan, self.query_one(PlanResult).active)) is not None:
                texts["csv"] = lambda: _csv(*found)
        if data is not None:
            texts["yaml"] = lambda: _yaml(data)
        return texts


def _markdown(plan: Plan) -> str:
    from advisor.planning.text import plan_lines

    return "\n".join(plan_lines(plan, markdown=True)) + "\n"


def _json(plan: Plan) -> str:
    import json

    return json.dumps(plan.to_dict(), indent=2, ensure_ascii=False) + "\n"


def _csv(heads: list[str], rows: list[list[Any]]) -> str:
    from tui.machine_export import csv_text

    return csv_text(heads, rows)


def _yaml(data: Mapping[str, Any]) -> str:
    from advisor.planning.draft import plan_of
    from catalog.writer import to_yaml

    try:
        return to_yaml(plan_of(data))
    except BadInput as error:
        return f"# {error}\n"
