"""The Machines page: what is here first, every machine of the catalog, and what a model does on the picked ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input
from textual.worker import get_current_worker

from tui import machine_export
from tui.machine_cells import HERE, Listed, listed, with_detected
from tui.machine_fields import FIELDS, PUBLISHED
from tui.machine_findings import examine, look
from tui.machine_formulas import formula
from tui.machine_picks import Picks, Places
from tui.off_loop import off_loop
from tui.screens.page import Explanation, OpenModel, OpenPage, Page, State
from tui.widgets.calibrating import CalibratePane, command
from tui.widgets.form import EntryField, Form
from tui.widgets.key_bar import KeyBar
from tui.widgets.machine_detail import Found, MachineDetail
from tui.widgets.machine_list import MachineList
from tui.widgets.page_bar import PageBar
from tui.widgets.row_table import RowTable
from tui.widgets.tabbed import Tabbed

if TYPE_CHECKING:
    from tui.app import WhicharchApp
    from tui.library import Library

PAUSE_S = 0.06
"""How long the cursor must rest before a machine is computed."""


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
        Binding("A", "ask", "Ask", tooltip="Ask again, on the picked machines", id="machines.ask"),
        Binding("M", "models", "Models", tooltip="The model on this machine, in full", id="machines.models"),
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

    Space picks a machine, `+` and `-` change how many share each layer, `C` puts all back. With the picked machines, or
    the highlighted one, `A` asks again what Ask holds, `M` opens the model on Models, and `w` plans. `d` makes it the
    machine that pages start with. Keys `1` to `5` choose a tab, `l` the load, `v` the pass that is drawn. `e` shows
    formulas and sources of the tab in view.
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
        self.picks = Picks()
        self.found: Found | None = None
        self._wanted: State | None = None
        self._places = Places()
        self._follow = True
        self._asked: tuple[Any, ...] = ()

    def compose(self) -> ComposeResult:
        """Search and list at the left, load and detail at the right, or below in a narrow window."""
        yield PageBar("machines")
        with Container(id="browser"):
            yield MachineList(self.picks, id="list")
            with Vertical(id="reading"):
                yield Form(FIELDS, id="load", label=9)
                yield MachineDetail(id="detail")
        yield KeyBar()

    def on_mount(self) -> None:
        """Show the fields of the tab in view."""
        self._show_load()

    def on_unmount(self) -> None:
        """Leave no files behind."""
        self._places.remove()

    @property
    def machines(self) -> MachineList:
        """Search and machines."""
        return self.query_one(MachineList)

    # The catalog and this computer

    def library_read(self, library: Library) -> None:
        """List every machine, then what is here."""
        form = self.query_one("#load", Form)
        form.offer("weights", [("published", PUBLISHED), *((name, name) for name in library.formats)])
        form.offer("cache", [(name, name) for name in library.caches])
        names = [model.id for model in library.models if model.spec.is_disclosed]
        model = form.field("model")
        assert isinstance(model, EntryField)
        model.suggester = SuggestFromList(names, case_sensitive=False)
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
        self._places.write(rows)
        return self.Ready(rows, seen.notes, True)

    @on(Ready)
    def _ready(self, event: Ready) -> None:
        table = self.machines.table
        first = self._follow and table.cursor == 0
        accelerators = [row for row in event.rows if row.found and row.machine.kind != "cpu"]
        count = len(accelerators)
        here = f" · {HERE} {count} accelerator{'s' if count > 1 else ''} here"
        none = f" · {HERE} no accelerator found here" if event.last else " · looking …"
        self.machines.fill(event.rows, here if accelerators else none, follow=not first)
        if event.last and not accelerators:
            table.tooltip = Content("\n".join(["No accelerator was found on this computer.", *event.notes]))
        if first and event.last:
            self._follow = False
            preferred = cast("WhicharchApp", self.app).store.now.machine
            if preferred:
                table.go_to(preferred)
        if self._wanted is not None:
            self.restore(self._wanted)

    # Search

    @on(Input.Submitted, "#search")
    def _entered(self) -> None:
        self.query_one("#machines").focus()

    def action_search(self) -> None:
        """Go to the search line."""
        self.query_one("#search").focus()

    def action_back(self) -> None:
        """Escape clears the search, then leaves it; from the detail it returns to the list."""
        if not self.machines.clear():
            super().action_back()

    # From the cursor to findings

    @on(MachineList.Highlighted)
    def _highlighted(self, event: MachineList.Highlighted) -> None:
        if event.row is not None and event.row is not self.row:
            self.row = event.row
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
        if self.row is not None and self.load and self.query("#load"):
            row, load, picks = self.row, dict(self.load), dict(self.picks)
            self.past.went(self.state())
            self._asked = (row.id, load, picks)
            choices = [(name, self._places.of(name), count) for name, count in self.picks.compared(row)]
            self.compute(self._asked, row, self.picks.devices(row.id), choices)

    @off_loop("compute", alone=True, about=lambda asked, *_: asked[0])
    def compute(
        self, asked: tuple[Any, ...], row: Listed, devices: int, choices: list[tuple[str, str, int]]
    ) -> Examined:
        """Compute off the event loop."""
        return self.Examined(asked, examine(row.id, self._places.of(row.id), devices, choices, asked[1]))

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
            devices = self.picks.devices(self.row.id)
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
        if self.row is not None:
            self.picks.toggle(self.row.id)
            self._picked()
            self.machines.table.cursor += 1

    def action_count(self, change: int) -> None:
        """More or fewer devices of the highlighted machine; none puts it back."""
        if self.row is not None:
            self.picks.count(self.row.id, change)
            self._picked()

    def action_unpick(self) -> None:
        """Put all picked machines back."""
        self.picks.clear()
        self._picked()

    def _picked(self) -> None:
        self.machines.show_picks()
        self.refresh_bindings()
        self.settle()

    # Other pages, settings, one's own catalog

    def _chosen(self) -> dict[str, int]:
        """The picked machines, or the highlighted one, by devices; only those that a catalog holds can be named."""
        chosen = dict(self.picks) or ({self.row.id: 1} if self.row else {})
        known = {name: count for name, count in chosen.items() if name not in self._places}
        if chosen and not known:
            self.notify("Other pages know only machines of a catalog: i adds this one to yours.", timeout=4)
        return known

    def action_plan(self) -> None:
        """Plan with the picked machines, or the highlighted one."""
        if known := self._chosen():
            self.post_message(OpenPage("plan", {"put": {"machines": ", ".join(known)}}))

    def action_ask(self) -> None:
        """Ask what asks now, on the picked machines, or the highlighted one."""
        if known := self._chosen():
            counts = set(known.values())
            wishes = {"machines": list(known), "max_gpus": max(counts) if counts != {1} else None}
            self.post_message(OpenPage("ask", {"put": wishes}))
            if len(counts) > 1:
                self.notify(f"Ask takes one number of devices for all of them: at most {max(counts)}.", timeout=5)

    def action_models(self) -> None:
        """Show the load's model on the Models page, on the highlighted machine."""
        if self.row is not None and (known := self._chosen()):
            name = self.row.id if self.row.id in known else next(iter(known))
            load = self.query_one("#load", Form).written()
            model = str(load.pop("model"))
            self.post_message(OpenModel(model, {**load, "machine": name, "tp": str(known[name])}))

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

    @on(Tabbed.Turned)
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
        self.call_after_refresh(self.query_one("#load", Form).field("model").focus)

    # Hooks of the application

    def state(self) -> State:
        """Machine, picks and load, as plain data."""
        load = self.query_one("#load", Form).written()
        return {"machine": self.row.id if self.row else "", "picks": dict(self.picks), "load": load}

    def restore(self, state: State) -> None:
        """Return to a machine, and to picks and a load where they are given."""
        if not self.machines.table.rows:
            self._wanted = state
            return
        self._wanted = None
        if isinstance(picks := state.get("picks"), dict):
            self.picks.put(picks)
            self._picked()
        if isinstance(load := state.get("load"), dict):
            self.query_one("#load", Form).put({n: v for n, v in load.items() if n in {f.name for f in FIELDS}})
        self.machines.go_to(str(state.get("machine", "")))
        self.machines.table.focus()

    def display_changed(self) -> None:
        """Write every figure anew."""
        self.machines.redraw()
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
            alone = [(self.row.id, self.picks.devices(self.row.id))]
            choices = self.picks.compared(self.row) if tab == "compare" else alone
            more = " --roofline" if tab == "roofline" else ""
            detected = [name for name, _ in choices if name in self._places]
            files = {name: machine_export.detected_file(name) for name in detected}
            lines = [machine_export.detect_line(name) for name in dict.fromkeys(detected)]
            lines += [machine_export.estimate_line(files.get(name, name), n, self.load) + more for name, n in choices]
            return "\n".join(lines)
        return "whicharch machine detect" if self.row.id in self._places else f"whicharch machine show {self.row.id}"

    def exports(self) -> Mapping[str, Callable[[], str]]:
        """The tab in view as data."""
        if self.row is None or self.found is None:
            return {}
        tab, row, found = self.query_one(MachineDetail).active, self.row, self.found
        rows = self.machines.table
        return machine_export.texts(tab, row, found, [rows.rows[i] for i in rows.order])

    def explained(self) -> Explanation | None:
        """Formulas of the tab in view; of a table those of the row under its cursor."""
        if self.row is None or self.found is None:
            return None
        detail = self.query_one(MachineDetail)
        return formula(detail.active, self.row, self.found, detail.point, self.load, self._places.of)
