"""Measuring this machine: what it takes, progress line by line, an end to it, and what came out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from advisor.report import percent_text, seconds_text
from tui import child
from tui.widgets.form import Choice, Entry, Form
from tui.widgets.reader import Reader, facts, listed

if TYPE_CHECKING:
    from textual.timer import Timer

QUICK = "quick"


def _threads(text: str, label: str) -> str:
    from advisor.quantities import count

    return str(count(text, label))


FIELDS = (
    Choice(
        "effort", "effort", (("quick, 20 s", QUICK), ("full, 100 s", "")), QUICK, help="How long kernels are timed."
    ),
    Entry("threads", "threads", _threads, "", "all cores", ("1", "2", "4", "8", "16", "32"), help="Of a processor."),
    Entry("name", "call it", lambda text, label: text, "", "by its device", help="Id of the machine in your catalog."),
)
ABOUT = """Times copies, matrix products, attention, convolutions and scans with PyTorch, fits the constants of the \
roofline, adds the machine to your own catalog, and checks it on real models with random weights. Nothing is \
downloaded. Other programs should be quiet meanwhile: what they take of the machine, the constants will lack."""


def command(asked: dict[str, Any]) -> tuple[str, ...]:
    """Arguments of ``whicharch`` that measure this machine."""
    arguments = ["calibrate", "--add", "--replace"]
    if asked.get("effort") == QUICK:
        arguments.append("--quick")
    for name, option in (("threads", "--threads"), ("name", "--as")):
        if asked.get(name):
            arguments += [option, str(asked[name])]
    return tuple(arguments)


class CalibratePane(Vertical):
    """A short form, a line of progress, and what was said."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "Start", tooltip="Measure this machine", id="calibrate.start"),
        Binding("s", "stop", "Stop", tooltip="End the measurement", id="calibrate.stop"),
    ]
    running: reactive[bool] = reactive(False, bindings=True)
    prefix: ClassVar[Callable[..., tuple[str, ...]]] = staticmethod(child.whicharch)
    """From arguments to a command line; tests put another program here."""

    @dataclass
    class Said(Message):
        """A line of progress."""

        text: str
        run: int

    @dataclass
    class Measured(Message):
        """A machine was measured and is in the user's catalog."""

        machine: str

    @dataclass
    class _Ended(Message):
        run: int
        ended: child.Ended | None
        sentence: str = ""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.said: list[str] = []
        self.result: dict[str, Any] | None = None
        self.verdict = ""
        self._run = 0
        """Counts measurements: what an earlier one still says is about that one."""
        self._began = 0.0
        self._clock: Timer | None = None
        self._quick = True

    def compose(self) -> ComposeResult:
        """Form, line, text."""
        yield Form(FIELDS, id="calibration")
        yield Static(id="calibrating")
        yield Reader(id="measured")

    def on_mount(self) -> None:
        """Say what it is."""
        self._tell()
        self._tick()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One of start and stop."""
        return {"start": not self.running, "stop": self.running}.get(action, True)

    # Running

    def action_start(self) -> None:
        """Measure."""
        values, problems = self.query_one(Form).read()
        if problems or self.running:
            return
        self.said, self.result, self.verdict = [], None, ""
        self._quick, self._began, self.running = values["effort"] == QUICK, monotonic(), True
        self._clock = self.set_interval(1.0, self._tick)
        self._tell()
        self._tick()
        self._run += 1
        self.measure(self._run, self.prefix(*command(values), "--json"))

    def action_stop(self) -> None:
        """End it."""
        self.workers.cancel_group(self, "measure")
        if self.running:
            self._over("Stopped; nothing was written.")

    @work(exclusive=True, group="measure", exit_on_error=False)
    async def measure(self, run: int, command: tuple[str, ...]) -> None:
        """Run the measurement in a process of its own: it takes all cores, and this program must not."""
        try:
            ended = await child.run(command, partial(self._say, run))
        except OSError as error:
            self.post_message(self._Ended(run, None, f"{command[0]}: {error.strerror or error}"))
        else:
            self.post_message(self._Ended(run, ended))

    def _say(self, run: int, text: str) -> None:
        self.post_message(self.Said(text, run))

    @on(Said)
    def _line(self, event: Said) -> None:
        event.stop()
        if self.running and event.run == self._run:
            self.said.append(event.text)
            self._tell(stay=True)
            self.query_one("#measured", Reader).scroll_end(animate=False)

    @on(_Ended)
    def _ended(self, event: _Ended) -> None:
        event.stop()
        if not self.running or event.run != self._run:
            return
        if event.ended is None or event.ended.code:
            last = self.said[-1] if self.said else ""
            self._over(event.sentence or last.removeprefix("Error: ") or "The measurement failed without a word.")
            return
        try:
            self.result = json.loads(event.ended.output)
            name = str(self.result["machine"]["id"])
        except (ValueError, KeyError, TypeError):
            self._over("The measurement ended, but its answer cannot be read.")
            return
        self._over("")
        self.post_message(self.Measured(name))

    def _over(self, verdict: str) -> None:
        self.running, self.verdict = False, verdict
        if self._clock is not None:
            self._clock.stop()
        self._tell()
        self._tick()

    # Drawing

    def _tick(self) -> None:
        line = self.query_one("#calibrating", Static)
        if self.running:
            whole = "20 s" if self._quick else "100 s"
            said = f"{monotonic() - self._began:.0f} s; {whole} of timing, then real models   "
            line.update(Content.assemble(("● measuring ", "bold $text-accent"), said, ("s stops", "underline")))
        elif self.verdict:
            line.update(Content.assemble(("✗ ", "bold $text-error"), self.verdict))
        elif self.result is not None:
            where = f": {self.result['written']}" if self.result.get("written") else ""
            line.update(Content.assemble(("✓ ", "bold $text-success"), f"added {self.result['machine']['id']}{where}"))
        else:
            line.update(Content.assemble("○ ", ("press s, or here, to start", "underline")))

    def _tell(self, *, stay: bool = False) -> None:
        self.query_one("#measured", Reader).read(
            Content(""),
            [
                ("What it does", None if self.said or self.result else ABOUT),
                ("What it writes", None if self.said or self.result else _written()),
                ("Measured", _measured(self.result) if self.result else None),
                ("Models of random weights that nothing was fitted on", _checks(self.result) if self.result else None),
                ("Not measured", listed(self.result["failures"]) if self.result else None),
                ("Progress", "\n".join(self.said) or None),
            ],
            stay=stay,
        )

    def on_click(self, event: Any) -> None:
        """A click on the line starts or stops."""
        if event.widget is self.query_one("#calibrating"):
            if self.running:
                self.action_stop()
            else:
                self.action_start()


def _written() -> str:
    from catalog.loader import overlay

    return (
        f"One file, {overlay() / 'machines'}/NAME.yaml, once all is measured; one of the same name is replaced. "
        "Stopped before, it writes nothing. Deleting the file takes the machine back."
    )


def _measured(result: dict[str, Any]) -> Any:
    pairs = [
        ("machine", result["machine"]["id"]),
        ("written to", result.get("written", "")),
        ("device", result["device"]),
    ]
    pairs += [("with", result["software"])]
    pairs += [("took", seconds_text(result["seconds"]))]
    for fit in result["fits"]:
        pairs.append((fit["block"], f"{fit['rows']} timings, median error {percent_text(fit['median_error'])}"))
    return facts(pairs)


def _checks(result: dict[str, Any]) -> Any:
    rows = []
    for c in result["checks"]:
        what = f"{c['model']}, {c['stage']} of {c['batch']} × {c['new']}" + (f" after {c['past']}" if c["past"] else "")
        told = f"predicted {seconds_text(c['predicted_s'])}, measured {seconds_text(c['measured_s'])}"
        sign = "+" if c["error"] >= 0 else "−"
        rows.append(f"{what}: {told}, {sign}{percent_text(abs(c['error']))}")
    return listed(rows)
