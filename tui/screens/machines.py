"""The Machines page: what is here first, every machine of the catalog, and what a model does on the picked ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, TabbedContent
from textual.worker import get_current_worker

from advisor import quantities
from catalog.errors import BadInput
from tui import machine_export
from tui.machine_list import HERE, Listed, columns, listed, matcher, with_detected
from tui.off_loop import off_loop
from tui.screens.page import Explanation, OpenPage, Page, State
from tui.widgets.calibrating import CalibratePane, command
from tui.widgets.form import Choice, Entry, Form
from tui.widgets.key_bar import KeyBar
from tui.widgets.machine_detail import Found, MachineDetail
from tui.widgets.page_bar import PageBar
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from advisor.detect import Detection
    from tui.app import WhicharchApp
    from tui.library import Library

PAUSE_S = 0.06
"""How long the cursor must rest before a machine is computed."""
PUBLISHED = ""
MOST = 64
"""Devices of one machine that can be picked."""
LENGTHS = ("128", "512", "1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k")
POWERS = ("1", "2", "4", "8", "16", "32", "64", "128", "256")


def _name(text: str, label: str) -> str:
    if not text:
        raise BadInput(f"{label}: name a model of the catalog, like llama-3.1-8b")
    return text


FIELDS = (
    Entry("model", "model", _name, "llama-3.1-8b", "", (), help="Which model runs; the first letters complete it."),
    Choice("weights", "weights", (("published", PUBLISHED),), PUBLISHED, help="Format of the weights."),
    Choice("cache", "cache", (("bf16", "bf16"),), "bf16", help="Format of the KV cache."),
    Entry("input_tokens", "prompt", quantities.tokens, "2k", "", LENGTHS, help="Length of the prompt."),
    Entry("output_tokens", "answer", quantities.tokens, "500", "", LENGTHS, help="Length of the answer."),
    Entry("batch", "batch", quantities.count, "8", "", POWERS, help="Requests at the same time."),
)


def look() -> Detection:
    """Recognise this computer; half a second of measuring its processor."""
    from advisor.detect import detect

    return detect()


def examine(
    name: str, place: str, devices: int, picks: Sequence[tuple[str, str, int]], load: Mapping[str, Any]
) -> Found:
    """Compute what there is to say about a machine under a load; some tens of milliseconds a pick.

    Args:
        name: Id of the machine.
        place: What it is found by: its id, or the path of its file.
        devices: That share each layer.
        picks: Id, place and devices of each machine to compare.
        load: Fields of ``Scenario``.
    """
    from advisor.breakdown import breakdown
    from advisor.machine_choice import best, placed
    from advisor.machine_prices import prices
    from advisor.machine_sheet import facts
    from catalog.loader import load_machine

    found, refusal = None, ""
    try:
        found = breakdown(machine=place, tp=devices, **load)
    except BadInput as error:
        refusal = str(error)
    ids = {place: name for name, place, _ in picks}
    choices = tuple(
        replace(choice, machine=ids[choice.machine]) for choice in placed([(at, n) for _, at, n in picks], **load)
    )
    return Found(facts(load_machine(place)), prices(name), found, refusal, choices, best(choices))


class MachinesScreen(Page):
    """Search, list, detail."""

    AUTO_FOCUS = "#machines"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", tooltip="Words, or facets such as >80gb <$3", id="machines.search"),
        Binding("space", "pick", "Pick", tooltip="Pick the machine, or put it back", id="machines.pick"),
        Binding("plus,equals_sign", "count(1)", "More", tooltip="One more device", id="machines.more"),
        Binding("minus", "count(-1)", "Fewer", tooltip="One device less", id="machines.fewer"),
        Binding("l", "load", "Load", tooltip="Change model, formats, lengths and batch", id="machines.load"),
        Binding("c", "tab(2)", "Compare", tooltip="The picked machines side by side", id="machines.side"),
        Binding("w", "plan", "Plan", tooltip="What to buy, of the picked machines", id="machines.plan"),
        Binding("d", "default", "Default", show=False, tooltip="Pages start with this machine", id="machines.default"),
        Binding("i", "add", "Add", show=False, tooltip="Put the detected machine into your catalog", id="machines.add"),
        Binding("C", "unpick", "Unpick all", show=False, id="machines.unpick"),
        Binding("1", "tab(0)", "Sheet", show=False, id="machines.sheet"),
        Binding("2", "tab(1)", "Roofline", show=False, id="machines.roofline"),
        Binding("3", "tab(2)", "Compare", show=False, id="machines.compare"),
        Binding("4", "tab(3)", "Prices", show=False, id="machines.prices"),
        Binding("5", "tab(4)", "Calibrate", show=False, id="machines.calibrate"),
    ]
    HELP = """
    # Machines

    Every machine of the catalog; what was found on this computer stands first, marked ⌂.

    Type words in the search line; all must appear in id, name, vendor, kind, memory, link or formats. Facets narrow
    further: `>80gb` memory, `>2tb/s` bandwidth, `<$3` price per hour, `>500tf` 16-bit peak, `<400w`, `kind:apple`,
    `vendor:amd`, `times:calibrated`.

    - Peaks are dense, in TFLOP/s; bandwidth is nominal. **times** says how times are known: measured here, calibrated
      kernel by kernel, by the medians of its class, or from the data sheet alone.
    - **Sheet**: every constant with its meaning, unit and source.
    - **Roofline**: FLOP/s over FLOP per byte. Each letter is an operator: CAPITALS in the prefill, small letters in a
      decode step. The slope is memory, ceilings are arithmetic; the table holds the same.
    - **Compare**: the model on all picked machines, ★ the best of each column. With nothing picked: this machine with
      1, 2, 4 and 8 devices.
    - **Calibrate** measures this computer and adds it to your own catalog.

    Space picks a machine, `+` and `-` change how many share each layer, `C` puts all back, `w` plans with them. `d`
    makes it the machine that pages start with. Keys `1` to `5` choose a tab, `l` the load, `v` the pass that is drawn.
    """

    @dataclass
    class Ready(Message):
        """The list is made, or made anew with what was detected."""

        rows: tuple[Listed, ...]
        notes: tuple[str, ...]
        last: bool
        """Whether nothing more is looked for."""

    @dataclass
    class Examined(Message):
        """A machine was computed under a load."""

        asked: tuple[Any, ...]
        found: Found

    @dataclass
    class Added(Message):
        """The user's catalog has changed."""

        machine: str
        path: str

    def __init__(self) -> None:
        super().__init__()
        self.row: Listed | None = None
        self.load: dict[str, Any] = {}
        self.picks: dict[str, int] = {}
        self.found: Found | None = None
        self._wanted: State | None = None
        self._own = TemporaryDirectory(prefix="whicharch-")
        self._places: dict[str, str] = {}
        self._follow = True
        self._asked: tuple[Any, ...] = ()

    def compose(self) -> ComposeResult:
        """Search and list at the left, load and detail at the right, or below in a narrow window."""
        yield PageBar("machines")
        with Container(id="browser"):
            with Vertical(id="list"):
                yield Input(placeholder="search: nvidia, >80gb, <$3, >2tb/s, fp8", id="search", compact=True)
                yield RowTable(columns(self.picks), lambda m: m.id, id="machines", empty="reading the catalog …")
            with Vertical(id="reading"):
                yield Form(FIELDS, id="load")
                yield MachineDetail(id="detail")
        yield KeyBar()

    def on_mount(self) -> None:
        """Name the list."""
        self.query_one("#machines").border_title = "Machines"
        self._show_load()

    def on_unmount(self) -> None:
        """Leave no files behind."""
        self._own.cleanup()

    # The catalog and this computer

    def library_read(self, library: Library) -> None:
        """List every machine, then what is here."""
        form = self.query_one("#load", Form)
        form.offer("weights", [("published", PUBLISHED), *((name, name) for name in library.formats)])
        form.offer("cache", [(name, name) for name in library.caches])
        names = [model.id for model in library.models if model.spec.is_disclosed]
        self.query_one("#field-model Input", Input).suggester = SuggestFromList(names, case_sensitive=False)
        values, problems = form.read()
        self.load = {} if problems else values
        self.list_machines(library)

    @off_loop("list")
    def list_machines(self, library: Library) -> Ready:
        """Look prices up and recognise this computer, off the event loop."""
        rows = listed(library.machines)
        if not get_current_worker().is_cancelled:
            self.post_message(self.Ready(rows, (), False))
        seen = look()
        rows = with_detected(rows, seen)
        self._write_own(rows)
        return self.Ready(rows, seen.notes, True)

    def _write_own(self, rows: tuple[Listed, ...]) -> None:
        """Give what was only detected a file, by which calculators find it."""
        from catalog.overlay import write_entry

        for row in rows:
            if not row.catalogued:
                path = Path(self._own.name) / f"{row.id}.yaml"
                write_entry(row.machine, path)
                self._places[row.id] = str(path)

    @on(Ready)
    def _ready(self, event: Ready) -> None:
        table = self.query_one("#machines", RowTable)
        table.empty = "no machine has all of these"
        first = self._follow and table.cursor == 0
        table.show_rows(event.rows, follow=not first)
        if first and event.last:
            self._follow = False
            preferred = cast("WhicharchApp", self.app).store.now.machine
            if preferred:
                table.go_to(preferred)
        accelerators = [row for row in event.rows if row.found and row.machine.kind != "cpu"]
        if event.last and not accelerators:
            table.tooltip = Content("\n".join(["No accelerator was found on this computer.", *event.notes]))
        count = len(accelerators)
        here = f" · {HERE} {count} accelerator{'s' if count > 1 else ''} here"
        self._count(here if accelerators else f" · {HERE} no accelerator found here" if event.last else " · looking …")
        if self._wanted is not None:
            self.restore(self._wanted)

    # Search

    @on(Input.Changed, "#search")
    def _typed(self, event: Input.Changed) -> None:
        self._search(event.value)

    def _search(self, query: str) -> None:
        self.query_one("#machines", RowTable).keep(matcher(query) if query.strip() else None)
        self._count()

    def _count(self, here: str | None = None) -> None:
        table = self.query_one("#machines", RowTable)
        if here is not None:
            self._here = here
        table.border_subtitle = f"{len(table.order):,} of {len(table.rows):,}{self._here}"

    _here = ""

    @on(Input.Submitted, "#search")
    def _entered(self) -> None:
        self.query_one("#machines").focus()

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

    @on(RowTable.Highlighted, "#machines")
    def _highlighted(self, event: RowTable.Highlighted) -> None:
        row: Listed | None = event.row
        if row is not None and row is not self.row:
            self.row = row
            self.refresh_bindings()
            self.settle()

    @on(Form.Changed, "#load")
    def _loaded(self, event: Form.Changed) -> None:
        if not event.problems and event.values != self.load and self.library is not None:
            self.load = event.values
            self.settle()

    @on(Input.Submitted, "#load Input")
    def _submitted(self) -> None:
        self.query_one(MachineDetail).focus_tab()

    @work(exclusive=True, group="settle")
    async def settle(self) -> None:
        """Wait until the cursor rests."""
        await asyncio.sleep(PAUSE_S)
        if self.row is not None and self.load:
            row, load, picks = self.row, dict(self.load), dict(self.picks)
            self.past.went(self.state())
            self._asked = (row.id, load, picks)
            self.compute(self._asked, row, self._devices(row), self._choices(row))

    def _devices(self, row: Listed) -> int:
        return self.picks.get(row.id, 1)

    def _choices(self, row: Listed) -> list[tuple[str, str, int]]:
        """What is compared: the picked machines, else this one with more and more devices."""
        if self.picks:
            return [(name, self._places.get(name, name), count) for name, count in self.picks.items()]
        most = row.machine.link.max_gpus
        return [(row.id, self._places.get(row.id, row.id), n) for n in (1, 2, 4, 8) if n <= most]

    @off_loop("compute", alone=True, about=lambda asked, *_: asked[0])
    def compute(
        self, asked: tuple[Any, ...], row: Listed, devices: int, choices: list[tuple[str, str, int]]
    ) -> Examined:
        """Compute off the event loop."""
        return self.Examined(asked, examine(row.id, self._places.get(row.id, row.id), devices, choices, asked[1]))

    @on(Examined)
    def _examined(self, event: Examined) -> None:
        if self.row is None or event.asked != self._asked:
            return
        self.found = event.found
        self._show()

    def _show(self) -> None:
        if self.row is None or self.found is None:
            return
        with self.app.batch_update():
            devices = self._devices(self.row)
            many = f"{devices} × " if devices > 1 else ""
            about = f"{self.load.get('model', '')} on {many}{self.row.id}"
            model = self.load.get("model", "")
            together = f"{model} on the picked machines" if self.picks else f"{about}, and on more of them"
            self.query_one(MachineDetail).show(self.row, self.found, about, together)
            form = self.query_one("#load", Form)
            if self.found.refusal:
                form.refuse(self.found.refusal)
            else:
                form.remark("")

    # Picks

    def action_pick(self) -> None:
        """Pick the highlighted machine, or put it back."""
        if self.row is None:
            return
        if self.row.id in self.picks:
            del self.picks[self.row.id]
        else:
            self.picks[self.row.id] = 1
        self._picked()
        self.query_one("#machines", RowTable).cursor += 1

    def action_count(self, change: int) -> None:
        """More or fewer devices of the highlighted machine; none puts it back."""
        if self.row is None:
            return
        devices = min(MOST, self._devices(self.row) + change)
        if devices > 0:
            self.picks[self.row.id] = devices
        else:
            self.picks.pop(self.row.id, None)
        self._picked()

    def action_unpick(self) -> None:
        """Put all picked machines back."""
        self.picks.clear()
        self._picked()

    def _picked(self) -> None:
        table = self.query_one("#machines", RowTable)
        picked = ", ".join(f"{count} × {name}" for name, count in self.picks.items())
        table.border_title = Content(f"Machines · picked: {picked}" if picked else "Machines")
        table.refresh()
        self.refresh_bindings()
        self.settle()

    # Other pages, settings, one's own catalog

    def action_plan(self) -> None:
        """Plan with the picked machines, or the highlighted one."""
        names = list(self.picks) or ([self.row.id] if self.row else [])
        known = [name for name in names if name not in self._places]
        if known:
            self.post_message(OpenPage("plan", {"put": {"machines": ", ".join(known)}}))
        else:
            self.notify("Only machines of a catalog can be planned with: i adds this one to yours.", timeout=4)

    def action_default(self) -> None:
        """Make it the machine that pages start with."""
        if self.row is None or self.row.id in self._places:
            self.notify("Only a machine of a catalog can be the default: i adds this one to yours.", timeout=4)
            return
        cast("WhicharchApp", self.app).keep(machine=self.row.id)
        self.notify(f"Pages start with {self.row.id} from now on.", timeout=3, markup=False)

    def action_add(self) -> None:
        """Put the detected machine into the user's catalog, as it was read."""
        if self.row is not None and not self.row.catalogued:
            self.write_machine(self.row)
        else:
            self.notify("It is in the catalog already.", timeout=3)

    @off_loop("add", overtakes=False)
    def write_machine(self, row: Listed) -> Added:
        """Write its file."""
        from catalog.overlay import add_machine

        return self.Added(row.id, str(add_machine(row.machine)))

    @on(CalibratePane.Measured)
    def _measured(self, event: CalibratePane.Measured) -> None:
        """The measurement wrote into the catalog: read it again."""
        self._wanted = {"machine": event.machine}
        self.read_again()

    @off_loop("add", overtakes=False)
    def read_again(self) -> Added:
        """Forget what was read."""
        from catalog.loader import refresh

        refresh()
        return self.Added("", "")

    @on(Added)
    def _added(self, event: Added) -> None:
        if event.path:
            self.notify(f"{event.machine} is in your catalog: {event.path}", timeout=6, markup=False)
            self._wanted = {"machine": event.machine}
        self._places.clear()
        self._follow = False
        cast("WhicharchApp", self.app).read_library()

    # Tabs

    @on(RowTable.Selected, "#machines")
    def _opened(self) -> None:
        self.query_one(MachineDetail).focus_tab()

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        """In a small window the detail takes the list's place while it is read."""
        self.set_class(self.query_one("#reading") in event.widget.ancestors_with_self, "-reading")

    def action_tab(self, index: int) -> None:
        """Choose a tab and go to it."""
        detail, name = self.query_one(MachineDetail), MachineDetail.TABS[index][0]
        reading = self.focused is not None and detail in self.focused.ancestors
        go = name == "calibrate" or reading or self.has_class("-narrow")
        if go:
            self.set_focus(None)  # a focused widget in a tab that hides would bring its tab back
        detail.active = name
        if go:
            self.call_after_refresh(detail.focus_tab)

    @on(TabbedContent.TabActivated)
    def _activated(self) -> None:
        self._show_load()
        self.refresh_bindings()

    def _show_load(self) -> None:
        self.query_one("#load").display = self.query_one(MachineDetail).active in MachineDetail.LOADED

    def action_load(self) -> None:
        """Go to the first field of the load; it is there where a model runs."""
        detail = self.query_one(MachineDetail)
        if detail.active not in MachineDetail.LOADED:
            detail.active = "roofline"
            self._show_load()
        self.call_after_refresh(self.query_one("#field-model Input").focus)

    # Hooks of the application

    def state(self) -> State:
        """Machine, picks and load, as plain data."""
        load = self.query_one("#load", Form).written()
        return {"machine": self.row.id if self.row else "", "picks": dict(self.picks), "load": load}

    def restore(self, state: State) -> None:
        """Return to a machine, and to picks and a load where they are given."""
        table = self.query_one("#machines", RowTable)
        if not table.rows:
            self._wanted = state
            return
        self._wanted = None
        if isinstance(picks := state.get("picks"), dict):
            self.picks.clear()
            self.picks.update({str(name): min(MOST, max(1, int(count))) for name, count in picks.items()})
            self._picked()
        if isinstance(load := state.get("load"), dict):
            self.query_one("#load", Form).put({n: v for n, v in load.items() if n in {f.name for f in FIELDS}})
        name = str(state.get("machine", ""))
        if name and not table.go_to(name):
            with self.prevent(Input.Changed):
                self.query_one("#search", Input).value = ""
            self._search("")
            if not table.go_to(name):
                self.notify(f"There is no machine {name} any more.", severity="warning", markup=False)
        table.focus()

    def display_changed(self) -> None:
        """Write every figure anew."""
        self.query_one("#machines", RowTable).show_rows(self.query_one("#machines", RowTable).rows)
        self.settle()

    def bookmark(self) -> str | None:
        """The machine and the model on it."""
        return None if self.row is None else f"{self.row.id}: {self.load.get('model', '')}"

    def equivalent(self) -> str:
        """The command line of the tab in view."""
        if self.row is None:
            return ""
        tab = self.query_one(MachineDetail).active
        if tab == "calibrate":
            values, _ = self.query_one("#calibration", Form).read()
            return " ".join(("whicharch", *command(values)))
        if tab in MachineDetail.LOADED:
            choices = self._choices(self.row) if tab == "compare" else [(self.row.id, "", self._devices(self.row))]
            more = " --roofline" if tab == "roofline" else ""
            return "\n".join(machine_export.estimate_line(name, n, self.load) + more for name, _, n in choices)
        return f"whicharch machine show {self.row.id}"

    def exports(self) -> Mapping[str, Callable[[], str]]:
        """The tab in view as data."""
        if self.row is None or self.found is None:
            return {}
        tab, row, found = self.query_one(MachineDetail).active, self.row, self.found
        rows = self.query_one("#machines", RowTable)
        return machine_export.texts(tab, row, found, [rows.rows[i] for i in rows.order])

    def explained(self) -> Explanation | None:
        """The time of the pass that the roofline's cursor is in."""
        if self.row is None or self.query_one(MachineDetail).active != "roofline" or self.found is None:
            return None
        dot = self.query_one("#dots", RowTable).row
        if dot is None:
            return None
        place, devices, load = self._places.get(self.row.id, self.row.id), self._devices(self.row), dict(self.load)
        quantity = "decode" if dot.stage == "decode" else "prefill"

        def text() -> str:
            return machine_export.explanation(quantity, {**load, "machine": place, "tp": devices})

        return Explanation(f"{quantity} of {load.get('model')} on {self.row.id}", text)
