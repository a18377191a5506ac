"""The Plan page: a form or a file on one side, the cheapest machines that keep the promises on the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.message import Message
from textual.widgets import Input
from textual.worker import Worker, get_current_worker

from catalog.errors import BadInput
from tui import plan_export
from tui.off_loop import Failed, off_loop
from tui.plan_formulas import formula
from tui.plan_past import Opened
from tui.screens.page import Explanation, Page, State
from tui.widgets.key_bar import KeyBar
from tui.widgets.page_bar import PageBar
from tui.widgets.plan_form import PlanForm, same
from tui.widgets.plan_result import EARLIER, PlanResult
from tui.widgets.run_line import RunLine
from tui.widgets.tabbed import Tabbed

if TYPE_CHECKING:
    from advisor.planning.result import Plan
    from tui.library import Library

POINTS = 120
"""Intervals of the time series."""


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
    - **busy** is the share of time in passes; near 100 % is no fault while promises are kept: more requests then share
      a pass. What would break is said by *limit used* (the tightest promise) and by the months under **Cost**.
    - `e` shows how price, percentiles and load of what is in view were got, with the numbers put in.
    - **Front**: plans that no other beats in both price and latency. **Time**: one simulated run of the busiest hour.
      **Cost**: growth month by month, other terms, hosted models. **Others**: why they lost. **Launch**: command lines.

    Keys `1` to `6` choose a tab, `v` what its plot shows, `+` and `-` add and remove classes of traffic. `x` writes the
    answer as Markdown, JSON or CSV, and the form as `plan.yaml`, which `whicharch plan` reads. An answer stays while
    the form is edited, dimmed and marked as that to an earlier form; opening a file clears it.
    """

    @dataclass
    class Filled(Message):
        """Data to edit: the first, or those of a file."""

        data: dict[str, Any]
        path: str = ""

    @dataclass
    class Unreadable(Message):
        """A file is no plan."""

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

    def __init__(self) -> None:
        super().__init__()
        self._opened = Opened()
        self.plan: Plan | None = None
        self.planned: dict[str, Any] | None = None
        """What ``plan`` answers."""
        self._verdict = ("○", "")
        """What was said of ``plan``."""
        self._asked: dict[str, Any] | None = None
        """What is being planned; the form may be edited meanwhile."""
        self._run = 0
        self._worker: Worker[None] | None = None
        self._wanted: State | None = None

    def compose(self) -> ComposeResult:
        """Form at the left, or above in a narrow window; answer at the right, or below."""
        yield PageBar("plan")
        with Container(id="planner"):
            with Vertical(id="asking"):
                yield Input(placeholder="o opens a plan.yaml: type its path, Enter", id="path", compact=True)
                yield PlanForm(id="forms")
                yield RunLine("press s to plan", id="run")
            yield PlanResult(id="answer")
        yield KeyBar()

    def on_mount(self) -> None:
        """The form is filled once the catalog is there."""
        self.query_one(PlanResult).invite()

    @property
    def form(self) -> PlanForm:
        """What is to be planned."""
        return self.query_one(PlanForm)

    @property
    def data(self) -> dict[str, Any] | None:
        """The plan in the form, as in ``plan.yaml``."""
        return self.form.data

    # The form

    def library_read(self, library: Library) -> None:
        """Offer tasks, and fill the form in."""
        self.form.offer_tasks([task.id for task in library.tasks])
        if self.data is None:
            self.begin()

    @off_loop("fill")
    def begin(self) -> Filled:
        """The first plan; its modules take a while to import."""
        from advisor.planning.draft import START

        return self.Filled(dict(START))

    @on(Input.Submitted, "#path")
    def _path(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.read_file(event.value.strip())

    @off_loop("fill")
    def read_file(self, path: str) -> Filled | Unreadable:
        """Read a plan.yaml off the event loop."""
        from pathlib import Path

        from advisor.planning.draft import data_of
        from advisor.planning.schema import read_plan

        try:
            return self.Filled(data_of(read_plan(Path(path).expanduser())), str(Path(path).expanduser()))
        except BadInput as error:
            return self.Unreadable(str(error))
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a home that is nobody's
            return self.Unreadable(f"{path}: cannot be read ({error})")

    @on(Filled)
    def _filled(self, event: Filled) -> None:
        from advisor.planning.draft import unshown

        first = self.data is None
        if event.path:
            self._opened.add(event.path, event.data)
            self._forget()
        self._fill(event.data)
        if wanted := self._wanted:
            self._wanted = None
            self.restore(wanted)
        elif first or event.path:
            self.query_one("#run").focus()
        if event.path:
            more = ", ".join(unshown(event.data))
            also = f"; it also says {more}, which stays as it is" if more else ""
            self.query_one("#run", RunLine).stop("○", f"read {event.path}{also}")

    def _forget(self) -> None:
        """What was planned, or is being planned, has nothing to do with the file that is opened now."""
        if self.query_one("#run", RunLine).running:
            self._stop("stopped")
        self.plan = self.planned = None
        self.query_one(PlanResult).clear()

    def _fill(self, data: dict[str, Any], index: int = 0) -> None:
        self.form.fill(data, index)
        self._edited()

    @on(PlanForm.Changed)
    def _edited(self) -> None:
        line = self.query_one("#run", RunLine)
        if not self.form.problem:
            self.past.went(self.state())
        self._compare()
        if line.running:
            return
        if self.form.problem:
            line.stop("✗", self.form.problem)
        elif self.plan is None:
            line.stop("○", "")
        elif self.query_one(PlanResult).earlier:
            line.stop("○", "changed since it was planned")
        else:
            line.stop(*self._verdict)

    def _compare(self) -> bool:
        """Mark the answer where the form asks something else by now, and name the file that the form holds."""
        earlier = self.plan is not None and not self._is_planned()
        self.query_one(PlanResult).earlier = earlier
        path = self.query_one("#path", Input)
        if not path.has_focus:
            path.value = self._opened.of(self.data)
        return earlier

    def _is_planned(self) -> bool:
        if self.form.problem or self.data is None or self.planned is None:
            return False
        return same(self.data, self.planned)

    @on(Unreadable)
    def _not_read(self, event: Unreadable) -> None:
        self._refuse(event.sentence)

    def _refuse(self, sentence: str) -> None:
        self.form.refuse(sentence)
        line = self.query_one("#run", RunLine)
        if not line.running:
            line.stop("✗", sentence)

    # Running

    @on(RunLine.Pressed)
    def action_run(self) -> None:
        """Plan, or stop planning."""
        if self.query_one("#run", RunLine).running:
            self._stop("stopped")
        elif self.data is not None:
            self.form.take_over()
            self._edited()
            if not self.form.problem:
                self._run += 1
                self.query_one("#run", RunLine).start()
                self._asked = self.data
                self._worker = self.search(self._run, self.data)

    def _stop(self, text: str) -> None:
        self._run += 1
        if self._worker is not None:
            self._worker.cancel()
        self.query_one("#run", RunLine).stop("○", text)

    @off_loop("search", alone=True)
    def search(self, run: int, data: dict[str, Any]) -> Answered | None:
        """Plan off the event loop; looks before every simulated run whether it was ended."""
        worker = get_current_worker()

        def check() -> None:
            if worker.is_cancelled:
                raise Ended

        def tell(text: str) -> None:
            check()
            self.post_message(self.Told(text, run))

        try:
            return self.Answered(run, answer(data, tell, check))
        except Ended:
            return None
        except BadInput as error:
            return self.Answered(run, None, str(error))

    @on(Failed)
    def _not_planned(self, event: Failed) -> None:
        if event.worker is self._worker and not event.worker.is_cancelled:
            self.query_one("#run", RunLine).stop("✗", event.sentence)

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
            self.form.refuse(event.sentence)
            return
        plan = self.plan = event.plan
        self.planned = self._asked
        nothing = "nothing stays within the budget" if plan.budget_breaks_in else "nothing keeps the promises"
        kept = "planned" if plan.kept else nothing
        self._verdict = "✓" if plan.kept else "✗", f"{kept} in {line.seconds:.0f} s"
        line.stop(*self._verdict)
        with self.app.batch_update():
            self.query_one(PlanResult).show(plan)
        if self._compare():
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
        self.form.edit()

    def action_open(self) -> None:
        """Go to the path."""
        self.query_one("#path").focus()

    def action_class(self, change: int) -> None:
        """One more class of traffic, or one less."""
        if change > 0:
            self.form.add_traffic()
        elif not self.form.drop_traffic():
            self.notify("One class of traffic must stay.", timeout=2)
        self._edited()

    def action_tab(self, index: int) -> None:
        """Choose a tab and go to it."""
        result, name = self.query_one(PlanResult), PlanResult.TABS[index][0]
        self.set_focus(None)  # a focused widget in a tab that hides would bring its tab back
        result.active = name
        self.call_after_refresh(result.focus_tab)

    @on(Tabbed.Turned)
    def _activated(self) -> None:
        self.refresh_bindings()

    @on(Input.Submitted, "Form Input")
    def _entered(self) -> None:
        self.query_one("#run").focus()

    # Hooks of the application

    def state(self) -> State:
        """The form, as plain data."""
        return {"data": self.data, "index": self.form.index}

    def restore(self, state: State) -> None:
        """Fill the form with what it held, or put a few texts in: ``{"put": {"machines": "l4"}}``."""
        if self.data is None:
            self._wanted = state
            return
        if isinstance(data := state.get("data"), dict) and data.get("traffic"):
            self._fill(data, int(state.get("index", 0)))
        if isinstance(texts := state.get("put"), dict):
            try:
                self.form.put({str(name): str(text) for name, text in texts.items()})
                self._edited()
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
        """The command: with a file that was opened while the form holds the same, else with the form's own."""
        line = plan_export.command(self._opened.of(self.form.read()) or plan_export.EXPORTED)
        return f"{line}  # plans the form as it is now" if self._compare() else line

    def copied(self) -> str:
        """On the last tab the launch lines, else the plan in a line; a comment above them warns of an earlier form."""
        if self.plan is None or self.plan.best is None:
            return self.equivalent()
        self.form.read()
        lines = [f"# {EARLIER}"] if self._compare() else []
        if self.query_one(PlanResult).active == "launch":
            return "\n".join([*lines, *(launch.command for launch in self.plan.launches)])
        return "\n".join([*lines, self.plan.best.way])

    def explained(self) -> Explanation | None:
        """Formulas of the tab in view, with this plan's numbers."""
        result = self.query_one(PlanResult)
        return None if self.plan is None else formula(result.active, result.row, self.plan)

    def exports(self) -> Mapping[str, Callable[[], str]]:
        """The form as plan.yaml; the answer as Markdown and JSON; the tab's table as CSV."""
        data = self.form.read()
        warning = EARLIER if self._compare() else ""
        return plan_export.texts(self.plan, data, self.query_one(PlanResult).active, warning)
